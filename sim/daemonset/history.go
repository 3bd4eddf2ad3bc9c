package daemonset

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// constructHistory finds or makes the revision of the set's template, and returns its
// hash and the other revisions (W21, constructHistory).
func (s *sync) constructHistory() (hash string, old []*appsv1.ControllerRevision, err error) {
	data := controller.Read(s.Replay, func(controller.View) []byte {
		data, err := podcontrol.RevisionData(&s.set.Spec.Template)
		if err != nil {
			panic(fmt.Sprintf("daemonset: the template of %v cannot be encoded: %v", s.key, err)) // it was decoded
		}
		return data
	})
	histories, err := s.claimRevisions()
	if err != nil {
		return "", nil, err
	}
	var current []*appsv1.ControllerRevision
	for _, h := range histories {
		if _, ok := h.Labels[hashLabel]; !ok {
			labelled := h.DeepCopy()
			if labelled.Labels == nil {
				labelled.Labels = map[string]string{}
			}
			labelled.Labels[hashLabel] = h.Name
			if h, err = s.updateRevision(labelled); err != nil {
				return "", nil, err
			}
		}
		if bytes.Equal(h.Data.Raw, data) {
			current = append(current, h)
		} else {
			old = append(old, h)
		}
	}
	number := int64(1)
	for _, h := range old {
		number = max(number, h.Revision+1)
	}
	if len(current) == 0 {
		hash, err = s.snapshot(data, number)
		return hash, old, err
	}
	cur, err := s.dedup(current)
	if err != nil {
		return "", nil, err
	}
	if cur.Revision < number {
		raised := *cur
		raised.Revision = number
		if _, err := s.updateRevision(&raised); err != nil {
			return "", nil, err
		}
	}
	return cur.Labels[hashLabel], old, nil
}

func (s *sync) updateRevision(r *appsv1.ControllerRevision) (*appsv1.ControllerRevision, error) {
	res := s.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r), Object: r})
	if res.Err != nil {
		return nil, res.Err
	}
	return res.Object.(*appsv1.ControllerRevision), nil
}

func (s *sync) deleteRevision(r *appsv1.ControllerRevision) error {
	return s.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r)}).Err
}

// claimRevisions returns the revisions of the set, after it has released and adopted
// what there is to (controlledHistories), by name.
func (s *sync) claimRevisions() ([]*appsv1.ControllerRevision, error) {
	type kin struct {
		mine             []*appsv1.ControllerRevision
		misfits, orphans []apiserver.Object
	}
	k := controller.Read(s.Replay, func(controller.View) *kin {
		k, selector, byName := &kin{}, selectorOf(s.set), s.c.revisions[s.set.Namespace]
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			r := byName[name]
			fits := selector.Matches(labels.Set(r.Labels))
			switch ref := metav1.GetControllerOfNoCopy(r); {
			case ref == nil && fits && r.DeletionTimestamp == nil:
				k.orphans = append(k.orphans, r)
			case ref == nil || ref.UID != s.set.UID:
			case fits:
				k.mine = append(k.mine, r)
			default:
				k.misfits = append(k.misfits, r)
			}
		}
		return k
	})
	claimer := podcontrol.Claimer{Owner: s.set, OwnerKind: apiserver.DaemonSet, Patched: func(apiserver.Object) {}}
	adopted, err := claimer.Claim(s.Replay, k.misfits, k.orphans)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(k.mine)
	for _, obj := range adopted {
		list = append(list, obj.(*appsv1.ControllerRevision))
	}
	slices.SortFunc(list, func(a, b *appsv1.ControllerRevision) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// snapshot creates the revision of the template and returns its hash.
func (s *sync) snapshot(data []byte, number int64) (string, error) {
	hash := podcontrol.TemplateHash(&s.set.Spec.Template, s.set.Status.CollisionCount)
	own := map[string]string{hashLabel: hash}
	for k, v := range s.set.Spec.Template.Labels { // into a map
		if k != hashLabel {
			own[k] = v
		}
	}
	r := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.set.Name + "-" + hash, Namespace: s.set.Namespace, Labels: own, Annotations: s.set.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(s.set, apiserver.DaemonSet.GroupVersionKind())},
		},
		Data:     runtime.RawExtension{Raw: data},
		Revision: number,
	}
	res := s.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r), Object: r})
	switch {
	case res.Err == nil:
		return hash, nil
	case !apierrors.IsAlreadyExists(res.Err):
		return "", res.Err
	}
	return s.collided(r, res.Err)
}

// collided finds out who has the name of the new revision: it is the one, if the
// watch was late; if not, the next name is tried in the next sync.
func (s *sync) collided(r *appsv1.ControllerRevision, conflict error) (string, error) {
	found := s.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r)})
	if found.Err != nil {
		return "", found.Err
	}
	if same := found.Object.(*appsv1.ControllerRevision); bytes.Equal(same.Data.Raw, r.Data.Raw) {
		return same.Labels[hashLabel], nil
	}
	live := s.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.DaemonSet, Key: s.key})
	if live.Err != nil {
		return "", live.Err
	}
	set := *live.Object.(*appsv1.DaemonSet)
	is, was := collisions(&set), collisions(s.set)
	if is != was {
		return "", fmt.Errorf("found a stale collision count (%d, expected %d) of DaemonSet %q while processing; will retry until it is updated", was, is, s.set.Name)
	}
	set.Status.CollisionCount = new(is + 1)
	if res := s.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.DaemonSet, Key: s.key, Object: &set}); res.Err != nil {
		return "", res.Err
	}
	return "", conflict
}

func collisions(set *appsv1.DaemonSet) int32 {
	if set.Status.CollisionCount == nil {
		return 0
	}
	return *set.Status.CollisionCount
}

// dedup keeps the newest of several revisions of one template, and gives the pods of
// the others its hash (dedupCurHistories).
func (s *sync) dedup(current []*appsv1.ControllerRevision) (*appsv1.ControllerRevision, error) {
	if len(current) == 1 {
		return current[0], nil
	}
	keep := current[0]
	for _, r := range current {
		if r.Revision >= keep.Revision {
			keep = r
		}
	}
	hash := keep.Labels[hashLabel]
	adopted, err := s.claim()
	if err != nil {
		return nil, err
	}
	pods := controller.Read(s.Replay, func(controller.View) []*corev1.Pod {
		r := s.c.rosterOf(s.key)
		list := slices.Clone(adopted)
		for _, name := range slices.Sorted(maps.Keys(r.pods)) {
			if r.set != nil && r.claims(r.pods[name]) {
				list = append(list, r.pods[name])
			}
		}
		return list
	})
	for _, pod := range pods {
		if pod.Labels[hashLabel] == hash {
			continue
		}
		patch := apiserver.RawPatch{Type: types.MergePatchType, Data: fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, hashLabel, hash)}
		if res := s.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Patch: patch}); res.Err != nil {
			return nil, res.Err
		}
	}
	for _, r := range current {
		if r.Name == keep.Name {
			continue
		}
		if err := s.deleteRevision(r); err != nil {
			return nil, err
		}
	}
	return keep, nil
}

// cleanUp deletes the oldest revisions beyond the limit that no pod has
// (cleanupHistory).
func (s *sync) cleanUp(old []*appsv1.ControllerRevision) error {
	adopted, err := s.claimed()
	if err != nil {
		return err
	}
	excess := len(old) - int(*s.set.Spec.RevisionHistoryLimit)
	if excess <= 0 {
		return nil
	}
	alive := controller.Read(s.Replay, func(controller.View) map[string]bool {
		alive := map[string]bool{}
		r := s.c.rosterOf(s.key)
		for _, pod := range r.pods { // a set
			if r.set != nil && r.claims(pod) {
				alive[pod.Labels[hashLabel]] = true
			}
		}
		for _, pod := range adopted {
			alive[pod.Labels[hashLabel]] = true
		}
		return alive
	})
	old = slices.SortedStableFunc(slices.Values(old), func(a, b *appsv1.ControllerRevision) int { return cmp.Compare(a.Revision, b.Revision) })
	for _, r := range old {
		if hash := r.Labels[hashLabel]; hash != "" && alive[hash] {
			continue
		}
		if err := s.deleteRevision(r); err != nil {
			return err
		}
		if excess--; excess == 0 {
			return nil
		}
	}
	return nil
}
