package model

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Where Kubernetes promises what the named properties state.
const (
	concept    = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"
	forceDocs  = "https://kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod/"
	volumeDocs = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
	budgetDocs = "https://kubernetes.io/docs/concepts/workloads/pods/disruptions/"
	dnsDocs    = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
	apiDocs    = "https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md"
)

// Promises returns the named properties, all of them. They hold of any world, whatever
// users and fate do to it, but for what Unpromised and the known trouble of Kubernetes
// say.
func Promises() []Property {
	return []Property{
		OneProcess(), OrderedCreation(), ReverseDeletion(), OneAtATime(), PartitionKept(), MaxUnavailableKept(),
		BudgetKept(), ClaimsFollowPolicy(), OneToOne(), DataFollowsIdentity(), ReadyNames(), TruthfulStatus(),
		CompleteWhenAvailable(), NoLostUpdate(), Convergence(),
	}
}

func promise(name, text, link, unpromised string, m mode, kinds []apiserver.Kind, holds func(m *Moment) error) Property {
	return Property{Name: name, Promise: text, Link: link, Unpromised: unpromised, mode: m, kinds: kinds, moment: holds}
}

// OneProcess is that of each container of a pod at most one process runs, on all nodes
// together. It is held against the nodes, whatever the API says.
func OneProcess() Property {
	return promise("one process per identity",
		"There should be at most one Pod with a given identity running in a cluster.", forceDocs,
		"a pod that is deleted by force, or with its Node, while its processes run: they run on beside its successor's",
		moments, nil, func(m *Moment) error {
			if len(m.Records) == 0 && m.Ran() != "kubelet" {
				return nil
			}
			procs := m.Processes() // by pod
			for i := 1; i < len(procs); i++ {
				for k := i - 1; k >= 0 && procs[k].Pod == procs[i].Pod; k-- {
					a, b := &procs[k], &procs[i]
					if a.Container == b.Container && !slices.Contains(m.ledger.forced, a.UID) && !slices.Contains(m.ledger.forced, b.UID) {
						return fmt.Errorf("%s/%s runs on %s and on %s", a.Pod, a.Container, a.Node, b.Node)
					}
				}
			}
			return nil
		})
}

// OrderedCreation is that under OrderedReady a pod is created only when all with lower
// ordinals run, are ready and stay (S16, S18), as far as the controller could know.
func OrderedCreation() Property {
	return promise("ordered creation",
		"Before a scaling operation is applied to a Pod, all of its predecessors must be Running and Ready.", concept+"#deployment-and-scaling-guarantees", "",
		moments, []apiserver.Kind{apiserver.Pod}, podsOf(created, createdInOrder))
}

func createdInOrder(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
	if !isOrdered(set) {
		return nil
	}
	family := familyOf(m.Cluster, set)
	for i := startOf(set); i < ordinal; i++ {
		key := apiserver.Key{Namespace: set.Namespace, Name: fmt.Sprintf("%s-%d", set.Name, i)}
		at := slices.IndexFunc(family, func(p member) bool { return p.ordinal == i })
		if at >= 0 && stays(family[at].Pod) || m.ledger.lapsed(key) {
			continue
		}
		if at < 0 {
			return fmt.Errorf("%s was created before ordinal %d", pod.Name, i)
		}
		return fmt.Errorf("%s was created while %s was not ready", pod.Name, key.Name)
	}
	return nil
}

// judgeVersions asks about a set as it is and as the controller may have known it: what
// is right by one of them is right.
func judgeVersions(m *Moment, key apiserver.Key, judge func(*appsv1.StatefulSet) error) error {
	var first error
	for i, set := range m.ledger.versions(m.Cluster, key) {
		err := judge(set)
		if err == nil {
			return nil
		}
		if i == 0 || first == nil {
			first = err
		}
	}
	return first
}

// podsOf holds to a judgement every pod that the StatefulSet controller has just created,
// or removed, as a record says.
func podsOf(of func(*apiserver.Record) *corev1.Pod, judge func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error) func(*Moment) error {
	return func(m *Moment) error {
		for _, rec := range m.Records {
			pod := of(rec)
			if pod == nil {
				continue
			}
			key, ordinal, ok := ownerOf(pod)
			if !ok {
				continue
			}
			if err := judgeVersions(m, key, func(set *appsv1.StatefulSet) error { return judge(m, set, pod, ordinal) }); err != nil {
				return err
			}
		}
		return nil
	}
}

// isExcess is that an ordinal is outside of what a set asks for.
func isExcess(set *appsv1.StatefulSet, ordinal int) bool {
	return ordinal < startOf(set) || ordinal >= endOf(set)
}

func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// ReverseDeletion is that under OrderedReady a pod beyond the replicas is deleted only
// when all with higher ordinals are gone (S22).
func ReverseDeletion() Property {
	return promise("reverse deletion",
		"Before a Pod is terminated, all of its successors must be completely shutdown.", concept+"#deployment-and-scaling-guarantees", "",
		moments, []apiserver.Kind{apiserver.Pod}, podsOf(removed, func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
			if !isOrdered(set) || !isExcess(set, ordinal) {
				return nil
			}
			for _, p := range familyOf(m.Cluster, set) {
				if p.ordinal > ordinal {
					return fmt.Errorf("%s was deleted before %s was gone", pod.Name, p.Name)
				}
			}
			return nil
		}))
}

// OneAtATime is that a rolling update goes from the largest ordinal to the smallest, and
// deletes no pod that is up to date; and that OnDelete deletes none (S24, S26).
func OneAtATime() Property {
	return promise("one at a time",
		"It will proceed in the same order as Pod termination (from the largest ordinal to the smallest), updating each Pod one at a time.", concept+"#rolling-updates",
		"podManagementPolicy Parallel: it replaces what is broken first",
		moments, []apiserver.Kind{apiserver.Pod}, podsOf(removed, func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
			switch {
			case isExcess(set, ordinal) || hasEnded(pod):
				return nil
			case set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
				return fmt.Errorf("%s was deleted under OnDelete", pod.Name)
			case isOfTemplate(pod, set):
				return fmt.Errorf("%s was deleted and is up to date", pod.Name)
			case !isOrdered(set):
				return nil
			}
			for _, p := range familyOf(m.Cluster, set) {
				if p.ordinal > ordinal && p.ordinal < endOf(set) && !isOfTemplate(p.Pod, set) && p.DeletionTimestamp == nil {
					return fmt.Errorf("%s was updated before %s", pod.Name, p.Name)
				}
			}
			return nil
		}))
}

// MaxUnavailableKept is that a rolling update deletes an available pod only while fewer
// than maxUnavailable are unavailable, which is 1 if nothing is said (S25 to S27).
func MaxUnavailableKept() Property {
	return promise("maxUnavailable kept",
		"You can control the maximum number of Pods that can be unavailable during an update by specifying the .spec.updateStrategy.rollingUpdate.maxUnavailable field.", concept+"#maximum-unavailable-pods", "",
		moments, []apiserver.Kind{apiserver.Pod}, podsOf(removed, func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
			if isExcess(set, ordinal) || !isReady(pod) {
				return nil
			}
			family := familyOf(m.Cluster, set)
			down := 1
			for i := startOf(set); i < endOf(set); i++ {
				at := slices.IndexFunc(family, func(p member) bool { return p.ordinal == i })
				key := apiserver.Key{Namespace: set.Namespace, Name: fmt.Sprintf("%s-%d", set.Name, i)}
				if i != ordinal && (at < 0 || !stays(family[at].Pod)) && !m.ledger.lapsed(key) {
					down++
				}
			}
			if most := maxUnavailableOf(set); down > most {
				return fmt.Errorf("%s was deleted, and %d pods are down where %d may be", pod.Name, down, most)
			}
			return nil
		}))
}

// PartitionKept is that pods below the partition are not updated, and come back at the
// revision that they had (S11, S26).
func PartitionKept() Property {
	made := podsOf(created, func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
		return m.ledger.keepsRevision(set, pod, ordinal)
	})
	deleted := podsOf(removed, func(m *Moment, set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
		if ordinal < startOf(set)+partitionOf(set) && !isExcess(set, ordinal) && !hasEnded(pod) {
			return fmt.Errorf("%s was deleted, and is below the partition %d", pod.Name, partitionOf(set))
		}
		return nil
	})
	return promise("partition kept",
		"All Pods with an ordinal that is less than the partition will not be updated, and, even if they are deleted, they will be recreated at the previous version.", concept+"#partitions",
		"",
		moments, []apiserver.Kind{apiserver.Pod}, func(m *Moment) error {
			if err := made(m); err != nil {
				return err
			}
			return deleted(m)
		})
}

func (l *ledger) keepsRevision(set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) error {
	if ordinal >= startOf(set)+partitionOf(set) {
		return nil
	}
	for i := range l.held {
		if h := &l.held[i]; h.set == set.UID && h.ordinal == ordinal && h.template != fingerprint(&pod.Spec) {
			return fmt.Errorf("%s is below the partition %d and was created as %s, not as %s", pod.Name, partitionOf(set), strings.TrimSpace(fingerprint(&pod.Spec)), strings.TrimSpace(h.template))
		}
	}
	return nil
}

// OneToOne is that no two claims name one volume, and no two volumes refer to one claim
// (V8).
func OneToOne() Property {
	return promise("claims and volumes one to one",
		"A PVC to PV binding is a one-to-one mapping, using a ClaimRef which is a bi-directional binding.", volumeDocs+"#binding", "",
		moments, []apiserver.Kind{apiserver.PersistentVolumeClaim, apiserver.PersistentVolume}, func(m *Moment) error {
			claims := m.Newest(apiserver.PersistentVolumeClaim, "")
			for i, a := range claims {
				name := a.Object.(*corev1.PersistentVolumeClaim).Spec.VolumeName
				for _, b := range claims[:i] {
					if name != "" && b.Object.(*corev1.PersistentVolumeClaim).Spec.VolumeName == name {
						return fmt.Errorf("claims %s and %s both have volume %s", b.Key, a.Key, name)
					}
				}
			}
			var of []types.UID
			for _, rec := range m.Newest(apiserver.PersistentVolume, "") {
				ref := rec.Object.(*corev1.PersistentVolume).Spec.ClaimRef
				if ref == nil || ref.UID == "" {
					continue
				}
				if slices.Contains(of, ref.UID) {
					return fmt.Errorf("volume %s and another refer to claim %s/%s", rec.Key.Name, ref.Namespace, ref.Name)
				}
				of = append(of, ref.UID)
			}
			return nil
		})
}

// DataFollowsIdentity is that a pod of a set has the claims of its ordinal, and that a
// claim keeps its volume as long as it exists (S12, S34, V12).
func DataFollowsIdentity() Property {
	return promise("data follows identity",
		"When a Pod is (re)scheduled onto a node, its volumeMounts mount the PersistentVolumes associated with its PersistentVolume Claims.", concept+"#stable-storage",
		"an administrator who deletes a volume under a claim",
		moments, []apiserver.Kind{apiserver.PersistentVolumeClaim, apiserver.Pod}, func(m *Moment) error {
			for _, rec := range m.Records {
				var err error
				switch obj := rec.Object.(type) {
				case *corev1.PersistentVolumeClaim:
					err = keepsVolume(rec, obj)
				case *corev1.Pod:
					err = hasOwnClaims(m, rec, obj)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
}

func keepsVolume(rec *apiserver.Record, claim *corev1.PersistentVolumeClaim) error {
	old, _ := rec.Old.(*corev1.PersistentVolumeClaim)
	switch {
	case claim.Status.Phase == corev1.ClaimLost:
		return fmt.Errorf("claim %s has lost its volume", rec.Key)
	case old != nil && old.Spec.VolumeName != "" && claim.Spec.VolumeName != old.Spec.VolumeName:
		return fmt.Errorf("claim %s changed its volume from %s to %q", rec.Key, old.Spec.VolumeName, claim.Spec.VolumeName)
	}
	return nil
}

func hasOwnClaims(m *Moment, rec *apiserver.Record, pod *corev1.Pod) error {
	key, _, ok := ownerOf(pod)
	if !ok || rec.Type != watch.Added || rec.By != setController {
		return nil
	}
	return judgeVersions(m, key, func(set *appsv1.StatefulSet) error {
		for _, t := range set.Spec.VolumeClaimTemplates {
			want := t.Name + "-" + pod.Name
			if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
				return v.Name == t.Name && v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == want
			}) {
				return fmt.Errorf("%s does not have its own claim %s", pod.Name, want)
			}
		}
		return nil
	})
}

// NoLostUpdate is that what a user has written into the spec of a set stays until a user
// changes it.
func NoLostUpdate() Property {
	return promise("no lost update of a spec",
		"The specification is a complete description of the desired state, including configuration settings provided by the user.", apiDocs+"#spec-and-status",
		"what users install to change specs: autoscalers, operators",
		moments, []apiserver.Kind{apiserver.StatefulSet}, func(m *Moment) error {
			for _, rec := range m.Records {
				set, ok := rec.Object.(*appsv1.StatefulSet)
				old, had := rec.Old.(*appsv1.StatefulSet)
				if ok && had && rec.By != apiserver.User && !equality.Semantic.DeepEqual(set.Spec, old.Spec) {
					return fmt.Errorf("%s changed the spec of %s", rec.By, rec.Key)
				}
			}
			return nil
		})
}

// count returns how many pods of a set a predicate holds for.
func count(family []member, is func(member) bool) (n int32) {
	for _, p := range family {
		if is(p) {
			n++
		}
	}
	return n
}

// eachSet visits the sets that are not being deleted.
func eachSet(c *sim.Cluster, visit func(set *appsv1.StatefulSet) error) error {
	for _, rec := range c.Newest(apiserver.StatefulSet, "") {
		if set := rec.Object.(*appsv1.StatefulSet); set.DeletionTimestamp == nil {
			if err := visit(set); err != nil {
				return err
			}
		}
	}
	return nil
}
