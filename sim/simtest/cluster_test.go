package simtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

const db = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
`

// Five lines get a cluster, one states an expectation.
func TestCluster(t *testing.T) {
	c := simtest.New(t, sim.Config{Seed: 3})
	c.Always()
	c.MustApply(db)
	c.MustSettle()
	c.MustSetImage("db", "db:2")
	c.MustScale("db", 3)
	c.MustSettle()
	c.Ready("db", 3)
	c.Images("db", "db:2", "db:2", "db:2")
	c.MustDelete(apiserver.StatefulSet, "db")
	c.MustSettle()
}

// recorded is a test that has failed without failing this one.
type recorded struct {
	testing.TB // Name alone is used
	log        strings.Builder
	failed     bool
	cleanups   []func()
}

func (r *recorded) Helper()                           {}
func (r *recorded) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorded) Failed() bool                      { return r.failed }
func (r *recorded) Logf(format string, args ...any)   { fmt.Fprintf(&r.log, format+"\n", args...) }
func (r *recorded) Errorf(format string, args ...any) { r.failed = true; r.Logf(format, args...) }
func (r *recorded) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(r) }
func (r *recorded) FailNow()                          { r.failed = true; panic(r) }

// run runs a test body to its end or its Fatal, and then its cleanups.
func (r *recorded) run(body func()) {
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		for _, f := range slices.Backward(r.cleanups) {
			f()
		}
	}()
	body()
}

func TestFailuresSayHowToSeeThemAgain(t *testing.T) {
	for name, body := range map[string]func(*recorded){ // each on its own
		"simtest: StatefulSet db has 2 pods, 2 of them ready; want 4": func(r *recorded) {
			c := simtest.New(r, sim.Config{Seed: 7})
			c.MustApply(db)
			c.MustSettle()
			c.Ready("db", 4)
		},
		`"db" is invalid: spec.replicas: Invalid value: -1`: func(r *recorded) {
			c := simtest.New(r, sim.Config{Seed: 7})
			c.MustApply(db)
			c.MustScale("db", -1)
		},
		"0/3 nodes are available": func(r *recorded) {
			c := simtest.New(r, sim.Config{Seed: 7})
			c.MustApply(db)
			for _, n := range []string{"node-1", "node-2", "node-3"} {
				c.Must(c.Cordon(n, true))
			}
			c.MustSettle()
		},
	} {
		r := &recorded{TB: t}
		r.run(func() { body(r) })
		assert.True(t, r.failed, name)
		assert.Contains(t, r.log.String(), name)
		assert.Contains(t, r.log.String(), "go test github.com/statefulsim/statefulsim/sim/simtest -run '^TestFailuresSayHowToSeeThemAgain$' -simtest.seed=7\n")
		assert.Contains(t, r.log.String(), "statefulset/db")
	}
}

// A property that fails leaves a script behind that fails alike.
func TestFailingScriptIsSaved(t *testing.T) {
	t.Chdir(t.TempDir())
	trial := simtest.Trial{Invariants: []simtest.Invariant{neverFour()}}
	r := &recordedRapid{recorded: recorded{TB: t}}
	r.run(func() { rapid.Check(r, trial.Property("TestX/a b")) })
	require.True(t, r.failed)
	file := filepath.Join("testdata", "simtest", "TestX_a_b.ops")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	script, err := simtest.ParseScript(string(text))
	require.NoError(t, err)
	require.Len(t, script.Operations, 1, "%s", text)
	require.Contains(t, string(text), "scale 4")
	require.Contains(t, r.log.String(), "-simtest.replay="+file)
	_, err = trial.Run(script)
	require.ErrorContains(t, err, "never four")
	replay := &recorded{TB: t}
	replay.run(func() { trial.Replay(replay, file) })
	require.Contains(t, replay.log.String(), "never four")
	simtest.Replay(t, file) // the usual invariants have nothing against it
}

// recordedRapid is recorded, with what rapid asks for besides.
type recordedRapid struct{ recorded }

// neverFour is broken by every set of four replicas.
func neverFour() simtest.Invariant {
	return simtest.Invariant{Name: "never four", Start: func(*sim.Cluster) simtest.Check {
		return simtest.Check{Record: func(rec *apiserver.Record) error {
			if rec.Kind == apiserver.Pod && rec.Key.Name == "web-3" {
				return fmt.Errorf("%s", rec.Key.Name)
			}
			return nil
		}}
	}}
}
