package statefulset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// hashLabel carries a revision's hash.
const hashLabel = "controller.kubernetes.io/hash"

// revisionHash is S6's hash of a revision's data.
func revisionHash(data []byte, collisions int32) string {
	h := fnv.New32()
	h.Write(data)
	h.Write(strconv.AppendInt(nil, int64(collisions), 10))
	return rand.SafeEncodeString(strconv.FormatUint(uint64(h.Sum32()), 10))
}

// revisionName puts set and hash together, the set's name cut to 223 bytes.
func revisionName(set, hash string) string {
	return set[:min(len(set), 223)] + "-" + hash
}

// newRevision builds the revision that the set asks for (SSU, newRevision).
func newRevision(set *appsv1.StatefulSet, data []byte, number int64, collisions int32) *appsv1.ControllerRevision {
	hash := revisionHash(data, collisions)
	labels := make(map[string]string, len(set.Spec.Template.Labels)+1)
	maps.Copy(labels, set.Spec.Template.Labels)
	labels[hashLabel] = hash
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name:            revisionName(set.Name, hash),
			Namespace:       set.Namespace,
			Labels:          labels,
			Annotations:     set.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, setKind)},
		},
		Data:     runtime.RawExtension{Raw: data},
		Revision: number,
	}
}

// renamed returns the revision under the name that it has after collisions. The
// hash label stays as it was, as upstream's does.
func renamed(r *appsv1.ControllerRevision, set string, collisions int32) *appsv1.ControllerRevision {
	c := *r
	c.Name = revisionName(set, revisionHash(r.Data.Raw, collisions))
	return &c
}

// compareRevisions orders revisions by number, then age, then name.
func compareRevisions(a, b *appsv1.ControllerRevision) int {
	return cmp.Or(
		cmp.Compare(a.Revision, b.Revision),
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		strings.Compare(a.Name, b.Name))
}

func sameData(a, b *appsv1.ControllerRevision) bool { return bytes.Equal(a.Data.Raw, b.Data.Raw) }

// restore returns the set's spec as of a revision: its own, with whatever the
// revision's data says in its place (SSU, ApplyRevision).
func restore(set *appsv1.StatefulSet, r *appsv1.ControllerRevision) (*appsv1.StatefulSetSpec, error) {
	if template := replacement(r.Data.Raw); template != nil {
		spec := set.Spec
		spec.Template = *template
		return &spec, nil
	}
	return merge(set, r)
}

// replacement returns the template that a revision has in the place of the set's,
// or nil if it says anything else, as none of the controller's own does.
func replacement(data []byte) *corev1.PodTemplateSpec {
	var patch struct {
		Spec struct {
			Template struct {
				corev1.PodTemplateSpec
				Patch string `json:"$patch"`
			} `json:"template"`
		} `json:"spec"`
	}
	strict, err := kjson.UnmarshalStrict(data, &patch)
	if err != nil || len(strict) > 0 || patch.Spec.Template.Patch != "replace" {
		return nil
	}
	return &patch.Spec.Template.PodTemplateSpec
}

// merge is restore, whatever the revision says.
func merge(set *appsv1.StatefulSet, r *appsv1.ControllerRevision) (*appsv1.StatefulSetSpec, error) {
	raw, err := json.Marshal(apiserver.WithKind(set))
	if err != nil {
		return nil, err
	}
	patched, err := strategicpatch.StrategicMergePatch(raw, r.Data.Raw, &appsv1.StatefulSet{})
	if err != nil {
		return nil, err
	}
	var restored appsv1.StatefulSet
	if err := json.Unmarshal(patched, &restored); err != nil {
		return nil, err
	}
	return &restored.Spec, nil
}

// equalOnceDefaulted is S7's semantic comparison: would going back to revision r
// and filling in today's defaults give the wanted data?
func equalOnceDefaulted(set *appsv1.StatefulSet, data []byte, r *appsv1.ControllerRevision) bool {
	spec, err := restore(set, r)
	if err != nil {
		return false
	}
	old := &appsv1.StatefulSet{ObjectMeta: set.ObjectMeta, Spec: *spec}
	defaults.Set(old)
	again, err := podcontrol.RevisionData(&old.Spec.Template)
	return err == nil && bytes.Equal(again, data)
}

// edition is a set's spec as of one revision.
type edition struct {
	revision string
	spec     *appsv1.StatefulSetSpec
	meta     *metav1.ObjectMeta // of podMeta
}

// editionOf restores a revision, unless the set's own spec is that revision.
// What was restored is kept as long as the set has the template: the pods of a
// revision share theirs. Of a spec as of a revision nothing is used but the
// template and the service's name, which is immutable.
func (c *Controller) editionOf(set *appsv1.StatefulSet, b *blueprint, r *appsv1.ControllerRevision) (edition, error) {
	if bytes.Equal(b.data, r.Data.Raw) {
		return edition{r.Name, &set.Spec, b.meta}, nil
	}
	for i := range b.editions {
		if b.editions[i].revision == r.Name && bytes.Equal(b.editions[i].data, r.Data.Raw) {
			return edition{r.Name, b.editions[i].spec, b.meta}, nil
		}
	}
	spec, err := restore(set, r)
	if err != nil {
		return edition{}, err // as it is: upstream adds nothing (SSC, updateStatefulSet)
	}
	kept := append([]restored(nil), b.editions...)
	b.editions = append(kept[max(0, len(kept)-3):], restored{r.Name, r.Data.Raw, spec})
	return edition{r.Name, spec, b.meta}, nil
}

// blueprint is what a set's spec gives for revisions, computed once for each
// template.
type blueprint struct {
	generation int64 // the latest that has the template
	template   *corev1.PodTemplateSpec
	data       []byte             `state:"immutable"`
	equal      string             // "name/resourceVersion" of the revision found equal once defaulted
	editions   []restored         `state:"immutable"` // replaced, never changed
	meta       *metav1.ObjectMeta // of podMeta

	owned, free, listed []*appsv1.ControllerRevision `state:"immutable"` // of listRevisions
}

type restored struct {
	revision string
	data     []byte
	spec     *appsv1.StatefulSetSpec
}
