package model

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Convergence is that at rest a set has the pods that its spec asks for, all of them ready
// with their processes, at the revision that the strategy asks for; and that nobody's
// processes run besides. It is not demanded where something stands in the way that no
// controller can take away: the template itself is bad, pods that the partition or
// OnDelete keep are, a quota is too small, no node has room, a volume is missing.
func Convergence() Property {
	return promise("convergence",
		"The StatefulSet Controller tries to move the current state to the desired state; once the faulty template is reverted the Pods should converge to it.", concept+"#forced-rollback",
		"OrderedReady and a pod that never becomes ready: somebody has to delete it (kubernetes#67250)",
		rests, nil, func(m *Moment) error {
			if err := eachSet(m.Cluster, func(set *appsv1.StatefulSet) error { return hasConverged(m, set) }); err != nil {
				return err
			}
			return nothingElseRuns(m)
		})
}

func hasConverged(m *Moment, set *appsv1.StatefulSet) error {
	family := familyOf(m.Cluster, set)
	if m.isExcused(set, family) {
		return nil
	}
	runs := map[string]bool{}
	for _, p := range m.Processes() {
		runs[string(p.UID)] = true
	}
	if n := int(*set.Spec.Replicas); len(family) != n {
		return fmt.Errorf("%s has %d pods of %d", set.Name, len(family), n)
	}
	rolls := set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType
	for _, p := range family {
		switch {
		case isExcess(set, p.ordinal):
			return fmt.Errorf("%s is none of what %s asks for", p.Name, set.Name)
		case !stays(p.Pod):
			return fmt.Errorf("%s is not ready", p.Name)
		case !runs[string(p.UID)]:
			return fmt.Errorf("%s does not run", p.Name)
		case rolls && p.ordinal >= startOf(set)+partitionOf(set) && !isOfTemplate(p.Pod, set):
			return fmt.Errorf("%s is not updated", p.Name)
		}
	}
	return nil
}

// isExcused reports whether something that no controller can change keeps a set from
// what it asks for.
func (m *Moment) isExcused(set *appsv1.StatefulSet, family []member) bool {
	rolls := set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType
	for _, p := range family {
		switch {
		case p.DeletionTimestamp != nil || isReady(p.Pod) || isExcess(set, p.ordinal):
		case p.Spec.NodeName == "": // no node has room, or a volume is missing
			if !m.lacksClaim(p) {
				return true
			}
		case isOfTemplate(p.Pod, set): // the template is bad
			return true
		case !rolls || p.ordinal < startOf(set)+partitionOf(set): // it is not to be updated
			return true
		}
	}
	return m.exceedsQuota(set)
}

// lacksClaim reports whether a claim of a pod is gone, or going: its controller is to make
// another.
func (m *Moment) lacksClaim(p member) bool {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claims := m.Newest(apiserver.PersistentVolumeClaim, p.Namespace)
		i := slices.IndexFunc(claims, func(rec *apiserver.Record) bool { return rec.Key.Name == v.PersistentVolumeClaim.ClaimName })
		if i < 0 || claims[i].Object.GetDeletionTimestamp() != nil {
			return true
		}
	}
	return false
}

// exceedsQuota reports whether a quota of the namespace allows fewer pods than its sets
// ask for.
func (m *Moment) exceedsQuota(set *appsv1.StatefulSet) bool {
	var asked int64
	for _, rec := range m.Newest(apiserver.StatefulSet, set.Namespace) {
		asked += int64(*rec.Object.(*appsv1.StatefulSet).Spec.Replicas)
	}
	for _, rec := range m.Newest(apiserver.ResourceQuota, set.Namespace) {
		for _, name := range []corev1.ResourceName{corev1.ResourcePods, "count/pods"} {
			if hard, ok := rec.Object.(*corev1.ResourceQuota).Spec.Hard[name]; ok && hard.Value() < asked {
				return true
			}
		}
	}
	return false
}

// nothingElseRuns is that no process has the name of a set's pod and is of none that
// the API knows.
func nothingElseRuns(m *Moment) error {
	pods := m.Newest(apiserver.Pod, "")
	for _, proc := range m.Processes() {
		if !slices.ContainsFunc(pods, func(rec *apiserver.Record) bool { return rec.Object.GetUID() == proc.UID }) {
			return fmt.Errorf("a process of %s runs on %s, and the API knows no such pod", proc.Pod, proc.Node)
		}
	}
	for _, rec := range pods {
		pod := rec.Object.(*corev1.Pod)
		ref := metav1.GetControllerOf(pod)
		if ref == nil || ref.Kind != "StatefulSet" || pod.DeletionTimestamp != nil {
			continue
		}
		if !slices.ContainsFunc(m.Newest(apiserver.StatefulSet, pod.Namespace), func(s *apiserver.Record) bool { return s.Object.GetUID() == ref.UID }) {
			return fmt.Errorf("%s outlives its set", pod.Name)
		}
	}
	return nil
}
