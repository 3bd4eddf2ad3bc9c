package registry

import (
	"encoding/json"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// made is the creation of an object that JSON describes.
func made(text string) *call {
	var tree map[string]any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		panic(err)
	}
	c := &call{Verb: "create", Kind: tree["kind"].(string), Object: tree}
	c.Namespace, _ = tree["metadata"].(map[string]any)["namespace"].(string)
	return c
}

// readable reports whether a tree is one of a kind's form.
func readable(kind apiserver.Kind, tree map[string]any) bool {
	text, err := json.Marshal(tree)
	return err == nil && json.Unmarshal(text, kind.New()) == nil
}

// editMeta changes the metadata of a tree in one place.
func (w *world) editMeta(tree map[string]any) {
	m := tree["metadata"].(map[string]any)
	owner := func(uid, kind string, controller bool) any {
		o := map[string]any{"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": uid}
		if controller {
			o["controller"] = true
		}
		if w.chance(3) {
			o["blockOwnerDeletion"] = w.chance(2)
		}
		return o
	}
	switch w.IntN(18) {
	case 0, 1, 2:
		m["finalizers"] = pick(w, []any{"example.com/f"}, []any{"example.com/f", "example.com/g"}, []any{"example.com/f", "example.com/f"},
			[]any{"unqualified"}, []any{"foregroundDeletion"}, []any{"orphan"}, []any{"foregroundDeletion", "orphan"})
	case 3, 4, 5:
		m["finalizers"] = []any{}
	case 6, 7:
		m["ownerReferences"] = pick(w, []any{owner("u1", "StatefulSet", true)}, []any{owner("u1", "StatefulSet", false), owner("u2", "StatefulSet", false)},
			[]any{owner("u1", "StatefulSet", true), owner("u2", "StatefulSet", true)}, []any{owner("", "StatefulSet", false)}, []any{owner("u1", "", false)},
			[]any{owner("u1", "StatefulSet", false), owner("u1", "StatefulSet", false)}, []any{})
	case 8:
		m["labels"] = pick(w, map[string]any{"app": "web"}, map[string]any{"app": "x", "k": "v"}, map[string]any{"bad key!": "v"}, map[string]any{"k": "bad value!"})
	case 9:
		m["annotations"] = pick(w, map[string]any{"a.b/c": "d"}, map[string]any{"bad key!": "v"}, map[string]any{})
	case 10:
		m["resourceVersion"] = pick(w, "", "1", "9999", "word", "0")
	case 11:
		m["uid"] = pick(w, "", "4c5d7a1e-0000-4000-8000-000000000000")
	case 12:
		m["name"] = pick(w, "", "b", "elsewise")
	case 13:
		m["generation"] = pick(w, 0.0, 7.0, -1.0)
	case 14:
		m["deletionTimestamp"] = pick(w, any(nil), "2026-03-03T00:00:00Z")
	case 15:
		m["deletionGracePeriodSeconds"] = pick(w, any(nil), 0.0, 7.0)
	case 16:
		m["creationTimestamp"] = pick(w, any(nil), "2020-03-03T00:00:00Z")
	case 17:
		m["generateName"] = pick(w, "", "x-", "Bad_")
	}
}

// common changes what users of the kind change most.
func (w *world) common(tree map[string]any) {
	spec, _ := tree["spec"].(map[string]any)
	if spec == nil {
		w.change(tree, w.prefix())
		return
	}
	switch w.kind {
	case apiserver.StatefulSet:
		if w.chance(2) {
			spec["replicas"] = float64(w.IntN(6))
			return
		}
		containersOf(spec["template"])[0].(map[string]any)["image"] = pick(w, "nginx:1", "nginx:2", "")
	case apiserver.Pod:
		if w.chance(2) {
			spec["activeDeadlineSeconds"] = float64(pick(w, 5, 50, 500))
			return
		}
		containersOf(tree)[0].(map[string]any)["image"] = pick(w, "nginx:1", "nginx:2", "")
	case apiserver.PersistentVolumeClaim:
		if w.chance(3) {
			spec["volumeName"] = pick(w, "pv", "pv2")
			return
		}
		spec["resources"] = map[string]any{"requests": map[string]any{"storage": pick(w, "1Gi", "5Gi", "9Gi", "20Gi")}}
	case apiserver.PersistentVolume:
		spec["claimRef"] = pick(w, any(nil), any(map[string]any{"namespace": "default", "name": "a"}), any(map[string]any{"namespace": "default", "name": "a", "uid": "u"}))
	case apiserver.Service:
		spec["type"] = pick(w, "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
		if spec["type"] == "ExternalName" {
			spec["externalName"] = "a.b"
		}
	case apiserver.PodDisruptionBudget:
		spec["minAvailable"] = pick(w, any(1.0), any("50%"), any(-1.0))
	default:
		w.change(tree, w.prefix())
	}
}

// containersOf returns the containers of a pod or a template.
func containersOf(tree any) []any {
	return tree.(map[string]any)["spec"].(map[string]any)["containers"].([]any)
}
