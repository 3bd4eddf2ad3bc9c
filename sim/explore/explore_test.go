package explore_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/model"
)

const set = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: web, image: nginx}]}
`

// world is a node with an ordered set.
func world(replicas int) model.World {
	return model.World{
		Config:    func() sim.Config { return sim.Config{Nodes: []sim.Node{{Name: "node-1"}}} },
		Manifests: []string{fmt.Sprintf(set, replicas)},
		Early:     true,
	}
}

// oneProcess is that no two processes are of one pod name.
var oneProcess = model.Always("one process for an identity", func(c *sim.Cluster) error {
	seen := map[string]string{}
	for _, p := range c.Processes() {
		if other, ok := seen[p.Pod.Name]; ok && other != string(p.UID) {
			return fmt.Errorf("two pods %s run", p.Pod)
		}
		seen[p.Pod.Name] = string(p.UID)
	}
	return nil
})

// inOrder is that a pod runs only if all with a lower ordinal exist.
var inOrder = model.Step("ordered creation", func(before, after *sim.Cluster) error {
	had := processes(before)
	for name := range processes(after) {
		if name == "web-1" && !had["web-1"] && !had["web-0"] {
			return errors.New("web-1 starts, and web-0 does not run")
		}
	}
	return nil
})

func processes(c *sim.Cluster) map[string]bool {
	m := map[string]bool{}
	for _, p := range c.Processes() {
		m[p.Pod.Name] = true
	}
	return m
}

func running(n int) model.Property {
	return model.Eventually(fmt.Sprint(n, " run"), func(c *sim.Cluster) error {
		if got := len(c.Processes()); got != n {
			return fmt.Errorf("%d processes", got)
		}
		return nil
	})
}

// TestSound: with states that are recognised, a search comes to the same final states
// as one that runs through every order to its end.
func TestSound(t *testing.T) {
	for _, k := range []explore.Check{
		{World: world(1), Deviations: 1},
		{World: world(1), Deviations: 1, Slack: 3 * time.Millisecond},
		{World: world(1), MaxFaults: 1, Faults: []string{"lose-answer statefulset-controller:create:pod"}},
	} {
		quick, err := k.Exhaustive()
		require.NoError(t, err)
		slow, err := k.BruteForce()
		require.NoError(t, err)
		assert.Equal(t, slices.Sorted(maps.Keys(slow.Final)), slices.Sorted(maps.Keys(quick.Final)))
		assert.Less(t, quick.Transitions, slow.Transitions)
		assert.True(t, quick.Covered)
		t.Log(quick, slow)
	}
}

// TestReplay: a counterexample is minimal, is text, and runs again.
func TestReplay(t *testing.T) {
	k := explore.Check{World: world(1), Slack: 5 * time.Millisecond, Deviations: -1, MaxStates: 20000,
		MaxFaults: 1, Faults: []string{"crash node-1"},
		Properties: []model.Property{oneProcess, running(1)}}
	_, err := k.Exhaustive()
	var v *explore.Violation
	require.ErrorAs(t, err, &v)
	assert.Equal(t, "1 run", v.Property)
	require.Len(t, v.Schedule, 1, "one fault, and no deviation")
	again, err := explore.ParseSchedule(v.Schedule.String())
	require.NoError(t, err)
	assert.Equal(t, v.Schedule, again)
	var w *explore.Violation
	require.ErrorAs(t, k.Replay(again), &w)
	assert.Equal(t, v.Property, w.Property)
	assert.Equal(t, v.Schedule, w.Schedule)
	again[0].What = "fault: none"
	assert.ErrorContains(t, k.Replay(again), "cannot happen")
}

// TestProperties: what each kind of property says.
func TestProperties(t *testing.T) {
	k := explore.Check{World: world(2), Script: []string{"scale statefulset/web 1"}}
	never := func(*sim.Cluster) bool { return false }
	two := func(c *sim.Cluster) bool { return len(c.Processes()) == 2 }
	k.Script = nil
	k.Properties = []model.Property{inOrder, oneProcess, running(2), model.Sometimes("two", two),
		model.LeadsTo("one leads to two", func(c *sim.Cluster) bool { return len(c.Processes()) == 1 }, two)}
	_, err := k.Exhaustive()
	require.NoError(t, err)
	k.Properties = []model.Property{model.Sometimes("never", never)}
	_, err = k.Exhaustive()
	assert.ErrorContains(t, err, "never is never reached")
	k.Properties = []model.Property{model.LeadsTo("two leads to never", two, never)}
	_, err = k.Exhaustive()
	assert.ErrorContains(t, err, "two leads to never")
	assert.NoError(t, explore.Check{World: world(2), Properties: []model.Property{inOrder, running(2)}, Slack: 5 * time.Millisecond}.Random(1, 5))
	assert.NoError(t, explore.Check{World: world(2), Properties: []model.Property{inOrder, running(2)}, Slack: 5 * time.Millisecond}.PCT(1, 5, 3, 200))
}

func Example() {
	report, err := explore.Check{
		World:      world(2),
		Properties: []model.Property{oneProcess, inOrder, running(2)},
		Deviations: 1,
	}.Exhaustive()
	fmt.Println(report.Covered, len(report.Final) > 0, err)
	// Output:
	// true true <nil>
}
