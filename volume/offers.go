package volume

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/volume/match"
)

// Offer is what a volume is to a claim.
type Offer struct {
	Volume *corev1.PersistentVolume
	// Legal is whether the claim may get it: of several legal ones any is as good
	// (V4).
	Legal bool
	// Why is why it may not, or "": what does not match, in upstream's words; whom it
	// serves; or which volume fits better.
	Why string
}

// Offers says which of a cluster's volumes the volume controller may bind to a claim
// that binds at once, and why not the others (V2 to V5, findBestMatchForClaim): those
// that are legal first, and by name. The error is that of the claim's selector. No
// cluster is needed; a volume without a phase is Available.
func Offers(claim *corev1.PersistentVolumeClaim, volumes []*corev1.PersistentVolume) ([]Offer, error) {
	var index match.Index
	known := make([]*corev1.PersistentVolume, len(volumes))
	for i, v := range volumes {
		known[i] = v
		if v.Status.Phase == "" {
			known[i] = v.DeepCopy()
			known[i].Status.Phase = corev1.VolumeAvailable
		}
		index.Set(known[i])
	}
	legal, err := index.ForClaim(claim, false)
	if err != nil {
		return nil, err
	}
	best := legal.Names()
	offers := make([]Offer, len(volumes))
	for i, v := range known {
		o := Offer{Volume: volumes[i], Legal: slices.Contains(best, v.Name)}
		if !o.Legal {
			o.Why = offeredNot(claim, v, best)
		}
		offers[i] = o
	}
	slices.SortStableFunc(offers, func(a, b Offer) int {
		switch {
		case a.Legal == b.Legal:
			return cmp.Compare(a.Volume.Name, b.Volume.Name)
		case a.Legal:
			return -1
		}
		return 1
	})
	return offers, nil
}

// offeredNot says why a claim does not get a volume of which there are better ones, or
// none.
func offeredNot(claim *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume, best []string) string {
	ref := v.Spec.ClaimRef
	if err := match.Satisfies(v, claim); err != nil {
		return err.Error()
	}
	selector, err := metav1.LabelSelectorAsSelector(claim.Spec.Selector)
	reserved := ref != nil && match.IsReservedFor(v, claim)
	switch {
	case ref != nil && !reserved && v.Status.Phase == corev1.VolumeReleased:
		return fmt.Sprintf("is Released: its claim %s/%s is gone", ref.Namespace, ref.Name)
	case ref != nil && !reserved:
		return fmt.Sprintf("serves %s/%s", ref.Namespace, ref.Name)
	case !reserved && claim.Spec.Selector != nil && (err != nil || !selector.Matches(labels.Set(v.Labels))):
		return "has not the labels of the selector"
	case !reserved && v.Status.Phase != corev1.VolumeAvailable:
		return fmt.Sprintf("is %s", v.Status.Phase)
	case len(best) > 0:
		return fmt.Sprintf("fits, but %s fits better", best[0])
	}
	return "asks for an access mode that does not exist"
}
