package endpoints

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// rest is what is to be seen of a server when nothing happens: its slices, the
// Events, and what the controller asked for since the last rest.
type rest struct {
	slices  []*discoveryv1.EndpointSlice
	answers []string // to the user
	events  []string
	calls   []string
}

func restOf(s *apiserver.Server, answers, calls []string) rest {
	r := rest{answers: answers, calls: slices.Sorted(slices.Values(calls))}
	for _, o := range s.List(apiserver.EndpointSlice, "") {
		c := o.DeepCopyObject().(*discoveryv1.EndpointSlice)
		if len(c.Ports) == 0 {
			c.Ports = nil // A11: as on the wire
		}
		if len(c.Annotations) == 0 {
			c.Annotations = nil // A11
		}
		slices.SortFunc(c.Endpoints, func(a, b discoveryv1.Endpoint) int { return strings.Compare(shown(a), shown(b)) })
		r.slices = append(r.slices, c)
	}
	slices.SortFunc(r.slices, func(a, b *discoveryv1.EndpointSlice) int {
		return cmp.Or(strings.Compare(outline(a), outline(b)), strings.Compare(shown(a.Endpoints), shown(b.Endpoints)))
	})
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		r.events = append(r.events, generated.ReplaceAllString(fmt.Sprintf("event on %s %s %s: %s %s: %s",
			e.InvolvedObject.Kind, e.InvolvedObject.Name, e.InvolvedObject.UID, e.Type, e.Reason, inOrder(e.Message)), "$1*"))
	}
	slices.Sort(r.events)
	r.events = slices.Compact(r.events)
	return r
}

// inOrder sorts the errors that a message lists: they are about pods, which
// upstream has from a Go map.
func inOrder(message string) string {
	head, list, ok := strings.Cut(message, ": [")
	if !ok {
		return message
	}
	errs := strings.Split(strings.TrimSuffix(list, "]"), ", ")
	slices.Sort(errs)
	return head + ": [" + strings.Join(errs, ", ") + "]"
}

// generated is the name of a slice of the controller's.
var generated = regexp.MustCompile(`(s[01]-)[a-z0-9]{5}\b`)

// place is what does not change about a slice, and what the controller does not
// choose: of slices with one place, any may be the one that it fills.
func place(s *discoveryv1.EndpointSlice) string {
	return fmt.Sprintf("%s %s %s owners %s ports %s deleting %v %v", s.Namespace, s.GenerateName, s.AddressType,
		shown(s.OwnerReferences), shown(s.Ports), s.DeletionTimestamp != nil, s.Finalizers)
}

// outline is all of a slice but its name, versions and endpoints.
func outline(s *discoveryv1.EndpointSlice) string {
	return fmt.Sprintf("slice %s generation>0 %v, labels %s, annotations %s, %d endpoints", place(s), s.Generation > 0,
		shown(s.Labels), shown(s.Annotations), len(s.Endpoints))
}

// text is everything.
func (r rest) text() string {
	var b strings.Builder
	for _, s := range r.slices {
		b.WriteString(outline(s) + "\n")
		for i := range s.Endpoints {
			b.WriteString("    " + shown(s.Endpoints[i]) + "\n")
		}
	}
	r.more(&b)
	return b.String()
}

// shape is everything, but for which of the slices with one place has which
// endpoints and labels: how many slices there are, how full each is, and what is
// in all of them. Trigger times are those of the requests, since which slice is
// filled decides whose earlier one is left.
func (r rest) shape() string {
	var lines []string
	for _, s := range r.slices {
		at := place(s)
		for _, part := range []string{
			fmt.Sprintf("slice, %d endpoints", len(s.Endpoints)),
			fmt.Sprintf("generation>0 %v", s.Generation > 0),
			"labels " + shown(s.Labels),
		} {
			lines = append(lines, at+": "+part)
		}
		for i := range s.Endpoints {
			lines = append(lines, at+": "+shown(s.Endpoints[i]))
		}
	}
	slices.Sort(lines)
	var b strings.Builder
	b.WriteString(strings.Join(lines, "\n") + "\n")
	r.more(&b)
	return b.String()
}

func (r rest) more(b *strings.Builder) {
	for _, list := range [][]string{r.answers, r.events, r.calls} {
		for _, line := range list {
			b.WriteString(line + "\n")
		}
	}
}

// asked is a request of the controller with its answer and its trigger time.
func asked(req *apiserver.Request, err error) string {
	text := "asked: " + verbs[req.Verb]
	if err != nil {
		text += fmt.Sprintf(" → %s", apierrors.ReasonForError(err))
	}
	if req.Object != nil {
		if at, ok := req.Object.GetAnnotations()[corev1.EndpointsLastChangeTriggerTime]; ok {
			text += " (triggered " + at + ")"
		}
	}
	return text
}

var verbs = [...]string{apiserver.Get: "get", apiserver.Create: "create", apiserver.Update: "update",
	apiserver.Patch: "patch", apiserver.Delete: "delete"}

func answered(err error) string {
	if err == nil {
		return "step: done"
	}
	return "step: " + err.Error()
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
