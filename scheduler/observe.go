package scheduler

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Observe implements controller.Actor (eventhandlers.go): it takes over the
// object and wakes the pods that it may help (C7).
func (s *Scheduler) Observe(env *controller.Env, rec *apiserver.Record) {
	gone := rec.Type == watch.Deleted
	switch rec.Kind {
	case apiserver.Pod:
		s.observePod(env, rec)
	case apiserver.Node:
		s.observeNode(env, rec)
	case apiserver.PersistentVolume:
		s.observeVolume(env, rec)
	case apiserver.PersistentVolumeClaim:
		s.observeClaim(env, rec)
	case apiserver.StorageClass:
		s.observeClass(env, rec)
	case apiserver.CSINode:
		s.observeCSINode(env, rec)
	case apiserver.CSIDriver:
		driver, _ := rec.Object.(*storagev1.CSIDriver)
		if gone {
			driver = nil
		}
		s.storage.setDriver(rec.Key.Name, driver)
	case apiserver.VolumeAttachment:
		s.storage.setAttachment(rec.Object.(*storagev1.VolumeAttachment), gone)
		if gone {
			s.wake(env, plugin.Event{Resource: plugin.AttachmentEvent, Action: plugin.Delete})
		}
	case apiserver.Namespace:
		ns, _ := rec.Object.(*corev1.Namespace)
		if gone {
			ns = nil
		}
		s.cluster.SetNamespace(rec.Key.Name, ns)
	case apiserver.Service:
		svc, _ := rec.Object.(*corev1.Service)
		if gone {
			svc = nil
		}
		s.groups.setService(rec.Key, svc)
	case apiserver.StatefulSet:
		set, _ := rec.Object.(*appsv1.StatefulSet)
		if gone {
			set = nil
		}
		s.groups.setSet(rec.Key, set)
	case apiserver.PodDisruptionBudget:
		if pdb, _ := rec.Object.(*policyv1.PodDisruptionBudget); gone {
			delete(s.budgets, rec.Key)
		} else {
			s.budgets[rec.Key] = pdb
		}
	}
	s.arm(env)
}

func actionOf(rec *apiserver.Record) plugin.Action {
	switch rec.Type {
	case watch.Added:
		return plugin.Add
	case watch.Deleted:
		return plugin.Delete
	}
	return plugin.Update
}

func (s *Scheduler) observeNode(env *controller.Env, rec *apiserver.Record) {
	node := rec.Object.(*corev1.Node)
	ev := plugin.Event{Resource: plugin.NodeEvent, Action: actionOf(rec)}
	switch rec.Type {
	case watch.Deleted:
		ev.Node.Old = node
		s.wake(env, ev)
		s.cluster.RemoveNode(node.Name)
	case watch.Added:
		s.cluster.SetNode(node)
		ev.Node.New = node
		s.wake(env, ev)
	default:
		s.cluster.SetNode(node)
		ev.Node = plugin.Change[*corev1.Node]{Old: rec.Old.(*corev1.Node), New: node}
		for _, ev.Action = range plugin.NodeActions(ev.Node.Old, node) {
			s.wake(env, ev)
		}
	}
}

func (s *Scheduler) observeVolume(env *controller.Env, rec *apiserver.Record) {
	pv := rec.Object.(*corev1.PersistentVolume)
	if rec.Type == watch.Deleted {
		s.storage.setVolume(rec.Key.Name, nil)
		return
	}
	s.storage.setVolume(rec.Key.Name, pv)
	if ref := pv.Spec.ClaimRef; ref != nil {
		for _, e := range s.queue.Using(apiserver.Key{Namespace: ref.Namespace, Name: ref.Name}) {
			if e.Rejectors.Has(plugin.ImmediateBinding) {
				s.queue.Wake(env.Now(), e)
			}
		}
	}
	ev := plugin.Event{Resource: plugin.VolumeEvent, Action: actionOf(rec)}
	ev.Volume.New = pv
	ev.Volume.Old, _ = rec.Old.(*corev1.PersistentVolume)
	s.wake(env, ev)
}

func (s *Scheduler) observeClaim(env *controller.Env, rec *apiserver.Record) {
	claim, _ := rec.Object.(*corev1.PersistentVolumeClaim)
	if rec.Type == watch.Deleted {
		claim = nil
	}
	s.storage.setClaim(rec.Key, claim)
	s.queue.Tallied(rec.Key, func(e *queue.Entry) { e.Tally.Update(reader{s}, e.Pod, rec.Key.Name) })
	if claim == nil {
		return
	}
	ev := plugin.Event{Resource: plugin.ClaimEvent, Action: actionOf(rec), Claim: rec.Key.Name}
	for _, e := range s.queue.Using(rec.Key) {
		if ev.MayHelp(s.cluster, e.Pod, e.Rejectors) {
			s.queue.Wake(env.Now(), e)
		}
	}
}

func (s *Scheduler) observeClass(env *controller.Env, rec *apiserver.Record) {
	class := rec.Object.(*storagev1.StorageClass)
	for _, e := range s.queue.All() {
		e.Tally = nil // it holds for the classes that there were
	}
	if rec.Type == watch.Deleted {
		delete(s.storage.classes, rec.Key.Name)
		return
	}
	s.storage.classes[rec.Key.Name] = class
	if old, ok := rec.Old.(*storagev1.StorageClass); ok && equality.Semantic.DeepEqual(old.AllowedTopologies, class.AllowedTopologies) {
		return
	}
	s.wake(env, plugin.Event{Resource: plugin.ClassEvent, Action: actionOf(rec)})
}

func (s *Scheduler) observeCSINode(env *controller.Env, rec *apiserver.Record) {
	node := rec.Object.(*storagev1.CSINode)
	if rec.Type == watch.Deleted {
		s.storage.setCSINode(rec.Key.Name, nil)
		return
	}
	s.storage.setCSINode(rec.Key.Name, node)
	ev := plugin.Event{Resource: plugin.CSINodeEvent, Action: actionOf(rec)}
	ev.CSINode.New = node
	ev.CSINode.Old, _ = rec.Old.(*storagev1.CSINode)
	s.wake(env, ev)
}

// wake moves the unschedulable pods that an event may help
// (MoveAllToActiveOrBackoffQueue). It costs nothing if no plugin that cares for
// the event rejected any.
func (s *Scheduler) wake(env *controller.Env, ev plugin.Event) {
	if !s.queue.Wakes(ev.Interest()) {
		return
	}
	for _, e := range s.queue.Unschedulable() {
		if ev.MayHelp(s.cluster, e.Pod, e.Rejectors) {
			s.queue.Wake(env.Now(), e)
		}
	}
}
