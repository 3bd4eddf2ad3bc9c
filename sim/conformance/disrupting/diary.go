package disrupting

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

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

// rest writes the budgets, pods and Events that there are.
func (d *diary) rest(s *apiserver.Server) {
	for _, o := range s.List(apiserver.PodDisruptionBudget, "") {
		b := o.(*policyv1.PodDisruptionBudget)
		fmt.Fprintf(d, "  budget %s %d %s\n", b.Name, b.Generation, shown(b.Status))
	}
	for _, o := range s.List(apiserver.Pod, "") {
		p := o.(*corev1.Pod)
		fmt.Fprintf(d, "  pod %s %s deleting=%v %s\n", p.Name, p.UID, p.DeletionTimestamp, shown(p.Status.Conditions))
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		ref := e.InvolvedObject
		events = append(events, fmt.Sprintf("  event on %s %s %s from %s: %s %s: %s", ref.Kind, ref.Name, ref.UID, e.Source.Component, e.Type, e.Reason, e.Message))
	}
	slices.Sort(events)
	for _, line := range slices.Compact(events) {
		d.WriteString(line + "\n")
	}
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
