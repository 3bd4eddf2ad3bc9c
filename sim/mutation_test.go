package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// A month's shifts, under the eyes of the guard: no component changes what it
// shares with the others.
func TestNobodyMutates(t *testing.T) {
	c := sim.New(sim.Config{Seed: 1, Provision: true, DetectMutation: true})
	apply(t, c, parallelSet("web", 4), parallelSet("db", 2))
	shift(t, c, 1)
	f := c.Fork()
	shift(t, c, 2)
	shift(t, f, 3)
	c.CheckMutations()
	f.CheckMutations()
}

// A fork made while requests are under way, or wait for others, sends them, too:
// the server of one does not take over what the other's will be sent.
func TestForksShareNoRequests(t *testing.T) {
	var alone, shared *sim.Cluster
	for _, c := range []**sim.Cluster{&alone, &shared} {
		*c = sim.New(sim.Config{Seed: 1, Provision: true, DetectMutation: true})
		_, err := (*c).Apply(parallelSet("web", 2))
		require.NoError(t, err)
	}
	for shared.Step() && alone.Step() {
		first, second, only := shared.Fork(), shared.Fork(), alone.Fork()
		require.NoError(t, first.SetImage("default", "web", "c", "nginx:2")) // its versions are others from here on
		for _, c := range []*sim.Cluster{first, second, only} {
			require.NoError(t, c.Run(50*time.Millisecond))
		}
		require.Equal(t, only.Hash(), second.Hash())
		first.CheckMutations()
		second.CheckMutations()
	}
}

// scribbler is an actor that changes what it is shown.
type scribbler struct{ scribble func(*corev1.Pod) }

func (s *scribbler) Name() string              { return "scribbler" }
func (s *scribbler) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Pod} }
func (s *scribbler) Observe(_ *controller.Env, rec *apiserver.Record) {
	if pod := rec.Object.(*corev1.Pod); pod.Name == "web-1" && pod.Spec.NodeName != "" {
		s.scribble(pod)
	}
}
func (s *scribbler) Respond(*controller.Env, uint64, apiserver.Result) {}
func (s *scribbler) Wake(*controller.Env, uint64)                      {}
func (s *scribbler) Waiting(*controller.Env) []controller.Wait         { return nil }
func (s *scribbler) Fork() controller.Actor                            { return s }

// Whoever changes a stored object is found out, whatever part of it.
func TestMutationIsDetected(t *testing.T) {
	for name, scribble := range map[string]func(*corev1.Pod){
		"a label":          func(p *corev1.Pod) { p.Labels["by"] = "scribbler" },
		"a label is gone":  func(p *corev1.Pod) { delete(p.Labels, "app") },
		"a field":          func(p *corev1.Pod) { p.Spec.Hostname = "elsewhere" },
		"within a slice":   func(p *corev1.Pod) { p.Spec.Containers[0].Image = "other" },
		"behind a pointer": func(p *corev1.Pod) { *p.Spec.TerminationGracePeriodSeconds++ },
		"a status":         func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed },
		"a version":        func(p *corev1.Pod) { p.ResourceVersion = "1" },
	} {
		t.Run(name, func(t *testing.T) {
			c := sim.New(sim.Config{Seed: 5, Provision: true, DetectMutation: true, Actors: []controller.Actor{&scribbler{scribble}}})
			_, err := c.Apply(parallelSet("web", 2))
			require.NoError(t, err)
			said := panics(func() {
				_, _ = c.Settle()
				c.CheckMutations()
			})
			which, by := "Pod default/web-1", "default-scheduler"
			if name == "behind a pointer" { // the set's template points to the same number, and may be looked at first
				which, by = `(Pod default/web-\d|StatefulSet default/web)`, `[a-z-]+`
			}
			assert.Regexp(t, `^apiserver: somebody has changed `+which+`, which is shared and immutable: version \d+, stored by `+by+` at 00:00:00\.\d+; noticed at 00:00:\d\d\.\d+, seed 5: .+ (has|have) become `, said)
		})
	}
}

func panics(f func()) (said string) {
	defer func() {
		if v := recover(); v != nil {
			said = fmt.Sprint(v)
		}
	}()
	f()
	return "no panic"
}

// What a user is handed is the user's: changing it harms nobody, and neither
// does changing afterwards what was handed in.
func TestUsersOwnWhatTheyGet(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, DetectMutation: true})
	apply(t, c, parallelSet("web", 2))
	ruin := func(p *corev1.Pod) {
		p.Labels["app"] = "ruined"
		p.Spec.Containers[0].Image = "ruined"
		p.Status.Conditions[0].Status = "Ruined"
	}
	pod, err := sim.Get[*corev1.Pod](c, "", "web-0")
	require.NoError(t, err)
	ruin(pod)
	pods, err := sim.List[*corev1.Pod](c, "", "")
	require.NoError(t, err)
	for _, p := range pods {
		ruin(p)
	}
	objs, err := c.List(apiserver.Pod, "", "")
	require.NoError(t, err)
	ruin(objs[0].(*corev1.Pod))
	obj, err := c.Get(apiserver.Pod, "", "web-1")
	require.NoError(t, err)
	obj.SetLabels(nil)

	mine := &corev1.ConfigMap{Data: map[string]string{"a": "b"}}
	mine.Name = "mine"
	stored, err := c.Create(mine)
	require.NoError(t, err)
	mine.Data["a"] = "ruined"
	stored.(*corev1.ConfigMap).Data["a"] = "ruined"
	stored, err = c.Update(&corev1.ConfigMap{ObjectMeta: mine.ObjectMeta, Data: map[string]string{"a": "c"}})
	require.NoError(t, err)
	stored.(*corev1.ConfigMap).Data["a"] = "ruined"
	stored, _, err = c.Patch(apiserver.Pod, "", "web-0", "application/merge-patch+json", `{"metadata":{"labels":{"x":"y"}}}`)
	require.NoError(t, err)
	ruin(stored.(*corev1.Pod))

	c.CheckMutations()
	fresh, err := sim.Get[*corev1.ConfigMap](c, "", "mine")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "c"}, fresh.Data)
	settle(t, c)
	assert.Len(t, c.Processes(), 2, "nothing was replaced")
	c.CheckMutations()
}
