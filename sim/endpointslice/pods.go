package endpointslice

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Heeds implements controller.Selective: of a pod's changes, those that a slice
// shows or that a selector sees, whether or not they cause a sync.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	now, isPod := rec.Object.(*corev1.Pod)
	was, _ := rec.Old.(*corev1.Pod)
	return !isPod || was == nil || rec.Type != watch.Modified || isEndpointChanged(was, now) || isMembershipChanged(was, now) || isSeenLater(was, now)
}

// observePod marks a changed pod in the rosters of the Services that select it
// or did, and queues those that upstream would.
func (c *Controller) observePod(env *controller.Env, rec *apiserver.Record) {
	now, _ := rec.Object.(*corev1.Pod)
	was, _ := rec.Old.(*corev1.Pod)
	c.file(rec.Key, was, now, rec.Type)

	selecting := c.selecting(rec.Key.Namespace, now.Labels)
	selected := selecting
	isMember := false // already, of those that select it
	switch {
	case rec.Type == watch.Deleted:
		selecting = nil
	case was != nil && !shared.Equal(was.Labels, now.Labels):
		selected = c.selecting(rec.Key.Namespace, was.Labels)
	default:
		isMember = rec.Type == watch.Modified && was != nil
	}
	for _, key := range selected {
		if r := c.rosters[key]; !slices.Contains(selecting, key) {
			r.dirty[rec.Key.Name] = struct{}{}
			delete(r.members, rec.Key.Name)
		}
	}
	for _, key := range selecting {
		r := c.rosters[key]
		r.dirty[rec.Key.Name] = struct{}{}
		if !isMember {
			r.members[rec.Key.Name] = struct{}{}
		}
	}
	for _, key := range concerned(rec.Type, was, now, selected, selecting) {
		c.queue.Add(env, key)
	}
}

// file keeps the index of pods with an endpoint by node.
func (c *Controller) file(key apiserver.Key, was, now *corev1.Pod, typ watch.EventType) {
	had := typ == watch.Deleted && hasEndpoint(now) || was != nil && hasEndpoint(was)
	has := typ != watch.Deleted && hasEndpoint(now)
	if had && has && was.Spec.NodeName == now.Spec.NodeName {
		return
	}
	if had {
		node := cmp.Or(was, now).Spec.NodeName
		here := c.onNode[node]
		if delete(here, key); len(here) == 0 {
			delete(c.onNode, node)
		}
	}
	if has {
		here := c.onNode[now.Spec.NodeName]
		if here == nil {
			here = map[apiserver.Key]struct{}{}
			c.onNode[now.Spec.NodeName] = here
		}
		here[key] = struct{}{}
	}
}

// concerned picks, of the Services that selected a pod before and those that do
// now, the ones that its change queues (GetServicesToUpdate): all of them if the
// pod's endpoint may have changed, else those that it joined or left.
func concerned(typ watch.EventType, was, now *corev1.Pod, selected, selecting []apiserver.Key) []apiserver.Key {
	if typ == watch.Deleted {
		return selected
	}
	if typ == watch.Added || was == nil {
		return selecting
	}
	isChanged := isEndpointChanged(was, now)
	if slices.Equal(selected, selecting) { // it neither joined any nor left any
		if isChanged {
			return selecting
		}
		return nil
	}
	switch both := union(selected, selecting); {
	case isChanged:
		return both
	case isMembershipChanged(was, now):
		return slices.DeleteFunc(both, func(k apiserver.Key) bool {
			return slices.Contains(selected, k) && slices.Contains(selecting, k)
		})
	}
	return nil
}

// union merges two ascending lists of keys.
func union(a, b []apiserver.Key) []apiserver.Key {
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, apiserver.Key.Compare)
	return slices.Compact(all)
}

// isMembershipChanged reports whether a pod may have joined or left Services.
func isMembershipChanged(was, now *corev1.Pod) bool {
	return !shared.Equal(was.Labels, now.Labels) ||
		was.Spec.Hostname != now.Spec.Hostname || was.Spec.Subdomain != now.Spec.Subdomain
}

// isSeenLater reports whether a change of a pod, though no sync is for it, shows
// in one that is for something else: the pod's end, the time since when it is
// ready or not, or the node of its endpoint.
func isSeenLater(was, now *corev1.Pod) bool {
	since := func(p *corev1.Pod) (t metav1.Time) {
		if c := readyCondition(p); c != nil {
			t = c.LastTransitionTime
		}
		return t
	}
	a, b := since(was), since(now)
	return !a.Equal(&b) || hasEndpoint(was) != hasEndpoint(now) || hasEndpoint(now) && was.Spec.NodeName != now.Spec.NodeName
}

// isEndpointChanged reports whether a change of a pod is one that upstream takes
// for a change of its endpoint (podEndpointsChanged). It compares the pointers
// of the deletion timestamps, so that every write to a terminating pod counts;
// and it does not look at the phase.
func isEndpointChanged(was, now *corev1.Pod) bool {
	return was.DeletionTimestamp != nil || now.DeletionTimestamp != nil ||
		isReady(was) != isReady(now) || !hasSameIPs(was, now)
}

func hasSameIPs(a, b *corev1.Pod) bool {
	return slices.EqualFunc(a.Status.PodIPs, b.Status.PodIPs, func(x, y corev1.PodIP) bool { return x.IP == y.IP })
}
