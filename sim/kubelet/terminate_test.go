package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// gone deletes a pod and returns after how long it is gone.
func gone(l *lab, name string, grace *int64) time.Duration {
	l.t.Helper()
	at := l.host.Engine().Now()
	l.delete(name, grace)
	for range 100_000 {
		if res := l.host.Do("user", get(name)); res.Err != nil {
			return l.host.Engine().Now().Sub(at)
		}
		if !l.host.Step() {
			break
		}
		l.drain()
	}
	l.t.Fatalf("pod %s stays: %s", name, l.waiting())
	return 0
}

func get(name string) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Pod, Key: key(name)}
}

// K16: SIGTERM ignored, SIGKILL at the end of the grace period; exit code 137
// makes the pod Failed.
func TestSIGTERMIgnored(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{IgnoreSIGTERM: true})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Minute)
	l.takeRows()
	assert.Equal(t, 30*time.Second, gone(l, "p", nil))
	assert.Equal(t, lines("p 1/1 Terminating", "p 1/1 Terminating", "p 0/1 Error", "p 0/1 Error", "p 0/1 Error DELETED"), l.takeRows())
	assert.Contains(t, l.takeNotes(), "Normal Killing Stopping container c")
}

// K16: the preStop hook uses up the grace period; 2 s are left at least.
func TestPreStop(t *testing.T) {
	for _, c := range []struct {
		preStop, stop, want time.Duration
	}{
		{5 * time.Second, time.Second, 6 * time.Second},
		{5 * time.Second, time.Hour, 10 * time.Second},
		{time.Hour, time.Second, 11 * time.Second},
		{time.Hour, time.Hour, 12 * time.Second},
	} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{PreStop: c.preStop, StopAfter: c.stop})})
		l.create(`{metadata: {name: p}, spec: {terminationGracePeriodSeconds: 10, containers: [{name: c, image: s, lifecycle: {preStop: {exec: {command: [x]}}}}]}}`)
		l.run(time.Minute)
		assert.Equal(t, c.want, gone(l, "p", nil), "%+v", c)
	}
}

// A9, K16: a second deletion makes the grace period shorter.
func TestShorterGrace(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{IgnoreSIGTERM: true})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Minute)
	l.delete("p", nil)
	l.run(5 * time.Second)
	five := int64(5)
	assert.Equal(t, 5*time.Second, gone(l, "p", &five))
}

// K16: sidecars stop after the main containers, in reverse.
func TestSidecarsStopLast(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
		"main": {StopAfter: 3 * time.Second}, "s1": {StopAfter: time.Second}, "s2": {StopAfter: 2 * time.Second},
	}}})
	l.create(`{metadata: {name: p}, spec: {initContainers: [{name: s1, image: s1, restartPolicy: Always}, {name: s2, image: s2, restartPolicy: Always}], containers: [{name: c, image: main}]}}`)
	l.run(time.Minute)
	assert.Equal(t, "p/c p/s1 p/s2", l.processes())
	l.delete("p", nil)
	l.run(3100 * time.Millisecond)
	assert.Equal(t, "p/s1 p/s2", l.processes())
	l.run(2 * time.Second)
	assert.Equal(t, "p/s1", l.processes())
	l.run(time.Second)
	assert.Empty(t, l.processes())
}

// K14: the name is free only after DELETED; a pod that never ran ends as
// Failed.
func TestDeletedBeforeItRan(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.SetImageMissing("bad:1", true)
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: "bad:1"}]}}`)
	l.run(3 * time.Second)
	l.takeRows()
	l.delete("p", nil)
	l.run(time.Second)
	assert.Equal(t, lines(
		"p 0/1 Terminating",
		"p 0/1 Terminating",
		"p 0/1 Terminating",
		"p 0/1 ContainerStatusUnknown",
		"p 0/1 ContainerStatusUnknown",
		"p 0/1 ContainerStatusUnknown DELETED",
	), l.takeRows())
	assert.Empty(t, l.waiting())
}

// N6: a forced deletion takes the object at once; the process lives on until
// the kubelet has stopped it.
func TestForcedDeletion(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{StopAfter: 20 * time.Second})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Minute)
	zero := int64(0)
	assert.Zero(t, gone(l, "p", &zero))
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Second)
	assert.Equal(t, "p/c p/c", l.processes(), "two processes, one identity")
	l.run(30 * time.Second)
	assert.Equal(t, "p/c", l.processes())
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
}

// A deletion during the pull waits for it, and one during a failing mount does
// not.
func TestDeletedWhileMounting(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.NFS.SetDown("nfs", true)
	l.create(`{metadata: {name: p}, spec: {volumes: [{name: v, nfs: {server: nfs, path: /a}}], containers: [{name: c, image: s, volumeMounts: [{name: v, mountPath: /v}]}]}}`)
	l.run(time.Minute)
	assert.Zero(t, gone(l, "p", nil))
	l.run(time.Hour)
	assert.Zero(t, l.host.Engine().Len())
}
