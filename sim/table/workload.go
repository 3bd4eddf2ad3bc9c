package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var (
	statefulSetColumns = columns("*Name Ready Age +Containers +Images")
	revisionColumns    = columns("*Name Controller Revision Age")
	budgetColumns      = columns("*Name Min_Available Max_Unavailable Allowed_Disruptions Age")
)

// statefulSetCells is printStatefulSet (K24).
func statefulSetCells(set *appsv1.StatefulSet, now time.Time) []string {
	names, images := containerLists(set.Spec.Template.Spec.Containers)
	return []string{
		set.Name,
		fmt.Sprintf("%d/%d", set.Status.ReadyReplicas, wanted(set.Spec.Replicas)),
		age(set.CreationTimestamp, now), names, images,
	}
}

func containerLists(containers []corev1.Container) (names, images string) {
	n := make([]string, len(containers))
	m := make([]string, len(containers))
	for i := range containers {
		n[i], m[i] = containers[i].Name, containers[i].Image
	}
	return strings.Join(n, ","), strings.Join(m, ",")
}

// revisionCells is printControllerRevision.
func revisionCells(r *appsv1.ControllerRevision, now time.Time) []string {
	controller := none
	if ref := metav1.GetControllerOf(r); ref != nil {
		gk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind()
		controller = strings.ToLower(gk.String()) + "/" + ref.Name
	}
	return []string{r.Name, controller, strconv.FormatInt(r.Revision, 10), age(r.CreationTimestamp, now)}
}

// budgetCells is printPodDisruptionBudget.
func budgetCells(b *policyv1.PodDisruptionBudget, now time.Time) []string {
	bound := func(v *intstr.IntOrString) string {
		if v == nil {
			return "N/A"
		}
		return v.String()
	}
	return []string{
		b.Name, bound(b.Spec.MinAvailable), bound(b.Spec.MaxUnavailable),
		strconv.Itoa(int(b.Status.DisruptionsAllowed)), age(b.CreationTimestamp, now),
	}
}
