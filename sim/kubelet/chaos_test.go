package kubelet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const chaosPod = `{metadata: {name: %s}, spec: {terminationGracePeriodSeconds: 5, volumes: [{name: v, nfs: {server: nfs, path: /%s}}],
  initContainers: [{name: i, image: init}, {name: side, image: side, restartPolicy: Always}],
  containers: [{name: c, image: main, volumeMounts: [{name: v, mountPath: /v}], resources: {requests: {cpu: 100m, memory: 1500m}}, readinessProbe: {tcpSocket: {port: 1}}, livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 3}},
    {name: d, image: stubborn, lifecycle: {preStop: {sleep: {seconds: 2}}, postStart: {exec: {command: [x]}}}}]}}`

// Faults of every kind in any order, then peace: every pod that is left runs
// and is ready, every other is gone with its processes and addresses, and
// nothing is pending.
func TestConvergesAfterFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := options{engine: engine.Strategy{Seed: rapid.Uint64().Draw(rt, "seed")}, world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
			"init": {ExitAfter: time.Second}, "side": {StopAfter: time.Second}, "main": {StartAfter: time.Second, ReadyAfter: 4 * time.Second},
			"stubborn": {IgnoreSIGTERM: true, PostStart: time.Second},
		}}}
		if rapid.Bool().Draw(rt, "realistic") {
			o.api, o.kubelet.Latency = controller.Realistic(), kubelet.Realistic()
		}
		l := newLab(t, o)
		l.spy = func(rec *apiserver.Record) { checkAlways(rt, l, rec) }
		l.create(`{metadata: {name: first}, spec: {containers: [{name: c, image: s}]}}`)
		l.run(time.Second)
		names := []string{"p-0", "p-1", "p-2"}
		for range rapid.IntRange(1, 12).Draw(rt, "operations") {
			chaos(rt, l, rapid.SampledFrom(names).Draw(rt, "pod"))
			l.node.CheckUsage(rt)
		}
		l.node.Restart(l.env)
		l.world.NFS.SetDown("nfs", false)
		for _, image := range []string{"main", "init"} {
			l.world.SetImageMissing(image, false)
		}
		l.run(2 * time.Hour)
		var want []string
		for _, name := range append(names, "first") {
			if l.host.Do("user", get(name)).Err == nil {
				require.Contains(rt, status(l.pod(name)), fmt.Sprintf("%d/%[1]d Running", ready(name)), "%s: %s", name, l.waiting())
				want = append(want, name)
			}
		}
		checkTruth(rt, l, want)
		require.Zero(rt, l.host.Engine().Len(), "%v", l.host.Engine().Events())
		require.Empty(rt, l.waiting())
	})
}

func ready(name string) int {
	if name == "first" {
		return 1
	}
	return 3
}

// chaos does one thing to a pod or to the node, and waits for a while.
func chaos(rt *rapid.T, l *lab, name string) {
	env := l.env
	exists := l.host.Do("user", get(name)).Err == nil
	switch op := rapid.SampledFrom([]string{"create", "create", "delete", "force", "stop", "crash", "restart", "nfs", "image", "exit", "exit-init"}).Draw(rt, "operation"); {
	case op == "create" && !exists:
		l.create(fmt.Sprintf(chaosPod, name, name))
	case op == "delete" && exists:
		l.delete(name, nil)
	case op == "force" && exists:
		zero := int64(0)
		l.delete(name, &zero)
	case op == "stop":
		l.node.Stop(env)
	case op == "crash":
		l.node.Crash(env)
	case op == "restart":
		l.node.Restart(env)
	case op == "nfs":
		l.world.NFS.SetDown("nfs", rapid.Bool().Draw(rt, "down"))
	case op == "image":
		l.world.SetImageMissing(rapid.SampledFrom([]string{"main", "init"}).Draw(rt, "image"), rapid.Bool().Draw(rt, "missing"))
	case op == "exit":
		_ = l.node.Exit(env, key(name), rapid.SampledFrom([]string{"c", "d", "side"}).Draw(rt, "container"), 1, "")
	case op == "exit-init":
		_ = l.node.Exit(env, key(name), "i", 1, "")
	}
	l.run(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond)
}

// checkAlways holds after every write.
func checkAlways(rt *rapid.T, l *lab, rec *apiserver.Record) {
	p, ok := rec.Object.(*corev1.Pod)
	if !ok {
		return
	}
	old, _ := rec.Old.(*corev1.Pod)
	if old != nil {
		require.False(rt, over(old) && !over(p), "%s leaves phase %s", p.Name, old.Status.Phase)
		require.LessOrEqual(rt, old.Status.ObservedGeneration, p.Status.ObservedGeneration)
	}
	if over(p) {
		for _, proc := range l.world.Processes() {
			require.NotEqual(rt, p.UID, proc.UID, "%s is over and runs", p.Name)
		}
	}
	for _, c := range p.Status.Conditions {
		require.False(rt, over(p) && c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue)
	}
}

func over(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// checkTruth compares the machine with the pods that should run.
func checkTruth(rt *rapid.T, l *lab, pods []string) {
	var procs, ips []string
	for _, p := range l.world.Processes() {
		if !slices.Contains(procs, p.Pod.Name) {
			procs = append(procs, p.Pod.Name)
		}
		require.Equal(rt, l.pod(p.Pod.Name).UID, p.UID)
	}
	for _, a := range l.world.IPs() {
		ips = append(ips, a.Pod.Name)
	}
	slices.Sort(ips)
	slices.Sort(pods)
	slices.Sort(procs)
	require.Equal(rt, pods, procs)
	require.Equal(rt, pods, ips)
}
