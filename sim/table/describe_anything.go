package table

import (
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// anything writes an object of a kind without a page of its own, field by
// field, as kubectl describes ControllerRevisions and custom resources
// (genericDescriber).
func (p *page) anything(obj apiserver.Object) {
	p.line(0, "Name:\t%s", obj.GetName())
	p.line(0, "Namespace:\t%s", obj.GetNamespace())
	p.labels("", "Labels", obj.GetLabels())
	p.annotations("Annotations", obj.GetAnnotations())
	fields, err := content(obj)
	if err != nil {
		p.line(0, "Error:\t%v", err)
		return
	}
	if meta, ok := fields["metadata"].(map[string]any); ok {
		for _, shown := range []string{"name", "namespace", "labels", "annotations"} {
			delete(meta, shown)
		}
	}
	p.fields(0, fields)
}

func (p *page) fields(level int, fields map[string]any) {
	for _, name := range sortedKeys(fields) {
		switch v := fields[name].(type) {
		case map[string]any:
			p.line(level, "%s:", titleOf(name))
			p.fields(level+1, v)
		case []any:
			p.line(level, "%s:", titleOf(name))
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					p.fields(level+1, m)
				} else {
					p.line(level+1, "%v", item)
				}
			}
		default:
			p.line(level, "%s:\t%v", titleOf(name), v)
		}
	}
}

// titleOf turns a field's name into words: "collisionCount" into "Collision
// Count", "uid" into "UID" (smartLabelFor). Names with anything but letters
// and dashes stay.
func titleOf(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) {
		return name
	}
	words := splitCamel(name)
	for i := 0; i+1 < len(words); i++ {
		if w := words[i]; len(w) >= 2 && strings.ToUpper(w) == w && unicode.IsUpper(rune(words[i+1][0])) {
			words[i] += words[i+1]
			words = slices.Delete(words, i+1, i+2)
		}
	}
	for i, w := range words {
		switch upper := strings.ToUpper(w); {
		case slices.Contains([]string{"API", "URL", "UID", "GUID"}, upper):
			words[i] = upper
		case strings.ToLower(w) == w:
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// splitCamel parts a name where the class of letters changes; the last capital
// of several belongs to the word that follows.
func splitCamel(name string) []string {
	class := func(r rune) int {
		switch {
		case unicode.IsLower(r):
			return 1
		case unicode.IsUpper(r):
			return 2
		}
		return 3
	}
	var words []string
	last := 0
	for _, r := range name {
		c := class(r)
		n := len(words)
		switch {
		case c == last:
			words[n-1] += string(r)
		case c == 1 && last == 2:
			w := words[n-1]
			words = append(words[:n-1], w[:len(w)-1], w[len(w)-1:]+string(r))
			if words[n-1] == "" {
				words = slices.Delete(words, n-1, n)
			}
		default:
			words = append(words, string(r))
		}
		last = c
	}
	return words
}

// content is an object as it is on the wire, with its kind and without managed
// fields. The caller owns it.
func content(obj apiserver.Object) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, err
	}
	if kind := apiserver.KindOf(obj); kind != 0 {
		fields["apiVersion"], fields["kind"] = kind.GroupVersionKind().ToAPIVersionAndKind()
	}
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
	}
	return fields, nil
}
