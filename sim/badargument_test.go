package sim_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/volume"
)

const noKind = apiserver.Kind(250)

// TestBadArguments: what a call cannot take is an error that names it.
func TestBadArguments(t *testing.T) {
	c := sim.New(sim.Config{})
	before := len(c.History())
	second := func(_ any, err error) error { return err }
	third := func(_, _ any, err error) error { return err }
	for want, err := range map[string]error{ // each on its own
		"the object is nil: *v1.Pod":                       second(c.Create((*corev1.Pod)(nil))),
		"the object is nil: <nil>":                         second(c.Create(nil)),
		"the object is nil: *v1.Node":                      second(c.Update((*corev1.Node)(nil))),
		"the object is nil: *v1.ConfigMap":                 second(c.UpdateStatus((*corev1.ConfigMap)(nil))),
		"no kind of this server: *sim_test.listed":         second(sim.Get[*listed](c, "", "x")),
		"no kind of this server: 250":                      second(c.Get(noKind, "", "x")),
		"no kind of this server: 251":                      second(c.List(noKind+1, "", "")),
		"no kind of this server: 0":                        second(c.List(0, "", "")),
		"no kind of this server: 252":                      third(c.Patch(noKind+2, "", "x", types.MergePatchType, "{}")),
		"no kind of this server: 253":                      c.Delete(noKind+3, "", "x"),
		"resource name may not be empty":                   second(c.Get(apiserver.Pod, "", "")),
		`selector "a in": `:                                second(c.List(apiserver.Pod, "", "a in")),
		`"coredns": the server has no kind 250`:            c.Hold("coredns", noKind, 0),
		`"kubelet": there is no verb 9`:                    c.FailRequests("kubelet", apiserver.Verb(9), 0, 1, assert.AnError),
		`"kubelet": the server has no kind 250`:            c.FailRequests("kubelet", apiserver.Get, noKind, 1, assert.AnError),
		"cannot run for -1s":                               c.Run(-time.Second),
		"cannot run for 2562047h47m16.854775807s from ":    c.Run(1<<63 - 1),
		"cannot run for -2s":                               second(c.Await(-2*time.Second, func() bool { return false })),
		"document 1 has no object":                         second(c.ApplyDocuments(make([]manifest.Document, 1))),
		"spec.replicas: Invalid value: -1":                 func() error { apply(t, c, set("", "")); before = len(c.History()); return c.Scale("", "web", -1) }(),
		"unable to find container named \"\"":              c.SetImage("", "web", "", "x"),
		"spec.template.spec.containers[0].image: Required": c.SetImage("", "web", "*", ""),
		`Unsupported value: "Sometimes"`:                   c.Delete(apiserver.StatefulSet, "", "web", sim.DeleteOptions{Propagation: "Sometimes"}),
		"pods \"x\" not found":                             c.Evict("", "x"),
		"volume: NFSPool.Capacity: \"x\"":                  c.CreatePool(volume.NFSPool{Capacity: "x"}),
	} {
		assert.ErrorContains(t, err, want, want)
	}
	assert.True(t, apierrors.IsBadRequest(second(c.Create((*corev1.Pod)(nil)))))
	assert.Len(t, c.History(), before, "something was written")
}

// listed is an object of no kind.
type listed struct {
	corev1.PodList
	metav1.ObjectMeta
}

// TestProgrammersErrors: what only a slip in Go can bring is a panic that names
// the call and the argument.
func TestProgrammersErrors(t *testing.T) {
	c := sim.New(sim.Config{})
	for want, call := range map[string]func(){ // each on its own
		"sim: OnStep: look is nil":                     func() { c.OnStep(nil) },
		"sim: OnRecord: see is nil":                    func() { c.OnRecord(nil) },
		"sim: RunUntil: done is nil":                   func() { _ = c.RunUntil(nil) },
		"sim: Await: done is nil":                      func() { _, _ = c.Await(0, nil) },
		"sim: Watch: kind: the server has no kind 250": func() { c.Watch(noKind, "") },
		"sim: Seen: kind: the server has no kind 250":  func() { c.Seen("kubelet", noKind) },
		"sim: IsDown: node: there is no machine \"x\"": func() { c.IsDown("x") },
	} {
		assert.PanicsWithValue(t, want, call)
	}
	assert.Equal(t, "Kind(250)", noKind.String())
	assert.Equal(t, "Verb(9)", apiserver.Verb(9).String())
}

// TestConfigValidate: Validate says what New would panic for.
func TestConfigValidate(t *testing.T) {
	a := &looker{func() {}}
	mine := &looker{func() {}}
	sim.New(sim.Config{Actors: []controller.Actor{mine}})
	with := func(w kubelet.Workload) sim.Config {
		return sim.Config{Workloads: map[string]kubelet.Workload{"web": w}}
	}
	node := func(n sim.Node) sim.Config { n.Name = "n"; return sim.Config{Nodes: []sim.Node{n}} }
	latency := func(edit func(*sim.Latency)) sim.Config {
		l := sim.Realistic()
		edit(&l)
		return sim.Config{Latency: &l}
	}
	for want, cfg := range map[string]sim.Config{ // each on its own
		"Actors[1]: it is nil: <nil>":                                                    {Actors: []controller.Actor{a, nil}},
		"Actors[0]: it is nil: *sim_test.looker":                                         {Actors: []controller.Actor{(*looker)(nil)}},
		`Actors[0]: "looker" belongs to another cluster: each needs an Actor of its own`: {Actors: []controller.Actor{mine}},
		`Actors[1]: "looker" is Actors[0]`:                                               {Actors: []controller.Actor{a, a}},
		`Actors[0]: "x" watches NetworkPolicy: `:                                         {Actors: []controller.Actor{&reader{watches: apiserver.KindNamed("networkpolicy")}}},
		`Workloads["web"].Unready[1].From: -1s is negative`:                              with(kubelet.Workload{Unready: []kubelet.Window{{}, {From: -time.Second}}}),
		`Workloads["web"].Unhealthy[0].To: -1s is negative`:                              with(kubelet.Workload{Unhealthy: []kubelet.Window{{To: -time.Second}}}),
		`Workloads["web"].Unready[0].To: 1s is not after From, 2s`:                       with(kubelet.Workload{Unready: []kubelet.Window{{From: 2 * time.Second, To: time.Second}}}),
		`Workloads["web"].ExitCode: 256 is no exit code`:                                 with(kubelet.Workload{ExitCode: 256}),
		`Workloads["web"].ImageSize: -1 is negative`:                                     with(kubelet.Workload{ImageSize: -1}),
		"Latency.ControlPlane.Watch: Min: -1ns is negative":                              latency(func(l *sim.Latency) { l.ControlPlane.Watch.Min = -1 }),
		"Latency.Kubelet.Pull: Max: 0s is less than Min, 500ms":                          latency(func(l *sim.Latency) { l.Kubelet.Pull.Max = 0 }),
		"Latency.Kubelet.JitterPercent: -1 is negative":                                  latency(func(l *sim.Latency) { l.Kubelet.JitterPercent = -1 }),
		"Latency.Scheduling.Min: -1ns is negative":                                       latency(func(l *sim.Latency) { l.Scheduling.Min = -1 }),
		"Strategy.Mode: there is no mode 9":                                              {Strategy: engine.Strategy{Mode: 9}},
		`ClusterDomain: "a b": `:                                                         {ClusterDomain: "a b"},
		"Limits.Time: -1s is negative":                                                   {Limits: sim.Limits{Time: -time.Second}},
		`Nodes[0]: Node "n" is invalid: metadata.labels: Invalid value: "a b"`:           node(sim.Node{Labels: map[string]string{"a b": ""}}),
		`Nodes[0]: Node "n" is invalid: metadata.taints[0].effect`:                       node(sim.Node{Taints: []corev1.Taint{{Key: "a", Effect: "Perhaps"}}}),
		`Nodes[0].CPU: "-1" is no quantity`:                                              node(sim.Node{CPU: "-1"}),
		`Nodes[0].Pods: -1 is negative`:                                                  node(sim.Node{Pods: -1}),
		`Nodes[0].PodCIDR: netip.ParsePrefix("x")`:                                       node(sim.Node{PodCIDR: "x"}),
		`Nodes[0].PodCIDR: "fd00::/64" is not IPv4`:                                      node(sim.Node{PodCIDR: "fd00::/64"}),
		`Nodes[0].FirstPodIP: 10.0.1.2 is not in PodCIDR, 10.0.0.0/24`:                   node(sim.Node{PodCIDR: "10.0.0.0/24", FirstPodIP: "10.0.1.2"}),
		`Nodes[0].Address: ParseAddr("x")`:                                               node(sim.Node{Address: "x"}),
	} {
		require.ErrorContains(t, cfg.Validate(), want)
		assert.PanicsWithValue(t, "sim: Config."+cfg.Validate().Error(), func() { sim.New(cfg) })
	}
	sim.New(sim.Config{Actors: []controller.Actor{a, &looker{func() {}}}}) // none of it took hold of them
}

// Every span of a Workload and of its windows is looked at, those that are to
// come as well.
func TestEverySpanOfAWorkloadIsValidated(t *testing.T) {
	spans := 0
	for f := range reflect.TypeFor[kubelet.Workload]().Fields() {
		if f.Type != reflect.TypeFor[time.Duration]() {
			continue
		}
		spans++
		var w kubelet.Workload
		reflect.ValueOf(&w).Elem().FieldByIndex(f.Index).SetInt(-1)
		assert.ErrorContains(t, w.Validate(), f.Name+": -1ns is negative")
	}
	assert.GreaterOrEqual(t, spans, 6)
}

// Every range of the latencies, too.
func TestEveryLatencyIsValidated(t *testing.T) {
	ranges := 0
	var visit func(v reflect.Value, l *sim.Latency)
	visit = func(v reflect.Value, l *sim.Latency) {
		for i := range v.NumField() {
			switch f := v.Field(i); f.Type() {
			case reflect.TypeFor[controller.Range]():
				ranges++
				good := f.Interface()
				f.Set(reflect.ValueOf(controller.Range{Min: 2, Max: 1}))
				assert.Error(t, sim.Config{Latency: l}.Validate(), v.Type().Field(i).Name)
				f.Set(reflect.ValueOf(good))
			default:
				if f.Kind() == reflect.Struct {
					visit(f, l)
				}
			}
		}
	}
	l := sim.Realistic()
	visit(reflect.ValueOf(&l).Elem(), &l)
	assert.GreaterOrEqual(t, ranges, 16)
}

// reader is an Actor that reads one kind and watches another.
type reader struct {
	looker
	watches, reads apiserver.Kind
	verb           apiserver.Verb
}

func (r *reader) Name() string              { return "x" }
func (r *reader) Watches() []apiserver.Kind { return []apiserver.Kind{r.watches} }
func (r *reader) Observe(env *controller.Env, _ *apiserver.Record) {
	if r.reads != 0 {
		env.Get(r.reads, apiserver.Key{Name: "x"})
	}
	env.Send(1, apiserver.Request{Verb: r.verb, Kind: apiserver.Node, Key: apiserver.Key{Name: "node-1"}})
}
func (r *reader) Respond(*controller.Env, uint64, apiserver.Result) {}
func (r *reader) Waiting(*controller.Env) (none []controller.Wait)  { return none }

// TestActorsAreToldWhatTheyCannotSee: a View of a kind that is not watched would
// be empty for ever.
func TestActorsAreToldWhatTheyCannotSee(t *testing.T) {
	for want, r := range map[string]*reader{ // each on its own
		"controller: x reads Pod through its View, which shows only what its Watches lists (of a NodeScoped actor, all but Pod): [Node]":           {watches: apiserver.Node, reads: apiserver.Pod},
		"controller: x reads NetworkPolicy through its View, which shows only what its Watches lists (of a NodeScoped actor, all but Pod): [Node]": {watches: apiserver.Node, reads: apiserver.KindNamed("networkpolicy")},
		"controller: x sends a request that no server knows: Verb(9) of Node":                                                                      {watches: apiserver.Node, verb: 9},
	} {
		assert.PanicsWithValue(t, want, func() { sim.New(sim.Config{Actors: []controller.Actor{r}}) })
	}
	sim.New(sim.Config{Actors: []controller.Actor{&reader{watches: apiserver.Node, reads: apiserver.Node}}})
}

// TestHoldAgain: a second Hold replaces the first, as its documentation says,
// also where it ends earlier.
func TestHoldAgain(t *testing.T) {
	for _, span := range []time.Duration{0, 3 * time.Second, time.Minute, 5 * time.Minute} {
		c := sim.New(sim.Config{})
		start := c.Now()
		require.NoError(t, c.Hold("statefulset-controller", apiserver.StatefulSet, time.Minute))
		_, err := c.Apply(set("", "")) // armed for the end of the first Hold
		require.NoError(t, err)
		require.NoError(t, c.Run(time.Second))
		require.NoError(t, c.Hold("statefulset-controller", apiserver.StatefulSet, span))
		require.NoError(t, c.RunUntil(func() bool {
			pods, err := sim.List[*corev1.Pod](c, "", "")
			return err == nil && len(pods) > 0
		}))
		assert.InDelta(t, float64(time.Second+span), float64(c.Now().Sub(start)), float64(100*time.Millisecond), "held for %v", span)
	}
}
