package simtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const setController = "statefulset-controller"

// sets is a picture of every StatefulSet with its pods, as of the last record.
type sets struct {
	byUID   map[types.UID]*family
	orphans map[apiserver.Key]*corev1.Pod // pods without a controller
}

// family is a StatefulSet with its pods by ordinal.
type family struct {
	set  *appsv1.StatefulSet
	pods map[int]*corev1.Pod
}

func (s *sets) apply(rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *appsv1.StatefulSet:
		s.of(obj.UID).set = obj
	case *corev1.Pod:
		owner, ordinal := memberOf(obj)
		if owner == "" {
			s.setOrphan(rec, obj)
			return
		}
		delete(s.orphans, rec.Key)
		if rec.Type == watch.Deleted {
			delete(s.of(owner).pods, ordinal)
		} else {
			s.of(owner).pods[ordinal] = obj
		}
	}
}

func (s *sets) setOrphan(rec *apiserver.Record, pod *corev1.Pod) {
	if s.orphans == nil {
		s.orphans = map[apiserver.Key]*corev1.Pod{}
	}
	if rec.Type == watch.Deleted || metav1.GetControllerOf(pod) != nil {
		delete(s.orphans, rec.Key)
	} else {
		s.orphans[rec.Key] = pod
	}
}

// adopt adds the orphans that a set would adopt to its pods (S3): none that are
// being deleted.
func (s *sets) adopt(uid types.UID) {
	f := s.of(uid)
	for key, pod := range s.orphans { // each alone: order cannot matter
		digits, ok := strings.CutPrefix(key.Name, f.set.Name+"-")
		if n, err := strconv.Atoi(digits); ok && err == nil && key.Namespace == f.set.Namespace && f.pods[n] == nil &&
			pod.DeletionTimestamp == nil {
			f.pods[n] = pod
		}
	}
}

func (s *sets) of(uid types.UID) *family {
	if s.byUID == nil {
		s.byUID = map[types.UID]*family{}
	}
	f := s.byUID[uid]
	if f == nil {
		f = &family{pods: map[int]*corev1.Pod{}}
		s.byUID[uid] = f
	}
	return f
}

// ordinals returns the ordinals that have a pod, ascending.
func (f *family) ordinals() []int {
	list := make([]int, 0, len(f.pods))
	for i := range f.pods { // sorted below
		list = append(list, i)
	}
	slices.SortFunc(list, cmp.Compare[int])
	return list
}

func (f *family) isOrdered() bool {
	return f.set != nil && f.set.DeletionTimestamp == nil && f.set.Spec.PodManagementPolicy == appsv1.OrderedReadyPodManagement
}

func (f *family) start() int {
	if f.set.Spec.Ordinals == nil {
		return 0
	}
	return int(f.set.Spec.Ordinals.Start)
}

func (f *family) end() int { return f.start() + int(*f.set.Spec.Replicas) }

// memberOf returns the UID of the StatefulSet that controls a pod, or "", and
// the pod's ordinal.
func memberOf(pod *corev1.Pod) (types.UID, int) {
	ref := metav1.GetControllerOf(pod)
	if ref == nil || ref.Kind != "StatefulSet" {
		return "", 0
	}
	n, err := strconv.Atoi(strings.TrimPrefix(pod.Name, ref.Name+"-"))
	if err != nil {
		return "", 0
	}
	return ref.UID, n
}

func isReady(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// CreationOrder: under OrderedReady a pod is created only when all pods with
// lower ordinals run, are ready and stay (S16, S18).
func CreationOrder() Invariant {
	return onSets("creation order", judgeCreation)
}

func judgeCreation(s *sets, rec *apiserver.Record) error {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok || rec.Type != watch.Added {
		return nil
	}
	owner, ordinal := memberOf(pod)
	f := s.of(owner)
	if owner == "" || !f.isOrdered() {
		return nil
	}
	for i := f.start(); i < ordinal; i++ {
		lower := f.pods[i]
		switch {
		case lower == nil:
			return fmt.Errorf("%s was created before ordinal %d", pod.Name, i)
		case lower.DeletionTimestamp != nil || !isReady(lower):
			return fmt.Errorf("%s was created while %s was not ready", pod.Name, lower.Name)
		}
	}
	return nil
}

// DeletionOrder: under OrderedReady the controller deletes a pod beyond the
// replicas only when all higher ones are gone (S22).
func DeletionOrder() Invariant {
	return onSets("deletion order", judgeDeletion)
}

func judgeDeletion(s *sets, rec *apiserver.Record) error {
	pod, f := deletedBySet(s, rec)
	if pod == nil {
		return nil
	}
	_, ordinal := memberOf(pod)
	if ordinal >= f.start() && ordinal < f.end() {
		return nil
	}
	if list := f.ordinals(); len(list) > 0 && list[len(list)-1] > ordinal {
		return fmt.Errorf("%s was deleted before ordinal %d", pod.Name, list[len(list)-1])
	}
	return nil
}

// UpdateOrder: under OrderedReady a rolling update deletes the highest outdated
// pod at or above the partition, and only while all others are ready (S25, S26
// with maxUnavailable 1); under OnDelete it deletes none (S24).
func UpdateOrder() Invariant {
	return onSets("update order", judgeUpdate)
}

func judgeUpdate(s *sets, rec *apiserver.Record) error {
	pod, f := deletedBySet(s, rec)
	if pod == nil {
		return nil
	}
	_, ordinal := memberOf(pod)
	if ordinal < f.start() || ordinal >= f.end() || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return nil
	}
	switch {
	case f.set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return fmt.Errorf("%s was deleted under OnDelete", pod.Name)
	case !isOutdated(pod, f.set):
		return fmt.Errorf("%s was deleted and is up to date", pod.Name)
	}
	if u := f.set.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil && ordinal < f.start()+int(*u.Partition) {
		return fmt.Errorf("%s is below the partition %d", pod.Name, *u.Partition)
	}
	for _, i := range f.ordinals() {
		other := f.pods[i]
		switch {
		case i == ordinal:
		case i > ordinal && isOutdated(other, f.set):
			return fmt.Errorf("%s was updated before %s", pod.Name, other.Name)
		case i < f.end() && (!isReady(other) || other.DeletionTimestamp != nil):
			return fmt.Errorf("%s was updated while %s was not ready", pod.Name, other.Name)
		}
	}
	return nil
}

// isOutdated reports whether a pod is not what the set's template says. The
// controller knows the revision of a new template before the status shows it;
// until then the images tell.
func isOutdated(pod *corev1.Pod, set *appsv1.StatefulSet) bool {
	if set.Status.ObservedGeneration == set.Generation {
		return pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision
	}
	return !slices.EqualFunc(pod.Spec.Containers, set.Spec.Template.Spec.Containers, func(a, b corev1.Container) bool { return a.Image == b.Image })
}

// deletedBySet returns the pod that a record says the StatefulSet controller
// has just deleted, of an OrderedReady set.
func deletedBySet(s *sets, rec *apiserver.Record) (*corev1.Pod, *family) {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok || rec.By != setController || rec.Type != watch.Modified || pod.DeletionTimestamp == nil || rec.Old.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	owner, _ := memberOf(pod)
	f := s.of(owner)
	if owner == "" || !f.isOrdered() {
		return nil, nil
	}
	return pod, f
}

// onSets makes an invariant of a look at each record, with the picture of all
// sets after it.
func onSets(name string, look func(*sets, *apiserver.Record) error) Invariant {
	return Invariant{Name: name, Start: func(c *sim.Cluster) Check {
		s := &sets{}
		for _, rec := range c.History() {
			s.apply(rec)
		}
		return Check{Record: func(rec *apiserver.Record) error {
			s.apply(rec)
			return look(s, rec)
		}}
	}}
}
