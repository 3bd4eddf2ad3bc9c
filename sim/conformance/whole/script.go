package whole

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// namespace and setName name the one set of a script.
const (
	namespace = "default"
	setName   = "web"
)

// op is one thing that somebody does to the cluster, followed by a pause. It is
// data: it is played to two servers.
type op struct {
	Do    string        // see ops
	N     int           // an ordinal, an image, a number of replicas, …
	Text  string        `json:",omitempty"`
	Set   *setSpec      `json:",omitempty"` // of "create"
	Pause time.Duration // none: the next op follows at once, a moment later
}

func (o op) String() string {
	text := fmt.Sprintf("%s %d %s", o.Do, o.N, o.Text)
	if o.Set != nil {
		raw, _ := json.Marshal(o.Set)
		text += " " + string(raw)
	}
	return fmt.Sprintf("%s, then %v", text, o.Pause)
}

// script is what happens to one set.
type script []op

func (s script) String() string {
	var b strings.Builder
	for i, o := range s {
		fmt.Fprintf(&b, "%2d. %v\n", i, o)
	}
	return b.String()
}

// races reports whether the real controller sends requests side by side, so that
// their order, and that of the Events about them, is any.
func (s script) races() bool {
	return slices.ContainsFunc(s, func(o op) bool {
		return o.Do == "strategy" && o.Text == "Recreate" || o.Set != nil && (o.Set.Parallel || o.Set.Strategy == "Recreate")
	})
}

// side is a cluster that a script is played to.
type side interface {
	look(func(*apiserver.Server))
	user(apiserver.Request) apiserver.Result
	now() time.Time
	until(time.Time)
	fail(controller.Fault)
	heal()
}

// Every op begins at a phase of the second of its own: phase apart, the first at
// firstPhase. No timer of a controller ends at one of these moments: what is
// timed by a pod's readiness ends at whole seconds or at the phase of an earlier
// op, and back-offs (5 ms·2ⁿ) miss them all. The requests within one op are gap
// apart, in which a sync ends.
const (
	firstPhase = 57 * time.Millisecond
	phase      = 57 * time.Millisecond
	maxOps     = 16
	gap        = 2 * time.Millisecond
)

// beginning is how long the controllers run before the first op: the real one
// looks every 100 ms whether its caches have synced.
const beginning = 2 * time.Second

// play plays a script and returns what was to be seen.
func (s script) play(w side) diary {
	if len(s) > maxOps {
		panic("whole: the script is too long for its phases")
	}
	var d diary
	at := w.now().Add(beginning)
	for i, o := range s {
		w.until(at.Truncate(time.Second).Add(firstPhase + phase*time.Duration(i)))
		p := &player{side: w}
		ops[o.Do](p, o)
		at = w.now().Truncate(time.Second).Add(o.Pause.Truncate(time.Second))
		next := at.Add(firstPhase + phase*time.Duration(i+1))
		w.until(next.Add(-time.Millisecond))
		d = append(d, p.rest(fmt.Sprintf("%d. %v", i, o)))
	}
	return d
}

// player carries out one op.
type player struct {
	side
	answers []string
}

func (p *player) get(kind apiserver.Kind, name string) (obj apiserver.Object) {
	p.look(func(s *apiserver.Server) { obj = s.Get(kind, apiserver.Key{Namespace: namespace, Name: name}) })
	return obj
}

func (p *player) list(kind apiserver.Kind) (list []apiserver.Object) {
	p.look(func(s *apiserver.Server) { list = s.List(kind, namespace) })
	return list
}

// do sends a request and lets the controllers see it.
func (p *player) do(req apiserver.Request) {
	if req.Object != nil {
		req.Kind, req.Key = apiserver.KindOf(req.Object), apiserver.KeyOf(req.Object)
	}
	res := p.user(req)
	if res.Err != nil {
		p.answers = append(p.answers, res.Err.Error())
	}
	p.until(p.now().Add(gap))
}

func (p *player) delete(kind apiserver.Kind, name string, grace ...int64) {
	req := apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: apiserver.Key{Namespace: namespace, Name: name}}
	if len(grace) > 0 {
		req.GracePeriodSeconds = &grace[0]
	}
	if p.get(kind, name) != nil {
		p.do(req)
	}
}

// edit changes an object, if there is one.
func edit[T apiserver.Object](p *player, kind apiserver.Kind, name string, sub apiserver.Subresource, change func(T)) {
	old := p.get(kind, name)
	if old == nil {
		return
	}
	next := old.DeepCopyObject().(T)
	change(next)
	p.do(apiserver.Request{Verb: apiserver.Update, Subresource: sub, Object: next})
}

// tend is what kubelets and a scheduler do to all pods, passes times: bind,
// run, end.
func (p *player) tend(passes int) {
	for range passes {
		for _, o := range p.list(apiserver.Pod) {
			p.advance(o.(*corev1.Pod))
		}
	}
}

func (p *player) advance(pod *corev1.Pod) {
	switch {
	case pod.DeletionTimestamp != nil && len(pod.Finalizers) > 0:
	case pod.DeletionTimestamp != nil:
		p.delete(apiserver.Pod, pod.Name, 0)
	case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
	case pod.Spec.NodeName == "":
		p.bind(pod.Name)
	case pod.Status.Phase != corev1.PodRunning || !isReady(pod):
		p.run(pod.Name, corev1.PodRunning, corev1.ConditionTrue)
	}
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func (p *player) bind(name string) {
	if p.get(apiserver.Pod, name) != nil {
		p.do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Subresource: apiserver.Binding,
			Key: apiserver.Key{Namespace: namespace, Name: name}, Node: "n1"})
	}
}

// run sets a pod's phase and readiness. The time of the condition is that of its
// last change.
func (p *player) run(name string, phase corev1.PodPhase, ready corev1.ConditionStatus) {
	now := metav1.Time{Time: p.now().Truncate(time.Second)}
	edit(p, apiserver.Pod, name, apiserver.Status, func(pod *corev1.Pod) {
		pod.Status.Phase = phase
		i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
		if i < 0 {
			i = len(pod.Status.Conditions)
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady})
		}
		if c := &pod.Status.Conditions[i]; c.Status != ready {
			c.Status, c.LastTransitionTime = ready, now
		}
	})
}

// moment is what is to be seen at one rest.
type moment struct {
	after   string
	objects []string
	events  []string
	counted int // Events about the sets, each as often as it was counted
}

// diary is what was to be seen, rest by rest.
type diary []moment

// rest takes down all objects: every field but the version, which is the number
// of a write among those of all objects.
func (p *player) rest(after string) moment {
	m := moment{after: after, objects: p.answers}
	for _, kind := range []apiserver.Kind{apiserver.StatefulSet, apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.ControllerRevision} {
		for _, o := range p.list(kind) {
			m.objects = append(m.objects, kind.String()+" "+shown(o))
		}
	}
	for _, o := range p.list(apiserver.Event) {
		e := o.DeepCopyObject().(*corev1.Event)
		m.counted += int(e.Count)
		e.Name, e.UID, e.InvolvedObject.ResourceVersion = "", "", ""
		m.events = append(m.events, shown(e))
	}
	slices.Sort(m.events)
	return m
}

func shown(o apiserver.Object) string {
	o = apiserver.ShallowCopy(o)
	o.SetResourceVersion("")
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// differ returns the first rest at which two diaries differ, and how, or "".
func differ(s script, want, got diary, diff func(want, got []string) string) string {
	for i := range want {
		w, g := want[i], got[i]
		if !slices.Equal(w.objects, g.objects) {
			return fmt.Sprintf("after %s\nobjects (-upstream +ours):\n%s", w.after, diff(w.objects, g.objects))
		}
		if s.races() && (max(w.counted, g.counted) > spamBurst || combined(w) || combined(g)) {
			continue
		}
		if !slices.Equal(w.events, g.events) {
			return fmt.Sprintf("after %s\nevents (-upstream +ours):\n%s", w.after, diff(w.events, g.events))
		}
	}
	return ""
}

// spamBurst is how many Events about one object are written before the spam
// filter drops some (client-go tools/record/events_cache.go, defaultSpamBurst).
const spamBurst = 25

// combined reports whether Events were aggregated.
func combined(m moment) bool {
	return slices.ContainsFunc(m.events, func(e string) bool { return strings.Contains(e, "(combined from similar events)") })
}

// byNumber is the order of revisions.
func byNumber(a, b revision) int {
	return cmp.Or(cmp.Compare(a.Revision, b.Revision), strings.Compare(a.Name, b.Name))
}
