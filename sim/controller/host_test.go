package controller_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// namer is a controller that labels every Service with its own name.
type namer struct {
	controller.Workers[apiserver.Key, int]
	seen  []string
	syncs []string
}

func (n *namer) Name() string              { return "namer" }
func (n *namer) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Service} }
func (n *namer) Observe(env *controller.Env, rec *apiserver.Record) {
	n.seen = append(n.seen, fmt.Sprintf("%s %s", rec.Type, rec.Key))
	n.Add(env, rec.Key)
}
func (n *namer) Wake(env *controller.Env, arg uint64) { n.Workers.Wake(env, n, arg) }
func (n *namer) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	n.Workers.Respond(env, n, token, res)
}
func (n *namer) Waiting(*controller.Env) []controller.Wait { return nil }

func (n *namer) Step(v controller.View, key apiserver.Key, memo int, results [][]apiserver.Result) (controller.Plan, int) {
	n.syncs = append(n.syncs, fmt.Sprintf("%v %s", v.Now().Sub(0), key.Name))
	if results != nil {
		return controller.Plan{Err: results[0][0].Err}, 0
	}
	svc := v.Service(key)
	if svc == nil || svc.Labels["name"] == svc.Name {
		return controller.Plan{}, 0
	}
	next := *svc
	next.Labels = map[string]string{"name": svc.Name}
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Service, Key: key, Object: &next}), 1
}

func newHost(l controller.Latency) *controller.Host {
	e := engine.New(engine.Strategy{Seed: 1})
	h := controller.NewHost(e, apiserver.New(e, apiserver.Config{}), l, nil)
	h.Do("test", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "default"},
		Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}})
	return h
}

func createService(t require.TestingT, h *controller.Host, name string) apiserver.Key {
	key := apiserver.Key{Namespace: "default", Name: name}
	res := h.Do("test", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Service, Key: key, Object: &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}})
	require.NoError(t, res.Err)
	return key
}

// panicking is for an Example, which has no testing.T.
type panicking struct{}

func (panicking) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panicking) FailNow()                          { panic("failed") }

func run(h *controller.Host) {
	for range 10_000 {
		if !h.Step() {
			return
		}
	}
	panic("does not come to an end")
}

func TestObserveDecideAct(t *testing.T) {
	h := newHost(controller.Realistic())
	a := &namer{}
	a.ID = 1
	h.Add(a)
	key := createService(t, h, "web")
	run(h)
	assert.Equal(t, "web", h.Server().Get(apiserver.Service, key).GetLabels()["name"])
	assert.Equal(t, []string{"ADDED default/web", "MODIFIED default/web"}, a.seen)
}

func TestNewActorSeesWhatExists(t *testing.T) {
	h := newHost(controller.Latency{})
	createService(t, h, "a")
	createService(t, h, "b")
	a := &namer{}
	h.Add(a)
	run(h)
	assert.Equal(t, []string{"ADDED default/a", "ADDED default/b", "MODIFIED default/a", "MODIFIED default/b"}, a.seen)
}

// TestBackoffDoubles: S1.
func TestBackoffDoubles(t *testing.T) {
	h := newHost(controller.Latency{})
	a := &namer{}
	h.Add(a)
	h.Fail(controller.Fault{By: "namer", Verb: apiserver.Update, Err: errors.New("out of order"), Count: 3})
	key := createService(t, h, "web")
	run(h)
	assert.Equal(t, "web", h.Server().Get(apiserver.Service, key).GetLabels()["name"])
	assert.Equal(t, []string{"0s web", "0s web", "5ms web", "5ms web", "15ms web", "15ms web", "35ms web", "35ms web", "35ms web"}, a.syncs)
}

// A key waits once, for the soonest of the times that were asked for.
func TestDelaysOfOneKeyAreOne(t *testing.T) {
	h := newHost(controller.Latency{})
	a := &namer{}
	id := h.Add(a)
	env, key := h.Env(id), apiserver.Key{Namespace: "default", Name: "web"}
	for _, d := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
		a.AddAfter(env, key, d, engine.Retry)
	}
	run(h)
	assert.Equal(t, []string{"1s web"}, a.syncs)
	a.AddAfter(env, key, time.Second, engine.Retry)
	run(h)
	assert.Len(t, a.syncs, 2, "it may wait again")
}

func TestCallsAreKeptForWhoListens(t *testing.T) {
	h := newHost(controller.Latency{})
	h.Add(&namer{})
	createService(t, h, "web")
	run(h)
	assert.Empty(t, h.Calls())
	h.Listen(true)
	failure := errors.New("out of order")
	h.Fail(controller.Fault{By: "namer", Verb: apiserver.Update, Err: failure})
	createService(t, h, "db")
	run(h)
	calls := h.Calls()
	require.Len(t, calls, 2)
	assert.Equal(t, failure, calls[0].Err)
	assert.NoError(t, calls[1].Err)
	assert.Equal(t, "namer", calls[1].By)
	assert.Equal(t, "db", calls[1].Req.Key.Name)
	assert.Empty(t, h.Calls())
}

func TestHeldViewStaysBehind(t *testing.T) {
	h := newHost(controller.Latency{})
	a := &namer{}
	id := h.Add(a)
	h.Hold(id, apiserver.Service, engine.Time(time.Second))
	createService(t, h, "web")
	assert.Empty(t, a.seen)
	run(h)
	assert.Equal(t, engine.Time(time.Second), h.Engine().Now())
	assert.Len(t, a.seen, 2)
}

// keeper is a namer that keeps what it sees through.
type keeper struct {
	namer
	env *controller.Env
}

func (k *keeper) Observe(env *controller.Env, _ *apiserver.Record) { k.env = env }

// A watch begins with a list of what exists: what was deleted before is not in
// the view, even if another watch has still to see its last state.
func TestNewWatchDoesNotSeeWhatIsGone(t *testing.T) {
	h := newHost(controller.Realistic())
	slow := h.Add(&namer{})
	gone, there := createService(t, h, "gone"), createService(t, h, "there")
	run(h)
	h.Hold(slow, apiserver.Service, engine.Time(time.Hour))
	h.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Service, Key: gone})
	k := &keeper{}
	h.Add(k)
	for k.env == nil && h.Step() {
	}
	assert.NotNil(t, k.env.Service(there))
	assert.Nil(t, k.env.Service(gone))
}

func TestRemovedActorIsDeaf(t *testing.T) {
	h := newHost(controller.Realistic())
	a := &namer{}
	id := h.Add(a)
	createService(t, h, "web")
	h.Remove(id)
	run(h)
	assert.Empty(t, a.seen)
}

func TestLittleIsKeptThatNobodyCanSee(t *testing.T) {
	h := newHost(controller.Realistic())
	h.Add(&namer{})
	log := h.Server().Log(apiserver.Service)
	for range 200 {
		key := createService(t, h, "web")
		run(h)
		assert.Less(t, log.Len(), 64, "the tail is cut once every watch has seen it")
		h.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Service, Key: key})
		run(h)
		assert.Nil(t, h.Server().At(apiserver.Service, key, ^uint64(0)))
	}
	assert.Panics(t, func() { log.At(1) })
}
