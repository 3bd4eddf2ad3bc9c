package job

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// match is what a policy says of a failed pod.
type match struct {
	action  batchv1.PodFailurePolicyAction // "" if no rule matches
	counts  bool                           // towards the limit
	message string                         // why the Job fails, if it does
}

// matchFailure finds the first rule that matches (W35, matchPodFailurePolicy).
func matchFailure(policy *batchv1.PodFailurePolicy, pod *corev1.Pod) match {
	if policy == nil {
		return match{counts: true}
	}
	for i := range policy.Rules {
		rule := &policy.Rules[i]
		m := match{action: rule.Action, counts: rule.Action != batchv1.PodFailurePolicyActionIgnore}
		switch {
		case rule.OnExitCodes != nil:
			status := exited(pod.Status.ContainerStatuses, rule.OnExitCodes)
			if status == nil {
				status = exited(pod.Status.InitContainerStatuses, rule.OnExitCodes)
			}
			if status == nil {
				continue
			}
			m.message = fmt.Sprintf("Container %s for pod %s/%s failed with exit code %v matching %v rule at index %d",
				status.Name, pod.Namespace, pod.Name, status.State.Terminated.ExitCode, rule.Action, i)
		case rule.OnPodConditions != nil:
			condition := conditioned(&pod.Status, rule.OnPodConditions)
			if condition == nil {
				continue
			}
			m.message = fmt.Sprintf("Pod %s/%s has condition %v matching %v rule at index %d", pod.Namespace, pod.Name, condition.Type, rule.Action, i)
		default:
			continue
		}
		switch rule.Action {
		case batchv1.PodFailurePolicyActionFailJob:
			return m
		case batchv1.PodFailurePolicyActionIgnore, batchv1.PodFailurePolicyActionFailIndex, batchv1.PodFailurePolicyActionCount:
			m.message = ""
			return m
		}
	}
	return match{counts: true}
}

// exited returns the first container that failed with such a code.
func exited(statuses []corev1.ContainerStatus, rule *batchv1.PodFailurePolicyOnExitCodesRequirement) *corev1.ContainerStatus {
	for i := range statuses {
		s := &statuses[i]
		end := s.State.Terminated
		if end == nil || end.ExitCode == 0 || rule.ContainerName != nil && *rule.ContainerName != s.Name {
			continue
		}
		in := slices.Contains(rule.Values, end.ExitCode)
		if in && rule.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn || !in && rule.Operator == batchv1.PodFailurePolicyOnExitCodesOpNotIn {
			return s
		}
	}
	return nil
}

func conditioned(status *corev1.PodStatus, patterns []batchv1.PodFailurePolicyOnPodConditionsPattern) *corev1.PodCondition {
	for i := range status.Conditions {
		c := &status.Conditions[i]
		if slices.ContainsFunc(patterns, func(p batchv1.PodFailurePolicyOnPodConditionsPattern) bool {
			return p.Type == c.Type && p.Status == c.Status
		}) {
			return c
		}
	}
	return nil
}

// matchSuccess says which rule of a policy is met, if one is (matchSuccessPolicy).
func matchSuccess(policy *batchv1.SuccessPolicy, completions int, succeeded spans) (message string, met bool) {
	if policy == nil || len(succeeded) == 0 {
		return "", false
	}
	for i := range policy.Rules {
		rule := &policy.Rules[i]
		if rule.SucceededIndexes != nil {
			wanted := parseSpans(*rule.SucceededIndexes, completions)
			met = len(wanted) > 0 && wanted.metBy(succeeded, rule.SucceededCount)
		} else {
			met = rule.SucceededCount != nil && succeeded.total() >= int(*rule.SucceededCount)
		}
		if met {
			return fmt.Sprintf("Matched rules at index %d", i), true
		}
	}
	return "", false
}

// metBy reports whether enough of the indexes have succeeded: all, or so many
// (matchSucceededIndexesRule).
func (s spans) metBy(succeeded spans, enough *int32) bool {
	var both int
	for _, a := range s {
		for _, b := range succeeded {
			both += max(min(a.last, b.last)-max(a.first, b.first)+1, 0)
		}
	}
	return both == s.total() || enough != nil && both >= int(*enough)
}
