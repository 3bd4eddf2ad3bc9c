package daemons

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// rest is what is to be seen after a step.
func rest(answers []error, s *apiserver.Server) string {
	var b strings.Builder
	fmt.Fprintln(&b, "answers", answers)
	for _, o := range s.List(apiserver.DaemonSet, "") {
		x := o.(*appsv1.DaemonSet)
		fmt.Fprintf(&b, "  set %s %d %s %s\n", x.Name, x.Generation, shown(x.Annotations), shown(x.Status))
	}
	for _, o := range s.List(apiserver.ControllerRevision, "") {
		x := o.(*appsv1.ControllerRevision)
		fmt.Fprintf(&b, "  revision %s %d of %s %s %s\n", x.Name, x.Revision, owner(x), shown(x.Labels), shown(x.Annotations))
	}
	for _, x := range pods(s) {
		fmt.Fprintf(&b, "  pod on %s at %s of %s %s %s %v deleting=%v\n", target(x), x.Spec.NodeName, owner(x), shown(x.Labels), x.Status.Phase, x.CreationTimestamp.Unix(), x.DeletionTimestamp)
		if b.Len() > 0 && owner(x) != "nobody" {
			fmt.Fprintf(&b, "    %s %s\n", shown(x.Spec.Tolerations), shown(x.Spec.Affinity))
		}
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if !strings.HasPrefix(e.Message, "(combined") {
			message := podName.ReplaceAllString(e.Message, "d-?")
			events = append(events, fmt.Sprintf("  event on %s %s from %s: %s %s: %s\n", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Source.Component, e.Type, e.Reason, message))
		}
	}
	slices.Sort(events)
	for _, line := range slices.Compact(events) {
		b.WriteString(line)
	}
	return b.String()
}

// podName is the name of a pod of the set.
var podName = regexp.MustCompile(`d-[a-z0-9]{5}\b`)
