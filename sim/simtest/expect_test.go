package simtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// fails runs a test body that is expected to fail, and returns what it prints.
func fails(t *testing.T, want string, cfg sim.Config, body func(*simtest.T)) string {
	t.Helper()
	r := &recorded{TB: t}
	passed := false
	r.run(func() {
		body(simtest.New(r, cfg))
		passed = true
	})
	assert.False(t, passed, "it went on to its end: %s", want)
	assert.True(t, r.failed, want)
	assert.Contains(t, r.log.String(), want)
	return r.log.String()
}

const claims = `
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Gi}}}
`

// What does not happen fails the first expectation, whatever keeps it from
// happening.
func TestMustSettleFailsForWhatIsStuck(t *testing.T) {
	settle := func(text string) func(*simtest.T) {
		return func(c *simtest.T) { c.MustApply(text); c.MustSettle() }
	}
	exits := func(after time.Duration) sim.Config {
		return sim.Config{Workloads: map[string]kubelet.Workload{"db": {Exits: true, ExitAfter: after, ExitCode: 1}}}
	}
	fails(t, "no persistent volumes available for this claim", sim.Config{}, settle(db+claims))
	fails(t, "(retrying) and is not done; ", exits(0), settle(db))
	fails(t, "CrashLoopBackOff", exits(0), settle(db))
	fails(t, "(retrying) and is not done", exits(20*time.Second), settle(db)) // it runs for longer than it waits, at first
	fails(t, "(retrying) and is not done", exits(time.Hour), settle(db))
	fails(t, "0/1 nodes are available", sim.Config{Nodes: []sim.Node{{Name: "n", Pods: 1}}}, settle(db))
	fails(t, "containers with unready status: [db]", sim.Config{Workloads: map[string]kubelet.Workload{"db": {Unready: []kubelet.Window{{}}}}},
		settle(strings.Replace(db, `image: "db:1"`, `image: "db:1", readinessProbe: {tcpSocket: {port: 80}}`, 1)))
	fails(t, "Job default/once: it has failed: BackoffLimitExceeded: Job has reached the specified backoff limit", exits(0), settle(`
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: db}]}}}`))
}

// The machines are switched off. The API does not know: it shows the pods as
// they were.
func TestExpectationsHoldTheTruth(t *testing.T) {
	off := func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettle()
		c.Ready("db", 2)
		c.Images("db", "db:1", "db:1")
		for _, node := range []string{"node-1", "node-2", "node-3"} {
			c.Must(c.CrashNode(node))
		}
	}
	fails(t, "Pod default/db-0: the API says that container db runs on node-", sim.Config{}, func(c *simtest.T) {
		off(c)
		// Not so long that a component could notice.
		c.Must(c.Run(time.Second))
		assert.Len(t, simtest.Unfinished(c.Cluster), 2)
		c.MustSettle()
	})
	fails(t, "StatefulSet db: pod db-0 is shown as ready, and no process of its container db runs on node-", sim.Config{}, func(c *simtest.T) {
		off(c)
		c.Ready("db", 2)
	})
	fails(t, "StatefulSet db runs nothing (no process of container db of pod db-0 runs: node-", sim.Config{}, func(c *simtest.T) {
		off(c)
		c.Images("db", "db:1", "db:1")
	})
}

// A process that the API has forgotten (N6) is found by each expectation.
func TestExpectationsFindStrangers(t *testing.T) {
	ghost := func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettle()
		pod, err := sim.Get[*corev1.Pod](c.Cluster, "", "db-1")
		c.Must(err)
		c.Must(c.StopKubelet(pod.Spec.NodeName))
		now := int64(0)
		c.MustDelete(apiserver.Pod, "db-1", sim.DeleteOptions{GracePeriodSeconds: &now})
		c.Must(c.Run(0))
	}
	fails(t, "a process of container db runs on node-", sim.Config{}, func(c *simtest.T) { ghost(c); c.MustSettle() })
	fails(t, "a process of container db of pod db-1 runs on node-", sim.Config{}, func(c *simtest.T) { ghost(c); c.Ready("db", 1) })
	fails(t, "and is none of the set's", sim.Config{}, func(c *simtest.T) { ghost(c); c.Images("db", "db:1") })
}

func TestImagesCountsThePods(t *testing.T) {
	fails(t, "StatefulSet db runs db:1, db:1; want db:1\n", sim.Config{}, func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettle()
		c.Images("db", "db:1")
	})
	fails(t, "StatefulSet db runs db:1, db:1; want db:1, db:1, db:1\n", sim.Config{}, func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettle()
		c.Images("db", "db:1", "db:1", "db:1")
	})
	fails(t, "StatefulSet db runs db:1, db:1; want db:1, db:2\n", sim.Config{}, func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettle()
		c.Images("db", "db:1", "db:2")
	})
}

// What is to wait is said, and nothing else may.
func TestMustSettleWaiting(t *testing.T) {
	c := simtest.New(t, sim.Config{Nodes: []sim.Node{{Name: "n", Pods: 1}}})
	c.MustApply(db)
	waits := c.MustSettleWaiting("Too many pods") // and the set, which waits for that pod
	assert.Len(t, waits, 2)
	c.MustSettleWaiting("Pod default/db-1: ")

	full := sim.Config{Nodes: []sim.Node{{Name: "n", Pods: 1}}}
	fails(t, `nothing waits for "Insufficient cpu": the cluster rests`, full, func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettleWaiting("Too many pods", "Insufficient cpu")
	})
	fails(t, "what waits is not expected to: Pod default/db-1: 0/1 nodes are available: 1 Too many pods.", full, func(c *simtest.T) {
		c.MustApply(db)
		c.MustSettleWaiting("StatefulSet default/db")
	})
	fails(t, "MustSettleWaiting: it is for what waits", sim.Config{}, func(c *simtest.T) { c.MustSettleWaiting() })
	fails(t, `nothing waits for "x"`, sim.Config{}, func(c *simtest.T) { c.MustSettleWaiting("x") })
}

func TestEventually(t *testing.T) {
	old := kubelet.Workload{HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
		if r.Age < time.Minute {
			return kubelet.HTTPResponse{Status: 503}
		}
		return kubelet.HTTPResponse{}
	}}
	c := simtest.New(t, sim.Config{Workloads: map[string]kubelet.Workload{"db": old}})
	c.MustApply(db)
	ready := func() bool {
		pod, err := sim.Get[*corev1.Pod](c.Cluster, "", "db-1")
		return err == nil && pod.Status.Phase == corev1.PodRunning
	}
	c.Eventually(ready, time.Minute)
	c.MustSettle()
	// Nothing happens any more, but time.
	start := c.Now()
	pod, err := sim.Get[*corev1.Pod](c.Cluster, "", "db-1")
	c.Must(err)
	answers := func() bool {
		status, _, err := c.HTTP(pod.Status.PodIP)
		return err == nil && status == 200
	}
	simtest.Eventually(t, c.Cluster, answers, time.Hour, "pod %s answers", pod.Name)
	assert.InDelta(t, float64(time.Minute), float64(c.Now().Sub(start)), float64(2*time.Second))

	fails(t, "db-9 runs does not hold within 1m0s, at 2", sim.Config{Nodes: []sim.Node{{Name: "n", Pods: 1}}}, func(c *simtest.T) {
		c.MustApply(db)
		c.Eventually(func() bool { return false }, time.Minute, "%s runs", "db-9")
	})
	log := fails(t, "the condition does not hold within 1m0s", sim.Config{Nodes: []sim.Node{{Name: "n", Pods: 1}}}, func(c *simtest.T) {
		c.MustApply(db)
		c.Eventually(func() bool { return false }, time.Minute)
	})
	assert.Contains(t, log, "1 Too many pods", "it says what waits")
	fails(t, "cannot run for -1s", sim.Config{}, func(c *simtest.T) { c.Eventually(func() bool { return false }, -time.Second) })
	assert.PanicsWithValue(t, "simtest: Eventually: cond is nil", func() { c.Eventually(nil, 0) })
	assert.PanicsWithValue(t, "simtest: New: tb is nil", func() { simtest.New(nil, sim.Config{}) })
	assert.PanicsWithValue(t, "simtest: New: tb is nil", func() { simtest.New((*testing.T)(nil), sim.Config{}) })
}

// All of these are tests.
var _ = []simtest.TB{(*testing.T)(nil), (*testing.B)(nil), (*testing.F)(nil), (*rapid.T)(nil)}

const ends = "The end of the history"

// A property of rapid that fails says so once, however often it was tried to
// make it smaller.
func TestRapidPrintsOneFailureOnce(t *testing.T) {
	t.Chdir(t.TempDir())                                        // rapid leaves a file there
	for name, expect := range map[string]func(*simtest.T, int){ // each on its own
		"an expectation": func(c *simtest.T, _ int) { c.Ready("db", 2) },
		"an invariant":   func(*simtest.T, int) {},
	} {
		made := 0
		r := &recordedRapid{recorded: recorded{TB: t}}
		r.run(func() {
			rapid.Check(r, func(rt *rapid.T) {
				n := rapid.IntRange(0, 6).Draw(rt, "replicas")
				made++
				c := simtest.New(rt, sim.Config{NoLatency: true, NoEvents: true})
				if name == "an invariant" {
					c.Always(neverMoreThan(2))
				}
				c.MustApply(db)
				c.Must(c.Scale("", "db", int32(n)))
				_, err := c.Settle()
				if name != "an invariant" {
					c.Must(err)
				}
				expect(c, n)
			})
		})
		assert.True(t, r.failed, name)
		assert.Greater(t, made, 2, "%s: nothing was made smaller", name)
		assert.Equal(t, 1, strings.Count(r.log.String(), ends), "%s:\n%s", name, r.log.String())
		assert.Less(t, strings.Count(r.log.String(), "\n"), 120, name)
	}
}

// A test with many clusters prints the history of the one that failed; if it
// failed elsewhere, that of the last.
func TestOneFailureIsPrintedOnce(t *testing.T) {
	r := &recorded{TB: t}
	r.run(func() {
		first := simtest.New(r, sim.Config{Seed: 1})
		for range 5 {
			simtest.New(r, sim.Config{Seed: 2})
		}
		first.MustApply(db)
		first.Ready("db", 9)
	})
	assert.Equal(t, 1, strings.Count(r.log.String(), ends), r.log.String())
	assert.Contains(t, r.log.String(), "-simtest.seed=1\n")
	assert.Contains(t, r.log.String(), "statefulset/db")

	r = &recorded{TB: t}
	r.run(func() {
		for seed := range uint64(5) {
			simtest.New(r, sim.Config{Seed: seed})
		}
		require.Fail(r, "elsewhere")
	})
	assert.Equal(t, 1, strings.Count(r.log.String(), ends), r.log.String())
	assert.Contains(t, r.log.String(), "-simtest.seed=4\n")
	assert.Contains(t, r.log.String(), ends+" (of the last of this test's 5 clusters)")
}

// neverMoreThan is broken by a set's pod whose ordinal is n or more.
func neverMoreThan(n int) simtest.Invariant {
	return simtest.Invariant{Name: "never so many", Start: func(c *sim.Cluster) simtest.Check {
		return simtest.Check{Step: func() error {
			if pods, err := c.List(apiserver.Pod, "", ""); err != nil || len(pods) > n {
				return assert.AnError
			}
			return nil
		}}
	}}
}
