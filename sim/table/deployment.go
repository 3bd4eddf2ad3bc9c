package table

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var (
	deploymentColumns = columns("*Name Ready Up-to-date Available Age +Containers +Images +Selector")
	replicaSetColumns = columns("*Name Desired Current Ready Age +Containers +Images +Selector")
)

// deploymentCells is printDeployment (K24).
func deploymentCells(d *appsv1.Deployment, now time.Time) []string {
	names, images := containerLists(d.Spec.Template.Spec.Containers)
	selector := "<invalid>"
	if s, err := metav1.LabelSelectorAsSelector(d.Spec.Selector); err == nil {
		selector = s.String()
	}
	return []string{
		d.Name, fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, wanted(d.Spec.Replicas)), strconv.Itoa(int(d.Status.UpdatedReplicas)),
		strconv.Itoa(int(d.Status.AvailableReplicas)), age(d.CreationTimestamp, now), names, images, selector,
	}
}

// replicaSetCells is printReplicaSet (K24).
func replicaSetCells(rs *appsv1.ReplicaSet, now time.Time) []string {
	names, images := containerLists(rs.Spec.Template.Spec.Containers)
	return []string{
		rs.Name, strconv.Itoa(int(wanted(rs.Spec.Replicas))), strconv.Itoa(int(rs.Status.Replicas)), strconv.Itoa(int(rs.Status.ReadyReplicas)),
		age(rs.CreationTimestamp, now), names, images, metav1.FormatLabelSelector(rs.Spec.Selector),
	}
}

// wanted is how many replicas are asked for; no number stands for one (A1).
func wanted(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}

// deployment writes a Deployment (describeDeployment).
func (p *page) deployment(d *appsv1.Deployment, others []apiserver.Object) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		selector = labels.Nothing() // the API server refuses such a Deployment
	}
	p.identity(&d.ObjectMeta)
	p.line(0, "CreationTimestamp:\t%s", date(d.CreationTimestamp))
	p.about(&d.ObjectMeta)
	p.line(0, "Selector:\t%s", selector)
	p.line(0, "Replicas:\t%d desired | %d updated | %d total | %d available | %d unavailable", wanted(d.Spec.Replicas),
		d.Status.UpdatedReplicas, d.Status.Replicas, d.Status.AvailableReplicas, d.Status.UnavailableReplicas)
	p.line(0, "StrategyType:\t%s", d.Spec.Strategy.Type)
	p.line(0, "MinReadySeconds:\t%d", d.Spec.MinReadySeconds)
	if ru := d.Spec.Strategy.RollingUpdate; ru != nil {
		p.line(0, "RollingUpdateStrategy:\t%s max unavailable, %s max surge", ru.MaxUnavailable, ru.MaxSurge)
	}
	p.podTemplate(&d.Spec.Template)
	if len(d.Status.Conditions) > 0 {
		p.conditionHeads()
		for _, c := range d.Status.Conditions {
			p.line(1, "%v \t%v\t%v", c.Type, c.Status, c.Reason)
		}
	}
	fresh, old := ReplicaSetsOf(d, others)
	if fresh == nil && len(old) == 0 {
		return
	}
	p.line(0, "OldReplicaSets:\t%s", setList(old))
	if fresh == nil {
		p.line(0, "NewReplicaSet:\t%s", none)
	} else {
		p.line(0, "NewReplicaSet:\t%s", setList([]*appsv1.ReplicaSet{fresh}))
	}
}

func (p *page) conditionHeads() {
	p.line(0, "Conditions:")
	p.line(1, "Type\tStatus\tReason")
	p.line(1, "----\t------\t------")
}

func setList(sets []*appsv1.ReplicaSet) string {
	if len(sets) == 0 {
		return none
	}
	texts := make([]string, len(sets))
	for i, rs := range sets {
		texts[i] = fmt.Sprintf("%s (%d/%d replicas created)", rs.Name, rs.Status.Replicas, wanted(rs.Spec.Replicas))
	}
	return strings.Join(texts, ", ")
}

// replicaSet writes a ReplicaSet (describeReplicaSet).
func (p *page) replicaSet(rs *appsv1.ReplicaSet, others []apiserver.Object) {
	p.identity(&rs.ObjectMeta)
	p.line(0, "Selector:\t%s", metav1.FormatLabelSelector(rs.Spec.Selector))
	p.about(&rs.ObjectMeta)
	if ref := metav1.GetControllerOfNoCopy(rs); ref != nil {
		p.line(0, "Controlled By:\t%s/%s", ref.Kind, ref.Name)
	}
	p.line(0, "Replicas:\t%d current / %d desired", rs.Status.Replicas, wanted(rs.Spec.Replicas))
	p.phaseCounts(rs, rs.Spec.Selector, others)
	p.podTemplate(&rs.Spec.Template)
	if len(rs.Status.Conditions) > 0 {
		p.conditionHeads()
		for _, c := range rs.Status.Conditions {
			p.line(1, "%v \t%v\t%v", c.Type, c.Status, c.Reason)
		}
	}
}

// ReplicaSetsOf finds the ReplicaSets of a Deployment among others: the one that is
// new, if there is one, and the old ones, oldest first, as kubectl does
// (GetAllReplicaSets).
func ReplicaSetsOf(d *appsv1.Deployment, others []apiserver.Object) (fresh *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, nil
	}
	for _, other := range others {
		if rs, ok := other.(*appsv1.ReplicaSet); ok && metav1.IsControlledBy(rs, d) && selector.Matches(labels.Set(rs.Labels)) {
			old = append(old, rs)
		}
	}
	slices.SortFunc(old, func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	want := unhashed(&d.Spec.Template)
	i := slices.IndexFunc(old, func(rs *appsv1.ReplicaSet) bool {
		has := unhashed(&rs.Spec.Template)
		return apiequality.Semantic.DeepEqual(&want, &has)
	})
	if i < 0 {
		return nil, old
	}
	fresh = old[i]
	return fresh, slices.Delete(old, i, i+1)
}

// unhashed is a template without the label pod-template-hash.
func unhashed(t *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	c := *t
	c.Labels = maps.Clone(c.Labels)
	delete(c.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return c
}

// deploymentStatus is DeploymentStatusViewer.
func deploymentStatus(d *appsv1.Deployment) (message string, done bool, err error) {
	s, waiting := &d.Status, fmt.Sprintf("Waiting for deployment %q rollout to finish: ", d.Name)
	late := slices.ContainsFunc(s.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded"
	})
	switch {
	case d.Generation > s.ObservedGeneration:
		return "Waiting for deployment spec update to be observed...", false, nil
	case late:
		return "", false, fmt.Errorf("deployment %q exceeded its progress deadline", d.Name)
	case s.UpdatedReplicas < wanted(d.Spec.Replicas):
		return waiting + fmt.Sprintf("%d out of %d new replicas have been updated...", s.UpdatedReplicas, wanted(d.Spec.Replicas)), false, nil
	case s.Replicas > s.UpdatedReplicas:
		return waiting + fmt.Sprintf("%d old replicas are pending termination...", s.Replicas-s.UpdatedReplicas), false, nil
	case s.AvailableReplicas < s.UpdatedReplicas:
		return waiting + fmt.Sprintf("%d of %d updated replicas are available...", s.AvailableReplicas, s.UpdatedReplicas), false, nil
	}
	return fmt.Sprintf("deployment %q successfully rolled out", d.Name), true, nil
}
