package quota

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	resourcehelper "k8s.io/component-helpers/resource"
)

// podResources are the names without a pattern that count pods.
var podResources = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
	corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsEphemeralStorage,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
	corev1.ResourcePods,
}

// matchesPods is podEvaluator.MatchingResources: huge pages and extended
// resources, too.
func matchesPods(name corev1.ResourceName) bool {
	s := string(name)
	switch {
	case slices.Contains(podResources, name), strings.HasPrefix(s, corev1.ResourceHugePagesPrefix), strings.HasPrefix(s, corev1.ResourceRequestsHugePagesPrefix):
		return true
	case !strings.HasPrefix(s, corev1.DefaultResourceRequestsPrefix): // isExtendedResourceNameForQuota
		return false
	}
	return !isNative(name) || strings.HasPrefix(s, corev1.DefaultResourceRequestsPrefix+resourcev1.ResourceDeviceClassPrefix)
}

func isNative(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

// isExtended is IsDRAExtendedResourceName.
func isExtended(name corev1.ResourceName) bool {
	requested := corev1.DefaultResourceRequestsPrefix + string(name)
	return strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix) ||
		!isNative(name) && !strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) && len(validation.IsQualifiedName(requested)) == 0
}

// stated are the resources that every container has to state if a quota is about
// them. (Upstream calls that a mistake, which cannot be taken back.)
var stated = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory,
	corev1.ResourceMemory, corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, // sorted
}

// podConstraints is podEvaluator.Constraints.
func podConstraints(names []corev1.ResourceName, pod *corev1.Pod) string {
	if resourcehelper.IsPodLevelResourcesSet(pod) {
		return ""
	}
	var told []string
	for _, name := range stated {
		if !slices.Contains(names, name) {
			continue
		}
		var without []string
		for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for i := range list {
				if !states(&list[i].Resources, name) && !slices.Contains(without, list[i].Name) {
					without = append(without, list[i].Name)
				}
			}
		}
		if slices.Sort(without); len(without) > 0 {
			told = append(told, string(name)+" for: "+strings.Join(without, ","))
		}
	}
	if len(told) == 0 {
		return ""
	}
	return "must specify " + strings.Join(told, "; ")
}

// states reports whether a container says what it takes of a resource.
func states(r *corev1.ResourceRequirements, name corev1.ResourceName) (ok bool) {
	if plain, isLimit := strings.CutPrefix(string(name), "limits."); isLimit {
		_, ok = r.Limits[corev1.ResourceName(plain)]
	} else {
		_, ok = r.Requests[corev1.ResourceName(strings.TrimPrefix(string(name), corev1.DefaultResourceRequestsPrefix))]
	}
	return ok
}

// podUsage adds what a pod takes beside its count (Q2, PodUsageFunc).
func podUsage(usage corev1.ResourceList, pod *corev1.Pod, now time.Time) {
	if !IsLive(pod, now) {
		return
	}
	usage[corev1.ResourcePods] = count(1)
	opts := resourcehelper.PodResourcesOptions{UseStatusResources: true}
	for name, q := range resourcehelper.PodRequests(pod, opts) { // each entry for itself
		requested := corev1.DefaultResourceRequestsPrefix + name
		switch {
		case name == corev1.ResourceCPU, name == corev1.ResourceMemory, name == corev1.ResourceEphemeralStorage,
			strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
			usage[name], usage[requested] = q, q
		case isExtended(name):
			usage[requested] = q
		}
	}
	for name, q := range resourcehelper.PodLimits(pod, opts) { // likewise
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
			usage["limits."+name] = q
		}
	}
}

// IsLive reports whether a pod takes more than its count: it has not ended, and is
// not overdue (QuotaV1Pod).
func IsLive(pod *corev1.Pod, now time.Time) bool {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return false
	}
	due, ok := Overdue(pod)
	return !ok || !now.After(due)
}

// Overdue returns after which time a pod that is being deleted takes no more than
// its count: when its grace period is over once more, since the timestamp of its
// deletion lies at the end of it.
func Overdue(pod *corev1.Pod) (time.Time, bool) {
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return time.Time{}, false
	}
	return pod.DeletionTimestamp.Add(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second), true
}
