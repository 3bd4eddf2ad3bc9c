package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

func works(image string, w kubelet.Workload) kubelet.WorldConfig {
	return kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{image: w}}
}

// K19: the first restart comes at once, later ones after 10 s, 20 s, 40 s …
// from the end.
func TestCrashLoopBackOff(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("bad", kubelet.Workload{ExitAfter: time.Second, ExitCode: 1})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: bad}]}}`)
	l.run(90 * time.Second)
	assert.Equal(t, lines(
		"p 0/1 Pending ADDED",
		"p 0/1 ContainerCreating",
		"p 0/1 ContainerCreating",
		"p 1/1 Running",
		"p 0/1 Error",
		"p 1/1 Running 1",
		"p 0/1 Error 1",
		"p 0/1 CrashLoopBackOff 1",
		"p 1/1 Running 2",
		"p 0/1 Error 2",
		"p 0/1 CrashLoopBackOff 2",
		"p 1/1 Running 3",
		"p 0/1 Error 3",
		"p 0/1 CrashLoopBackOff 3",
		"p 1/1 Running 4",
		"p 0/1 Error 4",
	), l.takeRows())
	assert.Contains(t, l.takeNotes(), "Warning BackOff Back-off restarting failed container c in pod p_default(")
	assert.Contains(t, l.waiting(), "p: CrashLoopBackOff: back-off 1m20s restarting failed container=c pod=p_default(")
}

// K18: ErrImagePull on the attempt, ImagePullBackOff between; 10 s doubling.
func TestImagePullBackOff(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.SetImageMissing("nginx:bad", true)
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: "nginx:bad"}]}}`)
	l.run(25 * time.Second)
	assert.Equal(t, lines(
		"p 0/1 Pending ADDED",
		"p 0/1 ContainerCreating",
		"p 0/1 ContainerCreating",
		"p 0/1 ErrImagePull",
		"p 0/1 ImagePullBackOff",
		"p 0/1 ErrImagePull",
	), l.takeRows())
	const pull = `rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:bad": ` +
		`failed to resolve reference "docker.io/library/nginx:bad": docker.io/library/nginx:bad: not found`
	assert.Equal(t, lines(
		`Normal Pulling Pulling image "nginx:bad"`,
		`Warning Failed Failed to pull image "nginx:bad": `+pull,
		`Warning Failed Error: ErrImagePull`,
		`Normal BackOff Back-off pulling image "nginx:bad"`,
		`Warning Failed Error: ImagePullBackOff`,
	), l.takeNotes())
	assert.Equal(t, `p: ImagePullBackOff: Back-off pulling image "nginx:bad": ErrImagePull: `+pull, l.waiting())
	l.world.SetImageMissing("nginx:bad", false)
	l.run(time.Minute)
	assert.Equal(t, lines("p 0/1 ImagePullBackOff", "p 1/1 Running"), l.takeRows())
	assert.Empty(t, l.waiting())
	assert.Zero(t, l.host.Engine().Len(), "a healthy pod has no events")
}

// K17, K18, §0.8: an image that is there is not pulled, unless it is :latest or
// has no tag.
func TestCachedImage(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.AddImage("n1", "nginx:1")
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: "nginx:1"}]}}`)
	l.run(time.Minute)
	assert.Equal(t, lines(
		`Normal Pulled Container image "nginx:1" already present on machine and can be accessed by the pod`,
		`Normal Created Container created`,
		`Normal Started Container started`,
	), l.takeNotes())
	l.world.AddImage("n1", "nginx")
	l.create(`{metadata: {name: q}, spec: {containers: [{name: c, image: nginx}]}}`)
	l.run(time.Minute)
	assert.Contains(t, l.takeNotes(), `Normal Pulling Pulling image "nginx"`)
	l.create(`{metadata: {name: r}, spec: {containers: [{name: c, image: "other:1", imagePullPolicy: Never}]}}`)
	l.run(time.Minute)
	assert.Equal(t, "0/1 ErrImageNeverPull", status(l.pod("r")))
	assert.Equal(t, []string{"docker.io/library/nginx:1", "docker.io/library/nginx:latest"}, l.world.Images("n1"))
}

// K22: with restartPolicy Never a pod ends with its containers.
func TestJobsEnd(t *testing.T) {
	for code, want := range map[int32]string{0: "0/1 Completed", 3: "0/1 Error"} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("job", kubelet.Workload{ExitAfter: time.Second, ExitCode: code})})
		l.create(`{metadata: {name: p}, spec: {restartPolicy: Never, containers: [{name: c, image: job}]}}`)
		l.run(time.Minute)
		assert.Equal(t, want, status(l.pod("p")))
		assert.Empty(t, l.processes())
		assert.Empty(t, l.world.IPs(), "the address is free again")
		l.delete("p", nil)
		l.run(time.Second)
		assert.Contains(t, l.takeRows(), "DELETED")
		assert.Empty(t, l.waiting())
	}
}

// K22: OnFailure restarts until it succeeds or is given up; the phase stays
// Running.
func TestOnFailureRestarts(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("job", kubelet.Workload{Exits: true, ExitCode: 1})})
	l.create(`{metadata: {name: p}, spec: {restartPolicy: OnFailure, containers: [{name: c, image: job}]}}`)
	l.run(30 * time.Second)
	p := l.pod("p")
	assert.Equal(t, "Running", string(p.Status.Phase))
	assert.Positive(t, p.Status.ContainerStatuses[0].RestartCount)
}

// K19: a process that dies at once has PLEG see its start and its end together:
// the CrashLoopBackOff is written with the second look.
func TestInstantDeath(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("bad", kubelet.Workload{Exits: true, ExitCode: 1})})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: bad}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, "0/1 CrashLoopBackOff 1", status(l.pod("p")))
}
