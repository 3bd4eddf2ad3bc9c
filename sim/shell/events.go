package shell

import (
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/statefulsim/statefulsim/sim"
)

// events: kubectl events [--for TYPE/NAME] [--types=Warning]
func (c *call) events() {
	if len(c.args) > 0 {
		c.misused("unexpected arguments: %v", c.args)
		return
	}
	for _, typ := range c.list("types") {
		if !strings.EqualFold(typ, "Normal") && !strings.EqualFold(typ, "Warning") {
			c.wrong("valid --types are Normal or Warning")
			return
		}
	}
	about, err := c.eventsFor()
	if err != nil {
		c.fail(err)
		return
	}
	namespace := c.namespace
	if c.on("all-namespaces") {
		namespace = ""
	}
	all, err := sim.List[*corev1.Event](c.cluster, namespace, "")
	if err != nil {
		c.fail(err)
		return
	}
	var list []*corev1.Event
	for _, e := range all {
		if about(e) && c.isTypeWanted(e.Type) {
			list = append(list, e)
		}
	}
	switch {
	case len(list) == 0 && namespace == "":
		c.warn("No events found.\n")
		return
	case len(list) == 0:
		c.warn("No events found in %s namespace.\n", namespace)
		return
	}
	sort.Sort(byTime(list)) // kubectl's sort is not stable either
	c.print("%s", c.eventTable(list))
}

func (c *call) isTypeWanted(typ string) bool {
	types := c.list("types")
	for _, t := range types {
		if strings.EqualFold(t, typ) {
			return true
		}
	}
	return len(types) == 0
}

// eventsFor reads --for; other commands have a list of that name.
func (c *call) eventsFor() (func(*corev1.Event) bool, error) {
	forName := ""
	if list := c.array("for"); len(list) > 0 {
		forName = list[len(list)-1]
	}
	if forName == "" {
		return func(*corev1.Event) bool { return true }, nil
	}
	resource, name, ok := strings.Cut(forName, "/")
	if !ok || strings.Contains(name, "/") {
		return nil, fmt.Errorf("--for must be in resource/name form")
	}
	kinds, err := kindsNamed(strings.ToLower(resource))
	if err != nil {
		return nil, err
	}
	kind := kinds[0]
	return func(e *corev1.Event) bool {
		in := &e.InvolvedObject
		return in.Kind == kind.String() && in.APIVersion == kind.APIVersion() && in.Name == name
	}, nil
}

func (c *call) eventTable(list []*corev1.Event) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 6, 4, 3, ' ', 0)
	head := "LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n"
	if c.on("all-namespaces") {
		head = "NAMESPACE\t" + head
	}
	if !c.on("no-headers") {
		fmt.Fprint(w, head)
	}
	for _, e := range list {
		if c.on("all-namespaces") {
			fmt.Fprintf(w, "%s\t", e.Namespace)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s/%s\t%s\n", interval(e, c.cluster.Now()), e.Type, e.Reason,
			e.InvolvedObject.Kind, e.InvolvedObject.Name, strings.TrimSpace(e.Message))
	}
	_ = w.Flush() // a Builder takes everything
	return b.String()
}

// interval says when an event happened, and how often over which time
// (getInterval).
func interval(e *corev1.Event, now time.Time) string {
	since := func(t time.Time) string {
		if t.IsZero() {
			return "<unknown>"
		}
		return duration.HumanDuration(now.Sub(t))
	}
	first := since(e.EventTime.Time)
	if e.EventTime.IsZero() {
		first = since(e.FirstTimestamp.Time)
	}
	switch {
	case e.Series != nil:
		return fmt.Sprintf("%s (x%d over %s)", since(e.Series.LastObservedTime.Time), e.Series.Count, first)
	case e.Count > 1:
		return fmt.Sprintf("%s (x%d over %s)", since(e.LastTimestamp.Time), e.Count, first)
	}
	return first
}

// byTime orders events by when they happened last.
type byTime []*corev1.Event

func (l byTime) Len() int           { return len(l) }
func (l byTime) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l byTime) Less(i, j int) bool { return lastSeen(l[i]).Before(lastSeen(l[j])) }

func lastSeen(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}
