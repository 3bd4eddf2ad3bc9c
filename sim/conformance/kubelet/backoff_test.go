package kubelet

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/flowcontrol"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/kuberuntime"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// death is the end of a run: how long it was, and whether a probe killed it.
type death struct {
	after  time.Duration
	killed bool
}

// drawDeaths draws the runs of a container, none as long as a back-off could be,
// so that fractions of a second cannot matter.
func drawDeaths(r *rand.Rand) []death {
	lengths := []time.Duration{3, 14, 15, 27, 50, 75, 100, 200, 400, 590, 640}
	list := make([]death, 10)
	for i := range list {
		n := len(lengths)
		if r.IntN(3) > 0 {
			n = 6 // mostly short
		}
		list[i] = death{after: lengths[r.IntN(n)] * time.Second, killed: r.IntN(2) == 0}
	}
	return list
}

const pod = `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: s,
  livenessProbe: {exec: {command: [x]}, periodSeconds: 1, failureThreshold: 1}}]}}`

// restarter is upstream's back-off of one container.
type restarter struct {
	m     *manager
	clock *testingclock.FakeClock
	back  *flowcontrol.Backoff
	spec  *corev1.Pod
	prev  time.Time // end of the run before; zero: there is none
}

// asks reports whether the container may start at a time, by what its pod's worker
// knows of its runs.
func (u *restarter) asks(at time.Time, running bool, ended time.Time) bool {
	u.clock.SetTime(at)
	u.back.GC()
	status := &kubecontainer.PodStatus{ID: u.spec.UID}
	if running {
		status.ContainerStatuses = append(status.ContainerStatuses, &kubecontainer.Status{Name: "c", State: kubecontainer.ContainerStateRunning})
	}
	if !ended.IsZero() {
		status.ContainerStatuses = append(status.ContainerStatuses, &kubecontainer.Status{Name: "c", State: kubecontainer.ContainerStateExited, FinishedAt: ended})
	}
	waits, _, _ := doBackOff(u.m, context.Background(), u.spec, &u.spec.Spec.Containers[0], status, u.back)
	return !waits
}

// restart returns when the container starts again after a death.
func (u *restarter) restart(died time.Time, killed bool) time.Time {
	before := u.prev
	u.prev = died
	if killed && u.asks(died, true, before) {
		return died
	}
	for at := died; ; {
		if u.asks(at, false, died) {
			return at
		}
		left := died.Add(u.back.Get(kuberuntime.GetBackoffKey(u.spec, &u.spec.Spec.Containers[0]))).Sub(at)
		at = at.Add(max(min(left, time.Minute), time.Second))
	}
}

// A container starts again when doBackOff says.
func TestBackOff(t *testing.T) {
	m, err := newManager()
	require.NoError(t, err)
	waited := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		c := sim.New(sim.Config{NoLatency: true, NoEvents: true, Seed: seed})
		_, err := c.Apply(pod)
		require.NoError(t, err)
		require.NoError(t, c.Run(500*time.Millisecond))
		get := func() *corev1.Pod {
			p, err := sim.Get[*corev1.Pod](c, "default", "p")
			require.NoError(t, err)
			return p
		}
		clock := testingclock.NewFakeClock(c.Now())
		u := &restarter{m: m, clock: clock, back: flowcontrol.NewFakeBackOff(10*time.Second, 300*time.Second, clock), spec: get()}
		for i, d := range drawDeaths(r) {
			require.NoError(t, c.Run(d.after))
			if d.killed {
				require.NoError(t, c.FailProbe("default", "p", "c", kubelet.Liveness, true))
				require.NoError(t, c.Run(600*time.Millisecond))
				require.NoError(t, c.FailProbe("default", "p", "c", kubelet.Liveness, false))
				require.NoError(t, c.Run(400*time.Millisecond))
			} else {
				require.NoError(t, c.ExitContainer("default", "p", "c", 1, ""))
				require.NoError(t, c.Run(10*time.Millisecond))
			}
			for range 500 {
				if st := get().Status.ContainerStatuses[0]; st.RestartCount == int32(i+1) && st.State.Running != nil {
					break
				}
				require.NoError(t, c.Run(time.Second))
			}
			st := get().Status.ContainerStatuses[0]
			require.NotNil(t, st.State.Running, "seed %d, run %d", seed, i)
			died := st.LastTerminationState.Terminated.FinishedAt.Time
			want := u.restart(died, d.killed)
			require.InDelta(t, want.Sub(died).Seconds(), st.State.Running.StartedAt.Sub(died).Seconds(), 1.5, "seed %d, run %d of %v, killed: %v", seed, i, d.after, d.killed)
			if want.After(died) {
				waited++
			}
		}
	}
	require.Greater(t, waited, 100)
}
