package sim_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// owner is an Actor that wants every pod of a set to have a label, after a pause.
type owner struct {
	name, value string
	pause       time.Duration
}

func (o owner) Name() string              { return o.name }
func (o owner) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Pod} }
func (o owner) Observe(env *controller.Env, rec *apiserver.Record) {
	pod := rec.Object.(*corev1.Pod)
	if rec.Type == "DELETED" || pod.Labels["owner"] == o.value || pod.Labels["app"] != "web" {
		return
	}
	if o.pause == 0 {
		o.write(env, rec.Key)
	} else {
		env.WakeAfter(o.pause, engine.Progress, uint64(pod.Name[len(pod.Name)-1]-'0'))
	}
}
func (o owner) Wake(env *controller.Env, n uint64) {
	key := apiserver.Key{Namespace: "default", Name: fmt.Sprint("web-", n)}
	if pod := env.Pod(key); pod != nil && pod.Labels["owner"] != o.value {
		o.write(env, key)
	}
}
func (o owner) write(env *controller.Env, key apiserver.Key) {
	env.Send(1, apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Pod, Key: key,
		Patch: apiserver.RawPatch{Type: types.MergePatchType, Data: `{"metadata":{"labels":{"owner":"` + o.value + `"}}}`}})
}
func (owner) Respond(*controller.Env, uint64, apiserver.Result) {}
func (owner) Waiting(*controller.Env) []controller.Wait         { return nil }

// TestFightEnds: two Actors that fight over a field are told apart, by every run,
// after few events and megabytes, whatever the pace of the fight.
func TestFightEnds(t *testing.T) {
	runs := map[string]func(*sim.Cluster) error{
		"Settle":   func(c *sim.Cluster) error { _, err := c.Settle(); return err },
		"Run":      func(c *sim.Cluster) error { return c.Run(20 * time.Hour) },
		"RunUntil": func(c *sim.Cluster) error { return c.RunUntil(func() bool { return false }) },
		"Await": func(c *sim.Cluster) error {
			_, err := c.Await(20*time.Hour, func() bool { return false })
			return err
		},
	}
	fight := func(call string, cfg sim.Config, pause time.Duration) {
		cfg.Actors = []controller.Actor{owner{"red", "red", pause}, owner{"blue", "blue", pause}}
		cfg.Limits.Steps = 200_000 // so that a failure does not take long
		c := sim.New(cfg)
		_, err := c.Apply(set("replicas: 3", "replicas: 3\n  podManagementPolicy: Parallel"))
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = runs[call](c)
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, call+" reached its limit after ")
		for _, want := range []string{"nothing new comes of 256 writes within ", "metadata.labels[owner] of Pod default/web-", " times by blue (\"blue\")", " times by red (\"red\")"} {
			assert.ErrorContains(t, err, want)
		}
		assert.Less(t, len(c.History()), 3000)
		assert.Less(t, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc), uint64(60<<20))
	}
	for call := range runs { // each on its own
		fight(call, sim.Config{}, 0)
	}
	fight("Run", sim.Config{NoLatency: true}, 0)
	fight("Settle", sim.Config{}, 2*time.Second)
}

// TestEndlessFightGoesOn where the user says so, to the other limits.
func TestEndlessFightGoesOn(t *testing.T) {
	c := sim.New(sim.Config{Actors: []controller.Actor{owner{"red", "red", 0}, owner{"blue", "blue", 0}}, Limits: sim.Limits{Endless: true, Steps: 20_000}})
	_, err := c.Apply(set("", ""))
	require.NoError(t, err)
	_, err = c.Settle()
	require.ErrorContains(t, err, "Settle reached its limit after 20000 events")
	c = sim.New(sim.Config{Actors: []controller.Actor{owner{"red", "red", 0}, owner{"blue", "blue", 0}}, Limits: sim.Limits{Endless: true, Records: 2000}})
	_, err = c.Apply(set("", ""))
	require.NoError(t, err)
	_, err = c.Settle()
	require.ErrorContains(t, err, "it has added 2001 records to a history of which all is kept (Config.History")
}

// evictor is an Actor that deletes a pod whenever it sees one with a node.
type evictor struct{ owner }

func (evictor) Observe(env *controller.Env, rec *apiserver.Record) {
	if pod := rec.Object.(*corev1.Pod); rec.Type == "MODIFIED" && pod.Spec.NodeName != "" && pod.DeletionTimestamp == nil {
		now := int64(0)
		env.Send(1, apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: rec.Key, UID: pod.UID, GracePeriodSeconds: &now})
	}
}

// insomniac is an Actor that wakes itself for nothing.
type insomniac struct{ owner }

func (insomniac) Observe(env *controller.Env, _ *apiserver.Record) {
	env.WakeAfter(0, engine.Progress, 0)
}
func (insomniac) Wake(env *controller.Env, _ uint64) {
	env.WakeAfter(time.Microsecond, engine.Progress, 0)
}

// TestOthersThatNeverRest: an object that comes and goes, and an Actor that only
// wakes.
func TestOthersThatNeverRest(t *testing.T) {
	for want, a := range map[string]controller.Actor{ // each on its own
		" times added by statefulset-controller, ":                     evictor{owner{name: "evictor"}},
		"have written nothing: of 1024 of them 1024 were of insomniac": insomniac{owner{name: "insomniac"}},
	} {
		c := sim.New(sim.Config{Actors: []controller.Actor{a}, History: 10, Limits: sim.Limits{Steps: 2_000_000}})
		_, err := c.Apply(set("replicas: 3", "replicas: 1"))
		require.NoError(t, err)
		_, err = c.Settle()
		require.ErrorContains(t, err, want)
	}
}

// TestLongRunsAreNoLivelock: what goes on for a month, because it is so, goes on:
// a crash loop, a probe that flaps, an Actor that deletes pods now and then.
func TestLongRunsAreNoLivelock(t *testing.T) {
	const month = 30 * 24 * time.Hour
	flaps := kubelet.Workload{ProbeHTTP: true, HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
		return kubelet.HTTPResponse{Status: 200 + 300*int(r.Age/time.Second%2)}
	}}
	for name, w := range map[string]kubelet.Workload{"a crash loop": {Exits: true, ExitCode: 1}, "a slow crash loop": {ExitAfter: time.Minute, ExitCode: 1}, "a probe that flaps": flaps} {
		span := month
		text := set("", "")
		if w.ProbeHTTP {
			span = 2 * time.Hour // a change in every second
			text = set("image: nginx:1\n", "image: nginx:1\n        readinessProbe: {periodSeconds: 1, failureThreshold: 1, httpGet: {port: 80}}\n")
		}
		c := sim.New(sim.Config{History: 10, Workloads: map[string]kubelet.Workload{"nginx": w}})
		_, err := c.Apply(text)
		require.NoError(t, err)
		before := c.Server().Version()
		require.NoError(t, c.Run(span), name)
		assert.Greater(t, c.Server().Version()-before, uint64(10_000), "%s: too little happens for this to prove anything", name)
	}
}
