package apiserver

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// runtimeClassKind is that of RuntimeClasses, which nobody watches.
var runtimeClassKind = KindFor(nodev1.SchemeGroupVersion.WithKind("RuntimeClass"))

// admitRuntime is the plugin RuntimeClass: a pod's class has to be there, and says
// what it costs and where it runs.
func (s *Server) admitRuntime(pod *corev1.Pod) error {
	refuse := func(format string, args ...any) error { return forbidden(Pod, pod, fmt.Errorf(format, args...)) }
	if pod.Spec.RuntimeClassName == nil {
		return nil
	}
	class, _ := s.Get(runtimeClassKind, Key{Name: *pod.Spec.RuntimeClassName}).(*nodev1.RuntimeClass)
	if class == nil {
		return refuse("pod rejected: RuntimeClass %q not found", *pod.Spec.RuntimeClassName)
	}
	if o := class.Overhead; o != nil {
		if len(pod.Spec.Overhead) > 0 && !apiequality.Semantic.DeepEqual(o.PodFixed, pod.Spec.Overhead) {
			return refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
		}
		pod.Spec.Overhead = o.PodFixed
	}
	if where := class.Scheduling; where != nil {
		selector := maps.Clone(pod.Spec.NodeSelector)
		if selector == nil {
			selector = map[string]string{}
		}
		for _, key := range sortedNames(where.NodeSelector) {
			value := where.NodeSelector[key]
			if has, ok := selector[key]; ok && has != value {
				return refuse("conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; pod.spec.nodeSelector[%s] = %s", key, value, key, has)
			}
			selector[key] = value
		}
		if len(selector) > 0 {
			pod.Spec.NodeSelector = selector
		}
		pod.Spec.Tolerations = mergeTolerations(pod.Spec.Tolerations, where.Tolerations)
	}
	return nil
}

// checkOverhead refuses what a pod says that it costs, if no class does
// (validateOverhead).
func (s *Server) checkOverhead(pod *corev1.Pod) error {
	if pod.Spec.Overhead == nil || !s.asks(runtimeClass) {
		return nil
	}
	if name := pod.Spec.RuntimeClassName; name != nil {
		if class, _ := s.Get(runtimeClassKind, Key{Name: *name}).(*nodev1.RuntimeClass); class != nil && class.Overhead != nil {
			return nil // it is that of the class
		}
	}
	return forbidden(Pod, pod, fmt.Errorf("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"))
}

// mergeTolerations joins tolerations, without those that others include
// (MergeTolerations).
func mergeTolerations(first, second []corev1.Toleration) []corev1.Toleration {
	all := make([]corev1.Toleration, 0, len(first)+len(second))
	all = append(append(all, first...), second...)
	var merged []corev1.Toleration
next:
	for i := range all {
		for j := range merged {
			if includes(&merged[j], &all[i]) {
				continue next
			}
		}
		for j := i + 1; j < len(all); j++ {
			if !apiequality.Semantic.DeepEqual(&all[i], &all[j]) && includes(&all[j], &all[i]) {
				continue next
			}
		}
		merged = append(merged, all[i])
	}
	return merged
}

// includes reports whether a toleration tolerates all that another does
// (isSuperset).
func includes(all, t *corev1.Toleration) bool {
	switch {
	case apiequality.Semantic.DeepEqual(t, all):
		return true
	case t.Key != all.Key && (all.Key != "" || all.Operator != corev1.TolerationOpExists):
		return false
	case t.Effect != all.Effect && all.Effect != "":
		return false
	case all.Effect == corev1.TaintEffectNoExecute && all.TolerationSeconds != nil &&
		(t.TolerationSeconds == nil || *t.TolerationSeconds > *all.TolerationSeconds):
		return false
	}
	switch all.Operator {
	case corev1.TolerationOpEqual, "":
		return t.Operator == corev1.TolerationOpEqual && t.Value == all.Value
	case corev1.TolerationOpExists:
		return true
	}
	return false
}
