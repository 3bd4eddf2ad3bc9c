package garbagecollector

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// dropOwners removes the references to some owners: what the strategic merge
// patch of GenerateDeleteOwnerRefStrategicMergeBytes does.
type dropOwners struct{ Owners uids }

// Apply implements apiserver.Patcher.
func (p dropOwners) Apply(obj apiserver.Object) (apiserver.Object, error) {
	refs := obj.GetOwnerReferences()
	kept := without(refs, func(o metav1.OwnerReference) bool { return slices.Contains(p.Owners, o.UID) })
	if len(kept) == len(refs) {
		return obj, nil
	}
	if hasTwins(kept) {
		gone := make([]map[string]any, len(p.Owners))
		for i, uid := range p.Owners {
			gone[i] = map[string]any{"$patch": "delete", "uid": uid}
		}
		return mergeOwners(obj, gone)
	}
	next := apiserver.ShallowCopy(obj)
	next.SetOwnerReferences(kept)
	return next, nil
}

// unblockOwners makes all of an object's references not block their owners
// (unblockOwnerReferencesStrategicMergePatch).
type unblockOwners struct{}

// Apply implements apiserver.Patcher.
func (unblockOwners) Apply(obj apiserver.Object) (apiserver.Object, error) {
	refs := slices.Clone(obj.GetOwnerReferences())
	var loosened []metav1.OwnerReference
	for i := range refs {
		if isBlocking(refs[i]) {
			refs[i].BlockOwnerDeletion = new(bool)
			loosened = append(loosened, refs[i])
		}
	}
	switch {
	case loosened == nil:
		return obj, nil
	case hasTwins(refs):
		return mergeOwners(obj, loosened)
	}
	next := apiserver.ShallowCopy(obj)
	next.SetOwnerReferences(refs)
	return next, nil
}

// hasTwins reports whether two references have one UID, which is what a
// strategic merge knows references by: it puts twins side by side.
func hasTwins(refs []metav1.OwnerReference) bool {
	for i := range refs {
		if slices.ContainsFunc(refs[:i], func(o metav1.OwnerReference) bool { return o.UID == refs[i].UID }) {
			return true
		}
	}
	return false
}

// mergeOwners merges references into those of an object, as the server does.
func mergeOwners(obj apiserver.Object, refs any) (apiserver.Object, error) {
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"ownerReferences": refs}})
	if err != nil {
		return nil, err
	}
	return apiserver.RawPatch{Type: types.StrategicMergePatchType, Data: string(data)}.Apply(obj)
}
