package api

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

//go:embed testdata/bases.yaml
var basesYAML string

// bases returns the valid objects of a kind.
func bases(k kind) []map[string]any {
	var list []map[string]any
	for _, doc := range strings.Split(basesYAML, "\n---\n") {
		var tree map[string]any
		if err := yaml.Unmarshal([]byte(doc), &tree); err != nil {
			panic(fmt.Sprintf("api: testdata/bases.yaml: %v", err))
		}
		if tree["kind"] == k.gvk.Kind {
			delete(tree, "kind")
			delete(tree, "apiVersion")
			list = append(list, tree)
		}
	}
	return list
}

// stored returns an object as it lies in the store after its creation, with the
// status that it was given, or nil if upstream refuses it.
func stored(k kind, tree map[string]any) object {
	obj := k.decode(tree)
	if obj == nil {
		return nil
	}
	u := newUpstream(k, obj, "")
	in := u.defaulted(obj)
	filled := treeOf(u.external(in))
	u.prepareCreate(in)
	if len(u.validateCreate(in)) > 0 {
		return nil
	}
	obj = u.external(in)
	obj.SetUID(types.UID("u"))
	obj.SetResourceVersion("1")
	if k.status == nil {
		return k.decode(treeOf(obj))
	}
	next := treeOf(obj)
	next["status"] = filled["status"]
	u = newUpstream(k, obj, "status")
	in, old := u.internal(k.decode(next)), u.internal(obj)
	u.prepareUpdate(in, old, true)
	if len(u.validateUpdate(in, old, true)) > 0 {
		return nil
	}
	return k.decode(treeOf(u.external(in)))
}

// drawRequest draws a request about one of the valid objects of a kind, changed
// in up to two places.
func drawRequest(t *rapid.T, k kind, bases []map[string]any) *request {
	tree := clone(rapid.SampledFrom(bases).Draw(t, "base"))
	r := &request{kind: k}
	typ := reflect.TypeOf(k.new()).Elem()
	verbs := []string{"create", "update"}
	if k.status != nil {
		verbs = append(verbs, "status")
	}
	verb := rapid.SampledFrom(verbs).Draw(t, "verb")
	prefix := ""
	if verb != "create" {
		tree = r.drawOld(t, tree, typ)
	}
	if r.status = verb == "status"; r.status && rapid.IntRange(0, 9).Draw(t, "elsewhere") < 9 {
		prefix = ".status"
	}
	for range rapid.IntRange(1, 2).Draw(t, "changes") {
		r.changes = append(r.changes, mutate(t, tree, typ, prefix))
	}
	if r.obj = k.decode(tree); r.obj == nil {
		return nil
	}
	if r.old != nil { // the server answers otherwise before any strategy
		r.obj.SetNamespace(r.old.GetNamespace())
		r.obj.SetName(r.old.GetName())
		r.obj.SetUID(r.old.GetUID())
		r.obj.SetResourceVersion(r.old.GetResourceVersion())
		r.obj.SetGeneration(r.old.GetGeneration())
		r.obj.SetDeletionTimestamp(r.old.GetDeletionTimestamp())
		r.obj.SetDeletionGracePeriodSeconds(r.old.GetDeletionGracePeriodSeconds())
	}
	return r
}

// drawOld draws what is stored: the base itself or a valid variant. It returns
// a tree of it.
func (r *request) drawOld(t *rapid.T, tree map[string]any, typ reflect.Type) map[string]any {
	base := stored(r.kind, tree)
	r.old = base // TestBases: it is valid
	if rapid.Bool().Draw(t, "variant") {
		variant := clone(tree)
		change := mutate(t, variant, typ, "")
		if old := stored(r.kind, variant); old != nil && old.GetName() != "" {
			r.old, r.changes = old, append(r.changes, "old "+change)
		}
	}
	return treeOf(r.old)
}
