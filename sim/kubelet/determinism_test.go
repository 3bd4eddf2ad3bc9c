package kubelet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/state"
)

// story runs pods of many kinds and returns every status written, with times.
func story(t *testing.T, seed uint64, others int) []string {
	l := newLab(t, options{
		engine: engine.Strategy{Seed: seed}, api: controller.Realistic(),
		kubelet: kubelet.Config{Latency: kubelet.Realistic()},
		world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
			"slow": {ReadyAfter: 15 * time.Second}, "bad": {ExitAfter: time.Second, ExitCode: 1}, "stubborn": {IgnoreSIGTERM: true},
		}},
	})
	var log []string
	l.spy = func(rec *apiserver.Record) {
		if p, ok := rec.Object.(*corev1.Pod); ok && p.Name[0] == 'p' {
			log = append(log, fmt.Sprint(rec.Time, " ", rec.By, " ", p.Name, " ", rec.Type, " ", p.DeletionTimestamp, " ", p.Status.String()))
		}
	}
	l.world.SetImageMissing("missing:1", true)
	for i := range others {
		l.create(fmt.Sprintf(`{metadata: {name: other-%d}, spec: {containers: [{name: c, image: "own-%d:1", readinessProbe: {tcpSocket: {port: 1}}}]}}`, i, i))
		l.run(5 * time.Second)
	}
	l.run(time.Duration(100-5*others) * time.Second)
	for i, image := range []string{"slow", "bad", "stubborn", "missing:1", "slow"} {
		l.create(fmt.Sprintf(`{metadata: {name: p-%d}, spec: {hostNetwork: true, containers: [{name: c, image: %q, imagePullPolicy: IfNotPresent, readinessProbe: {httpGet: {port: 80}}}]}}`, i, image))
	}
	l.run(90 * time.Second)
	for i := range 5 {
		l.delete(fmt.Sprintf("p-%d", i), nil)
	}
	l.run(90 * time.Second)
	return log
}

// Equal seeds give equal histories; unrelated pods of other images change
// nothing.
func TestDeterminism(t *testing.T) {
	histories := map[string]bool{}
	for seed := range uint64(10) {
		a := story(t, seed, 0)
		assert.Equal(t, a, story(t, seed, 0))
		assert.Equal(t, a, story(t, seed, 3), "unrelated pods")
		histories[fmt.Sprint(a)] = true
	}
	assert.Len(t, histories, 10)
}

// A fork is independent of what it was made from.
func TestForkIsIndependent(t *testing.T) {
	w := kubelet.NewWorld(kubelet.WorldConfig{})
	w.NFS.Write("nfs", "/a", "x", "1")
	w.AddImage("n1", "a:1")
	f := state.Copy(nil, w)
	f.AddImage("n1", "b:1")
	f.NFS.SetDown("nfs", true)
	f.SetImageMissing("c:1", true)
	assert.Equal(t, []string{"docker.io/library/a:1"}, w.Images("n1"))
	assert.False(t, w.NFS.Down("nfs"))

	l := newLab(t, options{api: controller.Realistic(), kubelet: kubelet.Config{Latency: kubelet.Realistic()}})
	l.create(simple)
	for i := range 200 {
		if i == 30 {
			l.delete("p", nil)
		}
		fork := l.host.Fork()
		actor := fork.Actor(0).(*kubelet.Kubelet)
		assert.Equal(t, state.Copy(nil, l.host.Actor(0)), controller.Actor(actor))
		assert.Equal(t, l.host.World(), fork.World())
		before := history(l.host.Fork())
		assert.Equal(t, before, history(fork), "step %d", i)
		if !l.host.Step() {
			break
		}
		l.drain()
	}
}

// history runs a host to its end and returns the pods' records.
func history(h *controller.Host) (log []string) {
	for range 10_000 {
		if !h.Step() {
			break
		}
		for _, rec := range h.Drain() {
			if p, ok := rec.Object.(*corev1.Pod); ok {
				log = append(log, fmt.Sprint(rec.Version, " ", rec.Time, rec.Type, p.Status.String()))
			}
		}
	}
	return log
}
