package simtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// All returns every invariant of this package.
func All() []Invariant {
	return []Invariant{
		OneClaimOneVolume(), NoClaimLost(), CreationOrder(), DeletionOrder(), UpdateOrder(),
		OneProcess(), OwnClaims(), ReadyNamesOnly(),
	}
}

// OneClaimOneVolume: no two claims name one volume, and no two volumes refer to
// one claim (V8).
func OneClaimOneVolume() Invariant {
	return Invariant{Name: "one claim, one volume", Start: func(*sim.Cluster) Check {
		claimOf := map[string]apiserver.Key{} // by volume
		volumeOf := map[types.UID]string{}    // by claim
		return Check{Record: func(rec *apiserver.Record) error {
			switch obj := rec.Object.(type) {
			case *corev1.PersistentVolumeClaim:
				volume := obj.Spec.VolumeName
				other, taken := claimOf[volume]
				switch {
				case volume == "":
				case rec.Type == watch.Deleted:
					delete(claimOf, volume)
				case taken && other != rec.Key:
					return fmt.Errorf("claims %s and %s both have volume %s", other, rec.Key, volume)
				default:
					claimOf[volume] = rec.Key
				}
			case *corev1.PersistentVolume:
				return volumeRefers(volumeOf, rec, obj)
			}
			return nil
		}}
	}}
}

func volumeRefers(volumeOf map[types.UID]string, rec *apiserver.Record, pv *corev1.PersistentVolume) error {
	if old, ok := rec.Old.(*corev1.PersistentVolume); ok && old.Spec.ClaimRef != nil {
		if uid := old.Spec.ClaimRef.UID; volumeOf[uid] == pv.Name {
			delete(volumeOf, uid)
		}
	}
	if rec.Type == watch.Deleted || pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.UID == "" {
		return nil
	}
	uid := pv.Spec.ClaimRef.UID
	if other, taken := volumeOf[uid]; taken && other != pv.Name {
		return fmt.Errorf("volumes %s and %s both refer to claim %s/%s", other, pv.Name, pv.Spec.ClaimRef.Namespace, pv.Spec.ClaimRef.Name)
	}
	volumeOf[uid] = pv.Name
	return nil
}

// NoClaimLost: a claim of a set whose policy is Retain is never deleted by a
// component, never loses its volume and never gets another one (S36, S38, V12).
func NoClaimLost() Invariant {
	return Invariant{Name: "no claim lost", Start: func(*sim.Cluster) Check {
		return Check{Record: func(rec *apiserver.Record) error {
			claim, ok := rec.Object.(*corev1.PersistentVolumeClaim)
			if !ok {
				return nil
			}
			old, _ := rec.Old.(*corev1.PersistentVolumeClaim)
			switch {
			case claim.Status.Phase == corev1.ClaimLost:
				return fmt.Errorf("claim %s has lost its volume", rec.Key)
			case old != nil && old.Spec.VolumeName != "" && claim.Spec.VolumeName != old.Spec.VolumeName:
				return fmt.Errorf("claim %s changed its volume from %s to %q", rec.Key, old.Spec.VolumeName, claim.Spec.VolumeName)
			case old != nil && old.DeletionTimestamp == nil && claim.DeletionTimestamp != nil && rec.By != apiserver.User && len(claim.OwnerReferences) == 0:
				return fmt.Errorf("claim %s was deleted by %s", rec.Key, rec.By)
			}
			return nil
		}}
	}}
}

// OneProcess: of each pod's container at most one process runs on all nodes
// together, whatever the API says. Force deletion and lost nodes break it, in a
// real cluster as well (N6).
func OneProcess() Invariant {
	return Invariant{Name: "one process for one identity", Start: func(c *sim.Cluster) Check {
		return Check{Step: func() error {
			type identity struct {
				pod       apiserver.Key
				container string
			}
			seen := map[identity]string{}
			for _, p := range c.Processes() {
				id := identity{p.Pod, p.Container}
				if node, twice := seen[id]; twice {
					return fmt.Errorf("%s/%s runs on %s and on %s", p.Pod, p.Container, node, p.Node)
				}
				seen[id] = p.Node
			}
			return nil
		}}
	}}
}

// OwnClaims: a set's pod has its own name, host name and claims: those of its
// ordinal (S12, S34).
func OwnClaims() Invariant {
	return onSets("own claims", func(s *sets, rec *apiserver.Record) error {
		pod, ok := rec.Object.(*corev1.Pod)
		if !ok || rec.Type != watch.Added {
			return nil
		}
		owner, _ := memberOf(pod)
		f := s.of(owner)
		if owner == "" || f.set == nil {
			return nil
		}
		if pod.Spec.Hostname != pod.Name {
			return fmt.Errorf("%s has the host name %q", pod.Name, pod.Spec.Hostname)
		}
		claims := map[string]string{}
		for _, v := range pod.Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				claims[v.Name] = v.PersistentVolumeClaim.ClaimName
			}
		}
		for _, t := range f.set.Spec.VolumeClaimTemplates {
			if want := t.Name + "-" + pod.Name; claims[t.Name] != want {
				return fmt.Errorf("%s has claim %q where %q is its own", pod.Name, claims[t.Name], want)
			}
		}
		return nil
	})
}
