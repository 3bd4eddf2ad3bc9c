package apiserver

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// bind assigns a pod to a node: nodeName, the condition PodScheduled and the
// node's topology labels in one write (pod storage, setPodNodeAndMetadata, and
// the PodTopologyLabels admission).
func (s *Server) bind(req *Request) Result {
	if err := s.checkNamespace(Pod, req.Key.Namespace, req.Key.Name); err != nil { // a binding is a creation
		return Result{Err: err}
	}
	obj, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	old := obj.(*corev1.Pod)
	refuse := func(why error) Result {
		return Result{Err: apierrors.NewConflict(schema.GroupResource{Resource: "pods/binding"}, old.Name, why)}
	}
	switch {
	case old.DeletionTimestamp != nil:
		return refuse(fmt.Errorf("pod %s is being deleted, cannot be assigned to a host", old.Name))
	case old.Spec.NodeName != "":
		return refuse(fmt.Errorf("pod %v is already assigned to node %q", old.Name, old.Spec.NodeName))
	case len(old.Spec.SchedulingGates) != 0:
		return refuse(fmt.Errorf("pod %v has non-empty .spec.schedulingGates", old.Name))
	}
	pod := *old
	pod.Spec.NodeName = req.Node
	pod.Status.NominatedNodeName = ""
	pod.Status.Conditions = s.scheduled(old.Status.Conditions)
	pod.Labels = s.withTopology(pod.Labels, req.Node)
	return Result{Object: s.write(watch.Modified, Pod, &pod, old)}
}

// scheduled returns the conditions with PodScheduled=True.
func (s *Server) scheduled(conds []corev1.PodCondition) []corev1.PodCondition {
	cond := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: Stamp(s.now)}
	i := slices.IndexFunc(conds, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled })
	if i < 0 {
		return append(slices.Clip(conds), cond)
	}
	conds = slices.Clone(conds)
	if conds[i].Status == cond.Status {
		cond.LastTransitionTime = conds[i].LastTransitionTime
	}
	conds[i] = cond
	return conds
}
