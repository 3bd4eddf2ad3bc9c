package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/table"
)

// phase is the stage of a pod's life that a picture colours.
type phase uint8

const (
	pending phase = iota
	creating
	running // not ready
	ready
	failing // waits in a back-off, or has failed
	completed
	terminating

	phases = 7
)

var phaseNames = [phases]string{"Pending", "ContainerCreating", "Running", "Ready", "Failing", "Completed", "Terminating"}

// state is what a pod's record says of it: the phase that colours it, and the
// word that kubectl prints as its STATUS.
type state struct {
	phase phase
	text  string
}

// stateOf reads the state of a pod. The word is that of table.Summarize, so that
// pictures and tables tell the same; the phase follows from the word. What runs
// is ready if all of its containers run and are ready and the pod's Ready
// condition agrees (N2).
func stateOf(pod *corev1.Pod) state {
	s := table.Summarize(pod)
	ph := phaseOf(s.Status)
	if ph == running && isReady(pod, s) {
		ph = ready
	}
	return state{ph, s.Status}
}

// phaseOf returns the phase of a STATUS. A word that it does not know is the
// reason of a failure: there is no end of those.
func phaseOf(status string) phase {
	switch status {
	case "", string(corev1.PodPending), corev1.PodReasonSchedulingGated:
		return pending
	case "ContainerCreating", "PodInitializing":
		return creating
	case string(corev1.PodRunning), "NotReady":
		return running
	case "Completed", "ExitCode:0", string(corev1.PodSucceeded):
		return completed
	case "Terminating":
		return terminating
	}
	var done, all int
	if n, err := fmt.Sscanf(status, "Init:%d/%d", &done, &all); n == 2 && err == nil {
		return creating
	}
	return failing
}

func isReady(pod *corev1.Pod, s table.PodSummary) bool {
	return s.Ready == s.Containers && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// span is a time during which a pod's state and node stayed as they were.
type span struct {
	from, to engine.Time
	state    state
	node     string
	revision string
	restarts int
	uid      types.UID
}

// lane is the life of all objects of one name, one after the other.
type lane struct {
	kind  apiserver.Kind
	key   apiserver.Key
	spans []span
}

// lanesOf returns the lanes of a history in the order of namespace, set and
// ordinal. What is not over ends at end. Spans of no length are left out.
func lanesOf(recs []*apiserver.Record, end engine.Time) []lane {
	return lanesOfKind(recs, apiserver.Pod, end)
}

// lanesOfKind is lanesOf for any kind.
func lanesOfKind(recs []*apiserver.Record, kind apiserver.Kind, end engine.Time) []lane {
	index := map[apiserver.Key]int{}
	var lanes []lane
	for _, rec := range recs {
		if rec.Kind != kind {
			continue
		}
		i, ok := index[rec.Key]
		if !ok {
			i = len(lanes)
			index[rec.Key] = i
			lanes = append(lanes, lane{kind: kind, key: rec.Key})
		}
		lanes[i].observe(rec)
	}
	for i := range lanes {
		lanes[i].close(end)
	}
	slices.SortFunc(lanes, func(a, b lane) int { return comparePods(a.key, b.key) })
	return lanes
}

// open marks a span whose end is not known yet.
const open = engine.Never

func (l *lane) observe(rec *apiserver.Record) {
	next := spanOf(rec)
	if n := len(l.spans); n > 0 && l.spans[n-1].to == open {
		last := &l.spans[n-1]
		if rec.Type != watch.Deleted && last.state == next.state && last.node == next.node && last.restarts == next.restarts && last.uid == next.uid {
			return
		}
		l.close(rec.Time)
	}
	if rec.Type != watch.Deleted {
		l.spans = append(l.spans, next)
	}
}

// spanOf is what a record says of its object, from its time on.
func spanOf(rec *apiserver.Record) span {
	s := span{from: rec.Time, to: open, uid: rec.Object.GetUID()}
	if pod, ok := rec.Object.(*corev1.Pod); ok {
		s.state, s.node, s.restarts = stateOf(pod), pod.Spec.NodeName, table.Summarize(pod).Restarts
		s.revision = pod.Labels[appsv1.ControllerRevisionHashLabelKey]
		return s
	}
	s.state = shownState(rec)
	return s
}

// shownState is the state of an object that is no pod: the cell STATUS of kubectl
// get, or of a set READY.
func shownState(rec *apiserver.Record) state {
	column := "Status"
	if rec.Kind == apiserver.StatefulSet {
		column = "Ready"
	}
	t := table.New(rec.Kind, []apiserver.Object{rec.Object}, apiserver.WallTime(rec.Time))
	text := ""
	if i := slices.IndexFunc(t.Columns, func(c table.Column) bool { return c.Name == column }); i >= 0 {
		text = t.Rows[0].Cells[i]
	}
	return state{phaseShown(text), text}
}

// phaseShown colours a STATUS of claims, volumes and nodes, and a READY of sets.
func phaseShown(text string) phase {
	if have, want, ok := strings.Cut(text, "/"); ok {
		if have == want {
			return ready
		}
		return running
	}
	switch first, _, cordoned := strings.Cut(text, ","); {
	case first == "Ready" && cordoned, first == "Available":
		return running
	case first == "Ready", first == "Bound":
		return ready
	case first == "Pending":
		return pending
	case first == "Released":
		return completed
	case first == "Terminating":
		return terminating
	}
	return failing
}

// close ends the open span, and drops it if it has no length.
func (l *lane) close(at engine.Time) {
	n := len(l.spans)
	if n == 0 || l.spans[n-1].to != open {
		return
	}
	l.spans[n-1].to = max(at, l.spans[n-1].from)
	if l.spans[n-1].to == l.spans[n-1].from {
		l.spans = l.spans[:n-1]
	}
}

// comparePods orders pods by namespace, then by what stands before the ordinal,
// then by the ordinal as a number, then by name.
func comparePods(a, b apiserver.Key) int {
	setA, ordA := splitOrdinal(a.Name)
	setB, ordB := splitOrdinal(b.Name)
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(setA, setB), cmp.Compare(ordA, ordB), cmp.Compare(a.Name, b.Name))
}

func splitOrdinal(name string) (string, int) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return name, -1
	}
	n, err := strconv.Atoi(name[i+1:])
	if err != nil {
		return name, -1
	}
	return name[:i], n
}

// mark is something that was done to a set.
type mark struct {
	at   engine.Time
	set  int
	text string
}

// marksOf returns the creations, the changes of the spec and the deletions of
// StatefulSets, in order. They name the set if there are several.
func marksOf(recs []*apiserver.Record) []mark {
	var marks []mark
	var sets []apiserver.Key
	for _, rec := range recs {
		set, ok := rec.Object.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		old, _ := rec.Old.(*appsv1.StatefulSet)
		var text string
		switch {
		case rec.Type == watch.Deleted:
			text = "deleted"
		case old == nil:
			text = "created"
		case set.DeletionTimestamp != nil && old.DeletionTimestamp == nil:
			text = "deleting"
		case set.Generation != old.Generation:
			text = specChange(old, set)
		default:
			continue
		}
		i := slices.Index(sets, rec.Key)
		if i < 0 {
			i = len(sets)
			sets = append(sets, rec.Key)
		}
		marks = append(marks, mark{rec.Time, i, text})
	}
	for i := range marks {
		if len(sets) > 1 {
			marks[i].text = sets[marks[i].set].Name + " " + marks[i].text
		}
	}
	return marks
}

// specChange says in a few words what became of a set's spec.
func specChange(old, set *appsv1.StatefulSet) string {
	var parts []string
	for _, d := range compare("", tree(old), tree(set)) {
		path, ok := strings.CutPrefix(d.path, "spec.")
		if !ok {
			continue
		}
		path = path[strings.LastIndexByte(path, '.')+1:]
		parts = append(parts, path+" "+brief(d.old)+"→"+brief(d.new))
	}
	return fit(parts, 48)
}

// endOf returns the time of the last record.
func endOf(recs []*apiserver.Record) engine.Time {
	var end engine.Time
	for _, rec := range recs {
		end = max(end, rec.Time)
	}
	return end
}
