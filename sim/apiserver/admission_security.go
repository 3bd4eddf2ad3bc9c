package apiserver

import (
	"fmt"
	"reflect"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	securityapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// The plugin PodSecurity is configured as kube-apiserver is without a file: a
// namespace without labels allows everything, and nobody is exempt.
var (
	privileged    = securityapi.LevelVersion{Level: securityapi.LevelPrivileged, Version: securityapi.LatestVersion()}
	defaultPolicy = securityapi.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}
	// security is the library that knows what each level allows. It keeps nothing.
	security = func() policy.Evaluator {
		e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
		if err != nil {
			panic(err) // of a list that belongs to the library
		}
		return e
	}()
)

// podsChecked is how many pods a change of a namespace's level is tried on
// (defaultNamespaceMaxPodsToCheck).
const podsChecked = 3000

// admitSecurity is the plugin PodSecurity: it holds pods to the level that the
// labels of their namespace enforce, and warns of them and of templates that
// violate the level to warn of. What is violated for the audit log alone shows
// nowhere. old is nil for a creation; scaled tells the scale of a set from the set.
func (s *Server) admitSecurity(obj, old Object, scaled bool) (warnings []string, err error) {
	switch o := obj.(type) {
	case *corev1.Namespace:
		was, _ := old.(*corev1.Namespace)
		return s.admitLevels(o, was)
	case *corev1.Pod:
		if was, ok := old.(*corev1.Pod); ok && !changesImages(o, was) {
			return nil, nil
		}
		return s.admitSpec(obj, &o.ObjectMeta, &o.Spec, true)
	}
	if t := podTemplateOf(obj); t != nil && !scaled {
		return s.admitSpec(obj, &t.ObjectMeta, &t.Spec, false)
	}
	return nil, nil
}

// podTemplateOf returns the template of what makes pods, or nil
// (DefaultPodSpecExtractor).
func podTemplateOf(obj Object) *corev1.PodTemplateSpec {
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	case *corev1.PodTemplate:
		return &o.Template
	case *corev1.ReplicationController:
		return o.Spec.Template
	}
	return nil
}

// admitSpec is EvaluatePod. Templates are warned of, never refused.
func (s *Server) admitSpec(obj Object, meta *metav1.ObjectMeta, spec *corev1.PodSpec, isPod bool) ([]string, error) {
	ns, _ := s.Get(Namespace, Key{Name: obj.GetNamespace()}).(*corev1.Namespace)
	if ns == nil {
		if !isPod {
			return nil, nil
		}
		return nil, apierrors.NewInternalError(fmt.Errorf("failed to lookup namespace %q", obj.GetNamespace()))
	}
	levels, _ := securityapi.PolicyToEvaluate(ns.Labels, defaultPolicy) // labels that cannot be read are as strict as can be
	if isPod && levels.Enforce.Level != securityapi.LevelPrivileged {
		if r := policy.AggregateCheckResults(security.EvaluatePod(levels.Enforce, meta, spec)); !r.Allowed {
			return nil, forbidden(Pod, obj, fmt.Errorf("violates PodSecurity %q: %s", levels.Enforce.String(), r.ForbiddenDetail()))
		}
	}
	if levels.Warn.Level == securityapi.LevelPrivileged {
		return nil, nil
	}
	if r := policy.AggregateCheckResults(security.EvaluatePod(levels.Warn, meta, spec)); !r.Allowed {
		return []string{fmt.Sprintf("would violate PodSecurity %q: %s", levels.Warn.String(), r.ForbiddenDetail())}, nil
	}
	return nil, nil
}

// changesImages reports whether a pod's update is looked at
// (isSignificantPodUpdate).
func changesImages(pod, was *corev1.Pod) bool {
	same := func(a, b corev1.Container) bool { return a.Image == b.Image }
	return !slices.EqualFunc(pod.Spec.Containers, was.Spec.Containers, same) || !slices.EqualFunc(pod.Spec.InitContainers, was.Spec.InitContainers, same) ||
		slices.ContainsFunc(pod.Spec.EphemeralContainers, func(c corev1.EphemeralContainer) bool {
			i := slices.IndexFunc(was.Spec.EphemeralContainers, func(o corev1.EphemeralContainer) bool { return o.Name == c.Name })
			return i < 0 || was.Spec.EphemeralContainers[i].Image != c.Image
		})
}

// admitLevels is ValidateNamespace: labels that can be read, and warnings of the
// pods that would not be let in any more.
func (s *Server) admitLevels(ns, was *corev1.Namespace) ([]string, error) {
	levels, errs := securityapi.PolicyToEvaluate(ns.Labels, defaultPolicy)
	invalid := func() error {
		return apierrors.NewInvalid(Namespace.GroupVersionKind().GroupKind(), ns.Name, errs)
	}
	if was == nil {
		if len(errs) > 0 {
			return nil, invalid()
		}
		return nil, nil
	}
	before, errsBefore := securityapi.PolicyToEvaluate(was.Labels, defaultPolicy)
	if len(errs) > 0 && !reflect.DeepEqual(errs, errsBefore) {
		return nil, invalid()
	}
	relaxed := levels.Enforce.Version == before.Enforce.Version && securityapi.CompareLevels(levels.Enforce.Level, before.Enforce.Level) < 1
	if levels.Enforce.Level == securityapi.LevelPrivileged || relaxed {
		return nil, nil
	}
	return s.violators(ns.Name, levels.Enforce), nil
}

// violators tells of the pods of a namespace that violate a level, those with the
// same faults together (EvaluatePodsInNamespace).
func (s *Server) violators(namespace string, level securityapi.LevelVersion) (warnings []string) {
	pods := distinctFirst(s.List(Pod, namespace))
	if len(pods) > podsChecked {
		warnings = append(warnings, fmt.Sprintf("new PodSecurity enforce level only checked against the first %d of %d existing pods", podsChecked, len(pods)))
		pods = pods[:podsChecked]
	}
	counts, first := map[string]int{}, map[string]string{}
	var faults []string
	for _, pod := range pods {
		r := policy.AggregateCheckResults(security.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
		if r.Allowed {
			continue
		}
		fault := r.ForbiddenReason()
		if counts[fault]++; counts[fault] == 1 {
			faults = append(faults, fault)
		}
		if name, seen := first[fault]; !seen || pod.Name < name {
			first[fault] = pod.Name
		}
	}
	if len(faults) == 0 {
		return warnings
	}
	warnings = append(warnings, fmt.Sprintf("existing pods in namespace %q violate the new PodSecurity enforce level %q", namespace, level.String()))
	for i, fault := range faults {
		switch n := counts[fault]; n {
		case 1:
			faults[i] = fmt.Sprintf("%s: %s", first[fault], fault)
		case 2:
			faults[i] = fmt.Sprintf("%s (and 1 other pod): %s", first[fault], fault)
		default:
			faults[i] = fmt.Sprintf("%s (and %d other pods): %s", first[fault], n-1, fault)
		}
	}
	slices.Sort(faults)
	return append(warnings, faults...)
}

// distinctFirst has one pod of each controller come before the others
// (prioritizePods).
func distinctFirst(objs []Object) []*corev1.Pod {
	var first, others []*corev1.Pod
	seen := map[types.UID]bool{}
	for _, o := range objs {
		pod := o.(*corev1.Pod)
		ref := metav1.GetControllerOfNoCopy(pod)
		if ref != nil && seen[ref.UID] {
			others = append(others, pod)
			continue
		}
		if ref != nil {
			seen[ref.UID] = true
		}
		first = append(first, pod)
	}
	return append(first, others...)
}
