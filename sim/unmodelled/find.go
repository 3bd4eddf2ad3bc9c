package unmodelled

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Found is something that a real cluster acts on in an object and this one does
// not.
type Found struct {
	Kind apiserver.Kind
	Key  apiserver.Key
	// Path is the field, "spec.template.spec.hostNetwork"; empty means the object
	// as a whole.
	Path string
	// Why is what a real cluster does, "its controller creates pods".
	Why string
	// Role is the kind's: Acted unless the object as a whole is meant.
	Role Role

	entry int // of the list, from 1; 0 for the kind
}

// Entry returns a number that is the same for all that one entry of the list
// finds in objects of one kind.
func (f Found) Entry() int { return int(f.Kind)<<16 | f.entry }

// String is what stands behind "Warning: " at apply.
func (f Found) String() string {
	if f.Path == "" {
		return fmt.Sprintf("no controller acts on %s here; it is stored, and that is all: in a real cluster %s", f.Kind, f.Why)
	}
	return fmt.Sprintf("%s: nothing acts on it here; it is stored, and that is all: in a real cluster %s", f.Path, f.Why)
}

// In returns what is found in an object, in the order of its fields.
func In(obj apiserver.Object) []Found {
	kind := apiserver.KindOf(obj)
	f := Found{Kind: kind, Key: apiserver.KeyOf(obj)}
	switch role, why := About(kind); role {
	case Runs, Decides:
		f.Role, f.Why = role, why
		return []Found{f}
	case Read, Quiet:
		return nil
	}
	var found []Found
	visit(reflect.ValueOf(obj).Elem(), "", func(path string, entry int) {
		f.Path, f.Why, f.entry = path, fields[entry].told, entry+1
		found = append(found, f)
	})
	return found
}

// plan is what is to be looked at in a type.
type plan struct {
	steps []step
}

// step is a field of a type which is on the list, or may hold one that is.
type step struct {
	index int
	name  string // as in JSON; empty if it is inlined
	entry int    // on the list; -1 if it is not told itself
	into  bool   // there is something inside
}

// plans are made once: what they say follows from the list.
var plans = func() map[reflect.Type]*plan {
	entries := map[reflect.Type]map[string]int{}
	for i, f := range fields {
		if f.told == "" {
			continue
		}
		t := reflect.TypeOf(f.of)
		if entries[t] == nil {
			entries[t] = map[string]int{}
		}
		for _, name := range strings.Fields(f.names) {
			entries[t][name] = i
		}
	}
	made := map[reflect.Type]*plan{}
	for _, kind := range apiserver.Kinds() {
		if role, _ := About(kind); role == Acted {
			prepare(reflect.TypeOf(kind.New()).Elem(), entries, made)
		}
	}
	return made
}()

// prepare makes the plan of a type and of those inside, and reports whether
// there is anything to look at.
func prepare(t reflect.Type, entries map[reflect.Type]map[string]int, made map[reflect.Type]*plan) bool {
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.PkgPath(), "k8s.io/api/") {
		return false
	}
	if p := made[t]; p != nil {
		return len(p.steps) > 0
	}
	p := &plan{}
	made[t] = p
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		entry, told := entries[t][f.Name]
		s := step{index: i, name: name, entry: -1}
		if told {
			s.entry = entry
		} else {
			s.into = prepare(inner(f.Type), entries, made)
		}
		if told || s.into {
			p.steps = append(p.steps, s)
		}
	}
	return len(p.steps) > 0
}

// inner is the type within pointers, lists and maps.
func inner(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

// visit calls see with every field of v that is told.
func visit(v reflect.Value, path string, see func(path string, entry int)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Elem(), path, see)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), fmt.Sprintf("%s[%d]", path, i), see)
		}
	case reflect.Struct:
		p := plans[v.Type()]
		if p == nil {
			return
		}
		for _, s := range p.steps {
			f := v.Field(s.index)
			if f.IsZero() {
				continue
			}
			at := strings.TrimPrefix(path+"."+s.name, ".")
			if s.name == "" {
				at = path
			}
			if s.entry >= 0 && isTold(&fields[s.entry], f) {
				see(at, s.entry)
			} else if s.into {
				visit(f, at, see)
			}
		}
	}
}

// isTold reports whether a field is told for its value, which is not zero.
func isTold(f *Field, v reflect.Value) bool {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return len(f.values) == 0 || slices.Contains(f.values, fmt.Sprint(v.Interface()))
}
