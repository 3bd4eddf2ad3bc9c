package daemonset

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// verdict is what a node comes to for a set.
type verdict struct {
	counts
	run, stay bool      // the node should run a pod; what runs there goes on
	busy      bool      // something may have to be created or deleted (manage)
	stage     stage     // in a rollout
	serving   int       // 1 if an available pod of the node counts in a rollout
	ripe      time.Time // when a pod becomes available; zero if none will
}

// counts are what the status counts.
type counts struct{ desired, current, misplaced, ready, updated, available int }

func (c *counts) add(o *counts, n int) {
	c.desired += n * o.desired
	c.current += n * o.current
	c.misplaced += n * o.misplaced
	c.ready += n * o.ready
	c.updated += n * o.updated
	c.available += n * o.available
}

// stage is how far a rollout is on a node.
type stage int

const (
	outside    stage = iota // no pod is there, and none should be
	empty                   // a pod should be there
	crowded                 // several old ones or several new ones
	freshReady              // a new one, available
	freshWaits              // a new one, not available
	bothWait                // an old and a new one, which is not available
	listed                  // from here on the nodes are listed:
	bothReady               // an old and a new one, which is available
	oldReady                // an old one, available
	oldWaits                // an old one, not available
	stages
)

// judge says what a node comes to.
func (r *roster) judge(s *spot, now time.Time) verdict {
	var v verdict
	if s.node != nil {
		v.run, v.stay = r.fit(s.node)
		v.counts = r.count(s, &v, now)
	}
	v.busy = r.isBusy(s, &v)
	r.stageOf(s, &v, now)
	for _, pod := range s.pods {
		if at, ever := podcontrol.AvailableAt(pod, r.set.Spec.MinReadySeconds); ever && at.After(now) && (v.ripe.IsZero() || at.Before(v.ripe)) {
			v.ripe = at
		}
	}
	return v
}

// fit is W17 (nodeShouldRunDaemonPod).
func (r *roster) fit(node *corev1.Node) (run, stay bool) {
	if name := r.set.Spec.Template.Spec.NodeName; name != "" && name != node.Name {
		return false, false
	}
	if fits, _ := r.plan.affinity.Match(node); !fits {
		return false, false
	}
	run, stay = true, true
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule ||
			slices.ContainsFunc(r.plan.tolerations, func(t corev1.Toleration) bool { return podcontrol.Covers(&t, taint) }) {
			continue
		}
		run = false
		stay = stay && taint.Effect != corev1.TaintEffectNoExecute
	}
	return run, stay
}

// count is W22 (updateDaemonSetStatus): of several pods the oldest counts.
func (r *roster) count(s *spot, v *verdict, now time.Time) (n counts) {
	switch {
	case !v.run && len(s.pods) > 0:
		n.misplaced = 1
	case v.run && len(s.pods) == 0:
		n.desired = 1
	case v.run:
		n.desired, n.current = 1, 1
		if podcontrol.IsReady(s.pods[0]) {
			n.ready = 1
			if podcontrol.IsAvailable(s.pods[0], r.set.Spec.MinReadySeconds, now) {
				n.available = 1
			}
		}
		if r.isUpdated(s.pods[0]) {
			n.updated = 1
		}
	}
	return n
}

// isBusy reports whether manage could do anything about a node.
func (r *roster) isBusy(s *spot, v *verdict) bool {
	if s.node == nil {
		return slices.ContainsFunc(s.pods, func(pod *corev1.Pod) bool { return pod.Spec.NodeName == "" })
	}
	if v.run && len(s.pods) == 0 {
		return true
	}
	live, ended := 0, false
	for _, pod := range s.pods {
		if pod.DeletionTimestamp == nil {
			live++
			ended = ended || podcontrol.IsTerminal(pod)
		}
	}
	if !v.stay {
		return live > 0
	}
	return live > 1 || ended || live == 0 && v.run && r.plan.surges
}

// stageOf finds the stage of a node in a rollout (rollingUpdate,
// findUpdatedPodsOnNode).
func (r *roster) stageOf(s *spot, v *verdict, now time.Time) {
	if !v.run && len(s.pods) == 0 {
		v.stage = outside
		return
	}
	fresh, old, ok := r.updatedPods(s)
	available := func(pod *corev1.Pod) bool { return podcontrol.IsAvailable(pod, r.set.Spec.MinReadySeconds, now) }
	switch {
	case !ok:
		v.stage = crowded
		return
	case fresh == nil && old == nil:
		v.stage = empty
		return
	case old == nil && available(fresh):
		v.stage = freshReady
	case old == nil:
		v.stage = freshWaits
	case fresh == nil && available(old):
		v.stage = oldReady
	case fresh == nil:
		v.stage = oldWaits
	case available(fresh):
		v.stage = bothReady
	default:
		v.stage = bothWait
	}
	if old != nil && available(old) || old == nil && available(fresh) {
		v.serving = 1
	}
}

// updatedPods returns the new and the old pod of a node; not ok if there are several
// of one sort.
func (r *roster) updatedPods(s *spot) (fresh, old *corev1.Pod, ok bool) {
	for _, pod := range s.pods {
		switch {
		case pod.DeletionTimestamp != nil:
		case r.isUpdated(pod):
			if fresh != nil {
				return nil, nil, false
			}
			fresh = pod
		default:
			if old != nil {
				return nil, nil, false
			}
			old = pod
		}
	}
	return fresh, old, true
}

// The labels by which a pod says of which template it is.
const (
	hashLabel       = appsv1.DefaultDaemonSetUniqueLabelKey
	generationLabel = "pod-template-generation"
)

// isUpdated is IsPodUpdated.
func (r *roster) isUpdated(pod *corev1.Pod) bool {
	if n, ok := templateGeneration(r.set); ok && pod.Labels[generationLabel] == n {
		return true
	}
	return r.plan.hash != "" && pod.Labels[hashLabel] == r.plan.hash
}

// templateGeneration is the number of a set's template (GetTemplateGeneration).
func templateGeneration(set *appsv1.DaemonSet) (string, bool) {
	n, err := strconv.ParseInt(set.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
	return strconv.FormatInt(n, 10), err == nil
}

// surges reports whether two pods may be on a node (AllowsSurge).
func surges(set *appsv1.DaemonSet) bool {
	n, err := surge(set, 1)
	return err == nil && n > 0
}

// surge is how many nodes may have two pods, of so many (SurgeCount).
func surge(set *appsv1.DaemonSet, of int) (int, error) {
	u := &set.Spec.UpdateStrategy
	if u.Type != appsv1.RollingUpdateDaemonSetStrategyType || u.RollingUpdate == nil || u.RollingUpdate.MaxSurge == nil {
		return 0, nil
	}
	return intstr.GetScaledValueFromIntOrPercent(u.RollingUpdate.MaxSurge, of, true)
}

// unavailable is how many nodes may have no available pod (UnavailableCount).
func unavailable(set *appsv1.DaemonSet, of int) (int, error) {
	u := &set.Spec.UpdateStrategy
	if u.Type != appsv1.RollingUpdateDaemonSetStrategyType || u.RollingUpdate == nil {
		return 0, nil
	}
	return intstr.GetScaledValueFromIntOrPercent(u.RollingUpdate.MaxUnavailable, of, true)
}

// target is the node on which a pod is or is to be (GetTargetNodeName).
func target(pod *corev1.Pod) (string, bool) {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName, true
	}
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return "", false
	}
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn {
				if len(field.Values) != 1 {
					return "", false
				}
				return field.Values[0], true
			}
		}
	}
	return "", false
}
