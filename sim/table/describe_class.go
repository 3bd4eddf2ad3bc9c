package table

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// storageClass writes a StorageClass (describeStorageClass).
func (p *page) storageClass(sc *storagev1.StorageClass) {
	isDefault := "No"
	if isDefaultClass(&sc.ObjectMeta) {
		isDefault = "Yes"
	}
	expand := unset
	if sc.AllowVolumeExpansion != nil {
		expand = boolText(*sc.AllowVolumeExpansion)
	}
	p.line(0, "Name:\t%s", sc.Name)
	p.line(0, "IsDefaultClass:\t%s", isDefault)
	p.line(0, "Annotations:\t%s", labels.FormatLabels(sc.Annotations))
	p.line(0, "Provisioner:\t%s", sc.Provisioner)
	p.line(0, "Parameters:\t%s", labels.FormatLabels(sc.Parameters))
	p.line(0, "AllowVolumeExpansion:\t%s", expand)
	if len(sc.MountOptions) == 0 {
		p.line(0, "MountOptions:\t<none>")
	} else {
		p.line(0, "MountOptions:")
		for _, option := range sc.MountOptions {
			p.line(1, "%s", option)
		}
	}
	if sc.ReclaimPolicy != nil {
		p.line(0, "ReclaimPolicy:\t%s", *sc.ReclaimPolicy)
	}
	if sc.VolumeBindingMode != nil {
		p.line(0, "VolumeBindingMode:\t%s", *sc.VolumeBindingMode)
	}
	if sc.AllowedTopologies != nil {
		p.topologies(sc.AllowedTopologies)
	}
}

func (p *page) topologies(terms []corev1.TopologySelectorTerm) {
	if len(terms) == 0 {
		p.line(0, "AllowedTopologies:\t<none>")
		return
	}
	p.line(0, "AllowedTopologies:\t")
	for i := range terms {
		var items []string
		for _, r := range terms[i].MatchLabelExpressions {
			s := r.Key + " in"
			if len(r.Values) > 0 {
				s += " [" + strings.Join(r.Values, ", ") + "]"
			}
			items = append(items, s)
		}
		p.list("  ", fmt.Sprintf("Term %d", i), items)
	}
}

// priorityClass writes a PriorityClass (describePriorityClass).
func (p *page) priorityClass(pc *schedulingv1.PriorityClass) {
	policy := ""
	if pc.PreemptionPolicy != nil {
		policy = string(*pc.PreemptionPolicy)
	}
	p.line(0, "Name:\t%s", pc.Name)
	p.line(0, "Value:\t%d", pc.Value)
	p.line(0, "GlobalDefault:\t%t", pc.GlobalDefault)
	p.line(0, "PreemptionPolicy:\t%s", policy)
	p.line(0, "Description:\t%s", pc.Description)
	p.line(0, "Annotations:\t%s", labels.FormatLabels(pc.Annotations))
}

// namespace writes a Namespace, which has no quotas and no limits here
// (describeNamespace). It has no events.
func (p *page) namespace(ns *corev1.Namespace) {
	p.line(0, "Name:\t%s", ns.Name)
	p.about(&ns.ObjectMeta)
	p.line(0, "Status:\t%s", ns.Status.Phase)
	if len(ns.Status.Conditions) > 0 {
		p.line(0, "Conditions:")
		p.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage")
		p.line(1, "----\t------\t------------------\t------\t-------")
	}
	for i := range ns.Status.Conditions {
		c := &ns.Status.Conditions[i]
		p.line(1, "%s\t%s\t%s\t%s\t%s", c.Type, c.Status, date(c.LastTransitionTime), c.Reason, c.Message)
	}
}
