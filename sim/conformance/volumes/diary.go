package volumes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// diary writes what is to be seen of a history, one chapter for each step: what
// the user was answered, every write to a volume or a claim in its order, and
// the Events that there are in the end. UIDs are written as the name of the
// object and how many of that name there were.
type diary struct {
	uids []string
	born map[apiserver.Key]int
}

func (d *diary) fork() diary { return diary{slices.Clone(d.uids), maps.Clone(d.born)} }

// chapter writes the chapter of a step. The answer is nil if there was nothing
// to ask.
func (d *diary) chapter(answer *apiserver.Result, writes []*apiserver.Record, s *apiserver.Server) string {
	var b strings.Builder
	if answer != nil {
		fmt.Fprintf(&b, "answer: %v\n", answer.Err)
		d.note(answer)
	}
	names := strings.NewReplacer(d.uids...)
	for _, w := range writes {
		if w.Kind == apiserver.PersistentVolume || w.Kind == apiserver.PersistentVolumeClaim {
			fmt.Fprintf(&b, "%s: %s %s %s\n", w.By, w.Type, w.Kind, names.Replace(shown(normal(w.Object))))
		}
	}
	for _, e := range eventsOf(s) {
		fmt.Fprintf(&b, "  %s\n", names.Replace(e))
	}
	return b.String()
}

// note gives a new object's UID its name.
func (d *diary) note(answer *apiserver.Result) {
	if answer.Err != nil || answer.Object == nil {
		return
	}
	uid := string(answer.Object.GetUID())
	if slices.Contains(d.uids, uid) {
		return
	}
	if d.born == nil {
		d.born = map[apiserver.Key]int{}
	}
	key := apiserver.KeyOf(answer.Object)
	d.born[key]++
	d.uids = append(d.uids, uid, fmt.Sprintf("%s#%d", key, d.born[key]))
}

// eventsOf returns the Events of a server, each once.
func eventsOf(s *apiserver.Server) []string {
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if e.Reason != "RecyclerPod" {
			events = append(events, fmt.Sprintf("event of %s on %s %s: %s %s: %s", e.Source.Component, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Type, e.Reason, e.Message))
		}
	}
	slices.Sort(events)
	return slices.Compact(events)
}
