package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

var metadata = in("metadata")

// meta is ValidateObjectMeta: the metadata of a new object.
func (c *check) meta(m *metav1.ObjectMeta, namespaced bool, rule nameRule) {
	c.genericMeta(m, namespaced, rule)
	c.kubeFinalizers(m.Finalizers)
}

// genericMeta is apimachinery's ValidateObjectMeta, which does not know
// Kubernetes' own finalizers.
func (c *check) genericMeta(m *metav1.ObjectMeta, namespaced bool, rule nameRule) {
	if m.GenerateName != "" && !rule.quick(m.GenerateName) {
		c.msgs(metadata.child("generateName"), m.GenerateName, rule.slow(m.GenerateName, true))
	}
	if m.Name == "" {
		c.required(metadata.child("name"), "name or generateName is required")
	} else {
		c.name(metadata.child("name"), m.Name, rule)
	}
	switch {
	case !namespaced && m.Namespace != "":
		c.forbidden(metadata.child("namespace"), "not allowed on this type")
	case namespaced && m.Namespace == "":
		c.required(metadata.child("namespace"), "")
	case namespaced:
		c.name(metadata.child("namespace"), m.Namespace, labelName)
	}
	c.metaCommon(m, &metav1.ObjectMeta{})
}

// metaUpdate is what every update is held to, whatever the kind
// (validateCommonFields). That a resourceVersion is there is the server's to
// see to: it compares versions before (A8).
func (c *check) metaUpdate(m, old *metav1.ObjectMeta) {
	if m.GenerateName != "" {
		c.msgs(metadata.child("generateName"), m.GenerateName, segmentName.slow(m.GenerateName, true))
	}
	c.metaCommon(m, old)
	if old.DeletionTimestamp != nil {
		if extra := newFinalizers(m.Finalizers, old.Finalizers); len(extra) > 0 {
			c.forbidden(metadata.child("finalizers"), fmt.Sprintf("no new finalizers can be added if the object is being deleted, found new finalizers %#v", extra))
		}
	}
	if m.Generation < old.Generation {
		c.invalid(metadata.child("generation"), m.Generation, "must not be decremented")
	}
	c.immutable(metadata.child("name"), m.Name != old.Name, m.Name)
	c.immutable(metadata.child("namespace"), m.Namespace != old.Namespace, m.Namespace)
	if m.UID != old.UID {
		c.invalid(metadata.child("uid"), m.UID, isImmutable)
	}
	if !m.CreationTimestamp.Equal(&old.CreationTimestamp) {
		c.invalid(metadata.child("creationTimestamp"), m.CreationTimestamp, isImmutable)
	}
	if !m.DeletionTimestamp.Equal(old.DeletionTimestamp) {
		c.invalid(metadata.child("deletionTimestamp"), m.DeletionTimestamp, isImmutable)
	}
	grace, was := m.DeletionGracePeriodSeconds, old.DeletionGracePeriodSeconds
	if (grace == nil) != (was == nil) || grace != nil && *grace != *was {
		c.invalid(metadata.child("deletionGracePeriodSeconds"), grace, isImmutable)
	}
}

// generateName is what the kinds say again on an update whose rules check all
// of the metadata then. The name itself cannot change.
func (c *check) generateName(m *metav1.ObjectMeta, rule nameRule) {
	if m.GenerateName != "" && !rule.quick(m.GenerateName) {
		c.msgs(metadata.child("generateName"), m.GenerateName, rule.slow(m.GenerateName, true))
	}
}

func newFinalizers(now, old []string) []string {
	var extra []string
	for _, f := range now {
		if !slices.Contains(old, f) && !slices.Contains(extra, f) {
			extra = append(extra, f)
		}
	}
	slices.Sort(extra)
	return extra
}

// immutable reports a string that has changed.
func (c *check) immutable(p path, changed bool, value string) {
	if changed {
		c.invalid(p, value, isImmutable)
	}
}

// fixed is immutable for values that only a deep comparison tells apart.
func fixed[T any](c *check, p path, now, old T) {
	if !apiequality.Semantic.DeepEqual(old, now) {
		c.invalid(p, now, isImmutable)
	}
}

// metaCommon checks what creation and update have in common. Maps and owners
// that are the stored object's own were checked when it was stored.
func (c *check) metaCommon(m, old *metav1.ObjectMeta) {
	nonNegative(c, metadata.child("generation"), m.Generation)
	if !shared.Map(m.Labels, old.Labels) {
		c.labels(metadata.child("labels"), m.Labels)
	}
	if !shared.Map(m.Annotations, old.Annotations) {
		c.annotations(metadata.child("annotations"), m.Annotations)
	}
	if !shared.List(m.OwnerReferences, old.OwnerReferences) && !areOwners(m.OwnerReferences) {
		p := metadata.child("ownerReferences")
		c.add(apivalidation.ValidateOwnerReferences(m.OwnerReferences, p.field()))
	}
	p := metadata.child("finalizers")
	for _, f := range m.Finalizers {
		c.qualified(p, f)
	}
	if slices.Contains(m.Finalizers, metav1.FinalizerOrphanDependents) && slices.Contains(m.Finalizers, metav1.FinalizerDeleteDependents) {
		c.invalid(p, m.Finalizers, fmt.Sprintf("finalizer %s and %s cannot be both set", metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents))
	}
}

// areOwners reports whether references are of the common kind: complete, and
// at most one controller.
func areOwners(refs []metav1.OwnerReference) bool {
	controllers := 0
	for i := range refs {
		r := &refs[i]
		if r.APIVersion == "" || strings.Count(r.APIVersion, "/") > 1 || strings.HasSuffix(r.APIVersion, "/") ||
			r.Kind == "" || r.Name == "" || r.UID == "" || r.Kind == "Event" {
			return false
		}
		if r.Controller != nil && *r.Controller {
			controllers++
		}
	}
	return controllers <= 1
}

// kubeFinalizers: a finalizer without a domain is one of Kubernetes' own.
func (c *check) kubeFinalizers(finalizers []string) {
	p := metadata.child("finalizers")
	for i, f := range finalizers {
		c.kubeFinalizer(p.at(i), f)
	}
}

func (c *check) kubeFinalizer(p path, f string) {
	if strings.Contains(f, "/") {
		return
	}
	switch f {
	case string(corev1.FinalizerKubernetes), metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents:
		return
	}
	c.invalid(p, f, "name is neither a standard finalizer name nor is it fully qualified")
}

func (c *check) labels(p path, labels map[string]string) {
	for k, v := range labels { // a search: order does not matter
		if !isQualified(k) || !isLabelValue(v) {
			c.badLabels(p, labels)
			return
		}
	}
}

func (c *check) badLabels(p path, labels map[string]string) {
	for _, k := range sorted(labels) {
		c.msgs(p, k, validation.IsQualifiedName(k))
		c.msgs(p, labels[k], validation.IsValidLabelValue(labels[k]))
	}
}

// maxAnnotations is the most that the annotations of an object may take.
const maxAnnotations = apivalidation.TotalAnnotationSizeLimitB

func (c *check) annotations(p path, annotations map[string]string) {
	size, bad := 0, false
	for k, v := range annotations { // a sum and a search: order does not matter
		size += len(k) + len(v)
		bad = bad || !isQualified(k)
	}
	if bad {
		for _, k := range sorted(annotations) {
			c.msgs(p, k, validation.IsQualifiedName(strings.ToLower(k)))
		}
	}
	if size > maxAnnotations {
		c.errs = append(c.errs, field.TooLong(p.field(), "", maxAnnotations))
	}
}

// selector is ValidateLabelSelector.
func (c *check) selector(p path, s *metav1.LabelSelector, anyValue bool) {
	if s == nil {
		return
	}
	c.labels(p.child("matchLabels"), s.MatchLabels)
	exprs := p.child("matchExpressions")
	for i := range s.MatchExpressions {
		c.add(metavalidation.ValidateLabelSelectorRequirement(s.MatchExpressions[i],
			metavalidation.LabelSelectorValidationOptions{AllowInvalidLabelValueInSelector: anyValue}, exprs.field().Index(i)))
	}
}
