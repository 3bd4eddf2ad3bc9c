package table_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/table"
)

// TestPodStatus holds K23: READY, STATUS and RESTARTS in every state of a pod.
func TestPodStatus(t *testing.T) {
	const (
		one     = `spec: {containers: [{name: a}]}`
		two     = `spec: {containers: [{name: a}, {name: b}]}`
		inits   = `spec: {initContainers: [{name: i}, {name: j}], containers: [{name: a}]}`
		sidecar = `spec: {initContainers: [{name: s, restartPolicy: Always}, {name: i}], containers: [{name: a}]}`
	)
	for _, c := range []struct {
		name, spec, status string
		want               string // READY STATUS RESTARTS
	}{
		{"new", one, `{phase: Pending}`, "0/1 Pending 0"},
		{"reason", one, `{phase: Failed, reason: Evicted}`, "0/1 Evicted 0"},
		{"gated", one, `{phase: Pending, reason: X, conditions: [{type: PodScheduled, status: "False", reason: SchedulingGated}]}`,
			"0/1 SchedulingGated 0"},
		{"creating", one, `{phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ContainerCreating}}}]}`,
			"0/1 ContainerCreating 0"},
		{"waiting without reason", one, `{phase: Pending, containerStatuses: [{name: a, state: {waiting: {}}}]}`, "0/1 Pending 0"},
		{"running, not ready", one, `{phase: Running, containerStatuses: [{name: a, state: {running: {}}}]}`, "0/1 Running 0"},
		{"ready", one, `{phase: Running, containerStatuses: [{name: a, ready: true, state: {running: {}}}]}`, "1/1 Running 0"},
		{"ready but not running", one, `{phase: Running, containerStatuses: [{name: a, ready: true}]}`, "0/1 Running 0"},
		{"completed", one, `{phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {exitCode: 0, reason: Completed}}}]}`,
			"0/1 Completed 0"},
		{"error", one, `{phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 1, reason: Error}}}]}`, "0/1 Error 0"},
		{"exit code without reason", one, `{phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 7}}}]}`,
			"0/1 ExitCode:7 0"},
		{"signal without reason", one, `{phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 137, signal: 9}}}]}`,
			"0/1 Signal:9 0"},
		{"crash loop", one, `{phase: Running, containerStatuses: [{name: a, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}},
			lastState: {terminated: {exitCode: 1, finishedAt: "2026-01-01T11:59:30Z"}}}]}`, "0/1 CrashLoopBackOff 3 (30s ago)"},
		{"restarts without a time", one, `{phase: Running, containerStatuses: [{name: a, restartCount: 2, ready: true, state: {running: {}}}]}`,
			"1/1 Running 2"},
		{"container 0 wins", two, `{phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ErrImagePull}}},
			{name: b, state: {waiting: {reason: ContainerCreating}}}]}`, "0/2 ErrImagePull 0"},
		{"completed beside running, pod ready", two, `{phase: Running, conditions: [{type: Ready, status: "True"}],
			containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}, {name: b, ready: true, state: {running: {}}}]}`,
			"1/2 Running 0"},
		{"completed beside running, pod not ready", two, `{phase: Running, conditions: [{type: Ready, status: "False"}],
			containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}, {name: b, ready: true, state: {running: {}}}]}`,
			"1/2 NotReady 0"},
		{"completed beside failed", two, `{phase: Running, containerStatuses: [{name: a, state: {terminated: {reason: Completed}}},
			{name: b, state: {terminated: {exitCode: 137, reason: OOMKilled}}}]}`, "0/2 OOMKilled 0"},
		{"first init container", inits, `{phase: Pending, initContainerStatuses: [{name: i, state: {running: {}}},
			{name: j, state: {waiting: {reason: PodInitializing}}}],
			containerStatuses: [{name: a, state: {waiting: {reason: PodInitializing}}}]}`, "0/1 Init:0/2 0"},
		{"second init container", inits, `{phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 0}}},
			{name: j, state: {waiting: {reason: PodInitializing}}}]}`, "0/1 Init:1/2 0"},
		{"init containers done", inits, `{phase: Pending, initContainerStatuses: [{name: i, restartCount: 4, state: {terminated: {exitCode: 0}}},
			{name: j, state: {terminated: {exitCode: 0}}}],
			containerStatuses: [{name: a, state: {waiting: {reason: PodInitializing}}}]}`, "0/1 PodInitializing 0"},
		{"init error", inits, `{phase: Pending, initContainerStatuses: [{name: i, restartCount: 1,
			lastState: {terminated: {exitCode: 1, finishedAt: "2026-01-01T11:59:55Z"}},
			state: {terminated: {exitCode: 1, reason: Error}}}]}`, "0/1 Init:Error 1 (5s ago)"},
		{"init exit code", inits, `{phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 2}}}]}`,
			"0/1 Init:ExitCode:2 0"},
		{"init signal", inits, `{phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 143, signal: 15}}}]}`,
			"0/1 Init:Signal:15 0"},
		{"init crash loop", inits, `{phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: CrashLoopBackOff}}}]}`,
			"0/1 Init:CrashLoopBackOff 0"},
		{"sidecar not started", sidecar, `{phase: Pending, initContainerStatuses: [{name: s, started: false, state: {running: {}}}]}`,
			"0/2 Init:0/2 0"},
		{"sidecar started", sidecar, `{phase: Pending, initContainerStatuses: [{name: s, started: true, ready: true, restartCount: 1, state: {running: {}}},
			{name: i, restartCount: 2, state: {running: {}}}]}`, "1/2 Init:1/2 3"},
		{"sidecar beside the container", sidecar, `{phase: Running, initContainerStatuses: [
			{name: s, started: true, ready: true, restartCount: 1, lastState: {terminated: {finishedAt: "2026-01-01T11:00:00Z"}}, state: {running: {}}},
			{name: i, restartCount: 5, lastState: {terminated: {finishedAt: "2026-01-01T11:59:00Z"}}, state: {terminated: {exitCode: 0}}}],
			containerStatuses: [{name: a, ready: true, state: {running: {}}}]}`, "2/2 Running 1 (60m ago)"},
		{"sidecar restarts after initialization", sidecar, `{phase: Running, conditions: [{type: Initialized, status: "True"}],
			initContainerStatuses: [{name: s, started: false, state: {waiting: {reason: CrashLoopBackOff}}}],
			containerStatuses: [{name: a, ready: true, state: {running: {}}}]}`, "1/2 Init:CrashLoopBackOff 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pod := read[corev1.Pod](t, c.spec)
			require.NoError(t, yaml.UnmarshalStrict([]byte(c.status), &pod.Status))
			s := table.Summarize(pod)
			require.Equal(t, c.want, s.ReadyText()+" "+s.Status+" "+s.RestartsText(now))
		})
	}
}

// TestDeletedPodStatus holds K23 and §0.9 for pods that are being deleted: a terminal
// one keeps its reason, one of a lost node is Unknown.
func TestDeletedPodStatus(t *testing.T) {
	for _, c := range []struct{ status, want string }{
		{`{phase: Running, containerStatuses: [{name: a, ready: true, state: {running: {}}}]}`, "Terminating"},
		{`{phase: Pending}`, "Terminating"},
		{`{phase: Running, reason: NodeLost}`, "Unknown"},
		{`{phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {reason: Completed}}}]}`, "Completed"},
		{`{phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 143, reason: Error}}}]}`, "Error"},
	} {
		pod := read[corev1.Pod](t, `spec: {containers: [{name: a}]}`)
		require.NoError(t, yaml.UnmarshalStrict([]byte(c.status), &pod.Status))
		deleted := ago(time.Second)
		pod.DeletionTimestamp = &deleted
		require.Equal(t, c.want, table.Summarize(pod).Status, c.status)
	}
}
