package statefulset

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// claimName is S34: <template>-<set>-<ordinal>.
func claimName(template, set string, o int) string {
	return template + "-" + set + "-" + strconv.Itoa(o)
}

func claimKey(set *appsv1.StatefulSet, template, o int) apiserver.Key {
	return apiserver.Key{Namespace: set.Namespace, Name: claimName(set.Spec.VolumeClaimTemplates[template].Name, set.Name, o)}
}

// claimKeyOf is claimKey for an ordinal's pod. A name that the pod gives already
// is not put together once more.
func claimKeyOf(set *appsv1.StatefulSet, template int, pod *corev1.Pod) apiserver.Key {
	name, o := set.Spec.VolumeClaimTemplates[template].Name, ordinalOf(pod.Name)
	if v := volumeNamed(pod.Spec.Volumes, name); v != nil && v.PersistentVolumeClaim != nil && isClaimName(v.PersistentVolumeClaim.ClaimName, name, set.Name, o) {
		return apiserver.Key{Namespace: set.Namespace, Name: v.PersistentVolumeClaim.ClaimName}
	}
	return claimKey(set, template, o)
}

// isClaimName reports whether a name is claimName's.
func isClaimName(name, template, set string, o int) bool {
	rest, ok := strings.CutPrefix(name, template)
	if !ok || len(rest) < 2 || rest[0] != '-' {
		return false
	}
	rest, ok = strings.CutPrefix(rest[1:], set)
	if !ok || len(rest) < 2 || rest[0] != '-' || o < 0 || len(rest)-1 != digits(o) {
		return false
	}
	n, err := strconv.Atoi(rest[1:])
	return err == nil && n == o
}

// newClaim builds the claim of ordinal o from the set's template with that
// index. Its labels are the template's, overlaid by the selector's matchLabels.
func newClaim(set *appsv1.StatefulSet, template, o int) *corev1.PersistentVolumeClaim {
	claim := set.Spec.VolumeClaimTemplates[template]
	claim.TypeMeta = metav1.TypeMeta{}
	claim.Name, claim.Namespace = claimName(claim.Name, set.Name, o), set.Namespace
	own := claim.Labels
	if own == nil {
		claim.Labels = set.Spec.Selector.MatchLabels
		return &claim
	}
	claim.Labels = make(map[string]string, len(own)+len(set.Spec.Selector.MatchLabels))
	for k, v := range own { // a map from a map
		claim.Labels[k] = v
	}
	for k, v := range set.Spec.Selector.MatchLabels { // a map from a map
		claim.Labels[k] = v
	}
	return &claim
}

// storageMatches is S19's second part: the pod mounts its own claims.
func storageMatches(set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	_, o := splitName(pod.Name)
	if o < 0 {
		return false
	}
	for i := range set.Spec.VolumeClaimTemplates {
		name := set.Spec.VolumeClaimTemplates[i].Name
		v := volumeNamed(pod.Spec.Volumes, name)
		if v == nil || v.PersistentVolumeClaim == nil ||
			!isClaimName(v.PersistentVolumeClaim.ClaimName, name, set.Name, o) {
			return false
		}
	}
	return true
}

// volumeNamed returns the last volume of that name, or nil.
func volumeNamed(volumes []corev1.Volume, name string) *corev1.Volume {
	for i := len(volumes) - 1; i >= 0; i-- {
		if volumes[i].Name == name {
			return &volumes[i]
		}
	}
	return nil
}

// claimVolumes is S12's storage: the claims' volumes in the given order of
// templates, then the volumes whose names no template takes.
func claimVolumes(set *appsv1.StatefulSet, order []int, volumes []corev1.Volume, o int) []corev1.Volume {
	templates := set.Spec.VolumeClaimTemplates
	if len(templates) == 0 {
		return volumes
	}
	vs := make([]corev1.Volume, 0, len(templates)+len(volumes))
	for _, i := range order {
		vs = append(vs, corev1.Volume{
			Name: templates[i].Name,
			VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
				ClaimName: claimName(templates[i].Name, set.Name, o),
			}},
		})
	}
	for i := range volumes {
		if !hasTemplate(set, volumes[i].Name) {
			vs = append(vs, volumes[i])
		}
	}
	return vs
}

func hasTemplate(set *appsv1.StatefulSet, name string) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		if set.Spec.VolumeClaimTemplates[i].Name == name {
			return true
		}
	}
	return false
}

// retention is S36's policy; without one everything is retained.
type retention struct{ onScale, onDelete bool } // true means Delete

func retentionOf(set *appsv1.StatefulSet) retention {
	p := set.Spec.PersistentVolumeClaimRetentionPolicy
	if p == nil {
		return retention{}
	}
	const del = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	return retention{p.WhenScaled == del, p.WhenDeleted == del}
}

// refersTo reports whether ref names obj by kind and name, whatever the UID.
func refersTo(ref *metav1.OwnerReference, obj metav1.Object, kind schema.GroupVersionKind) bool {
	return ref.Name == obj.GetName() && ref.Kind == kind.Kind && ref.APIVersion == kind.GroupVersion().String()
}

// hasStaleRef reports whether the first reference that names obj has another
// UID: it means an obj of the past.
func hasStaleRef(claim *corev1.PersistentVolumeClaim, obj metav1.Object, kind schema.GroupVersionKind) bool {
	for i := range claim.OwnerReferences {
		if ref := &claim.OwnerReferences[i]; refersTo(ref, obj, kind) {
			return ref.UID != obj.GetUID()
		}
	}
	return false
}

func hasRef(claim *corev1.PersistentVolumeClaim, obj metav1.Object) bool {
	for i := range claim.OwnerReferences {
		if claim.OwnerReferences[i].UID == obj.GetUID() {
			return true
		}
	}
	return false
}

// hasForeignController reports whether something else manages the claim while
// the set's policy wants to. Under Retain/Retain nobody minds.
func hasForeignController(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	if retentionOf(set) == (retention{}) {
		return false
	}
	for i := range claim.OwnerReferences {
		ref := &claim.OwnerReferences[i]
		switch {
		case refersTo(ref, set, setKind):
			if ref.UID != set.UID {
				return true
			}
		case refersTo(ref, pod, podKind):
			if ref.UID != pod.UID {
				return true
			}
		case ref.Controller != nil && *ref.Controller:
			return true
		}
	}
	return false
}

// hasPlainOwner reports whether set or pod own the claim without controlling it.
func hasPlainOwner(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	for i := range claim.OwnerReferences {
		ref := &claim.OwnerReferences[i]
		if (ref.UID == set.UID || ref.UID == pod.UID) && (ref.Controller == nil || !*ref.Controller) {
			return true
		}
	}
	return false
}

// wantedOwners is S36's table: who should own the claims of a pod.
func wantedOwners(set *appsv1.StatefulSet, pod *corev1.Pod) (bySet, byPod bool) {
	r := retentionOf(set)
	condemned := r.onScale && !inRange(set, pod.Name)
	return r.onDelete && !condemned, condemned
}

// ownersMatch reports whether a claim's ownerReferences are as S36 wants them,
// or must not be touched (SSU, isClaimOwnerUpToDate).
func ownersMatch(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	if len(claim.OwnerReferences) == 0 {
		bySet, byPod := wantedOwners(set, pod)
		return !bySet && !byPod
	}
	if hasStaleRef(claim, set, setKind) || hasStaleRef(claim, pod, podKind) {
		return true
	}
	if hasForeignController(claim, set, pod) {
		return !hasRef(claim, set) && !hasRef(claim, pod)
	}
	if hasPlainOwner(claim, set, pod) {
		return false
	}
	bySet, byPod := wantedOwners(set, pod)
	return hasRef(claim, set) == bySet && hasRef(claim, pod) == byPod
}

// withOwners returns the claim with the ownerReferences that S36 wants (SSU,
// updateClaimOwnerRefForSetAndPod).
func withOwners(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet, pod *corev1.Pod) *corev1.PersistentVolumeClaim {
	c := *claim
	c.OwnerReferences = make([]metav1.OwnerReference, 0, len(claim.OwnerReferences)+1)
	for i := range claim.OwnerReferences {
		if ref := &claim.OwnerReferences[i]; !refersTo(ref, set, setKind) && !refersTo(ref, pod, podKind) {
			c.OwnerReferences = append(c.OwnerReferences, *ref)
		}
	}
	if hasForeignController(claim, set, pod) {
		return &c
	}
	bySet, byPod := wantedOwners(set, pod)
	if bySet && !hasRef(&c, set) {
		c.OwnerReferences = append(c.OwnerReferences, *metav1.NewControllerRef(set, setKind))
	}
	if byPod && !hasRef(&c, pod) {
		c.OwnerReferences = append(c.OwnerReferences, *metav1.NewControllerRef(pod, podKind))
	}
	return &c
}

// claimsMatch is S19's third part: the ownerReferences of the pod's claims are
// right. A claim that does not exist is no mismatch.
func claimsMatch(l lister, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		if claim := l.Claim(claimKeyOf(set, i, pod)); claim != nil && !ownersMatch(claim, set, pod) {
			return false
		}
	}
	return true
}

// claimsComplete reports whether S17 would find nothing to do: every claim
// exists, is not being deleted and is owned as it should be, and by nobody else.
func claimsComplete(l lister, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		claim := l.Claim(claimKeyOf(set, i, pod))
		if claim == nil || claim.DeletionTimestamp != nil || !ownersMatch(claim, set, pod) || hasForeignController(claim, set, pod) {
			return false
		}
	}
	return true
}

// claimsExist reports whether a pod has all its claims, none of them being
// deleted.
func claimsExist(l lister, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		if claim := l.Claim(claimKeyOf(set, i, pod)); claim == nil || claim.DeletionTimestamp != nil {
			return false
		}
	}
	return true
}

// claimsStale is S16's guard: a claim that is to go with its pod still belongs
// to an earlier pod of that name.
func claimsStale(l lister, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	if !retentionOf(set).onScale {
		return false
	}
	for i := range set.Spec.VolumeClaimTemplates {
		if claim := l.Claim(claimKeyOf(set, i, pod)); claim != nil && hasStaleRef(claim, pod, podKind) {
			return true
		}
	}
	return false
}

func conflictingController(claim string) string {
	// The misspelling is upstream's.
	return fmt.Sprintf("PersistentVolumeClaim %s has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim", claim)
}
