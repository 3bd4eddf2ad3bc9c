package validation

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// claimRules is what differs when a claim is updated.
type claimRules struct {
	anySourceGroup bool // dataSource's API group was there before
}

func (c *check) claimCreate(pvc *corev1.PersistentVolumeClaim) {
	c.meta(&pvc.ObjectMeta, true, subdomainName)
	c.claimSpec(spec, &pvc.Spec, claimRules{})
}

// accessModes is shared by claims and volumes.
func (c *check) accessModes(p path, modes []corev1.PersistentVolumeAccessMode) {
	single, other := false, false
	for _, m := range modes {
		before := len(c.errs)
		oneOf(c, p, m, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOnce, corev1.ReadWriteOncePod)
		if m == corev1.ReadWriteOncePod {
			single = true
		} else if len(c.errs) == before {
			other = true
		}
	}
	if single && other {
		c.forbidden(p, "may not use ReadWriteOncePod with other access modes")
	}
}

func (c *check) volumeMode(p path, m *corev1.PersistentVolumeMode) {
	if m != nil {
		oneOf(c, p, *m, corev1.PersistentVolumeBlock, corev1.PersistentVolumeFilesystem)
	}
}

// claimSpec is ValidatePersistentVolumeClaimSpec.
func (c *check) claimSpec(p path, s *corev1.PersistentVolumeClaimSpec, rules claimRules) {
	modes := p.child("accessModes")
	if len(s.AccessModes) == 0 {
		c.required(modes, "at least 1 access mode is required")
	}
	c.selector(p.child("selector"), s.Selector, false)
	c.accessModes(modes, s.AccessModes)
	resources := p.child("resources")
	size := resources.key(string(corev1.ResourceStorage))
	if q, ok := s.Resources.Requests[corev1.ResourceStorage]; !ok {
		c.required(size, "")
	} else if q.Sign() <= 0 {
		c.invalid(size, q.String(), notPositive)
	}
	if n := s.StorageClassName; n != nil && *n != "" {
		c.name(p.child("storageClassName"), *n, subdomainName)
	}
	c.volumeMode(p.child("volumeMode"), s.VolumeMode)
	if s.DataSource != nil || s.DataSourceRef != nil {
		c.dataSources(p, s, rules)
	}
	if n := s.VolumeAttributesClassName; n != nil && *n != "" {
		c.name(p.child("volumeAttributesClassName"), *n, subdomainName)
	}
}

func (c *check) dataSources(p path, s *corev1.PersistentVolumeClaimSpec, rules claimRules) {
	if d := s.DataSource; d != nil {
		c.dataSource(p.child("dataSource"), d.Name, d.Kind, d.APIGroup, rules)
	}
	other := false
	if d := s.DataSourceRef; d != nil {
		at := p.child("dataSourceRef")
		c.dataSource(at, d.Name, d.Kind, d.APIGroup, rules)
		if other = d.Namespace != nil && *d.Namespace != ""; other {
			c.name(at.child("namespace"), *d.Namespace, labelName)
		}
	}
	a, b := s.DataSource, s.DataSourceRef
	if a == nil || b == nil {
		return
	}
	source := p.child("dataSource")
	switch {
	case other:
		c.invalid(p, source.field(), "may not be specified when dataSourceRef.namespace is specified")
	case a.Kind != b.Kind || a.Name != b.Name || !apiequality.Semantic.DeepEqual(a.APIGroup, b.APIGroup):
		c.invalid(p, source.field(), "must match dataSourceRef")
	}
}

func (c *check) dataSource(p path, name, kind string, group *string, rules claimRules) {
	if name == "" {
		c.required(p.child("name"), "")
	}
	if kind == "" {
		c.required(p.child("kind"), "")
	}
	if group == nil || *group == "" {
		if kind != "PersistentVolumeClaim" {
			c.invalid(p, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
		}
	} else if !rules.anySourceGroup {
		c.msgs(p.child("apiGroup"), *group, validation.IsDNS1123Subdomain(*group))
	}
}

// claimUpdate is ValidatePersistentVolumeClaimUpdate. V16: a bound claim may
// ask for more. Whether its class lets it is admission's to say.
func (c *check) claimUpdate(pvc, old *corev1.PersistentVolumeClaim) {
	rules := claimRules{anySourceGroup: old.Spec.DataSource != nil && old.Spec.DataSource.APIGroup != nil ||
		old.Spec.DataSourceRef != nil && old.Spec.DataSourceRef.APIGroup != nil}
	c.claimSpec(spec, &pvc.Spec, rules)

	now, was := pvc.Spec, old.Spec
	if old.Spec.VolumeName == "" {
		was.VolumeName = now.VolumeName
	}
	c.claimClass(pvc, old, &now, &was)
	if isSameSpec(&now, &was) { // an update of something else
		return
	}
	bound := pvc.Status.Phase == corev1.ClaimBound
	if bound && now.Resources.Requests != nil {
		now.Resources.Requests = corev1.ResourceList{}
		for k, v := range pvc.Spec.Resources.Requests { // a copy: order does not matter
			now.Resources.Requests[k] = v
		}
		now.Resources.Requests[corev1.ResourceStorage] = old.Spec.Resources.Requests[corev1.ResourceStorage]
	}
	if bound {
		now.VolumeAttributesClassName = was.VolumeAttributesClassName
	}
	if !apiequality.Semantic.DeepEqual(now, was) {
		c.forbidden(spec, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"+
			fmt.Sprint(diff.Diff(shown(was), shown(now))))
	}
	c.claimShrink(pvc, old)
	fixed(c, in("volumeMode"), pvc.Spec.VolumeMode, old.Spec.VolumeMode)
	c.claimAttributes(pvc, old)
}

// isSameSpec reports whether two specs are one in memory.
func isSameSpec(a, b *corev1.PersistentVolumeClaimSpec) bool {
	return shared.List(a.AccessModes, b.AccessModes) && a.Selector == b.Selector &&
		shared.Map(a.Resources.Limits, b.Resources.Limits) && shared.Map(a.Resources.Requests, b.Resources.Requests) &&
		a.VolumeName == b.VolumeName && a.StorageClassName == b.StorageClassName && a.VolumeMode == b.VolumeMode &&
		a.DataSource == b.DataSource && a.DataSourceRef == b.DataSourceRef && a.VolumeAttributesClassName == b.VolumeAttributesClassName
}

// claimClass: a class may be named later, if none was, and the old annotation
// may become the field.
func (c *check) claimClass(pvc, old *corev1.PersistentVolumeClaim, now, was *corev1.PersistentVolumeClaimSpec) {
	const key = corev1.BetaStorageClassAnnotation
	before, had := old.Annotations[key]
	after, has := pvc.Annotations[key]
	class := pvc.Spec.StorageClassName
	if had && old.Spec.StorageClassName == nil && class != nil && *class == before && (!has || after == before) {
		now.StorageClassName = nil
		return
	}
	if before != after {
		c.invalid(metadata.child("annotations."+key), after, isImmutable)
	}
	if class != nil && old.Spec.StorageClassName == nil && (!had || *class == before) {
		now.StorageClassName = was.StorageClassName
	}
}

// claimShrink: less is allowed down to, not at, what the claim has.
func (c *check) claimShrink(pvc, old *corev1.PersistentVolumeClaim) {
	size := pvc.Spec.Resources.Requests[corev1.ResourceStorage]
	has := old.Status.Capacity[corev1.ResourceStorage]
	if size.Cmp(old.Spec.Resources.Requests[corev1.ResourceStorage]) < 0 && size.Cmp(has) <= 0 {
		c.forbidden(spec.child("resources.requests.storage"), "field can not be less than status.capacity")
	}
}

func (c *check) claimAttributes(pvc, old *corev1.PersistentVolumeClaim) {
	now := pvc.Spec.VolumeAttributesClassName
	if old.Status.CurrentVolumeAttributesClassName == nil || apiequality.Semantic.DeepEqual(now, old.Spec.VolumeAttributesClassName) {
		return
	}
	at := spec.child("volumeAttributesClassName")
	if now == nil {
		c.forbidden(at, "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil")
	} else if *now == "" {
		c.forbidden(at, "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil")
	}
}

// claimStatus is ValidatePersistentVolumeClaimStatusUpdate.
func (c *check) claimStatus(pvc *corev1.PersistentVolumeClaim) {
	if len(pvc.Spec.AccessModes) == 0 {
		c.required(in("Spec.accessModes"), "")
	}
	capacity := in("status.capacity")
	for _, r := range sorted(pvc.Status.Capacity) {
		c.basic(capacity.key(string(r)), pvc.Status.Capacity[r])
	}
	statuses := in("status.allocatedResourceStatuses")
	for _, r := range sorted(pvc.Status.AllocatedResourceStatuses) {
		c.claimResource(statuses, r)
		if !slices.Contains(resizeStatuses, pvc.Status.AllocatedResourceStatuses[r]) {
			c.errs = append(c.errs, field.NotSupported(statuses.field(), r, resizeStatuses))
		}
	}
	allocated := in("status.allocatedResources")
	for _, r := range sorted(pvc.Status.AllocatedResources) {
		before := len(c.errs)
		c.claimResource(allocated, r)
		if len(c.errs) == before {
			c.basic(allocated.key(string(r)), pvc.Status.AllocatedResources[r])
		}
	}
}

// resizeStatuses are where the growth of a claim can stand, sorted.
var resizeStatuses = []corev1.ClaimResourceStatus{
	corev1.PersistentVolumeClaimControllerResizeInProgress, corev1.PersistentVolumeClaimControllerResizeInfeasible,
	corev1.PersistentVolumeClaimNodeResizeInProgress, corev1.PersistentVolumeClaimNodeResizeInfeasible,
	corev1.PersistentVolumeClaimNodeResizePending,
}

func (c *check) claimResource(p path, r corev1.ResourceName) {
	if !isQualified(string(r)) {
		c.msgs(p, string(r), validation.IsQualifiedName(string(r)))
	} else if isNative(r) {
		oneOf(c, p, r, corev1.ResourceStorage)
	}
}
