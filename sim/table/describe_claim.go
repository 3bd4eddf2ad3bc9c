package table

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// claim writes a PersistentVolumeClaim (describePersistentVolumeClaim).
func (p *page) claim(pvc *corev1.PersistentVolumeClaim, others []apiserver.Object) {
	p.identity(&pvc.ObjectMeta)
	p.line(0, "StorageClass:\t%s", claimClass(pvc))
	p.phase(string(pvc.Status.Phase), &pvc.ObjectMeta)
	p.line(0, "Volume:\t%s", pvc.Spec.VolumeName)
	p.about(&pvc.ObjectMeta)
	p.line(0, "Finalizers:\t%v", pvc.Finalizers)
	p.claimStorage(pvc)
	p.list("", "Used By", claimUsers(pvc, others))
	if len(pvc.Status.Conditions) == 0 {
		return
	}
	p.line(0, "Conditions:")
	p.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage")
	p.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
	for i := range pvc.Status.Conditions {
		c := &pvc.Status.Conditions[i]
		p.line(1, "%s \t%s \t%s \t%s \t%s \t%s", c.Type, c.Status,
			date(c.LastProbeTime), date(c.LastTransitionTime), c.Reason, c.Message)
	}
}

// claimStorage writes what a claim got, and how.
func (p *page) claimStorage(pvc *corev1.PersistentVolumeClaim) {
	capacity, modes := boundStorage(pvc)
	p.line(0, "Capacity:\t%s", capacity)
	p.line(0, "Access Modes:\t%s", modes)
	if pvc.Spec.VolumeMode != nil {
		p.line(0, "VolumeMode:\t%s", *pvc.Spec.VolumeMode)
	}
	if source := pvc.Spec.DataSource; source != nil {
		p.line(0, "DataSource:")
		if source.APIGroup != nil {
			p.line(1, "APIGroup:\t%s", *source.APIGroup)
		}
		p.line(1, "Kind:\t%s", source.Kind)
		p.line(1, "Name:\t%s", source.Name)
	}
}

// ephemeral writes the claim that comes and goes with a pod.
func (p *page) ephemeral(s *corev1.EphemeralVolumeSource) {
	p.source("EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)")
	t := s.VolumeClaimTemplate
	if t == nil {
		return
	}
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
	p.nest = 2 // also before the values: kubectl's writer indents every piece
	p.line(0, "StorageClass:\t%s", claimClass(pvc))
	p.line(0, "Volume:\t%s", pvc.Spec.VolumeName)
	p.about(&pvc.ObjectMeta)
	p.claimStorage(pvc)
	p.nest = 0
}

// claimUsers are the names of the pods that mount a claim or own it, sorted.
func claimUsers(pvc *corev1.PersistentVolumeClaim, others []apiserver.Object) []string {
	var names []string
	for _, pod := range podsOf(pvc.Namespace, others) {
		uses := slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == pvc.Name
		})
		for _, ref := range pvc.OwnerReferences {
			uses = uses || ref.Kind == "Pod" && ref.UID == pod.UID
		}
		if uses {
			names = append(names, pod.Name)
		}
	}
	slices.Sort(names)
	return names
}
