package why

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/storage/ephemeral"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume/match"
)

// class returns the storage class of a claim, or nil.
func (x *explainer) class(claim *corev1.PersistentVolumeClaim) *storagev1.StorageClass {
	class, _ := x.c.Get(apiserver.StorageClass, apiserver.Key{Name: match.ClassOfClaim(claim)}).(*storagev1.StorageClass)
	return class
}

// isDelayed reports whether a claim is bound only when a pod that uses it is
// scheduled (V7).
func (x *explainer) isDelayed(claim *corev1.PersistentVolumeClaim) bool {
	class := x.class(claim)
	return class != nil && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// claim explains a claim that is not bound, or does not go.
func (x *explainer) claim(claim *corev1.PersistentVolumeClaim) Reason {
	key := apiserver.KeyOf(claim)
	own := func(text, rule, ends string) []Reason {
		return []Reason{{Kind: apiserver.PersistentVolumeClaim, Key: key, Text: text, Rules: []string{rule}, Ends: ends}}
	}
	if claim.DeletionTimestamp != nil {
		return x.heldClaim(claim)
	}
	r := Reason{Text: x.nameOf(claim) + " is " + string(claim.Status.Phase)}
	switch claim.Status.Phase {
	case corev1.ClaimBound:
		return x.resizing(claim)
	case corev1.ClaimLost:
		r.Because = own("its volume "+claim.Spec.VolumeName+" is gone or serves another claim", "V12", "delete the claim, and create it again")
		return r
	}
	class := x.class(claim)
	switch {
	case claim.Spec.VolumeName != "":
		r.Because = x.named(claim)
	case x.isDelayed(claim) && claim.Annotations["volume.kubernetes.io/selected-node"] == "":
		r.Because = x.consumer(claim)
	case class == nil && match.ClassOfClaim(claim) != "":
		name := match.ClassOfClaim(claim)
		r.Because = []Reason{{Kind: apiserver.StorageClass, Key: apiserver.Key{Name: name}, Text: "there is no StorageClass " + name, Rules: []string{"V14"},
			Ends: "create the class, or a volume of it (Config.Provision stands in for every class)"}}
		if rest := x.candidates(claim); rest != nil {
			r.Because = append(r.Because, *rest)
		}
	case class != nil && class.Provisioner != "" && class.Provisioner != "kubernetes.io/no-provisioner":
		r.Because = own(fmt.Sprintf("its class %s leaves it to the provisioner %s, and no volume came", class.Name, class.Provisioner), "V14",
			"run the provisioner (Config.Provision stands in for all of them), or create a volume of that class")
		if rest := x.candidates(claim); rest != nil {
			r.Because = append(r.Because, *rest)
		}
	default:
		if rest := x.candidates(claim); rest != nil {
			r.Because = []Reason{*rest}
		} else {
			r.Because = own("the controller has not come to it since a volume fits (it looks again every 15 s)", "V1", "")
		}
	}
	return r
}

// heldClaim explains a claim that is being deleted.
func (x *explainer) heldClaim(claim *corev1.PersistentVolumeClaim) Reason {
	r := Reason{Text: x.nameOf(claim) + " is Terminating"}
	for _, obj := range x.c.List(apiserver.Pod, claim.Namespace) {
		pod := obj.(*corev1.Pod)
		if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded || !uses(pod, claim.Name) {
			continue
		}
		r.Because = append(r.Because, Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Rules: []string{"V15"},
			Text: x.nameOf(pod) + " uses it", Ends: "delete pod " + x.nameOf(pod)})
	}
	if len(r.Because) == 0 {
		return x.finalized(claim)
	}
	return r
}

// claimOf returns the name of the claim behind a pod's volume, or "".
func claimOf(pod *corev1.Pod, v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return ephemeral.VolumeClaimName(pod, v)
	}
	return ""
}

func uses(pod *corev1.Pod, claim string) bool {
	for i := range pod.Spec.Volumes {
		if claimOf(pod, &pod.Spec.Volumes[i]) == claim {
			return true
		}
	}
	return false
}

// named explains a claim that names its volume (V11).
func (x *explainer) named(claim *corev1.PersistentVolumeClaim) []Reason {
	key := apiserver.Key{Name: claim.Spec.VolumeName}
	r := Reason{Kind: apiserver.PersistentVolume, Key: key, Rules: []string{"V11"}}
	pv, _ := x.c.Get(apiserver.PersistentVolume, key).(*corev1.PersistentVolume)
	switch {
	case pv == nil:
		r.Text, r.Ends = "the volume that it names, "+key.Name+", does not exist", "create the volume"
	case pv.Spec.ClaimRef != nil && !match.IsReservedFor(pv, claim):
		r.Text = fmt.Sprintf("the volume that it names, %s, is bound to %s/%s", key.Name, pv.Spec.ClaimRef.Namespace, pv.Spec.ClaimRef.Name)
		r.Ends = "name another volume, or none"
	default:
		if err := match.Satisfies(pv, claim); err != nil {
			r.Text, r.Ends = fmt.Sprintf("the volume that it names, %s, does not fit: %v", key.Name, err), "name another volume, or none"
		} else {
			r.Text = "it is being bound to " + key.Name
		}
	}
	return []Reason{r}
}

// consumer explains a claim with delayed binding.
func (x *explainer) consumer(claim *corev1.PersistentVolumeClaim) []Reason {
	for _, obj := range x.c.List(apiserver.Pod, claim.Namespace) {
		pod := obj.(*corev1.Pod)
		if !uses(pod, claim.Name) || pod.Spec.NodeName != "" {
			continue
		}
		r := x.why(apiserver.Pod, apiserver.KeyOf(pod))
		if r.IsZero() {
			r = Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: x.nameOf(pod) + " is being scheduled"}
		}
		r.Rules = append(r.Rules, "V7")
		return []Reason{r}
	}
	return []Reason{{Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(claim), Rules: []string{"V7"},
		Text: "it is bound when the first pod that uses it is scheduled, and there is none", Ends: "create a pod that uses it"}}
}

// candidates says what a claim asks for and why the volumes that come near are
// not to be had (V2, V3). It returns nil if one is.
func (x *explainer) candidates(claim *corev1.PersistentVolumeClaim) *Reason {
	var near []string
	ends := "create such a volume (Config.Provision makes one for each claim with a class)"
	free := false
	for _, obj := range x.c.List(apiserver.PersistentVolume, "") {
		pv := obj.(*corev1.PersistentVolume)
		fault, mend := x.unfit(pv, claim)
		if fault == "" {
			free = true
			break
		}
		near = append(near, fault)
		if mend != "" {
			ends = mend
		}
	}
	if free {
		return nil
	}
	request := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	modes := make([]string, len(claim.Spec.AccessModes))
	for i, m := range claim.Spec.AccessModes {
		modes[i] = string(m)
	}
	text := fmt.Sprintf("no volume of at least %s with %s and class %q is Available", request.String(), strings.Join(modes, "+"), match.ClassOfClaim(claim))
	if len(near) > 0 {
		text += ": " + list(near)
	}
	return &Reason{Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(claim), Text: text, Rules: []string{"V2", "V3"}, Ends: ends}
}

// unfit says why a claim cannot have a volume, or returns "", and what would
// mend it, if the volume would fit otherwise.
func (x *explainer) unfit(pv *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) (fault, mend string) {
	if err := match.Satisfies(pv, claim); err != nil {
		return fmt.Sprintf("%s: %v", pv.Name, err), ""
	}
	if s := claim.Spec.Selector; s != nil {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil || !selector.Matches(labels.Set(pv.Labels)) {
			return pv.Name + " has not the labels of the selector", ""
		}
	}
	ref := pv.Spec.ClaimRef
	switch {
	case ref != nil && match.IsReservedFor(pv, claim):
		return "", ""
	case pv.Status.Phase == corev1.VolumeReleased:
		gone := "it was bound to " + ref.Namespace + "/" + ref.Name + ", which is gone"
		return fmt.Sprintf("%s has it, but is Released (%s)", pv.Name, gone), "remove spec.claimRef of " + pv.Name + " to use it again, data included (V9), or create another volume"
	case ref != nil:
		return fmt.Sprintf("%s has it, but serves %s/%s", pv.Name, ref.Namespace, ref.Name), ""
	case pv.Status.Phase != corev1.VolumeAvailable:
		return fmt.Sprintf("%s has it, but is %s", pv.Name, pv.Status.Phase), ""
	}
	return "", ""
}

// resizing explains a claim that is to grow.
func (x *explainer) resizing(claim *corev1.PersistentVolumeClaim) Reason {
	want, have := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Status.Capacity[corev1.ResourceStorage]
	if pv, ok := x.c.Get(apiserver.PersistentVolume, apiserver.Key{Name: claim.Spec.VolumeName}).(*corev1.PersistentVolume); ok {
		if c := pv.Spec.Capacity[corev1.ResourceStorage]; have.Cmp(c) == 0 && want.Cmp(have) <= 0 {
			return Reason{}
		}
	}
	if want.Cmp(have) <= 0 {
		return Reason{}
	}
	r := Reason{Text: fmt.Sprintf("%s has %s and asks for %s", x.nameOf(claim), have.String(), want.String()), Rules: []string{"V16"}}
	for _, c := range claim.Status.Conditions {
		if c.Status == corev1.ConditionTrue && c.Message != "" {
			r.Because = append(r.Because, Reason{Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(claim), Rules: r.Rules, Text: c.Message})
		}
	}
	return r
}

// volume explains a volume that nobody can have, or that does not go.
func (x *explainer) volume(pv *corev1.PersistentVolume) Reason {
	ref := pv.Spec.ClaimRef
	switch {
	case pv.DeletionTimestamp != nil && ref != nil && pv.Status.Phase == corev1.VolumeBound:
		return Reason{Text: pv.Name + " is Terminating", Because: []Reason{{Kind: apiserver.PersistentVolumeClaim,
			Key: apiserver.Key{Namespace: ref.Namespace, Name: ref.Name}, Rules: []string{"V15"},
			Text: "claim " + ref.Namespace + "/" + ref.Name + " is bound to it", Ends: "delete the claim"}}}
	case pv.DeletionTimestamp != nil:
		return Reason{}
	case pv.Status.Phase == corev1.VolumeReleased && pv.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain:
		return Reason{Text: pv.Name + " is Released", Because: []Reason{{Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(pv), Rules: []string{"V9"},
			Text: fmt.Sprintf("its claim %s/%s is gone and its policy is Retain: it keeps the data and is not bound again", ref.Namespace, ref.Name),
			Ends: "remove spec.claimRef to use it again, data included, or delete it"}}}
	case pv.Status.Phase == corev1.VolumeFailed:
		return Reason{Text: pv.Name + " is Failed", Because: []Reason{{Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(pv), Rules: []string{"V10"},
			Text: pv.Status.Message, Ends: "reclaim it by hand, then delete it"}}}
	}
	return Reason{}
}
