package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// attempts bounds how often upstream is asked for another order of its errors.
const attempts = 32

// request is something that a user asks of the API server.
type request struct {
	kind    kind
	obj     object
	old     object // nil for a creation
	status  bool
	options validation.Options
	changes []string // what tells obj from its base, and old from its own
}

func (r *request) verb() string {
	switch {
	case r.old == nil:
		return "create"
	case r.status:
		return "update the status of"
	}
	return "update"
}

// verdict is what a server says about a request.
type verdict struct {
	defaulted object // nil for a status
	prepared  object
	errs      []string
}

// diff compares the two servers' verdicts; "" means that they are equal. It
// returns upstream's errors too.
func (r *request) diff() (string, []string) {
	theirs, again := r.upstream()
	ours := r.ours()
	var b strings.Builder
	if r.options.MaxUnavailable { // package defaults: Deviation
		r.diffObjects(&b, "defaulted", theirs.defaulted, ours.defaulted)
	}
	if len(theirs.errs) == 0 {
		r.diffObjects(&b, "prepared", theirs.prepared, ours.prepared)
	}
	if !slices.Equal(theirs.errs, ours.errs) {
		r.diffErrors(&b, theirs.errs, ours.errs, again)
	}
	if b.Len() == 0 {
		return "", theirs.errs
	}
	return fmt.Sprintf("%s %s %s (%s)\n%s", r.verb(), r.kind.gvk.Kind, r.obj.GetName(), strings.Join(r.changes, "; "), b.String()), theirs.errs
}

func (r *request) diffObjects(b *strings.Builder, what string, theirs, ours object) {
	if theirs == nil || apiequality.Semantic.DeepEqual(theirs, ours) {
		return
	}
	fmt.Fprintf(b, "%s (-upstream +ours):\n%s", what, cmp.Diff(theirs, ours, cmpopts.EquateEmpty()))
}

// diffErrors compares errors that are not equal one by one.
func (r *request) diffErrors(b *strings.Builder, theirs, ours []string, again func() []string) {
	sorted := func(l []string) []string { return slices.Sorted(slices.Values(l)) }
	varies, alike := false, slices.Equal(sorted(theirs), sorted(ours))
	for range attempts {
		next := again()
		if slices.Equal(next, ours) {
			return
		}
		varies = varies || !slices.Equal(next, theirs)
		alike = alike || slices.Equal(sorted(next), sorted(ours))
	}
	switch {
	case !alike:
		b.WriteString("errors (-upstream +ours):\n")
		writeMissing(b, "-", theirs, ours)
		writeMissing(b, "+", ours, theirs)
	case varies, slices.ContainsFunc(theirs, func(s string) bool { return strings.HasPrefix(s, "metadata.generateName") }):
	default:
		fmt.Fprintf(b, "order of errors:\n  upstream: %s\n  ours:     %s\n", strings.Join(theirs, "\n            "), strings.Join(ours, "\n            "))
	}
}

// writeMissing writes the lines of one list that the other has not.
func writeMissing(b *strings.Builder, sign string, list, other []string) {
	for _, line := range list {
		if !slices.Contains(other, line) {
			fmt.Fprintf(b, "%s %s\n", sign, line)
		}
	}
}

// upstream asks the real API server's code. again asks for the errors once more.
func (r *request) upstream() (v verdict, again func() []string) {
	subresource := ""
	if r.status {
		subresource = "status"
	}
	u := newUpstream(r.kind, r.obj, subresource)
	if r.old == nil {
		in := u.defaulted(r.obj)
		v.defaulted = normal(u.external(in))
		u.prepareCreate(in)
		v.prepared = normal(u.external(in))
		again = func() []string { return texts(u.validateCreate(in)) }
	} else {
		in, old := u.defaulted(r.obj), u.defaulted(r.old)
		if !r.status {
			v.defaulted = normal(u.external(in))
		}
		u.prepareUpdate(in, old, r.status)
		v.prepared = normal(u.external(in))
		again = func() []string { return texts(u.validateUpdate(in, old, r.status)) }
	}
	v.errs = again()
	return v, again
}

// ours asks sim/apiserver's.
func (r *request) ours() (v verdict) {
	obj := r.obj.DeepCopyObject().(object)
	if r.old == nil {
		defaults.Set(obj)
		v.defaulted = normal(obj)
		validation.Disable(obj, r.options)
		validation.PrepareCreate(obj)
		v.prepared = normal(obj)
		v.errs = texts(validation.Create(obj, r.options))
		return v
	}
	old := r.old.DeepCopyObject().(object)
	if r.status {
		defaults.SetStatus(obj)
		validation.PrepareStatusUpdate(obj, old)
		v.prepared = normal(obj)
		v.errs = texts(validation.UpdateStatus(obj, old))
		return v
	}
	defaults.Set(obj)
	v.defaulted = normal(obj)
	validation.Disable(obj, r.options)
	validation.PrepareUpdate(obj, old)
	v.prepared = normal(obj)
	v.errs = texts(validation.Update(obj, old, r.options))
	return v
}

// normal returns a copy without what upstream takes from its clock.
func normal(obj object) object {
	obj = obj.DeepCopyObject().(object)
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	switch o := obj.(type) {
	case *corev1.PersistentVolume:
		o.Status.LastPhaseTransitionTime = nil
	case *corev1.Pod:
		for i := range o.Status.Conditions {
			o.Status.Conditions[i].LastTransitionTime = metav1.Time{}
		}
	}
	return obj
}

// texts renders errors, equal ones once (apierrors.NewInvalid).
func texts(errs field.ErrorList) []string {
	var list []string
	seen := map[string]bool{}
	for _, e := range errs {
		if text := e.Error(); !seen[text] && text != allocated {
			seen[text] = true
			list = append(list, text)
		}
	}
	return list
}

// allocated is what upstream's storage prevents: it allocates before the
// strategy is asked.
const allocated = "spec.healthCheckNodePort: Required value"

// decode makes an object of a tree, or nil if its JSON is none of the kind.
func (k kind) decode(tree map[string]any) object {
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	obj := k.new()
	if json.Unmarshal(text, obj) != nil {
		return nil
	}
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return obj
}

// tree is the other way round.
func treeOf(obj runtime.Object) map[string]any {
	text, err := json.Marshal(obj)
	if err != nil {
		panic(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		panic(err)
	}
	return tree
}
