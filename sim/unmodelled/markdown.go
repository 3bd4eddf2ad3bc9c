package unmodelled

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Markdown returns the list as the README has it.
func Markdown() string {
	var b strings.Builder
	for _, of := range []struct {
		role  Role
		title string
	}{{Runs, "Stored, not run"}, {Decides, "Stored, and decide nothing"}} {
		var names []string
		for _, kind := range apiserver.Kinds() {
			if role, _ := About(kind); role == of.role && (len(names) == 0 || names[len(names)-1] != kind.String()) {
				names = append(names, kind.String())
			}
		}
		item(&b, of.title, names)
	}
	var names []string
	for _, f := range fields {
		if f.told == "" {
			continue
		}
		t := reflect.TypeOf(f.of)
		for _, name := range strings.Fields(f.names) {
			field, _ := t.FieldByName(name) // a test looks that all are there
			json, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			text := fmt.Sprintf("`%s.%s`", t.Name(), json)
			if len(f.values) > 0 {
				text += " (" + strings.Join(f.values, ", ") + ")"
			}
			names = append(names, text)
		}
	}
	item(&b, "Fields that are stored, and nothing acts on them", names)
	return b.String()
}

// item writes an item of a list, in lines of at most 90 characters where that goes.
func item(b *strings.Builder, title string, names []string) {
	line := "- " + title + ":"
	for i, name := range names {
		end := ","
		if i == len(names)-1 {
			end = "."
		}
		if len(line)+1+len(name)+len(end) > 90 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + name + end
	}
	b.WriteString(line + "\n")
}
