package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// member is a pod of a set.
type member struct {
	*corev1.Pod
	rec     *apiserver.Record // the newest
	ordinal int
}

// familyOf returns the pods that a set controls, by ordinal.
func familyOf(c *sim.Cluster, set *appsv1.StatefulSet) (list []member) {
	for _, rec := range c.Newest(apiserver.Pod, set.Namespace) {
		pod := rec.Object.(*corev1.Pod)
		if ref := metav1.GetControllerOf(pod); ref == nil || ref.UID != set.UID {
			continue
		}
		if n, ok := ordinalOf(pod.Name, set.Name); ok {
			list = append(list, member{pod, rec, n})
		}
	}
	slices.SortFunc(list, func(a, b member) int { return a.ordinal - b.ordinal })
	return list
}

// ownerOf returns the set that controls a pod, by its name and as far as one is named.
func ownerOf(pod *corev1.Pod) (key apiserver.Key, ordinal int, ok bool) {
	ref := metav1.GetControllerOf(pod)
	if ref == nil || ref.Kind != "StatefulSet" {
		return key, 0, false
	}
	ordinal, ok = ordinalOf(pod.Name, ref.Name)
	return apiserver.Key{Namespace: pod.Namespace, Name: ref.Name}, ordinal, ok
}

func ordinalOf(pod, set string) (int, bool) {
	digits, ok := strings.CutPrefix(pod, set+"-")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

// created returns the pod that a record says the StatefulSet controller has just created,
// or nil.
func created(rec *apiserver.Record) *corev1.Pod {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok || rec.Type != watch.Added || rec.By != setController {
		return nil
	}
	return pod
}

// removed returns the pod that a record says the StatefulSet controller has just
// deleted, as it was before, or nil.
func removed(rec *apiserver.Record) *corev1.Pod {
	old, ok := rec.Old.(*corev1.Pod)
	if !ok || rec.By != setController || old.DeletionTimestamp != nil {
		return nil
	}
	if rec.Type == watch.Deleted || rec.Object.GetDeletionTimestamp() != nil {
		return old
	}
	return nil
}

func isReady(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// stays is that a pod is ready and is not being deleted.
func stays(pod *corev1.Pod) bool { return pod.DeletionTimestamp == nil && isReady(pod) }

func isOrdered(set *appsv1.StatefulSet) bool {
	return set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
}

func startOf(set *appsv1.StatefulSet) int {
	if set.Spec.Ordinals == nil {
		return 0
	}
	return int(set.Spec.Ordinals.Start)
}

func endOf(set *appsv1.StatefulSet) int { return startOf(set) + int(*set.Spec.Replicas) }

// partitionOf counts from the first ordinal; 0 if the set has no partition.
func partitionOf(set *appsv1.StatefulSet) int {
	u := &set.Spec.UpdateStrategy
	if u.Type != appsv1.RollingUpdateStatefulSetStrategyType || u.RollingUpdate == nil || u.RollingUpdate.Partition == nil {
		return 0
	}
	return int(*u.RollingUpdate.Partition)
}

// maxUnavailableOf is S25.
func maxUnavailableOf(set *appsv1.StatefulSet) int {
	u := set.Spec.UpdateStrategy.RollingUpdate
	if u == nil || u.MaxUnavailable == nil {
		return 1
	}
	n := u.MaxUnavailable.IntValue()
	if percent, ok := strings.CutSuffix(u.MaxUnavailable.StrVal, "%"); ok {
		p, _ := strconv.Atoi(percent) // the API has checked it
		n = p * int(*set.Spec.Replicas) / 100
	}
	return max(n, 1)
}

// fingerprint is what of a template shows in its pods.
func fingerprint(spec *corev1.PodSpec) string {
	var b strings.Builder
	for i := range spec.Containers {
		k := &spec.Containers[i]
		fmt.Fprint(&b, k.Name, " ", k.Image, " ", k.Command, " ", k.Args, " ")
		for _, e := range k.Env {
			fmt.Fprint(&b, e.Name, "=", e.Value, " ")
		}
	}
	return b.String()
}

// isOfTemplate reports whether a pod is what the set's template says.
func isOfTemplate(pod *corev1.Pod, set *appsv1.StatefulSet) bool {
	return fingerprint(&pod.Spec) == fingerprint(&set.Spec.Template.Spec)
}
