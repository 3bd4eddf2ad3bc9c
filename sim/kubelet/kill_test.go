package kubelet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// restarts runs and returns when the restart count of each pod's container grew,
// and when a status first said CrashLoopBackOff, in seconds.
func restarts(l *lab, d time.Duration) string {
	var s []string
	count := map[string]int32{}
	waits := map[string]bool{}
	l.spy = func(rec *apiserver.Record) {
		p, ok := rec.Object.(*corev1.Pod)
		if !ok {
			return
		}
		at := int(time.Duration(rec.Time) / time.Second)
		for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
			for i := range list {
				c := &list[i]
				if c.RestartCount > count[c.Name] {
					count[c.Name] = c.RestartCount
					s = append(s, fmt.Sprintf("%s %d: %d", c.Name, at, c.RestartCount))
				}
				if w := c.State.Waiting; w != nil && w.Reason == "CrashLoopBackOff" && !waits[c.Name] {
					s = append(s, fmt.Sprintf("%s %d: %s", c.Name, at, strings.Fields(w.Message)[1]))
					waits[c.Name] = true
				} else if w == nil {
					waits[c.Name] = false
				}
			}
		}
	}
	l.run(d)
	l.spy = nil
	return strings.Join(s, "\n")
}

// K19: a container that a probe kills starts again at once for as long as the
// back-off is shorter than its run, since that counts from the end of the run
// before: doBackOff is asked with the status of before the kill. Runs of 70 s: the
// last of the failures comes at 40 s, and then 30 s of grace are used up.
func TestProbeKillBacksOffFromTheRunBefore(t *testing.T) {
	for _, probe := range []string{
		`livenessProbe: {exec: {command: [check]}, initialDelaySeconds: 5, periodSeconds: 5, failureThreshold: 8}`,
		`startupProbe: {exec: {command: [check]}, initialDelaySeconds: 5, periodSeconds: 5, failureThreshold: 8}`,
	} {
		for _, kind := range []string{"containers: [{%s}]", "initContainers: [{restartPolicy: Always, %s}], containers: [{name: other, image: s}]"} {
			l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("sick", kubelet.Workload{
				Unhealthy: []kubelet.Window{{}}, IgnoreSIGTERM: true,
			})})
			l.create(`{metadata: {name: p}, spec: {` + fmt.Sprintf(kind, "name: c, image: sick, "+probe) + `}}`)
			assert.Equal(t, lines(
				"c 70: 1", "c 140: 2", "c 210: 3", "c 280: 4", "c 350: 5", "c 420: 1m20s", "c 500: 6", "c 570: 2m40s",
			), restarts(l, 600*time.Second), "%s %s", kind, probe)
		}
	}
}

// While a container that was killed is down, its pod is not ready: PLEG sees the
// death within a second (K21).
func TestKilledContainerIsNotReady(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First},
		kubelet: kubelet.Config{Latency: kubelet.Latency{Notice: controller.Range{Min: time.Second, Max: time.Second}}},
		world:   works("s", kubelet.Workload{Unhealthy: []kubelet.Window{{}}})})
	l.create(`{metadata: {name: p}, spec: {terminationGracePeriodSeconds: 1, containers: [
	  {name: c, image: s, livenessProbe: {exec: {command: [x]}, initialDelaySeconds: 20, periodSeconds: 1, failureThreshold: 1}}, {name: d, image: t}]}}`)
	l.run(99 * time.Second)
	l.takeRows()
	assert.Equal(t, lines(
		"1m41s 1/2 CrashLoopBackOff 4",
	), transitions(l, 5*time.Second))
}
