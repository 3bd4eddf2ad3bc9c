package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// A new image of a running pod restarts the container alone.
func TestImageOfRunningPodChanges(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: "s:1"}, {name: d, image: "s:1"}]}}`)
	l.run(time.Second)
	l.takeNotes()
	update(l, apiserver.Pod, key("p"), apiserver.None, func(p *corev1.Pod) { p.Spec.Containers[0].Image = "s:2" })
	l.run(time.Second)
	st := l.pod("p").Status
	assert.Equal(t, int32(1), st.ContainerStatuses[0].RestartCount)
	assert.Equal(t, "s:2", st.ContainerStatuses[0].Image)
	assert.Zero(t, st.ContainerStatuses[1].RestartCount)
	assert.Equal(t, int64(2), st.ObservedGeneration)
	assert.Contains(t, l.takeNotes(), "Normal Killing Container c definition changed, will be restarted")
}

// K17: a postStart hook that fails kills the container.
func TestPostStartFails(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{PostStartFails: true, PostStart: time.Second, StopAfter: time.Second})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, lifecycle: {postStart: {exec: {command: [x]}}}}]}}`)
	l.run(5 * time.Second)
	notes := l.takeNotes()
	assert.Contains(t, notes, "Warning FailedPostStartHook PostStartHook failed")
	assert.Contains(t, notes, "Normal Killing FailedPostStartHook")
	assert.Empty(t, l.processes())
	assert.Contains(t, l.takeRows(), "p 0/1 PostStartHookError")
	assert.Equal(t, "0/1 CrashLoopBackOff 1", status(l.pod("p")), "the second failure is that of a restart")
}

// A9: a shorter grace period reaches a container that is in its preStop hook.
func TestShorterGraceInPreStop(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, lifecycle: {preStop: {sleep: {seconds: 25}}}}]}}`)
	l.run(time.Second)
	l.delete("p", nil)
	l.run(time.Second)
	three := int64(3)
	assert.Equal(t, 3*time.Second, gone(l, "p", &three))
}

// Two pods cannot have one port of the host.
func TestHostPortsClash(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	for _, name := range []string{"p", "q"} {
		l.create(`{metadata: {name: ` + name + `}, spec: {containers: [{name: c, image: s, ports: [{containerPort: 80, hostPort: 8080}]}]}}`)
		l.run(time.Second)
	}
	assert.Equal(t, "NodePorts", l.pod("q").Status.Reason)
	assert.Equal(t, "p/c", l.processes())
}

// The fields that a container can learn of itself.
func TestDownwardEnvironment(t *testing.T) {
	env := map[string]string{}
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{OnStart: func(f *kubelet.Files) {
		for _, e := range f.Env {
			env[e.Name] = e.Value
		}
	}})})
	l.create(`{metadata: {name: p, labels: {a: b}, annotations: {x: z}}, spec: {containers: [{name: c, image: s, resources: {limits: {memory: 64Mi}, requests: {cpu: 250m}}, env: [
	  {name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}},
	  {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}},
	  {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['a']"}}}, {name: NOTE, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['x']"}}},
	  {name: CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}, {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory}}},
	  {name: ALL, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]}]}}`)
	l.run(time.Second)
	assert.Equal(t, map[string]string{"NS": "default", "NODE": "n1", "IP": "172.16.5.2", "HOST": "10.0.1.63", "LABEL": "b", "NOTE": "z",
		"CPU": "250", "MEM": "67108864", "ALL": "4"}, env)
	require.Equal(t, "1/1 Running", status(l.pod("p")))
}

func TestNewRefusesBadConfig(t *testing.T) {
	for _, cfg := range []kubelet.Config{
		{}, {Node: "n", PodCIDR: "x"}, {Node: "n", PodCIDR: "fd00::/64"}, {Node: "n", PodCIDR: "10.0.0.0/30"},
		{Node: "n", PodCIDR: "10.0.0.0/24", FirstIP: "10.0.1.1"}, {Node: "n", PodCIDR: "10.0.0.0/24", FirstIP: "x"},
	} {
		assert.Panics(t, func() { kubelet.New(cfg) }, "%+v", cfg)
	}
}
