package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

func initWorld(second kubelet.Workload) kubelet.WorldConfig {
	return kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
		"i1": {ExitAfter: 2 * time.Second}, "i2": second,
	}}
}

// Init containers run in order, each to its end, before the others (K22: the
// pod is Pending meanwhile).
func TestInitContainersInOrder(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: initWorld(kubelet.Workload{ExitAfter: 3 * time.Second})})
	l.create(`{metadata: {name: p}, spec: {initContainers: [{name: i1, image: i1}, {name: i2, image: i2}], containers: [{name: c, image: s}]}}`)
	assert.Equal(t, lines(
		"0s 0/1 Init:0/2",
		"0s 0/1 Init:0/2",
		"0s 0/1 Init:0/2",
		"2s 0/1 Init:1/2",
		"2s 0/1 Init:1/2",
		"5s 0/1 PodInitializing",
		"5s 1/1 Running",
	), transitions(l, time.Minute))
	assert.Equal(t, "p/c", l.processes())
	assert.Zero(t, l.host.Engine().Len())
}

// An init container whose image is that of a server does its work and ends; the
// same image serves as a sidecar and as a container.
func TestInitContainerOfAServersImage(t *testing.T) {
	world := kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{"known": {ReadyAfter: time.Second}}}
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: world})
	l.create(`{metadata: {name: p}, spec: {initContainers: [{name: i1, image: s}, {name: i2, image: known}, {name: side, image: s, restartPolicy: Always}], containers: [{name: c, image: known}]}}`)
	l.run(time.Minute)
	assert.Equal(t, "2/2 Running", status(l.pod("p")))
	assert.Equal(t, "p/c p/side", l.processes())
	assert.Zero(t, l.host.Engine().Len())
}

// A failing init container is repeated with back-off, or fails the pod for
// good under Never.
func TestInitContainerFails(t *testing.T) {
	world := initWorld(kubelet.Workload{ExitAfter: time.Second, ExitCode: 1})
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: world})
	l.create(`{metadata: {name: p}, spec: {initContainers: [{name: i, image: i2}], containers: [{name: c, image: s}]}}`)
	l.run(15 * time.Second)
	assert.Equal(t, "0/1 Init:Error", status(l.pod("p")))
	assert.Contains(t, l.takeRows(), "p 0/1 Init:CrashLoopBackOff")
	assert.Contains(t, l.waiting(), "p: CrashLoopBackOff: back-off 20s restarting failed container=i")
	assert.Equal(t, "Pending", string(l.pod("p").Status.Phase))

	l.create(`{metadata: {name: q}, spec: {restartPolicy: Never, initContainers: [{name: i, image: i2}], containers: [{name: c, image: s}]}}`)
	l.run(15 * time.Second)
	assert.Equal(t, "0/1 Init:Error", status(l.pod("q")))
	assert.Equal(t, "Failed", string(l.pod("q").Status.Phase))
}

// A sidecar starts in its turn, and the next container once it has started; it
// restarts whatever the pod's policy.
func TestSidecar(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
		"side": {StartAfter: 5 * time.Second, ExitAfter: time.Minute}, "job": {ExitAfter: 2 * time.Minute},
	}}})
	l.create(`{metadata: {name: p}, spec: {restartPolicy: Never, initContainers: [{name: side, image: side, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}, periodSeconds: 1, failureThreshold: 30}}], containers: [{name: c, image: job}]}}`)
	l.run(4 * time.Second)
	assert.Equal(t, "p/side", l.processes())
	assert.Equal(t, "0/2 Init:0/1", status(l.pod("p")))
	l.run(4 * time.Second)
	assert.Equal(t, "p/c p/side", l.processes())
	assert.Equal(t, "Running", string(l.pod("p").Status.Phase))
	l.run(70 * time.Second)
	assert.Equal(t, int32(1), l.pod("p").Status.InitContainerStatuses[0].RestartCount)
	assert.Equal(t, "p/c p/side", l.processes())
	l.run(2 * time.Minute)
	assert.Empty(t, l.processes(), "the job's end ends the sidecar")
	assert.Equal(t, "Succeeded", string(l.pod("p").Status.Phase))
}
