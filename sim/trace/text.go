package trace

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// WriteText writes a row for each record: when, what happened to which object,
// by whom, and what changed.
func WriteText(w io.Writer, recs []*apiserver.Record) error {
	cells := func(rec *apiserver.Record) [4]string {
		return [4]string{seconds(rec.Time), string(rec.Type), objectName(rec), rec.By}
	}
	head := [4]string{"TIME", "EVENT", "OBJECT", "BY"}
	var widths [4]int
	for i, c := range head {
		widths[i] = len(c)
	}
	for _, rec := range recs {
		for i, c := range cells(rec) {
			widths[i] = max(widths[i], len(c))
		}
	}
	out := bufio.NewWriter(w)
	row := func(cells [4]string, last string) {
		var b strings.Builder
		for i, c := range cells {
			fmt.Fprintf(&b, "%-*s  ", widths[i], c)
		}
		fmt.Fprintln(out, strings.TrimRight(b.String()+last, " "))
	}
	row(head, "CHANGE")
	for _, rec := range recs {
		row(cells(rec), Change(rec))
	}
	return out.Flush() // reports the first error of all
}

// Change says on one line what a record changed. For a new object it is what
// matters most of it; for a deleted one it is empty.
func Change(rec *apiserver.Record) string {
	if ev, ok := rec.Object.(*corev1.Event); ok && rec.Type != watch.Deleted {
		return eventLine(ev)
	}
	switch {
	case rec.Type == watch.Deleted:
		return ""
	case rec.Old == nil:
		return summary(rec.Object)
	}
	var parts, noise []string
	for _, d := range compare("", tree(rec.Old), tree(rec.Object)) {
		if d.path == "metadata.resourceVersion" {
			continue
		}
		if isNoise(d.path) {
			noise = append(noise, d.String())
		} else {
			parts = append(parts, d.String())
		}
	}
	if len(parts) == 0 {
		parts = noise
	}
	if pod, ok := rec.Object.(*corev1.Pod); ok {
		if old, now := stateOf(rec.Old.(*corev1.Pod)).text, stateOf(pod).text; old != now {
			parts = slices.Insert(parts, 0, old+" → "+now)
		}
	}
	return fit(parts, 160)
}

// String shows a difference: "path: old → new", "path=new" or "-path". Of
// conditions and containers the name is enough.
func (d delta) String() string {
	path := d.path
	for _, list := range [...]string{"status.conditions[", "status.containerStatuses["} {
		if rest, ok := strings.CutPrefix(path, list); ok {
			path = strings.Replace(rest, "]", "", 1)
		}
	}
	if strings.HasPrefix(d.path, "status.conditions[") {
		path = strings.TrimSuffix(path, ".status")
	}
	switch {
	case d.old == nil:
		return path + "=" + brief(d.new)
	case d.new == nil:
		return "-" + path
	}
	return path + ": " + brief(d.old) + " → " + brief(d.new)
}

// isNoise reports whether a field follows from another change, or explains it.
func isNoise(path string) bool {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "lastTransitionTime", "lastHeartbeatTime", "lastProbeTime", "lastPhaseTransitionTime", "managedFields",
		"observedGeneration", "generation", "containerID", "imageID":
		return true
	case "reason", "message":
		return strings.HasPrefix(path, "status.conditions[")
	}
	return strings.HasSuffix(path, "[kubectl.kubernetes.io/last-applied-configuration]")
}

// fit joins parts up to a width in bytes, and says how many are left out. The
// first is never left out.
func fit(parts []string, width int) string {
	n, size := 0, 0
	for n < len(parts) && (n == 0 || size+len(parts[n]) <= width) {
		size += len(parts[n]) + 2
		n++
	}
	s := strings.Join(parts[:n], ", ")
	if n < len(parts) {
		s += fmt.Sprintf(" (+%d)", len(parts)-n)
	}
	return s
}

func eventLine(ev *corev1.Event) string {
	s := ev.Type + " " + ev.Reason + ": " + shorten(ev.Message, 120)
	switch {
	case ev.Count > 1:
		s += fmt.Sprintf(" (x%d)", ev.Count)
	case ev.Series != nil:
		s += fmt.Sprintf(" (x%d)", ev.Series.Count)
	}
	return s
}

// summary says what matters most of a new object.
func summary(obj apiserver.Object) string {
	switch o := obj.(type) {
	case *corev1.Pod:
		return fit(append([]string{stateOf(o).text}, images(o.Spec.Containers)...), 80)
	case *appsv1.StatefulSet:
		replicas := int32(1)
		if o.Spec.Replicas != nil {
			replicas = *o.Spec.Replicas
		}
		return fit(append([]string{fmt.Sprintf("replicas %d", replicas)}, images(o.Spec.Template.Spec.Containers)...), 80)
	case *appsv1.ControllerRevision:
		return fmt.Sprintf("revision %d", o.Revision)
	case *corev1.PersistentVolume:
		q := o.Spec.Capacity[corev1.ResourceStorage]
		return fmt.Sprintf("%s %s", o.Status.Phase, q.String())
	case *corev1.PersistentVolumeClaim:
		q := o.Spec.Resources.Requests[corev1.ResourceStorage]
		return fmt.Sprintf("%s %s", o.Status.Phase, q.String())
	case *corev1.Service:
		return o.Spec.ClusterIP
	}
	return ""
}

func images(cs []corev1.Container) []string {
	var list []string
	for _, c := range cs {
		if !slices.Contains(list, c.Image) {
			list = append(list, c.Image)
		}
	}
	return list
}

// objectName is "pod/web-0", with the namespace between unless it is the
// default one.
func objectName(rec *apiserver.Record) string {
	kind := strings.ToLower(rec.Kind.String())
	if ns := rec.Key.Namespace; ns != "" && ns != "default" {
		return kind + "/" + ns + "/" + rec.Key.Name
	}
	return kind + "/" + rec.Key.Name
}

// seconds shows a virtual time to the millisecond, "12.345s".
func seconds(t engine.Time) string {
	return fmt.Sprintf("%d.%03ds", int64(t)/int64(time.Second), int64(t)%int64(time.Second)/int64(time.Millisecond))
}
