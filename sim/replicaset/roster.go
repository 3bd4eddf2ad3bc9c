package replicaset

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// roster counts the pods that a ReplicaSet controls: enough for a sync without a
// walk over them. The pods are there before the set is known, and counted then.
type roster struct {
	pods map[string]*corev1.Pod
	set  *appsv1.ReplicaSet // by which they are counted; nil if it is not known

	selector, template labels.Selector

	tally
	misfits  map[string]bool      // active pods that the selector does not match
	ripening map[string]time.Time // ready pods that were not available at the last look: when they are
}

// tally is how many pods there are of each sort, among those that the selector
// matches.
type tally struct {
	active, labelled, ready, available, terminating int
}

// take has the pods counted for a set as it is now.
func (r *roster) take(set *appsv1.ReplicaSet) {
	old := r.set
	r.set = set
	if old != nil && apiequality.Semantic.DeepEqual(old.Spec.Selector, set.Spec.Selector) &&
		old.Spec.MinReadySeconds == set.Spec.MinReadySeconds && maps.Equal(old.Spec.Template.Labels, set.Spec.Template.Labels) {
		return
	}
	var err error
	if r.selector, err = metav1.LabelSelectorAsSelector(set.Spec.Selector); err != nil {
		r.selector = labels.Nothing()
	}
	r.template = labels.Set(set.Spec.Template.Labels).AsSelectorPreValidated()
	r.tally, r.misfits, r.ripening = tally{}, nil, nil
	for _, pod := range r.pods { // sums and sets
		r.count(pod, 1)
	}
}

// observe takes a pod's state into the counts; nil is for a pod that is gone.
func (r *roster) observe(name string, pod *corev1.Pod) {
	if old := r.pods[name]; old != nil {
		r.count(old, -1)
		delete(r.pods, name)
	}
	if pod != nil {
		if r.pods == nil {
			r.pods = map[string]*corev1.Pod{}
		}
		r.pods[name] = pod
		r.count(pod, 1)
	}
}

// count adds a pod to the counts, or takes it from them.
func (r *roster) count(pod *corev1.Pod, n int) {
	if r.set == nil {
		return
	}
	switch fits := r.selector.Matches(labels.Set(pod.Labels)); {
	case podcontrol.IsActive(pod) && fits:
		r.countActive(pod, n)
	case podcontrol.IsActive(pod):
		if n < 0 {
			delete(r.misfits, pod.Name)
			break
		}
		if r.misfits == nil {
			r.misfits = map[string]bool{}
		}
		r.misfits[pod.Name] = true
	case podcontrol.IsTerminating(pod) && fits:
		r.terminating += n
	}
}

func (r *roster) countActive(pod *corev1.Pod, n int) {
	r.active += n
	if r.template.Matches(labels.Set(pod.Labels)) {
		r.labelled += n
	}
	if !podcontrol.IsReady(pod) {
		return
	}
	r.ready += n
	at, ever := podcontrol.AvailableAt(pod, r.set.Spec.MinReadySeconds)
	_, ripens := r.ripening[pod.Name]
	switch {
	case n < 0 && ripens:
		delete(r.ripening, pod.Name)
	case n < 0 && ever, at.IsZero() && ever:
		r.available += n
	case ever:
		if r.ripening == nil {
			r.ripening = map[string]time.Time{}
		}
		r.ripening[pod.Name] = at
	}
}

// ripen counts as available what has become so, and returns when the others will.
func (r *roster) ripen(now time.Time) []time.Time {
	var later []time.Time
	for name, at := range r.ripening { // sums, and what is sorted
		if at.After(now) {
			later = append(later, at)
			continue
		}
		delete(r.ripening, name)
		r.available++
	}
	slices.SortFunc(later, time.Time.Compare)
	return later
}

// chosen returns the pods of names, in their order.
func (r *roster) chosen(names map[string]bool) []apiserver.Object {
	var list []apiserver.Object
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, r.pods[name])
	}
	return list
}

// activePods returns the active pods that the selector matches, by name.
func (r *roster) activePods() []*corev1.Pod {
	var list []*corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(r.pods)) {
		if pod := r.pods[name]; podcontrol.IsActive(pod) && !r.misfits[name] {
			list = append(list, pod)
		}
	}
	return list
}
