package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

func isResponsible(pod *corev1.Pod) bool { return pod.Spec.SchedulerName == Name }

func isAssigned(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" }

// isTerminal reports whether a pod has ended: the scheduler's watch leaves such
// pods out, so that one which ends looks deleted to it.
func isTerminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// observePod sorts a pod's record (addPod, updatePod, deletePod): pods on nodes
// go to the cache, those without to the queue.
func (s *Scheduler) observePod(env *controller.Env, rec *apiserver.Record) {
	pod := rec.Object.(*corev1.Pod)
	old, _ := rec.Old.(*corev1.Pod)
	delete(s.foreign, rec.Key)
	if rec.Type != watch.Deleted && isTerminal(pod) && old == nil {
		return
	}
	switch {
	case rec.Type == watch.Deleted || isTerminal(pod):
		s.deletePod(env, rec.Key, pod)
	case isAssigned(pod):
		if old != nil && !isAssigned(old) {
			s.queue.Delete(rec.Key)
			s.nominated.remove(rec.Key)
		}
		s.setAssigned(env, rec.Key, pod)
	case !isResponsible(pod):
		s.foreign[rec.Key] = pod.Spec.SchedulerName
	case old == nil:
		p := plugin.NewPod(pod)
		s.nominated.set(p, pod.Status.NominatedNodeName)
		s.queue.Add(env.Now(), p)
	default:
		s.updatePending(env, rec.Key, old, pod)
	}
}

// setAssigned takes over a state of a pod that is on a node.
func (s *Scheduler) setAssigned(env *controller.Env, key apiserver.Key, pod *corev1.Pod) {
	known := s.pods[key]
	if known != nil && known.pod.UID != pod.UID {
		s.forget(key)
		known = nil
	}
	if known == nil {
		p := plugin.NewPod(pod)
		s.pods[key] = &cached{pod: p}
		s.cluster.AddPod(p)
		s.wakeForPod(env, plugin.Add, nil, pod)
		return
	}
	was := known.pod
	p := was.Renew(pod)
	s.cluster.Replace(was, p)
	known.pod = p
	if known.assumed {
		known.assumed = false
		s.wakeForPod(env, plugin.Add, nil, pod)
		return
	}
	if s.queue.Waiting() > 0 {
		for _, action := range plugin.PodActions(was, p) {
			s.wakeForPod(env, action, was.Pod, pod)
		}
	}
}

func (s *Scheduler) wakeForPod(env *controller.Env, action plugin.Action, old, pod *corev1.Pod) {
	s.wake(env, plugin.Event{Resource: plugin.AssignedPod, Action: action, Pod: plugin.Change[*corev1.Pod]{Old: old, New: pod}})
}

// updatePending takes over a newer state of a pod without a node
// (updatePodInSchedulingQueue).
func (s *Scheduler) updatePending(env *controller.Env, key apiserver.Key, old, pod *corev1.Pod) {
	if known := s.pods[key]; known != nil && known.pod.UID == pod.UID {
		if pod.DeletionTimestamp != nil && old.DeletionTimestamp == nil {
			s.forget(key)
			s.wakeForPod(env, plugin.Delete, known.pod.Placed(), nil)
		}
		return
	}
	e := s.queue.Get(key)
	if e == nil {
		p := plugin.NewPod(pod)
		s.nominated.set(p, pod.Status.NominatedNodeName)
		s.queue.Add(env.Now(), p)
		return
	}
	was := e.Pod
	p := was.Renew(pod)
	s.nominated.renew(old, p)
	s.queue.Renew(e, p)
	for _, action := range plugin.PodActions(was, p) {
		ev := plugin.Event{Resource: plugin.TargetPod, Action: action, Pod: plugin.Change[*corev1.Pod]{Old: old, New: pod}}
		if ev.MayHelp(s.cluster, p, e.Rejectors) {
			s.queue.Wake(env.Now(), e)
			break
		}
	}
	if n := old.Status.NominatedNodeName; n != "" && n != pod.Status.NominatedNodeName {
		s.wakeAtMost(env, old, p.Priority)
	}
}

// wakeAtMost wakes what the end of a pod would help, of its priority or less.
func (s *Scheduler) wakeAtMost(env *controller.Env, gone *corev1.Pod, priority int32) {
	ev := plugin.Event{Resource: plugin.AssignedPod, Action: plugin.Delete, Pod: plugin.Change[*corev1.Pod]{Old: gone}}
	if !s.queue.Wakes(ev.Interest()) {
		return
	}
	for _, e := range s.queue.Unschedulable() {
		if e.Pod.Priority <= priority && ev.MayHelp(s.cluster, e.Pod, e.Rejectors) {
			s.queue.Wake(env.Now(), e)
		}
	}
}

// deletePod forgets a pod that is gone.
func (s *Scheduler) deletePod(env *controller.Env, key apiserver.Key, pod *corev1.Pod) {
	if e := s.queue.Get(key); e != nil && e.Pod.UID == pod.UID {
		s.queue.Delete(key)
	}
	s.nominated.remove(key)
	known := s.pods[key]
	switch {
	case known != nil && known.pod.UID == pod.UID:
		s.forget(key)
		s.wakeForPod(env, plugin.Delete, known.pod.Placed(), nil)
	case pod.Status.NominatedNodeName != "" && isResponsible(pod) && !isAssigned(pod):
		s.wakeAtMost(env, pod, plugin.NewPod(pod).Priority)
	}
}

// assume makes the cache believe that a pod runs on a node (C7).
func (s *Scheduler) assume(pod *plugin.Pod, node string) {
	p := pod.On(node)
	key := apiserver.KeyOf(p)
	s.pods[key] = &cached{pod: p, assumed: true}
	s.cluster.AddPod(p)
	s.nominated.remove(key)
}

// forget removes a pod from the cache.
func (s *Scheduler) forget(key apiserver.Key) {
	if known := s.pods[key]; known != nil {
		s.cluster.RemovePod(known.pod.Placed())
		delete(s.pods, key)
	}
}
