package table

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod writes a Pod (describePod).
func (p *page) pod(pod *corev1.Pod) {
	p.podPlace(pod)
	p.about(&pod.ObjectMeta)
	p.podState(pod)
	if len(pod.Spec.InitContainers) > 0 {
		p.containers("", "Init Containers", pod.Spec.InitContainers, pod.Status.InitContainerStatuses, pod)
	}
	p.containers("", "Containers", pod.Spec.Containers, pod.Status.ContainerStatuses, pod)
	if len(pod.Spec.EphemeralContainers) > 0 {
		var list []corev1.Container
		for i := range pod.Spec.EphemeralContainers {
			list = append(list, corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
		}
		p.containers("", "Ephemeral Containers", list, pod.Status.EphemeralContainerStatuses, pod)
	}
	p.podConditions(pod)
	p.volumes("", pod.Spec.Volumes)
	p.line(0, "QoS Class:\t%s", pod.Status.QOSClass)
	p.labels("", "Node-Selectors", pod.Spec.NodeSelector)
	p.tolerations("Tolerations", pod.Spec.Tolerations)
	p.spreadConstraints("", pod.Spec.TopologySpreadConstraints)
	p.schedulingGroup("", pod.Spec.SchedulingGroup)
}

func (p *page) schedulingGroup(indent string, group *corev1.PodSchedulingGroup) {
	if group != nil && group.PodGroupName != nil {
		p.line(0, "%sSchedulingGroup:", indent)
		p.line(1, "PodGroupName:\t%s", *group.PodGroupName)
	}
}

// podPlace writes what the pod is and where it runs.
func (p *page) podPlace(pod *corev1.Pod) {
	p.identity(&pod.ObjectMeta)
	if pod.Spec.Priority != nil {
		p.line(0, "Priority:\t%d", *pod.Spec.Priority)
	}
	if name := pod.Spec.PriorityClassName; name != "" {
		p.line(0, "Priority Class Name:\t%s", name)
	}
	if name := pod.Spec.RuntimeClassName; name != nil && *name != "" {
		p.line(0, "Runtime Class Name:\t%s", *name)
	}
	if name := pod.Spec.ServiceAccountName; name != "" {
		p.line(0, "Service Account:\t%s", name)
	}
	node := none
	if pod.Spec.NodeName != "" {
		node = pod.Spec.NodeName + "/" + pod.Status.HostIP
	}
	p.line(0, "Node:\t%s", node)
	if pod.Status.StartTime != nil {
		p.line(0, "Start Time:\t%s", date(*pod.Status.StartTime))
	}
}

// podState writes the phase, the addresses and the controller.
func (p *page) podState(pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil && !isTerminal(pod) {
		p.line(0, "Status:\tTerminating (lasts %s)", age(*pod.DeletionTimestamp, p.now))
		if grace := pod.DeletionGracePeriodSeconds; grace != nil {
			p.line(0, "Termination Grace Period:\t%ds", *grace)
		}
	} else {
		p.line(0, "Status:\t%s", pod.Status.Phase)
	}
	if pod.Status.Reason != "" {
		p.line(0, "Reason:\t%s", pod.Status.Reason)
	}
	if pod.Status.Message != "" {
		p.line(0, "Message:\t%s", pod.Status.Message)
	}
	if c := pod.Spec.SecurityContext; c != nil {
		p.seccomp(0, 0, c.SeccompProfile)
	}
	p.line(0, "IP:\t%s", pod.Status.PodIP)
	if len(pod.Status.PodIPs) == 0 {
		p.line(0, "IPs:\t<none>")
	} else {
		p.line(0, "IPs:")
		for _, ip := range pod.Status.PodIPs {
			p.line(1, "IP:\t%s", ip.IP)
		}
	}
	if ref := metav1.GetControllerOfNoCopy(pod); ref != nil {
		p.line(0, "Controlled By:\t%s/%s", ref.Kind, ref.Name)
	}
	if name := pod.Status.NominatedNodeName; name != "" {
		p.line(0, "NominatedNodeName:\t%s", name)
	}
	if pod.Spec.Resources != nil {
		p.line(0, "Resources:")
		p.resources(1, pod.Spec.Resources)
	}
}

func (p *page) seccomp(level, pathLevel int, s *corev1.SeccompProfile) {
	if s == nil {
		return
	}
	p.line(level, "SeccompProfile:\t%s", s.Type)
	if s.Type == corev1.SeccompProfileTypeLocalhost && s.LocalhostProfile != nil {
		p.line(pathLevel, "LocalhostProfile:\t%s", *s.LocalhostProfile)
	}
}

func (p *page) podConditions(pod *corev1.Pod) {
	if gates := pod.Spec.ReadinessGates; len(gates) > 0 {
		p.line(0, "Readiness Gates:\n  Type\tStatus")
		for _, gate := range gates {
			status := none
			for _, c := range pod.Status.Conditions {
				if c.Type == gate.ConditionType {
					status = string(c.Status)
					break
				}
			}
			p.line(1, "%s \t%s ", gate.ConditionType, status)
		}
	}
	if len(pod.Status.Conditions) > 0 {
		p.line(0, "Conditions:\n  Type\tStatus")
		for _, c := range pod.Status.Conditions {
			p.line(1, "%s \t%s ", c.Type, c.Status)
		}
	}
}

// tolerations writes tolerations by key. kubectl leaves the order of equal keys
// to sort.Slice; here they keep theirs, which up to a dozen is the same.
func (p *page) tolerations(title string, tolerations []corev1.Toleration) {
	sorted := slices.Clone(tolerations)
	slices.SortStableFunc(sorted, func(a, b corev1.Toleration) int { return strings.Compare(a.Key, b.Key) })
	var items []string
	for i := range sorted {
		items = append(items, tolerationText(&sorted[i]))
	}
	p.list("", title, items)
}

// tolerationText is "key=value:Effect op=Exists for 300s", without what is
// empty.
func tolerationText(t *corev1.Toleration) string {
	s := t.Key
	if t.Value != "" {
		s += "=" + t.Value
	}
	if t.Effect != "" {
		s += ":" + string(t.Effect)
	}
	if t.Operator == corev1.TolerationOpExists && t.Value == "" {
		if s != "" {
			s += " "
		}
		s += "op=Exists"
	}
	if t.TolerationSeconds != nil {
		s += fmt.Sprintf(" for %ds", *t.TolerationSeconds)
	}
	return s
}

// spreadConstraints writes topology spread constraints by key.
func (p *page) spreadConstraints(indent string, constraints []corev1.TopologySpreadConstraint) {
	if len(constraints) == 0 {
		return
	}
	sorted := slices.Clone(constraints)
	slices.SortStableFunc(sorted, func(a, b corev1.TopologySpreadConstraint) int {
		return strings.Compare(a.TopologyKey, b.TopologyKey)
	})
	var items []string
	for i := range sorted {
		c := &sorted[i]
		s := fmt.Sprintf("%s:%s when max skew %d is exceeded", c.TopologyKey, c.WhenUnsatisfiable, c.MaxSkew)
		if c.LabelSelector != nil {
			s += " for selector " + metav1.FormatLabelSelector(c.LabelSelector)
		}
		items = append(items, s)
	}
	p.list(indent, "Topology Spread Constraints", items)
}
