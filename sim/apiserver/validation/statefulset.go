package validation

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// setRules is what differs between creating and updating a StatefulSet
// (StatefulSetValidationOptions).
type setRules struct {
	recreate   bool // the strategy exists
	anyService bool // serviceName may be what it is
	anyClaims  bool // so may the volumeClaimTemplates
}

var spec = in("spec")

// statefulSetCreate is ValidateStatefulSet (A5).
func (c *check) statefulSetCreate(set *appsv1.StatefulSet, o Options) {
	c.meta(&set.ObjectMeta, true, labelName)
	c.statefulSetSpec(&set.Spec, setRules{recreate: o.Recreate})
}

// statefulSetUpdate is ValidateStatefulSetUpdate (A4, §0.3): what
// cannot be changed is reported field by field.
func (c *check) statefulSetUpdate(set, old *appsv1.StatefulSet, o Options) {
	rules := setRules{anyService: true, anyClaims: true,
		recreate: o.Recreate || old.Spec.UpdateStrategy.Type == appsv1.RecreateStatefulSetStrategyType}
	c.statefulSetSpec(&set.Spec, rules)

	fixed(c, spec.child("selector"), set.Spec.Selector, old.Spec.Selector)
	fixed(c, spec.child("volumeClaimTemplates"), claimsOf(set), claimsOf(old)) // §0.11
	fixed(c, spec.child("serviceName"), set.Spec.ServiceName, old.Spec.ServiceName)
	fixed(c, spec.child("podManagementPolicy"), set.Spec.PodManagementPolicy, old.Spec.PodManagementPolicy)
}

// claimsOf returns the claim templates without the kind that the API shows
// with them.
func claimsOf(set *appsv1.StatefulSet) []corev1.PersistentVolumeClaim {
	if set.Spec.VolumeClaimTemplates == nil {
		return nil
	}
	claims := make([]corev1.PersistentVolumeClaim, len(set.Spec.VolumeClaimTemplates))
	for i := range claims {
		claims[i] = set.Spec.VolumeClaimTemplates[i]
		claims[i].TypeMeta = metav1.TypeMeta{}
	}
	return claims
}

// statefulSetSpec is ValidateStatefulSetSpec.
func (c *check) statefulSetSpec(s *appsv1.StatefulSetSpec, rules setRules) {
	switch s.PodManagementPolicy {
	case "":
		c.required(spec.child("podManagementPolicy"), "")
	case appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement:
	default:
		c.invalid(spec.child("podManagementPolicy"), s.PodManagementPolicy, "must be 'OrderedReady' or 'Parallel'")
	}
	c.updateStrategy(&s.UpdateStrategy, rules)
	if r := s.PersistentVolumeClaimRetentionPolicy; r != nil {
		p := spec.child("persistentVolumeClaimRetentionPolicy")
		c.retention(p.child("whenDeleted"), r.WhenDeleted)
		c.retention(p.child("whenScaled"), r.WhenScaled)
	}
	if !rules.anyClaims {
		p := spec.child("volumeClaimTemplates")
		for i := range s.VolumeClaimTemplates {
			at := p.at(i)
			c.claimSpec(at.child("spec"), &s.VolumeClaimTemplates[i].Spec, claimRules{})
		}
	}
	if s.Replicas != nil {
		nonNegative(c, spec.child("replicas"), *s.Replicas)
	}
	nonNegative(c, spec.child("minReadySeconds"), s.MinReadySeconds)
	if s.Ordinals != nil {
		nonNegative(c, spec.child("ordinals.start"), s.Ordinals.Start)
	}
	if !rules.anyService && s.ServiceName != "" {
		c.name(spec.child("serviceName"), s.ServiceName, labelName)
	}
	c.setSelector(s)

	p := spec.child("template")
	if s.Template.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		c.errs = append(c.errs, field.NotSupported(p.field().Child("spec", "restartPolicy"), s.Template.Spec.RestartPolicy, []corev1.RestartPolicy{corev1.RestartPolicyAlways}))
	}
	if s.Template.Spec.ActiveDeadlineSeconds != nil {
		c.forbidden(p.child("spec.activeDeadlineSeconds"), "activeDeadlineSeconds in StatefulSet is not Supported")
	}
}

func (c *check) retention(p path, policy appsv1.PersistentVolumeClaimRetentionPolicyType) {
	oneOf(c, p, policy, appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType)
}

// setSelector holds the selector and the template to each other.
func (c *check) setSelector(s *appsv1.StatefulSetSpec) {
	p := spec.child("selector")
	if s.Selector == nil {
		c.required(p, "")
	} else {
		c.selector(p, s.Selector, false)
		if len(s.Selector.MatchLabels)+len(s.Selector.MatchExpressions) == 0 {
			c.invalid(p, s.Selector, "empty selector is invalid for statefulset")
		}
	}
	selector, err := metav1.LabelSelectorAsSelector(s.Selector)
	if err != nil {
		c.invalid(p, s.Selector, "")
		return
	}
	t := spec.child("template")
	if !selector.Empty() && !selector.Matches(labels.Set(s.Template.Labels)) {
		c.invalid(t.child("metadata.labels"), s.Template.Labels, "`selector` does not match template `labels`")
	}
	template := podTemplate(s)
	c.template(t, template)
	c.labels(t.child("labels"), template.Labels)
	c.annotations(t.child("annotations"), template.Annotations)
	c.podAnnotations(t.child("annotations"), template.Annotations, &template.Spec)
}

// podTemplate is the template as the controller completes it (S12): claims
// are volumes, and hostname and subdomain are not the template's to choose.
func podTemplate(s *appsv1.StatefulSetSpec) *corev1.PodTemplateSpec {
	t := &s.Template
	if t.Spec.Subdomain == "" && t.Spec.Hostname == "" && len(s.VolumeClaimTemplates) == 0 {
		return t
	}
	n := *t
	n.Spec.Subdomain, n.Spec.Hostname = "", ""
	if len(s.VolumeClaimTemplates) > 0 {
		n.Spec.Volumes = make([]corev1.Volume, 0, len(s.VolumeClaimTemplates)+len(t.Spec.Volumes))
		for i := range s.VolumeClaimTemplates {
			name := s.VolumeClaimTemplates[i].Name
			if !hasVolume(n.Spec.Volumes, name) {
				n.Spec.Volumes = append(n.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}})
			}
		}
		claims := len(n.Spec.Volumes)
		for _, v := range t.Spec.Volumes {
			if !hasVolume(n.Spec.Volumes[:claims], v.Name) {
				n.Spec.Volumes = append(n.Spec.Volumes, v)
			}
		}
	}
	return &n
}

func hasVolume(volumes []corev1.Volume, name string) bool {
	for i := range volumes {
		if volumes[i].Name == name {
			return true
		}
	}
	return false
}

// updateStrategy includes §0.2: Recreate only with its gate.
func (c *check) updateStrategy(s *appsv1.StatefulSetUpdateStrategy, rules setRules) {
	p := spec.child("updateStrategy")
	switch {
	case s.Type == "":
		c.required(p, "")
	case s.Type == appsv1.RollingUpdateStatefulSetStrategyType:
		if s.RollingUpdate != nil {
			c.rollingUpdate(p.child("rollingUpdate"), s.RollingUpdate)
		}
	case s.Type == appsv1.OnDeleteStatefulSetStrategyType,
		s.Type == appsv1.RecreateStatefulSetStrategyType && rules.recreate:
		if s.RollingUpdate != nil {
			c.invalid(p.child("rollingUpdate"), strategyShown(s).RollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
		}
	default:
		detail := "must be 'RollingUpdate' or 'OnDelete'"
		if rules.recreate {
			detail = "must be 'RollingUpdate', 'OnDelete', or 'Recreate'"
		}
		c.invalid(p, strategyShown(s), detail)
	}
}

func (c *check) rollingUpdate(p path, r *appsv1.RollingUpdateStatefulSetStrategy) {
	if r.Partition != nil {
		nonNegative(c, p.child("partition"), *r.Partition)
	}
	if r.MaxUnavailable == nil {
		return
	}
	at := p.child("maxUnavailable")
	c.countOrPercent(at, *r.MaxUnavailable)
	if n, ok := percent(*r.MaxUnavailable); ok && n == 0 || !ok && r.MaxUnavailable.IntValue() == 0 {
		c.invalid(at, *r.MaxUnavailable, "cannot be 0")
	}
	c.atMost100(at, *r.MaxUnavailable)
}

// countOrPercent is ValidatePositiveIntOrPercent.
func (c *check) countOrPercent(p path, v intstr.IntOrString) {
	switch v.Type {
	case intstr.String:
		for _, m := range validation.IsValidPercent(v.StrVal) {
			c.invalid(p, v, m)
		}
	case intstr.Int:
		nonNegative(c, p, v.IntVal)
	default:
		c.invalid(p, v, "must be an integer or percentage (e.g '5%%')")
	}
}

func (c *check) atMost100(p path, v intstr.IntOrString) {
	if n, ok := percent(v); ok && n > 100 {
		c.invalid(p, v, "must not be greater than 100%")
	}
}

// percent returns the number of a percentage.
func percent(v intstr.IntOrString) (int, bool) {
	if v.Type != intstr.String || len(validation.IsValidPercent(v.StrVal)) > 0 {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(v.StrVal, "%"))
	return n, err == nil
}

// statefulSetStatus is ValidateStatefulSetStatusUpdate.
func (c *check) statefulSetStatus(set, old *appsv1.StatefulSet) {
	s, p := &set.Status, in("status")
	counts := [...]struct {
		name string
		n    int32
	}{
		{"replicas", s.Replicas}, {"readyReplicas", s.ReadyReplicas}, {"currentReplicas", s.CurrentReplicas},
		{"updatedReplicas", s.UpdatedReplicas}, {"availableReplicas", s.AvailableReplicas},
	}
	for _, f := range counts {
		nonNegative(c, p.child(f.name), f.n)
	}
	nonNegative(c, p.child("observedGeneration"), s.ObservedGeneration)
	if s.CollisionCount != nil {
		nonNegative(c, p.child("collisionCount"), *s.CollisionCount)
	}
	for _, f := range counts[1:] {
		if f.n > s.Replicas {
			c.invalid(p.child(f.name), f.n, "cannot be greater than status.replicas")
		}
	}
	if s.AvailableReplicas > s.ReadyReplicas {
		c.invalid(p.child("availableReplicas"), s.AvailableReplicas, "cannot be greater than status.readyReplicas")
	}
	if was := old.Status.CollisionCount; was != nil && (s.CollisionCount == nil || *s.CollisionCount < *was) {
		var now int32
		if s.CollisionCount != nil {
			now = *s.CollisionCount
		}
		c.invalid(p.child("collisionCount"), now, "cannot be decremented")
	}
}

// strategyShown is the internal form of a strategy, in which the partition is
// a plain number.
func strategyShown(s *appsv1.StatefulSetUpdateStrategy) appsv1.StatefulSetUpdateStrategy {
	n := *s
	if n.RollingUpdate != nil && n.RollingUpdate.Partition == nil {
		r := *n.RollingUpdate
		r.Partition = new(int32)
		n.RollingUpdate = &r
	}
	return n
}
