package playground

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/scenario"
)

// Request is what a page asks.
type Request struct {
	// Op is open, next, do, back, cut, forget, why, history, digest, format or
	// recreate.
	Op string `json:"op"`
	// State is to be opened, beside Other if there is one.
	State
	Other *State `json:"other,omitempty"`
	// Keep has the history until now be drawn beside what comes; Name is what it is
	// called.
	Keep bool   `json:"keep,omitempty"`
	Name string `json:"name,omitempty"`
	// Line is to be done.
	Line string `json:"line,omitempty"`
	// N is how many units of the script stay.
	N int `json:"n,omitempty"`
	// At is a moment in milliseconds, as the picture has it.
	At float64 `json:"at,omitempty"`
	// ID is an object, as the picture has it: "pod/default/web-0".
	ID string `json:"id,omitempty"`
	// Policy is what a set is to be created again with.
	Policy string `json:"policy,omitempty"`
}

// Response is what it is told. Error is why the request could not be done; the
// playground is then as it was.
type Response struct {
	Error string `json:"error,omitempty"`
	// Done are the steps from number From on, which are new to the page.
	From int    `json:"from"`
	Done []Done `json:"done,omitempty"`
	// Next is the step that is to come, or nil at the end.
	Next   *Done   `json:"next,omitempty"`
	Script []any   `json:"script,omitempty"`
	Seed   string  `json:"seed,omitempty"`
	Now    float64 `json:"now"`
	// Data is what the picture is drawn from (trace.WriteData); it is left out if it is
	// as it was.
	Data  json.RawMessage `json:"data,omitempty"`
	Sets  []Set           `json:"sets,omitempty"`
	Nodes []string        `json:"nodes,omitempty"`
	Lines []string        `json:"lines,omitempty"`
	Text  string          `json:"text,omitempty"`
}

// Done is a step of the script.
type Done struct {
	// Kind is prose, shell or directive; Own tells lines of one's own.
	Kind string  `json:"kind"`
	Text string  `json:"text"`
	Got  string  `json:"got,omitempty"`
	Err  string  `json:"err,omitempty"`
	At   float64 `json:"at"`
	Own  bool    `json:"own,omitempty"`
	// Wrote reports that it wrote to the API, as a user does.
	Wrote bool `json:"wrote,omitempty"`
	// Option is what an option of a question says.
	Option string `json:"option,omitempty"`
}

// Set is what the controls of the page know of a StatefulSet.
type Set struct {
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	Replicas    int32  `json:"replicas"`
	Policy      string `json:"policy"`
	Strategy    string `json:"strategy"`
	Partition   int32  `json:"partition"`
	Unavailable string `json:"unavailable"`
	Container   string `json:"container"`
	Image       string `json:"image"`
	MinReady    int32  `json:"minReady"`
}

// Call answers a request. It never panics on what a page can send.
func (p *Playground) Call(request []byte) []byte {
	var q Request
	var r Response
	err := json.Unmarshal(request, &q)
	if err == nil {
		r, err = p.answer(&q)
	}
	if err != nil {
		r = Response{Error: message(err)}
	}
	data, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("playground: %v", err)) // a Response always marshals
	}
	return data
}

// message is an error without the name of a file that nobody sees.
func message(err error) string {
	var in *scenario.Error
	if errors.As(err, &in) && in.Line == 0 {
		return in.Err.Error()
	}
	return err.Error()
}

func (p *Playground) answer(q *Request) (Response, error) {
	if p.session == nil && q.Op != "open" {
		return Response{}, errors.New("nothing is open")
	}
	was, from := p.session, len(p.units)
	if q.Keep && p.session != nil {
		p.keep(q.Name)
	}
	at := engine.Time(q.At*1e6) + 999 // the picture has whole microseconds
	var err error
	switch q.Op {
	case "open":
		err = p.openBeside(q)
	case "next":
		err = p.beat()
	case "do":
		err = p.do(q.Line)
	case "back":
		err = p.back(q.N)
	case "cut":
		err = p.cut(at)
	case "forget":
		p.other = nil
	case "why":
		var r Response
		kind, key, _ := strings.Cut(q.ID, "/")
		namespace, name, ok := strings.Cut(key, "/")
		if !ok {
			namespace, name = "", key
		}
		r.Lines, err = p.why(at, kind, namespace, name)
		return r, err
	case "history":
		data, err := p.History()
		return Response{Text: string(data)}, err
	case "digest":
		data, err := p.History()
		return Response{Text: Digest(data)}, err
	case "format":
		return Response{Text: string(p.session.Format())}, nil
	case "recreate":
		text, err := p.recreated(q.ID, q.Policy)
		return Response{Text: text}, err
	default:
		err = fmt.Errorf("there is no request %q", q.Op)
	}
	if err != nil {
		return Response{}, err
	}
	if p.session != was {
		from = 0
	}
	return p.view(from)
}

// openBeside opens a state, beside another one if there is one.
func (p *Playground) openBeside(q *Request) error {
	if q.Other != nil {
		var beside Playground
		if err := beside.open(*q.Other); err != nil {
			return err
		}
		beside.keep(q.Name)
		p.other = beside.other
	} else if !q.Keep {
		p.other = nil
	}
	if err := p.open(q.State); err != nil {
		return err
	}
	if len(p.units) == 0 {
		return p.introduce()
	}
	return nil
}

// view is what a page shows.
func (p *Playground) view(from int) (Response, error) {
	played := p.session.Played()
	c := played.Cluster
	r := Response{From: from, Script: scriptOf(p.units), Seed: fmt.Sprint(played.Seed)}
	for i, d := range played.Done[from:] {
		r.Done = append(r.Done, told(d, p.units[from+i] != ""))
	}
	for next := p.session.Upcoming(); r.Next == nil && len(next) > 0; next = next[1:] {
		if kind := beatOf(&next[0]); kind != quiet && kind != leading {
			d := told(scenario.Done{Step: &next[0], Typed: next[0].Text}, false)
			r.Next = &d
		}
	}
	r.Now = millis(c.Now().Sub(apiserver.WallTime(0)).Nanoseconds())
	var err error
	if r.Data, err = p.timeline(); err != nil {
		return r, err
	}
	sets, err := sim.List[*appsv1.StatefulSet](c, metav1.NamespaceAll, "")
	if err != nil {
		return r, err
	}
	for _, set := range sets {
		r.Sets = append(r.Sets, setOf(set))
	}
	nodes, err := sim.List[*corev1.Node](c, metav1.NamespaceAll, "")
	for _, node := range nodes {
		r.Nodes = append(r.Nodes, node.Name)
	}
	return r, err
}

// millis counts whole microseconds as milliseconds.
func millis(ns int64) float64 { return float64(ns/1000) / 1000 }

func told(d scenario.Done, own bool) Done {
	out := Done{Kind: "directive", Text: d.Typed, Got: d.Got, At: millis(int64(d.At)), Own: own, Wrote: d.Wrote, Option: d.OptionText()}
	switch {
	case d.Kind == scenario.Prose:
		out.Kind = "prose"
	case d.Kind == scenario.Shell:
		out.Kind = "shell"
	case d.Text == "watched" && d.Typed != d.Text:
		out.Kind = "shell"
	}
	if d.Err != nil {
		out.Err = strings.TrimPrefix(errors.Unwrap(d.Err).Error(), d.Text+": ")
	}
	return out
}

func setOf(set *appsv1.StatefulSet) Set {
	s := Set{Namespace: set.Namespace, Name: set.Name, Policy: string(set.Spec.PodManagementPolicy), Strategy: string(set.Spec.UpdateStrategy.Type), MinReady: set.Spec.MinReadySeconds}
	if set.Spec.Replicas != nil {
		s.Replicas = *set.Spec.Replicas
	}
	if r := set.Spec.UpdateStrategy.RollingUpdate; r != nil {
		if r.Partition != nil {
			s.Partition = *r.Partition
		}
		if r.MaxUnavailable != nil {
			s.Unavailable = r.MaxUnavailable.String()
		}
	}
	if list := set.Spec.Template.Spec.Containers; len(list) > 0 {
		s.Container, s.Image = list[0].Name, list[0].Image
	}
	return s
}

// recreated is the manifest of a set with another policy, which only a new set can
// have.
func (p *Playground) recreated(id, policy string) (string, error) {
	_, key, _ := strings.Cut(id, "/")
	namespace, name, _ := strings.Cut(key, "/")
	set, err := sim.Get[*appsv1.StatefulSet](p.session.Played().Cluster, namespace, name)
	if err != nil {
		return "", err
	}
	again := appsv1.StatefulSet{TypeMeta: set.TypeMeta, Spec: set.Spec}
	again.APIVersion, again.Kind = "apps/v1", "StatefulSet"
	again.Name, again.Namespace, again.Labels = set.Name, set.Namespace, set.Labels
	again.Spec.PodManagementPolicy = appsv1.PodManagementPolicyType(policy)
	data, err := yaml.Marshal(again)
	return string(data), err
}
