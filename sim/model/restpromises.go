package model

import (
	"fmt"
	"slices"
	"strings"

	miekg "github.com/miekg/dns"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// BudgetKept is that an eviction leaves as many pods ready as a PodDisruptionBudget with
// a number as minAvailable asks for (N7, N8).
func BudgetKept() Property {
	return promise("budget kept by evictions",
		"A PDB limits the number of Pods of a replicated application that are down simultaneously from voluntary disruptions.", budgetDocs+"#pod-disruption-budgets",
		"deletions that are no evictions; pods that become unready before the budget's status says so",
		moments, []apiserver.Kind{apiserver.PodDisruptionBudget}, func(m *Moment) error {
			for _, rec := range m.Records {
				pdb, ok := rec.Object.(*policyv1.PodDisruptionBudget)
				old, had := rec.Old.(*policyv1.PodDisruptionBudget)
				if !ok || !had || len(pdb.Status.DisruptedPods) <= len(old.Status.DisruptedPods) || pdb.Spec.MinAvailable == nil || pdb.Spec.MinAvailable.StrVal != "" {
					continue
				}
				selector, err := metav1.LabelSelectorAsSelector(pdb.Spec.Selector)
				if err != nil {
					return err
				}
				healthy, lapsed := 0, 0
				for _, p := range m.Newest(apiserver.Pod, pdb.Namespace) {
					pod := p.Object.(*corev1.Pod)
					switch {
					case !selector.Matches(labels.Set(pod.Labels)):
					case stays(pod):
						healthy++
					case m.ledger.lapsed(p.Key):
						lapsed++
					}
				}
				if least := pdb.Spec.MinAvailable.IntValue(); healthy+lapsed < least && lapsed <= 1 {
					return fmt.Errorf("an eviction leaves %d healthy pods of budget %s, which asks for %d", healthy, pdb.Name, least)
				}
			}
			return nil
		})
}

// ClaimsFollowPolicy is that a claim under Retain is never deleted by a component, and
// that at rest the claims of a deleted set are gone if whenDeleted is Delete (S36, S38).
func ClaimsFollowPolicy() Property {
	p := promise("claims survive or follow the retention policy",
		"Delete: The PVCs created from the StatefulSet volumeClaimTemplate are deleted for each Pod affected by the policy. Retain (default): PVCs from the volumeClaimTemplate are not affected when their Pod is deleted.", concept+"#persistentvolumeclaim-retention", "",
		rests, nil, func(m *Moment) error {
			for _, d := range m.ledger.left {
				for _, rec := range m.Newest(apiserver.PersistentVolumeClaim, d.namespace) {
					if slices.ContainsFunc(d.prefixes, func(p string) bool { return strings.HasPrefix(rec.Key.Name, p) }) && rec.Object.GetDeletionTimestamp() == nil {
						return fmt.Errorf("claim %s outlives its set, whose claims are to be deleted with it", rec.Key)
					}
				}
			}
			return nil
		})
	kept := Each("", func(_ *sim.Cluster, rec *apiserver.Record) error {
		claim, ok := rec.Object.(*corev1.PersistentVolumeClaim)
		old, had := rec.Old.(*corev1.PersistentVolumeClaim)
		if ok && had && old.DeletionTimestamp == nil && claim.DeletionTimestamp != nil && rec.By != apiserver.User && len(claim.OwnerReferences) == 0 {
			return fmt.Errorf("claim %s was deleted by %s", rec.Key, rec.By)
		}
		return nil
	})
	p.event = kept.moment
	return p
}

// ReadyNames is that at rest a pod of a headless Service has its name in DNS if it is
// ready, and not if it is not (D1, D3).
func ReadyNames() Property {
	return promise("names resolve to ready pods only",
		"A records are created for Pods of a headless Service by their host names; unless publishNotReadyAddresses is set, only those that are Ready are returned.", dnsDocs,
		"while anything is under way: names are as late as the watches on the way to them",
		rests, nil, func(m *Moment) error {
			for _, rec := range m.Newest(apiserver.Pod, "") {
				pod := rec.Object.(*corev1.Pod)
				if pod.Spec.Subdomain == "" || pod.Spec.Hostname == "" || !m.isServed(pod) {
					continue
				}
				name := fmt.Sprintf("%s.%s.%s.svc.%s.", pod.Spec.Hostname, pod.Spec.Subdomain, pod.Namespace, m.Domain())
				var got []string
				for _, rr := range m.Query(name, miekg.TypeA).Answer {
					if a, ok := rr.(*miekg.A); ok {
						got = append(got, a.A.String())
					}
				}
				switch has := slices.Contains(got, pod.Status.PodIP); {
				case stays(pod) && !has:
					return fmt.Errorf("%s is ready, and its name has %v, not its address", rec.Key, got)
				case !stays(pod) && has && pod.Status.PodIP != "":
					return fmt.Errorf("%s is not ready, and its name has its address", rec.Key)
				}
			}
			return nil
		})
}

// isServed reports whether a headless Service of the pod's subdomain selects it.
func (m *Moment) isServed(pod *corev1.Pod) bool {
	for _, rec := range m.Newest(apiserver.Service, pod.Namespace) {
		s := rec.Object.(*corev1.Service)
		if s.Name == pod.Spec.Subdomain && len(s.Spec.Selector) > 0 && !s.Spec.PublishNotReadyAddresses &&
			labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			return true
		}
	}
	return false
}

// settled is since when a pod has been as it is, for its set's controller to know it.
const settled = 2 * syncTime

// TruthfulStatus is that the status of a set counts the pods that there are: exactly at
// rest, and whenever the controller writes it no fewer than have been there, unchanged
// and seen, for two seconds (S30, S32).
func TruthfulStatus() Property {
	p := promise("status tells the truth",
		"The status summarizes the current state of the object in the system; status.currentReplicas is the number of Pods created from the version indicated by currentRevision.", apiDocs+"#spec-and-status", "",
		rests, nil, func(m *Moment) error {
			return eachSet(m.Cluster, func(set *appsv1.StatefulSet) error { return truthAtRest(m, set) })
		})
	p.event = func(m *Moment) error {
		for _, rec := range m.Records {
			if set, ok := rec.Object.(*appsv1.StatefulSet); ok && rec.By == setController && rec.Type != "DELETED" {
				if err := leastTruth(m, set); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return p
}

func truthAtRest(m *Moment, set *appsv1.StatefulSet) error {
	s, family := &set.Status, familyOf(m.Cluster, set)
	young := engine.Time(set.Spec.MinReadySeconds)*syncTime + settled
	at := now(m.Cluster)
	of := func(revision string) func(member) bool {
		return func(p member) bool {
			return p.DeletionTimestamp == nil && p.Labels[appsv1.ControllerRevisionHashLabelKey] == revision
		}
	}
	available := func(p member) bool { return isReady(p.Pod) && at-p.rec.Time > young }
	for _, n := range []struct {
		what string
		says int32
		is   int32
	}{
		{"replicas", s.Replicas, int32(len(family))},
		{"readyReplicas", s.ReadyReplicas, count(family, func(p member) bool { return isReady(p.Pod) })},
		{"updatedReplicas", s.UpdatedReplicas, count(family, of(s.UpdateRevision))},
		{"currentReplicas", s.CurrentReplicas, count(family, of(s.CurrentRevision))},
	} {
		if n.says != n.is {
			return fmt.Errorf("%s says %d %s at rest, and there are %d", set.Name, n.says, n.what, n.is)
		}
	}
	if n := count(family, available); s.AvailableReplicas < n {
		return fmt.Errorf("%s says %d availableReplicas at rest, and there are %d", set.Name, s.AvailableReplicas, n)
	}
	if s.ObservedGeneration < set.Generation {
		return fmt.Errorf("generation %d of %s is not observed at rest", set.Generation, set.Name)
	}
	return nil
}

// leastTruth holds a status that was just written to the pods that nobody has touched
// for long.
func leastTruth(m *Moment, set *appsv1.StatefulSet) error {
	at, seen := now(m.Cluster), m.Seen(setController, apiserver.Pod)
	family := slices.DeleteFunc(familyOf(m.Cluster, set), func(p member) bool {
		return p.DeletionTimestamp != nil || p.rec.Version > seen || at-p.rec.Time < settled || p.Status.Phase == ""
	})
	s := &set.Status
	for _, n := range []struct {
		what, revision string
		says           int32
	}{{"currentReplicas", s.CurrentRevision, s.CurrentReplicas}, {"updatedReplicas", s.UpdateRevision, s.UpdatedReplicas}} {
		is := count(family, func(p member) bool { return p.Labels[appsv1.ControllerRevisionHashLabelKey] == n.revision })
		if n.says < is {
			return fmt.Errorf("%s says %d %s, and %d have been there for long", set.Name, n.says, n.what, is)
		}
	}
	if is := count(family, func(p member) bool { return isReady(p.Pod) }); s.ReadyReplicas < is {
		return fmt.Errorf("%s says %d readyReplicas, and %d have been there for long", set.Name, s.ReadyReplicas, is)
	}
	return nil
}

// CompleteWhenAvailable is that a rollout counts as complete only when its pods are
// available.
func CompleteWhenAvailable() Property {
	return promise("complete when available",
		".spec.minReadySeconds is used to check progression of a rollout when using a Rolling Update strategy.", concept+"#minimum-ready-seconds", "",
		moments, []apiserver.Kind{apiserver.StatefulSet}, func(m *Moment) error {
			for _, rec := range m.Records {
				set, ok := rec.Object.(*appsv1.StatefulSet)
				old, had := rec.Old.(*appsv1.StatefulSet)
				if !ok || !had || rec.By != setController || set.DeletionTimestamp != nil || old.Status.CurrentRevision == old.Status.UpdateRevision {
					continue
				}
				s := &set.Status
				if s.CurrentRevision == s.UpdateRevision && s.UpdateRevision == old.Status.UpdateRevision && s.AvailableReplicas < *set.Spec.Replicas {
					return fmt.Errorf("%s is complete with %d of %d pods available", set.Name, s.AvailableReplicas, *set.Spec.Replicas)
				}
			}
			return nil
		})
}
