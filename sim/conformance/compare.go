package conformance

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Diff compares two outcomes of one state. It returns "" if they are equal.
func (c *cluster) Diff(want, got Outcome) string {
	order := c.orderOf()
	var b strings.Builder
	if w, g := words(want.Err), words(got.Err); !slices.Equal(w, g) {
		fmt.Fprintf(&b, "error:\n  upstream: %v\n  ours:     %v\n", want.Err, got.Err)
	}
	if w, g := order.again(want.Again), order.again(got.Again); w != g {
		fmt.Fprintf(&b, "error of the sync after it:\n  upstream: %v\n  ours:     %v\n", want.Again, got.Again)
	}
	if want.After != got.After {
		fmt.Fprintf(&b, "looks again after: upstream %v, ours %v\n", want.After, got.After)
	}
	for _, o := range []*Outcome{&want, &got} {
		if bad := order.check(o.Calls); bad != "" {
			fmt.Fprintf(&b, "order: %s\n", bad)
		}
	}
	we, ge := order.events(want.Events), order.events(got.Events)
	if !slices.Equal(we, ge) {
		fmt.Fprintf(&b, "events (-upstream +ours):\n%s", gocmp.Diff(we, ge))
	}
	wr, gr := order.rollouts(want.Calls), order.rollouts(got.Calls)
	if !slices.Equal(wr, gr) {
		fmt.Fprintf(&b, "order of the rollout's deletions: upstream %v, ours %v\n", wr, gr)
	}
	c.diffCalls(&b, order.calls(want.Calls), order.calls(got.Calls))
	return b.String()
}

// diffCalls compares requests one by one.
func (c *cluster) diffCalls(b *strings.Builder, want, got []Call) {
	var wl, gl []string
	for i := range want {
		wl = append(wl, lineOf(want[i]))
	}
	for i := range got {
		gl = append(gl, lineOf(got[i]))
	}
	if !slices.Equal(wl, gl) {
		fmt.Fprintf(b, "requests (-upstream +ours):\n%s", gocmp.Diff(wl, gl))
		return
	}
	for i := range want {
		w, g := want[i].Req, got[i].Req
		if w.ResourceVersion != g.ResourceVersion || w.GracePeriodSeconds != nil || g.GracePeriodSeconds != nil || w.Propagation != g.Propagation {
			fmt.Fprintf(b, "options of %v:\n  upstream: %+v\n  ours:     %+v\n", want[i], w, g)
		}
		if !equality.Semantic.DeepEqual(w.Patch, g.Patch) {
			fmt.Fprintf(b, "patch of %v (-upstream +ours):\n%s", want[i], gocmp.Diff(w.Patch, g.Patch))
		}
		wo, og := c.normal(w.Object), c.normal(g.Object)
		if !equality.Semantic.DeepEqual(wo, og) {
			fmt.Fprintf(b, "object of %v (-upstream +ours):\n%s", want[i], gocmp.Diff(wo, og, cmpopts.EquateEmpty()))
		}
	}
}

// lineOf shows what a request is, without its object.
func lineOf(c Call) string {
	s := fmt.Sprintf("%s %s.%d %s %s", verbs[c.Req.Verb], c.Req.Kind, c.Req.Subresource, c.Req.Key, c.Req.UID)
	if c.Err != nil {
		s += " → " + strings.Join(words(c.Err), ", ")
	}
	return s
}

// normal returns an object as it is compared: without apiVersion and kind, with
// whole seconds, and the clock's time in place of the machine's.
func (c *cluster) normal(obj apiserver.Object) apiserver.Object {
	if obj == nil {
		return nil
	}
	obj = apiserver.ShallowCopy(obj)
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	if o, ok := obj.(*appsv1.StatefulSet); ok {
		o.Status.Conditions = slices.Clone(o.Status.Conditions)
		for i := range o.Status.Conditions {
			c.settle(&o.Status.Conditions[i].LastTransitionTime)
		}
	}
	return obj
}

// settle puts the virtual time in the place of the machine's.
func (c *cluster) settle(t *metav1.Time) {
	if t.Sub(apiserver.WallTime(0)) > now+time.Hour || t.Before(&metav1.Time{Time: apiserver.WallTime(0)}) {
		*t = apiserver.Stamp(c.engine.Now())
	}
}

// words takes an error's text apart into the errors that were joined in it, in
// an order of their own: upstream's comes from maps and from goroutines.
func words(err error) []string {
	if err == nil {
		return nil
	}
	return split(err.Error())
}

func split(s string) []string {
	list := strings.Split(strings.NewReplacer("[", ", ", "]", "").Replace(s), ", ")
	slices.Sort(list)
	return slices.Compact(list)
}

// order knows which requests of a state have an order.
type order struct {
	parallel bool
	recreate bool
	start    int
	replicas int
	terminal map[string]bool // pods that processReplica deletes
}

func (c *cluster) orderOf() *order {
	s := &c.state.Set
	o := &order{parallel: s.Parallel, recreate: s.Strategy == appsv1.RecreateStatefulSetStrategyType, replicas: int(s.Replicas),
		terminal: map[string]bool{}}
	for _, pod := range c.seen.pods {
		o.terminal[pod.Name] = (pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded) && pod.DeletionTimestamp == nil
	}
	if s.Start != nil {
		o.start = int(*s.Start)
	}
	return o
}

// batched reports whether requests about different pods have no order.
func (o *order) batched() bool { return o.parallel || o.recreate }

// again is the text of an Outcome's Again: which version was written last is
// known only if the requests have an order; what an empty list's version is, only
// to an informer.
func (o *order) again(err error) string {
	if err == nil {
		return ""
	}
	s := strings.Replace(err.Error(), "read version: 0 ", "read version: 1 ", 1)
	if o.batched() {
		s = written.ReplaceAllString(s, "written")
	}
	return s
}

var written = regexp.MustCompile(`written version: \d+`)

// isAboutPods reports whether a request is part of the sync's phases.
func isAboutPods(c *Call) bool {
	return c.Req.Verb != apiserver.Patch && (c.Req.Kind == apiserver.Pod || c.Req.Kind == apiserver.PersistentVolumeClaim)
}

// calls puts requests into an order that two equal syncs share: those about
// different pods by ordinal, if they are batched; those that create the claims
// of one pod by name.
func (o *order) calls(calls []Call) []Call {
	calls = slices.Clone(calls)
	first := slices.IndexFunc(calls, func(c Call) bool { return isAboutPods(&c) })
	if first < 0 {
		return calls
	}
	last := first
	for last < len(calls) && isAboutPods(&calls[last]) {
		last++
	}
	part := calls[first:last]
	if o.batched() {
		slices.SortStableFunc(part, func(a, b Call) int {
			by := ordinalIn(a.Req.Key.Name) - ordinalIn(b.Req.Key.Name)
			if by == 0 && a.Req.Kind == apiserver.Pod && b.Req.Kind == apiserver.Pod {
				by = strings.Compare(a.Req.Key.Name, b.Req.Key.Name) // web-1 and web-01
			}
			return by
		})
	}
	isClaim := func(c *Call) bool {
		return c.Req.Verb == apiserver.Create && c.Req.Kind == apiserver.PersistentVolumeClaim
	}
	sortRuns(part, func(a, b *Call) bool {
		return isClaim(a) && isClaim(b) && ordinalIn(a.Req.Key.Name) == ordinalIn(b.Req.Key.Name)
	}, func(a, b Call) int { return strings.Compare(a.Req.Key.Name, b.Req.Key.Name) })
	return calls
}

// sortRuns sorts every run of neighbours that belong together.
func sortRuns[T any](list []T, together func(a, b *T) bool, compare func(a, b T) int) {
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && together(&list[j-1], &list[j]) {
			j++
		}
		slices.SortStableFunc(list[i:j], compare)
		i = j
	}
}

var podInMessage = regexp.MustCompile(`\b` + setName + `-(\d+)\b`)

// events gives the texts of Events in an order that two equal syncs share.
func (o *order) events(events []Event) []string {
	type line struct {
		text    string
		ordinal int
		pod     string
		claim   bool
	}
	var lines []line
	for _, e := range events {
		l := line{text: strings.Join([]string{e.About, e.Type, e.Reason, strings.Join(split(e.Message), ", ")}, " "), ordinal: -1}
		if m := podInMessage.FindStringSubmatch(e.Message); m != nil {
			l.pod = m[0]
			l.ordinal, _ = strconv.Atoi(m[1])
		}
		l.claim = strings.HasPrefix(e.Message, "Create Claim ")
		lines = append(lines, l)
	}
	if o.batched() {
		slices.SortStableFunc(lines, func(a, b line) int { return cmp.Or(a.ordinal-b.ordinal, strings.Compare(a.pod, b.pod)) })
	}
	sortRuns(lines, func(a, b *line) bool { return a.claim && b.claim && a.ordinal == b.ordinal },
		func(a, b line) int { return strings.Compare(a.text, b.text) })
	texts := make([]string, len(lines))
	for i := range lines {
		texts[i] = lines[i].text
	}
	return texts
}

// batchOf returns the slow-start batch of an index: 1, 2, 4, …
func batchOf(i int) int {
	b := 0
	for size := 1; i >= size; size *= 2 {
		i -= size
		b++
	}
	return b
}

// rollouts lists the deletions of the update phase, which come one after the
// other whatever the policy: those of replicas that processReplica does not
// delete, or not again.
func (o *order) rollouts(calls []Call) []string {
	if o.recreate {
		return nil
	}
	var names []string
	again := map[string]bool{}
	for i := range calls {
		name := calls[i].Req.Key.Name
		n := ordinalIn(name)
		if calls[i].Req.Verb != apiserver.Delete || calls[i].Req.Kind != apiserver.Pod || n < o.start || n >= o.start+o.replicas {
			continue
		}
		if !o.terminal[name] || again[name] {
			names = append(names, name)
		}
		again[name] = true
	}
	return names
}

// check says what is wrong with the order of batched requests, or "".
func (o *order) check(calls []Call) string {
	last := 0
	for i := range calls {
		c := &calls[i]
		n := ordinalIn(c.Req.Key.Name) - o.start
		if !o.parallel || o.recreate || !isAboutPods(c) || n < 0 || n >= o.replicas || c.Req.Verb == apiserver.Delete {
			continue
		}
		if b := batchOf(n); b < last {
			return fmt.Sprintf("%v comes after a request of batch %d", c, last)
		} else {
			last = b
		}
	}
	return ""
}
