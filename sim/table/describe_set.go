package table

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// statefulSet writes a StatefulSet (describeStatefulSet).
func (p *page) statefulSet(set *appsv1.StatefulSet, others []apiserver.Object) {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		selector = labels.Nothing() // the API server refuses such a set
	}
	p.identity(&set.ObjectMeta)
	p.line(0, "CreationTimestamp:\t%s", date(set.CreationTimestamp))
	p.line(0, "Selector:\t%s", selector)
	p.about(&set.ObjectMeta)
	if name := set.Spec.ServiceName; name != "" {
		p.line(0, "Service Name:\t%s", name)
	}
	if policy := set.Spec.PodManagementPolicy; policy != "" {
		p.line(0, "Pod Management Policy:\t%s", policy)
	}
	p.line(0, "Replicas:\t%d desired | %d total", wanted(set.Spec.Replicas), set.Status.Replicas)
	p.line(0, "Update Strategy:\t%s", set.Spec.UpdateStrategy.Type)
	if ru := set.Spec.UpdateStrategy.RollingUpdate; ru != nil && ru.Partition != nil {
		p.line(1, "Partition:\t%d", *ru.Partition)
		if ru.MaxUnavailable != nil {
			p.line(1, "MaxUnavailable:\t%s", ru.MaxUnavailable)
		}
	}
	if policy := set.Spec.PersistentVolumeClaimRetentionPolicy; policy != nil {
		p.line(0, "Persistent Volume Claim Retention Policy:")
		p.line(1, "WhenDeleted:\t%s", policy.WhenDeleted)
		p.line(1, "WhenScaled:\t%s", policy.WhenScaled)
	}
	p.phaseCounts(set, set.Spec.Selector, others)
	p.podTemplate(&set.Spec.Template)
	p.claimTemplates(set.Spec.VolumeClaimTemplates)
}

// phaseCounts writes how many pods something controls, by phase
// (getPodStatusForController).
func (p *page) phaseCounts(owner metav1.Object, of *metav1.LabelSelector, others []apiserver.Object) {
	selector, err := metav1.LabelSelectorAsSelector(of)
	if err != nil {
		selector = labels.Nothing()
	}
	n := map[corev1.PodPhase]int{}
	for _, pod := range podsOf(owner.GetNamespace(), others) {
		if metav1.IsControlledBy(pod, owner) && selector.Matches(labels.Set(pod.Labels)) {
			n[pod.Status.Phase]++
		}
	}
	p.line(0, "Pods Status:\t%d Running / %d Waiting / %d Succeeded / %d Failed",
		n[corev1.PodRunning], n[corev1.PodPending], n[corev1.PodSucceeded], n[corev1.PodFailed])
}

// podsOf returns the pods of a namespace, or of all with "".
func podsOf(namespace string, others []apiserver.Object) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, other := range others {
		if pod, ok := other.(*corev1.Pod); ok && (namespace == "" || pod.Namespace == namespace) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// podTemplate writes a template (DescribePodTemplate).
func (p *page) podTemplate(t *corev1.PodTemplateSpec) {
	const indent = "  "
	p.line(0, "Pod Template:")
	p.labels("", "  Labels", t.Labels)
	if len(t.Annotations) > 0 {
		p.annotations("  Annotations", t.Annotations)
	}
	if name := t.Spec.ServiceAccountName; name != "" {
		p.line(1, "Service Account:\t%s", name)
	}
	if len(t.Spec.InitContainers) > 0 {
		p.containers(indent, "Init Containers", t.Spec.InitContainers, nil, nil)
	}
	p.containers(indent, "Containers", t.Spec.Containers, nil, nil)
	p.volumes(indent, t.Spec.Volumes)
	p.spreadConstraints(indent, t.Spec.TopologySpreadConstraints)
	if name := t.Spec.PriorityClassName; name != "" {
		p.line(1, "Priority Class Name:\t%s", name)
	}
	p.labels("", "  Node-Selectors", t.Spec.NodeSelector)
	p.tolerations("  Tolerations", t.Spec.Tolerations)
	p.schedulingGroup(indent, t.Spec.SchedulingGroup)
}

// claimTemplates writes the set's templates of claims.
func (p *page) claimTemplates(templates []corev1.PersistentVolumeClaim) {
	if len(templates) == 0 {
		p.line(0, "Volume Claims:\t<none>")
		return
	}
	p.line(0, "Volume Claims:")
	for i := range templates {
		t := &templates[i]
		p.line(1, "Name:\t%s", t.Name)
		p.line(1, "StorageClass:\t%s", claimClass(t))
		p.labels("  ", "Labels", t.Labels)
		p.labels("  ", "Annotations", t.Annotations)
		capacity := "<default>"
		if q, ok := t.Spec.Resources.Requests[corev1.ResourceStorage]; ok {
			capacity = q.String()
		}
		p.line(1, "Capacity:\t%s", capacity)
		p.line(1, "Access Modes:\t%s", t.Spec.AccessModes)
	}
}

// budget writes a PodDisruptionBudget.
func (p *page) budget(b *policyv1.PodDisruptionBudget) {
	p.identity(&b.ObjectMeta)
	if b.Spec.MinAvailable != nil {
		p.line(0, "Min available:\t%s", b.Spec.MinAvailable)
	} else if b.Spec.MaxUnavailable != nil {
		p.line(0, "Max unavailable:\t%s", b.Spec.MaxUnavailable)
	}
	selector := unset
	if b.Spec.Selector != nil {
		selector = metav1.FormatLabelSelector(b.Spec.Selector)
	}
	p.line(0, "Selector:\t%s", selector)
	p.line(0, "Status:")
	p.line(2, "Allowed disruptions:\t%d", b.Status.DisruptionsAllowed)
	p.line(2, "Current:\t%d", b.Status.CurrentHealthy)
	p.line(2, "Desired:\t%d", b.Status.DesiredHealthy)
	p.line(2, "Total:\t%d", b.Status.ExpectedPods)
}
