package sim_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

func TestRollout(t *testing.T) {
	c := simtest.New(t, sim.Config{Provision: true}) // three nodes, volumes on demand
	c.Always()                                       // every invariant, after every event
	c.MustApplyFiles("testdata/web.yaml")
	c.MustSettle() // nothing is stuck
	c.Ready("web", 3)
	c.MustSetImage("web", "nginx:1.29")
	c.MustSettle()
	c.Ready("web", 3)
	c.Images("web", "nginx:1.29", "nginx:1.29", "nginx:1.29")
}

// rollout is the test above on other clusters.
func rollout(tb simtest.TB, cfg sim.Config) {
	c := simtest.New(tb, cfg)
	c.Always()
	c.MustApplyFiles("testdata/web.yaml")
	c.MustSettle()
	c.Ready("web", 3)
	c.MustSetImage("web", "nginx:1.29")
	c.MustSettle()
	c.Ready("web", 3)
	c.Images("web", "nginx:1.29", "nginx:1.29", "nginx:1.29")
}

// TestRolloutThatNeverHappens: the README's test fails if nothing runs.
func TestRolloutThatNeverHappens(t *testing.T) {
	exits := func(image string) sim.Config {
		return sim.Config{Provision: true, Workloads: map[string]kubelet.Workload{image: {Exits: true, ExitCode: 1}}}
	}
	for want, cfg := range map[string]sim.Config{ // each on its own
		`storageclass.storage.k8s.io "fast" not found`: {}, // claims never bind
		"pod web-0 is not ready: CrashLoopBackOff":     exits("nginx"),
		"pod web-2 is not ready: CrashLoopBackOff":     exits("nginx:1.29"),
		"no nodes available to schedule pods":          {Provision: true, Nodes: []sim.Node{}},
	} {
		f := &failure{name: t.Name()}
		func() {
			defer func() { _ = recover() }()
			rollout(f, cfg)
		}()
		require.True(t, f.failed, "%s: the rollout never happened, and the test passed", want)
		if set, reason, ok := strings.Cut(strings.TrimPrefix(want, "pod "), " is not ready: "); ok {
			assert.Contains(t, f.text, "Pod default/"+set)
			want = reason
		}
		assert.Contains(t, f.text, want)
	}
}

// failure is a test that fails, and keeps what it says.
type failure struct {
	name, text string
	failed     bool
}

func (f *failure) Helper()                         {}
func (f *failure) Name() string                    { return f.name }
func (f *failure) Cleanup(func())                  {}
func (f *failure) Failed() bool                    { return f.failed }
func (f *failure) Logf(format string, args ...any) {}
func (f *failure) Errorf(format string, args ...any) {
	f.failed = true
	f.text += fmt.Sprintf(format, args...)
}
func (f *failure) Fatalf(format string, args ...any) { f.Errorf(format, args...); panic(f) }

// TestReadme holds the README's test to the one above, to the letter.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	this, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	snippet := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, snippet)
	assert.Contains(t, string(this), string(snippet[1]))
}
