package kubelet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// transitions runs and returns the rows of a pod with their times.
func transitions(l *lab, d time.Duration) string {
	var s []string
	l.spy = func(rec *apiserver.Record) {
		if p, ok := rec.Object.(interface{ GetName() string }); ok && rec.Kind == apiserver.Pod && p != nil {
			s = append(s, (time.Duration(rec.Time)/time.Second*time.Second).String()+" "+status(l.pod(p.GetName())))
		}
	}
	l.run(d)
	l.spy = nil
	return strings.Join(s, "\n")
}

// K20: readiness starts as failure; a probe runs at once when the container has
// started and then every 10 s.
func TestReadinessProbe(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{ReadyAfter: 25 * time.Second})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, readinessProbe: {httpGet: {port: 80, path: /ok}}}]}}`)
	assert.Equal(t, lines(
		"0s 0/1 ContainerCreating",
		"0s 0/1 ContainerCreating",
		"0s 0/1 Running",
		"30s 1/1 Running",
	), transitions(l, time.Hour))
	assert.Contains(t, l.takeNotes(), "Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503")
	assert.Zero(t, l.host.Engine().Len(), "a steady probe has no events")
}

// K20: a probe fails after three failures, and its answer is looked at when it
// can change and not before.
func TestReadinessWindow(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{
		Unready: []kubelet.Window{{From: time.Hour, To: time.Hour + 100*time.Second}},
	})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, readinessProbe: {tcpSocket: {port: 80}}}]}}`)
	l.run(time.Minute)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
	before := l.host.Engine().Steps()
	assert.Equal(t, "1h0m20s 0/1 Running\n1h1m40s 1/1 Running", transitions(l, 2*time.Hour))
	assert.Less(t, l.host.Engine().Steps()-before, uint64(60))
	assert.Contains(t, l.takeNotes(), "Readiness probe failed: dial tcp 172.16.5.2:80: connect: connection refused")
}

// K20: a liveness failure restarts the container.
func TestLivenessProbe(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{
		Unhealthy: []kubelet.Window{{From: 60 * time.Second}}, StopAfter: time.Second,
	})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, livenessProbe: {exec: {command: [x]}, periodSeconds: 5}}]}}`)
	l.run(100 * time.Second)
	assert.Equal(t, lines(
		"p 0/1 Pending ADDED",
		"p 0/1 ContainerCreating",
		"p 0/1 ContainerCreating",
		"p 1/1 Running",
		"p 1/1 Running 1",
	), l.takeRows())
	notes := l.takeNotes()
	assert.Contains(t, notes, "Warning Unhealthy Liveness probe failed: ")
	assert.Contains(t, notes, "Normal Killing Container c failed liveness probe, will be restarted")
	at := l.pod("p").Status.ContainerStatuses[0].State.Running.StartedAt
	assert.Equal(t, 71*time.Second, time.Duration(apiserver.VirtualTime(at.Time)))
}

// K20: readiness and liveness wait for startup.
func TestStartupProbe(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{StartAfter: 32 * time.Second})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s,
	  startupProbe: {httpGet: {port: http, path: /}, failureThreshold: 30}, livenessProbe: {httpGet: {port: http}, periodSeconds: 1},
	  readinessProbe: {httpGet: {port: http}}, ports: [{name: http, containerPort: 8080}]}]}}`)
	assert.Equal(t, lines(
		"0s 0/1 ContainerCreating",
		"0s 0/1 ContainerCreating",
		"0s 0/1 Running",
		"40s 0/1 Running",
		"40s 1/1 Running",
	), transitions(l, time.Hour))
	notes := l.takeNotes()
	assert.Contains(t, notes, `Startup probe failed: Get "http://172.16.5.2:8080/": dial tcp 172.16.5.2:8080: connect: connection refused`)
	assert.NotContains(t, notes, "Liveness")
}

// K20: a startup probe that fails too often restarts the container.
func TestStartupProbeFails(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{StartAfter: time.Hour})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, startupProbe: {tcpSocket: {port: 1}}}]}}`)
	l.run(35 * time.Second)
	assert.Equal(t, "0/1 Running 1", status(l.pod("p")))
	assert.Contains(t, l.takeNotes(), "Container c failed startup probe, will be restarted")
}

// A workload's own HTTP can answer the probes.
func TestProbeAsksHTTP(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{
		ProbeHTTP: true,
		HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
			if _, err := r.Files.Read("/ready"); err != nil {
				return kubelet.HTTPResponse{Status: 500}
			}
			return kubelet.HTTPResponse{}
		},
	})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, readinessProbe: {httpGet: {port: 80}}}]}}`)
	l.run(15 * time.Second)
	assert.Equal(t, "0/1 Running", status(l.pod("p")))
	assert.NoError(t, l.world.WriteFile(key("p"), "c", "/ready", "yes"))
	l.run(15 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
}

// A readiness gate that nobody opens keeps the pod unready.
func TestReadinessGate(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(`{metadata: {name: p}, spec: {readinessGates: [{conditionType: example.com/x}], containers: [{name: c, image: s}]}}`)
	l.run(15 * time.Second)
	assert.Equal(t, `p: ReadinessGatesNotReady: corresponding condition of pod readiness gate "example.com/x" does not exist.`, l.waiting())
}
