package scheduler

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Ruin destroys all state of a scheduler, so that a fork which shares any of it
// goes wrong.
func (s *Scheduler) Ruin() {
	for _, key := range slices.SortedFunc(maps.Keys(s.pods), apiserver.Key.Compare) {
		s.forget(key)
	}
	for _, n := range slices.Clone(s.cluster.Nodes()) {
		s.cluster.RemoveNode(n.Name())
	}
	for _, e := range s.queue.All() {
		e.Message, e.Pod = "ruined", plugin.NewPod(&corev1.Pod{})
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.nominated.nodes), apiserver.Key.Compare) {
		s.nominated.remove(key)
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.groups.services), apiserver.Key.Compare) {
		s.groups.setService(key, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(s.storage.seen)) {
		s.storage.setVolume(name, nil)
	}
	for _, t := range s.tasks { // each by itself
		if t.entry != nil {
			t.entry.Message, t.entry.Pod = "ruined", plugin.NewPod(&corev1.Pod{})
		}
		clear(t.volumes)
		clear(t.claims)
		t.done = 99
	}
	clear(s.storage.claims)
	clear(s.storage.assumed)
	clear(s.storage.classes)
	clear(s.preempting)
	clear(s.budgets)
}
