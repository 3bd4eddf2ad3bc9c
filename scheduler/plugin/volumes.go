package plugin

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/volume/match"
)

const (
	reasonUnbound      = "pod has unbound immediate PersistentVolumeClaims" // C10, C11
	reasonVolumeNode   = "node(s) didn't match PersistentVolume's node affinity"
	reasonVolumeNone   = "node(s) didn't find available persistent volumes to bind"
	reasonVolumeAbsent = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"

	annBindCompleted = "pv.kubernetes.io/bind-completed"
	noProvisioner    = "kubernetes.io/no-provisioner"

	// AnnSelectedNode tells the provisioner of a claim where its pod will run.
	AnnSelectedNode = "volume.kubernetes.io/selected-node"
)

// volumeState is what VolumeBinding keeps for a cycle.
type volumeState struct {
	bound   []*corev1.PersistentVolume      // volumes of bound claims; nil where it is missing
	delayed []*corev1.PersistentVolumeClaim // unbound claims that wait for a node
	pinned  bool                            // any bound volume is missing or has node affinity
}

// Match is a volume that is to be bound to a claim.
type Match struct {
	Volume *corev1.PersistentVolume
	Claim  *corev1.PersistentVolumeClaim
}

// PodVolumes is what a pod's unbound claims would get on a node.
type PodVolumes struct {
	Static    []Match
	Provision []*corev1.PersistentVolumeClaim
}

// IsFullyBound reports whether a claim is bound for good (isPVCFullyBound).
func IsFullyBound(pvc *corev1.PersistentVolumeClaim) bool {
	return pvc.Spec.VolumeName != "" && metav1.HasAnnotation(pvc.ObjectMeta, annBindCompleted)
}

// preFilterVolumes is VolumeBinding.PreFilter (podHasPVCs, GetPodVolumeClaims).
func (c *Cycle) preFilterVolumes() Status {
	var claims []*corev1.PersistentVolumeClaim
	for i := range c.pod.Spec.Volumes {
		name, ephemeral := claimOf(c.pod.Pod, &c.pod.Spec.Volumes[i])
		if name == "" {
			continue
		}
		pvc := c.storage.Claim(c.pod.Namespace, name)
		if reason := unusable(c.pod.Pod, pvc, name, ephemeral); reason != "" {
			return unresolvable(VolumeBinding, reason)
		}
		claims = append(claims, pvc)
	}
	if len(claims) == 0 {
		return Status{Code: Skip}
	}
	immediate := false
	s := volumeState{}
	for _, pvc := range claims {
		if IsFullyBound(pvc) {
			pv := c.storage.Volumes().Get(pvc.Spec.VolumeName)
			s.bound = append(s.bound, pv)
			s.pinned = s.pinned || pv == nil || pv.Spec.NodeAffinity != nil
			continue
		}
		delayed, err := isDelayed(c.storage, pvc)
		if err != nil {
			return failed(VolumeBinding, err)
		}
		if delayed && pvc.Spec.VolumeName == "" {
			s.delayed = append(s.delayed, pvc)
		} else {
			immediate = true
		}
	}
	if immediate {
		return unresolvable(ImmediateBinding, reasonUnbound)
	}
	slices.SortStableFunc(s.delayed, func(a, b *corev1.PersistentVolumeClaim) int {
		x, y := a.Spec.Resources.Requests[corev1.ResourceStorage], b.Spec.Resources.Requests[corev1.ResourceStorage]
		return x.Cmp(y)
	})
	c.volumes = s
	if len(s.delayed) == 0 && !s.pinned {
		return Status{Code: Skip} // every node passes and scores 0
	}
	return Status{}
}

// claimOf returns the claim that a volume uses, "" if none.
func claimOf(pod *corev1.Pod, v *corev1.Volume) (name string, ephemeral bool) {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName, false
	case v.Ephemeral != nil:
		return pod.Name + "-" + v.Name, true
	}
	return "", false
}

func unusable(pod *corev1.Pod, pvc *corev1.PersistentVolumeClaim, name string, ephemeral bool) string {
	switch {
	case pvc == nil && ephemeral:
		return fmt.Sprintf("waiting for ephemeral volume controller to create the persistentvolumeclaim %q", name)
	case pvc == nil:
		return fmt.Sprintf("persistentvolumeclaim %q not found", name)
	case pvc.Status.Phase == corev1.ClaimLost:
		return fmt.Sprintf("persistentvolumeclaim %q bound to non-existent persistentvolume %q", name, pvc.Spec.VolumeName)
	case pvc.DeletionTimestamp != nil:
		return fmt.Sprintf("persistentvolumeclaim %q is being deleted", name)
	case ephemeral && !metav1.IsControlledBy(pvc, pod):
		return fmt.Sprintf("PVC %s/%s was not created for pod %s/%s (pod is not owner)", pvc.Namespace, pvc.Name, pod.Namespace, pod.Name)
	}
	return ""
}

// isDelayed reports whether a claim waits for its first consumer
// (IsDelayBindingMode).
func isDelayed(s Storage, pvc *corev1.PersistentVolumeClaim) (bool, error) {
	name := match.ClassOfClaim(pvc)
	if name == "" {
		return false, nil
	}
	class := s.Class(name)
	if class == nil {
		return false, nil
	}
	if class.VolumeBindingMode == nil {
		return false, fmt.Errorf("VolumeBindingMode not set for StorageClass %q", name)
	}
	return *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer, nil
}

// filterVolumes is VolumeBinding.Filter (FindPodVolumes).
func (c *Cycle) filterVolumes(n *Node) Status {
	s := Status{Code: Unresolvable, Plugin: VolumeBinding}
	reject := func(reason string) {
		if s.Reason == "" {
			s.Reason = reason
		} else {
			s.More = append(s.More, reason)
		}
	}
	absent := false
	for _, pv := range c.volumes.bound {
		if pv == nil {
			absent = true
			break
		}
		if match.FitsNode(pv, n.Labels) != nil {
			reject(reasonVolumeNode)
			break
		}
	}
	if len(c.volumes.delayed) > 0 {
		_, ok, err := c.Find(n, First{})
		if err != nil {
			return failed(VolumeBinding, err)
		}
		if !ok {
			reject(reasonVolumeNone)
		}
	}
	if absent {
		reject(reasonVolumeAbsent)
	}
	if s.Reason == "" {
		return Status{}
	}
	return s
}

// Chooser picks one of n volumes that are equally good for a claim.
type Chooser interface {
	ChooseVolume(claim *corev1.PersistentVolumeClaim, n int) int
}

// First is a Chooser that takes the first volume: which one it is cannot matter
// to whether there is one, and to a score.
type First struct{}

// ChooseVolume implements Chooser.
func (First) ChooseVolume(*corev1.PersistentVolumeClaim, int) int { return 0 }

// Delays reports whether the pod has claims whose volumes are chosen with the
// node.
func (c *Cycle) Delays() bool { return len(c.volumes.delayed) > 0 }

// Find returns what the pod's unbound claims would get on a node, and whether
// there is enough for all of them (findMatchingVolumes, checkVolumeProvisions).
func (c *Cycle) Find(n *Node, choose Chooser) (PodVolumes, bool, error) {
	var found PodVolumes
	var taken []string
	provision := func(pvc *corev1.PersistentVolumeClaim) bool {
		found.Provision = append(found.Provision, pvc)
		return true
	}
	var unmatched []*corev1.PersistentVolumeClaim
	for _, pvc := range c.volumes.delayed {
		if selected, ok := pvc.Annotations[AnnSelectedNode]; ok {
			if selected != n.name {
				return PodVolumes{}, false, nil
			}
			provision(pvc)
			continue
		}
		legal, err := c.storage.Volumes().ForNode(pvc, n.Labels, taken...)
		if err != nil {
			return PodVolumes{}, false, err
		}
		if legal.Len() == 0 {
			unmatched = append(unmatched, pvc)
			continue
		}
		pv := legal.At(choose.ChooseVolume(pvc, legal.Len()))
		taken = append(taken, pv.Name)
		found.Static = append(found.Static, Match{pv, pvc})
	}
	found.Provision = append(found.Provision, unmatched...)
	for _, pvc := range found.Provision {
		ok, err := c.canProvision(pvc, n)
		if err != nil || !ok {
			return PodVolumes{}, false, err
		}
	}
	return found, true, nil
}

// canProvision is checkVolumeProvisions for one claim.
//
// Deviation: CSIStorageCapacity objects are not looked at; every provisioner
// has room.
func (c *Cycle) canProvision(pvc *corev1.PersistentVolumeClaim, n *Node) (bool, error) {
	name := match.ClassOfClaim(pvc)
	if name == "" {
		return false, fmt.Errorf("no class for claim %q", pvc.Namespace+"/"+pvc.Name)
	}
	class := c.storage.Class(name)
	if class == nil {
		return false, fmt.Errorf("failed to find storage class %q", name)
	}
	if class.Provisioner == "" || class.Provisioner == noProvisioner {
		return false, nil
	}
	return matchesTopology(class.AllowedTopologies, n.Labels), nil
}

// matchesTopology reports whether any term allows the labels; no term at all
// allows everything (MatchTopologySelectorTerms).
func matchesTopology(terms []corev1.TopologySelectorTerm, labels map[string]string) bool {
	if len(terms) == 0 {
		return true
	}
	return slices.ContainsFunc(terms, func(t corev1.TopologySelectorTerm) bool {
		return len(t.MatchLabelExpressions) > 0 && !slices.ContainsFunc(t.MatchLabelExpressions, func(e corev1.TopologySelectorLabelRequirement) bool {
			value, ok := labels[e.Key]
			return !ok || !slices.Contains(e.Values, value)
		})
	})
}

// scoreVolumes is VolumeBinding.Score with its default shape: the more of the
// chosen volumes the claims leave free, the better; the mean over the classes.
func (c *Cycle) scoreVolumes(n *Node) int64 {
	found, ok, err := c.Find(n, First{})
	if err != nil || !ok || len(found.Static) == 0 {
		return 0
	}
	type use struct {
		class               string
		requested, capacity int64
	}
	var uses []use
	for _, m := range found.Static {
		request, capacity := m.Claim.Spec.Resources.Requests[corev1.ResourceStorage], m.Volume.Spec.Capacity[corev1.ResourceStorage]
		class := match.ClassOfClaim(m.Claim)
		i := slices.IndexFunc(uses, func(u use) bool { return u.class == class })
		if i < 0 {
			i = len(uses)
			uses = append(uses, use{class: class})
		}
		uses[i].requested += request.Value()
		uses[i].capacity += capacity.Value()
	}
	var sum int64
	for _, u := range uses {
		utilization := int64(maxScore)
		if u.capacity > 0 && u.requested <= u.capacity {
			utilization = u.requested * maxScore / u.capacity
		}
		sum += maxScore - utilization
	}
	return int64(math.Round(float64(sum) / float64(len(uses))))
}
