package trace

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// arrow leads from what released something to what it released: from a record of
// one object to a record of another.
type arrow struct {
	fromKind, toKind apiserver.Kind
	from, to         apiserver.Key
	begin, end       engine.Time
	text             string
}

// maxArrows bounds a picture's arrows.
const maxArrows = 1000

// maxChain bounds how far back a cause is looked for.
const maxChain = 10_000

// findArrows looks for each turn in an object's life back along the events that
// caused it, to the first record of another object of which one of them was the
// writing.
func (c *chart) findArrows() []arrow {
	if c.CauseOf == nil {
		return nil
	}
	written := map[uint64]*apiserver.Record{} // by the event; the last of it with a lane
	var arrows []arrow
	for _, rec := range c.recs {
		if !hasLane(rec.Kind) {
			continue
		}
		if text := turn(rec); text != "" && rec.Time >= c.From && rec.Time <= c.To && len(arrows) < maxArrows {
			if cause := c.releaser(rec, written); cause != nil {
				arrows = append(arrows, arrow{cause.Kind, rec.Kind, cause.Key, rec.Key, cause.Time, rec.Time,
					spoken(cause) + " at " + seconds(cause.Time) + " released " + text + " at " + seconds(rec.Time)})
			}
		}
		if rec.Cause != 0 {
			written[rec.Cause] = rec
		}
	}
	return arrows
}

func hasLane(kind apiserver.Kind) bool {
	return slices.ContainsFunc(shown, func(s struct {
		name string
		kind apiserver.Kind
	}) bool {
		return s.kind == kind
	})
}

// releaser follows the causes of a record back to one of another object and of
// another author: what a controller writes on the way to its end released nothing.
func (c *chart) releaser(rec *apiserver.Record, written map[uint64]*apiserver.Record) *apiserver.Record {
	event := rec.Cause
	for range maxChain {
		if event == 0 {
			return nil
		}
		if r := written[event]; r != nil && (r.Kind != rec.Kind || r.Key != rec.Key) && r.By != rec.By {
			return r
		}
		event = c.CauseOf(event)
	}
	return nil
}

// turn names the turns in an object's life that something has to release, or "".
func turn(rec *apiserver.Record) string {
	pod, isPod := rec.Object.(*corev1.Pod)
	name := objectName(rec)
	switch {
	case rec.Type == watch.Deleted:
		return ""
	case rec.Old == nil && isPod:
		return "the creation of " + name
	case rec.Old == nil:
		return ""
	case isPod && rec.Object.GetDeletionTimestamp() != nil && rec.Old.GetDeletionTimestamp() == nil:
		return "the deletion of " + name
	case isPod && pod.Spec.NodeName != "" && rec.Old.(*corev1.Pod).Spec.NodeName == "":
		return "the scheduling of " + name
	case rec.Kind == apiserver.PersistentVolumeClaim || rec.Kind == apiserver.PersistentVolume:
		old, now := spanOf(&apiserver.Record{Kind: rec.Kind, Object: rec.Old, Time: rec.Time}).state, spanOf(rec).state
		if old != now && now.text != "Available" {
			return "that " + name + " is " + now.text
		}
	}
	return ""
}

// spoken is what a record says of its object, as a cause.
func spoken(rec *apiserver.Record) string {
	if rec.Type == watch.Deleted {
		return objectName(rec) + " gone"
	}
	s := spanOf(rec).state
	if s.phase == ready && rec.Kind == apiserver.Pod {
		return objectName(rec) + " ready"
	}
	if claim, ok := rec.Object.(*corev1.PersistentVolumeClaim); ok && claim.Spec.VolumeName != "" && s.text == "Pending" {
		return objectName(rec) + " with its volume"
	}
	if rec.Kind == apiserver.StatefulSet && rec.Old != nil && rec.Object.GetGeneration() != rec.Old.GetGeneration() {
		return objectName(rec) + " changed"
	}
	return objectName(rec) + " " + s.text
}
