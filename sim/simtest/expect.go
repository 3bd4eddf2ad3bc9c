package simtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// MustSettle runs until the cluster rests, and expects it to be done: nothing
// waits and nothing is tried again and again, as far as the components know, and
// where the API shows a container running, there is a process on that node. A
// claim that never binds, a container that exits, a pod that no node has room
// for, a Job that has failed, a node without power: each fails the test, with what
// waits and why.
//
// What a test expects to wait it says with MustSettleWaiting. To rest whatever
// waits, and look for oneself, there is Cluster.Settle.
func (t *T) MustSettle() {
	t.tb.Helper()
	outcome, waits := t.settle()
	if len(waits) > 0 || outcome != sim.Quiescent {
		t.Must(notDone(outcome, waits))
	}
}

// MustSettleWaiting runs until the cluster rests, and expects it to wait for
// just these things. Each is a part of "Kind namespace/name: reason", and must
// be found in what waits; and all that waits must have one of them, or be an
// object whose own reason names one that has: a StatefulSet that waits for such
// a pod. It returns what waits.
func (t *T) MustSettleWaiting(reasons ...string) []controller.Wait {
	t.tb.Helper()
	if len(reasons) == 0 {
		t.fatalf("MustSettleWaiting: it is for what waits; MustSettle expects nothing to")
	}
	outcome, waits := t.settle()
	texts := make([]string, len(waits))
	for i, w := range waits {
		texts[i] = fmt.Sprintf("%s %s: %s", w.Kind, w.Key, w.Reason)
	}
	for _, reason := range reasons {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, reason) }) {
			t.fatalf("nothing waits for %q: %v", reason, notDone(outcome, waits))
		}
	}
	expected := func(text string) bool {
		return slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(text, reason) })
	}
	for i, w := range waits {
		follows := func(j int) bool { return expected(texts[j]) && strings.Contains(w.Reason, waits[j].Key.String()) }
		if !expected(texts[i]) && !slices.ContainsFunc(indices(len(waits)), follows) {
			t.fatalf("what waits is not expected to: %s", texts[i])
		}
	}
	return waits
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// settle runs until the cluster rests and returns how, and what is unfinished.
func (t *T) settle() (sim.Outcome, []controller.Wait) {
	t.tb.Helper()
	settled, err := t.Settle()
	t.Must(err)
	return settled.Outcome, slices.Concat(settled.Waiting, failures(t.Cluster), differences(t.Cluster))
}

func notDone(outcome sim.Outcome, waits []controller.Wait) error {
	return &sim.StuckError{Reason: "the cluster rests (" + outcome.String() + ") and is not done", Waiting: waits}
}

// Ready expects a StatefulSet to have just so many pods, all of them ready: by
// its status, by the pods' own conditions, and by the processes of all their
// containers on the nodes. A process that bears the name of one of the set's
// pods and belongs to none fails the test, too.
func (t *T) Ready(set string, replicas int) {
	t.tb.Helper()
	s, members := t.members(set)
	if s.Status.Replicas != int32(replicas) || s.Status.ReadyReplicas != int32(replicas) {
		t.fatalf("StatefulSet %s has %d pods, %d of them ready; want %d", set, s.Status.Replicas, s.Status.ReadyReplicas, replicas)
	}
	if len(members) != replicas {
		t.fatalf("StatefulSet %s has %d pods in its status and %d in the API; want %d", set, s.Status.Replicas, len(members), replicas)
	}
	for _, m := range members {
		if missing := m.missing(t.Cluster); missing != "" {
			t.fatalf("StatefulSet %s: pod %s %s", set, m.pod.Name, missing)
		}
	}
}

// Images expects a StatefulSet to have as many pods as images are named, and
// their first containers to run these, in the order of the ordinals: the
// processes on the nodes, whatever the pods' specs say.
func (t *T) Images(set string, images ...string) {
	t.tb.Helper()
	_, members := t.members(set)
	got := make([]string, len(members))
	for i, m := range members {
		first := m.pod.Spec.Containers[0].Name
		if got[i] = m.procs[first].Image; got[i] == "" {
			got[i] = fmt.Sprintf("nothing (no process of container %s of pod %s runs%s)", first, m.pod.Name, downs(t.Cluster, m.pod.Spec.NodeName))
		}
	}
	if !slices.Equal(got, images) {
		t.fatalf("StatefulSet %s runs %s; want %s", set, strings.Join(got, ", "), strings.Join(images, ", "))
	}
}

// members returns a set and its pods. It fails the test if there is no such set,
// or if a process that is none of its pods' has the name of one.
func (t *T) members(set string) (*appsv1.StatefulSet, []member) {
	t.tb.Helper()
	namespace, name := split(set)
	s, err := sim.Get[*appsv1.StatefulSet](t.Cluster, namespace, name)
	t.Must(err)
	members, strangers := membersOf(t.Cluster, s.Namespace, s.Name, s.UID)
	if len(strangers) > 0 {
		p := strangers[0]
		t.fatalf("StatefulSet %s: a process of container %s of pod %s runs on %s, and is none of the set's%s", set, p.Container, p.Pod.Name, p.Node, downs(t.Cluster, p.Node))
	}
	return s, members
}

// Eventually runs until cond holds, which is asked before the first event,
// after each, and once in a second of virtual time where nothing happens. It
// fails the test if cond does not hold within a span of virtual time; the
// message, if there is one, is a format with its arguments, and the failure says
// besides what the cluster is waiting for. Cond looks at the cluster, as in
// RunUntil, and does not drive it.
func (t *T) Eventually(cond func() bool, within time.Duration, msgAndArgs ...any) {
	t.tb.Helper()
	if err := eventually(t.Cluster, cond, within, msgAndArgs); err != nil {
		t.fatalf("%v", err)
	}
	t.check()
}

// Eventually is the method of that name for a cluster that New has not made.
func Eventually(tb TB, c *sim.Cluster, cond func() bool, within time.Duration, msgAndArgs ...any) {
	tb.Helper()
	if err := eventually(c, cond, within, msgAndArgs); err != nil {
		tb.Fatalf("simtest: %v", err)
	}
}

// poll is how often a condition is asked where nothing happens: what a Workload
// answers can depend on its age alone.
const poll = time.Second

func eventually(c *sim.Cluster, cond func() bool, within time.Duration, msgAndArgs []any) error {
	if cond == nil {
		panic("simtest: Eventually: cond is nil")
	}
	what := "the condition"
	if len(msgAndArgs) > 0 {
		what = fmt.Sprint(msgAndArgs[0])
		if len(msgAndArgs) > 1 {
			what = fmt.Sprintf(what, msgAndArgs[1:]...)
		}
	}
	for left := within; ; left -= poll {
		holds, err := c.Await(min(left, poll), cond)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case holds:
			return nil
		case left <= poll:
			return &sim.StuckError{Reason: fmt.Sprintf("%s does not hold within %v, at %s", what, within, c.Now().Format(time.RFC3339)), Waiting: Unfinished(c)}
		}
	}
}
