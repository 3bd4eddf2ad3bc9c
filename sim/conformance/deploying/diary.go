package deploying

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// diary is what is to be seen of a history.
type diary struct{ strings.Builder }

// note writes what a user's request was answered.
func (d *diary) note(i int, res apiserver.Result) {
	fmt.Fprintf(d, "step %d: %v\n", i, res.Err)
	for _, w := range res.Warnings {
		fmt.Fprintf(d, "  warning: %s\n", w)
	}
}

// rest writes the Deployments, ReplicaSets, pods and Events that there are.
func (d *diary) rest(s *apiserver.Server) {
	for _, o := range s.List(apiserver.Deployment, "") {
		x := o.(*appsv1.Deployment)
		fmt.Fprintf(d, "  deployment %s %d %s %s %s\n", x.Name, x.Generation, shown(x.Annotations), shown(x.Spec.Template), shown(withoutDeadlines(x.Status)))
	}
	for _, o := range s.List(apiserver.ReplicaSet, "") {
		x := o.(*appsv1.ReplicaSet)
		fmt.Fprintf(d, "  set %s %d of %s %s %s wants %d minReady %d %s\n", x.Name, x.Generation, owner(x), shown(x.Labels), shown(x.Annotations),
			*x.Spec.Replicas, x.Spec.MinReadySeconds, shown(x.Status))
	}
	for _, o := range s.List(apiserver.Pod, "") {
		x := o.(*corev1.Pod)
		fmt.Fprintf(d, "  pod %s of %s %s deleting=%v\n", x.Name, owner(x), shown(x.Labels), x.DeletionTimestamp)
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		ref := e.InvolvedObject
		message := e.Message
		if strings.HasPrefix(message, "(combined") {
			continue // its message is the last one's
		}
		if e.Reason == "SuccessfulCreate" || e.Reason == "SuccessfulDelete" {
			message, _, _ = strings.Cut(message, ": ") // pods created side by side: which is the eleventh is a race
		}
		events = append(events, fmt.Sprintf("  event on %s %s from %s: %s %s: %s", ref.Kind, ref.Name, e.Source.Component, e.Type, e.Reason, message))
	}
	slices.Sort(events)
	for _, line := range slices.Compact(events) {
		d.WriteString(line + "\n")
	}
}

// withoutDeadlines leaves out when a deadline was found to be over: within the second
// after it, or at its end, as the conflicts of syncs before have moved the timer.
func withoutDeadlines(status appsv1.DeploymentStatus) appsv1.DeploymentStatus {
	status.Conditions = slices.Clone(status.Conditions)
	for i := range status.Conditions {
		if c := &status.Conditions[i]; c.Reason == "ProgressDeadlineExceeded" {
			c.LastUpdateTime, c.LastTransitionTime = metav1.Time{}, metav1.Time{}
		}
	}
	return status
}

func owner(obj metav1.Object) string {
	if ref := metav1.GetControllerOf(obj); ref != nil {
		return ref.Name
	}
	return "nobody"
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
