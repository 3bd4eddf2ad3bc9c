package daemonset

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tolerations are those of the pods of a template: its own, and what every daemon
// tolerates (W17, AddOrUpdateDaemonPodTolerations).
func tolerations(spec *corev1.PodSpec) []corev1.Toleration {
	list := spec.Tolerations
	tolerate := func(key string, effect corev1.TaintEffect) {
		list = replaced(list, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect})
	}
	tolerate(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)
	tolerate(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)
	tolerate(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
	tolerate(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
	tolerate(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
	tolerate(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	if spec.HostNetwork {
		tolerate(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
	}
	return list
}

// replaced puts a toleration in the place of those that differ from it in how long
// they last alone, or else at the end (AddOrUpdateTolerationInPodSpec).
func replaced(list []corev1.Toleration, t corev1.Toleration) []corev1.Toleration {
	next := make([]corev1.Toleration, 0, len(list)+1)
	found := false
	for i := range list {
		if t.MatchToleration(&list[i]) {
			next = append(next, t)
			found = true
			continue
		}
		next = append(next, list[i])
	}
	if !found {
		next = append(next, t)
	}
	return next
}

// template is a set's template with what its pods have besides (CreatePodTemplate).
// It shares the set's memory.
func template(set *appsv1.DaemonSet, hash string) *corev1.PodTemplateSpec {
	t := set.Spec.Template
	t.Spec.Tolerations = tolerations(&t.Spec)
	if t.Labels = maps.Clone(t.Labels); t.Labels == nil {
		t.Labels = map[string]string{}
	}
	if n, ok := templateGeneration(set); ok {
		t.Labels[generationLabel] = n
	}
	if hash != "" {
		t.Labels[hashLabel] = hash
	}
	return &t
}

// onNode is W18: an affinity that binds to a node, in the place of the nodes that
// another one selects (ReplaceDaemonSetPodNodeNameNodeAffinity).
func onNode(affinity *corev1.Affinity, node string) *corev1.Affinity {
	var a corev1.Affinity
	if affinity != nil {
		a = *affinity
	}
	var n corev1.NodeAffinity
	if a.NodeAffinity != nil {
		n = *a.NodeAffinity
	}
	n.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
	}}}
	a.NodeAffinity = &n
	return &a
}
