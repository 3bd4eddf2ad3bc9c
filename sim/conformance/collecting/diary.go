package collecting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// diary is what is to be seen of a history, rest by rest. UIDs are written as
// the name of the object and how many of that name there were.
type diary struct {
	rests   []string
	head    string // of the next
	born    map[object][]types.UID
	names   []string // UIDs and what is written for them
	effects []string // what the collector changed since the last rest
	writes  []string // what it asked for
	gone    []string // what it deleted, in order
}

// object names the objects that succeed each other under a key.
type object struct {
	kind apiserver.Kind
	key  apiserver.Key
}

func (o object) String() string { return o.kind.String() + " " + o.key.String() }

// saw takes down a write: who was born, and what the collector changed.
func (d *diary) saw(rec *apiserver.Record) {
	if rec.Kind == apiserver.Event {
		return
	}
	if rec.Type == watch.Added {
		if d.born == nil {
			d.born = map[object][]types.UID{}
		}
		o := object{rec.Kind, rec.Key}
		d.born[o] = append(d.born[o], rec.Object.GetUID())
		d.names = append(d.names, string(rec.Object.GetUID()), fmt.Sprintf("%s.%s#%d", o.kind, o.key, len(d.born[o])))
	}
	if rec.By == collector {
		if rec.Type == watch.Deleted {
			d.gone = append(d.gone, object{rec.Kind, rec.Key}.String())
		}
		if what := effect(rec); what != "" {
			d.effects = append(d.effects, fmt.Sprintf("%s %s %s:%s", rec.Kind, rec.Key, rec.Object.GetUID(), what))
		}
	}
}

// effect says what a write did, or nothing if that was nothing.
func effect(rec *apiserver.Record) string {
	if rec.Type == watch.Deleted {
		return " gone"
	}
	var b strings.Builder
	was, is := shownRefs(rec.Old), shownRefs(rec.Object)
	differ := func(sign string, from, to []string) {
		for _, s := range from {
			if !slices.Contains(to, s) {
				b.WriteString(sign + s)
			}
		}
	}
	differ(" -", was, is)
	differ(" +", is, was)
	differ(" -", rec.Old.GetFinalizers(), rec.Object.GetFinalizers())
	differ(" +", rec.Object.GetFinalizers(), rec.Old.GetFinalizers())
	if rec.Old.GetDeletionTimestamp() == nil && rec.Object.GetDeletionTimestamp() != nil {
		b.WriteString(" deleting")
	}
	return b.String()
}

func shownRefs(o metav1.Object) []string {
	var list []string
	for _, r := range o.GetOwnerReferences() {
		list = append(list, fmt.Sprintf("%s/%s/%s/%s%s%s", r.APIVersion, r.Kind, r.Name, r.UID, mark("c", r.Controller), mark("b", r.BlockOwnerDeletion)))
	}
	return list
}

func mark(name string, b *bool) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf(",%s=%v", name, *b)
}

// heard takes down a request of the collector. What it reads is left out: an
// owner that is known to be absent is not asked for, and who learns that first
// is open.
func (d *diary) heard(req *apiserver.Request, err error) {
	if req.Verb == apiserver.Get {
		return
	}
	text := fmt.Sprintf("%s %s %s", verbs[req.Verb], req.Kind, req.Key)
	if req.Verb == apiserver.Delete {
		text += fmt.Sprintf(" %s uid=%s versioned=%v", req.Propagation, req.UID, req.ResourceVersion != "")
	}
	if err != nil {
		text += fmt.Sprintf(" → %s", apierrors.ReasonForError(err))
	}
	d.writes = append(d.writes, text)
}

var verbs = [...]string{apiserver.Get: "get", apiserver.Create: "create", apiserver.Update: "update",
	apiserver.Patch: "patch", apiserver.Delete: "delete"}

// note writes what a user's request was answered.
func (d *diary) note(i int, err error) { d.head = fmt.Sprintf("step %d: %v\n", i, err) }

// fork returns an independent copy.
func (d *diary) fork() diary {
	f := *d
	f.born = maps.Clone(d.born)
	for o, uids := range f.born {
		f.born[o] = slices.Clip(uids)
	}
	f.rests, f.names, f.gone = slices.Clip(d.rests), slices.Clip(d.names), slices.Clip(d.gone)
	f.effects, f.writes = slices.Clone(d.effects), slices.Clone(d.writes)
	return f
}

// rest writes what there is, and what the collector did since the last rest.
func (d *diary) rest(s *apiserver.Server) {
	lines := append([]string(nil), left(s)...)
	lines = append(lines, events(s)...)
	lines = append(lines, taken("  did: ", &d.effects)...)
	lines = append(lines, taken("  asked: ", &d.writes)...)
	text := d.head + strings.Join(lines, "\n") + "\n"
	d.rests = append(d.rests, strings.NewReplacer(d.names...).Replace(text))
}

func left(s *apiserver.Server) []string {
	var lines []string
	for _, kind := range kinds {
		for _, o := range s.List(kind, "") {
			line := fmt.Sprintf("  %s %s %s", kind, apiserver.KeyOf(o), o.GetUID())
			if refs := shownRefs(o); refs != nil {
				line += fmt.Sprintf(" owners %v", refs)
			}
			if fs := o.GetFinalizers(); len(fs) > 0 {
				line += fmt.Sprintf(" finalizers %v", fs)
			}
			if o.GetDeletionTimestamp() != nil {
				line += fmt.Sprintf(" deleting %d", *o.GetDeletionGracePeriodSeconds())
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func events(s *apiserver.Server) []string {
	var lines []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		lines = append(lines, fmt.Sprintf("  event in %s on %s %s %s %s: %s %s: %s", e.Namespace,
			e.InvolvedObject.Kind, e.InvolvedObject.Namespace, e.InvolvedObject.Name, e.InvolvedObject.UID, e.Type, e.Reason, e.Message))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// taken returns what was gathered, as a set, and begins anew: the order is open
// (S38), and how often the same is asked for depends on how soon its answer is
// seen.
func taken(head string, list *[]string) []string {
	lines := make([]string, len(*list))
	for i, s := range *list {
		lines[i] = head + s
	}
	*list = nil
	slices.Sort(lines)
	return slices.Compact(lines)
}

func (d *diary) String() string { return strings.Join(d.rests, "") }
