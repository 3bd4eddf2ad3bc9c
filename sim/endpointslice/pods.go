package endpointslice

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
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
	c.file(rec.Key, now, rec.Type)

	var selecting, selected []apiserver.Key
	if rec.Type == watch.Deleted {
		selected = c.selecting(rec.Key.Namespace, now.Labels)
	} else {
		selecting = c.selecting(rec.Key.Namespace, now.Labels)
		selected = selecting
		if was != nil && !maps.Equal(was.Labels, now.Labels) {
			selected = c.selecting(rec.Key.Namespace, was.Labels)
		}
	}
	for _, key := range selected {
		r := c.rosters[key]
		r.dirty[rec.Key.Name] = struct{}{}
		if !slices.Contains(selecting, key) {
			delete(r.members, rec.Key.Name)
		}
	}
	for _, key := range selecting {
		r := c.rosters[key]
		r.dirty[rec.Key.Name] = struct{}{}
		r.members[rec.Key.Name] = struct{}{}
	}
	for _, key := range concerned(rec.Type, was, now, selected, selecting) {
		c.queue.Add(env, key)
	}
}

// file keeps the indices of pods by namespace and by node.
func (c *Controller) file(key apiserver.Key, now *corev1.Pod, typ watch.EventType) {
	names := c.pods[key.Namespace]
	switch {
	case typ == watch.Deleted:
		delete(names, key.Name)
	case names == nil:
		c.pods[key.Namespace] = map[string]struct{}{key.Name: {}}
	default:
		names[key.Name] = struct{}{}
	}
	node := now.Spec.NodeName
	if node == "" {
		return
	}
	here := c.onNode[node]
	switch {
	case typ == watch.Deleted:
		if delete(here, key); len(here) == 0 {
			delete(c.onNode, node)
		}
	case here == nil:
		c.onNode[node] = map[apiserver.Key]struct{}{key: {}}
	default:
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
	both := union(selected, selecting)
	switch {
	case isEndpointChanged(was, now):
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
	return !maps.Equal(was.Labels, now.Labels) ||
		was.Spec.Hostname != now.Spec.Hostname || was.Spec.Subdomain != now.Spec.Subdomain
}

// isSeenLater reports whether a change of a pod, though no sync is for it, shows
// in one that is for something else: the pod's end, or the time since when it is
// ready or not.
func isSeenLater(was, now *corev1.Pod) bool {
	since := func(p *corev1.Pod) (t metav1.Time) {
		if c := readyCondition(p); c != nil {
			t = c.LastTransitionTime
		}
		return t
	}
	a, b := since(was), since(now)
	return !a.Equal(&b) || hasEndpoint(was) != hasEndpoint(now)
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
