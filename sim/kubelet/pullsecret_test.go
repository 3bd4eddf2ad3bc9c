package kubelet_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// private is a world in which one registry and a user of Docker Hub want to know who
// asks.
func private() kubelet.WorldConfig {
	return kubelet.WorldConfig{Private: map[string]kubelet.Login{
		"registry.example.com": {Username: "me", Password: "sesame"},
		"docker.io/acme":       {},
		"acme/team":            {Username: "me", Password: "sesame"},
	}}
}

func (l *lab) pullSecret(name, content string) {
	l.t.Helper()
	l.create(fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: %s}, type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: %s}}`,
		name, base64.StdEncoding.EncodeToString([]byte(content))))
}

func login(host, user, password string) string {
	return fmt.Sprintf(`{"auths": {%q: {"username": %q, "password": %q}}}`, host, user, password)
}

// Who may pull, by the pod's secrets (images/image_manager.go, EnsureImageExists;
// kuberuntime/kuberuntime_image.go, PullImage); what a registry says is containerd's.
func TestPrivateImages(t *testing.T) {
	const (
		pullDenied = `rpc error: code = Unknown desc = failed to pull and unpack image %[1]q: failed to resolve reference %[1]q: `
		denied     = `pull access denied, repository does not exist or may require authorization: `
	)
	own, hub := "registry.example.com/app:1", "docker.io/acme/app:latest"
	for name, test := range map[string]struct {
		image, secrets string
		status, waits  string
	}{
		"nobody":          {own, "", "0/1 ErrImagePull", fmt.Sprintf(pullDenied, own) + denied + "authorization failed: no basic auth credentials"},
		"nobody at a hub": {"acme/app", "", "0/1 ErrImagePull", fmt.Sprintf(pullDenied, hub) + denied + "server message: insufficient_scope: authorization failed"},
		"public":          {"other/app", "", "1/1 Running", ""},
		"the right one":   {own, "{name: right}", "1/1 Running", ""},
		"a wrong password": {own, "{name: wrong}", "0/1 ErrImagePull",
			fmt.Sprintf(pullDenied, own) + "unexpected status from HEAD request to https://registry.example.com/v2/app/manifests/1: 401 Unauthorized"},
		"one after the other": {own, "{name: wrong}, {name: right}", "1/1 Running", ""},
		"for another host":    {own, "{name: hub}", "0/1 ErrImagePull", "no basic auth credentials"},
		"a hub":               {"acme/app", "{name: hub}", "1/1 Running", ""},
		"below, the longest name counts": {"acme/team/app", "{name: hub}", "0/1 ErrImagePull",
			"failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth.docker.io/token: 401 Unauthorized"},
		"a neighbour by its first letters": {"acmes/app", "", "1/1 Running", ""},
		"a secret without sense": {own, "{name: odd}, {name: right}",
			"0/1 json: cannot unmarshal string into Go struct field DockerConfigJSON.auths of type credentialprovider.DockerConfig", "cannot unmarshal"},
		"a secret of another type": {own, "{name: opaque}", "0/1 ErrImagePull", "no basic auth credentials"},
	} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: private()})
		l.pullSecret("right", login("registry.example.com", "me", "sesame"))
		l.pullSecret("wrong", login("https://registry.example.com/v1/", "me", "guess"))
		l.pullSecret("hub", login("https://index.docker.io/v1/", "any", "body"))
		l.pullSecret("odd", `{"auths": "none"}`)
		l.create(`{apiVersion: v1, kind: Secret, metadata: {name: opaque}, stringData: {.dockerconfigjson: '` + login("registry.example.com", "me", "sesame") + `'}}`)
		l.create(`{metadata: {name: p}, spec: {imagePullSecrets: [` + test.secrets + `], containers: [{name: c, image: "` + test.image + `"}]}}`)
		l.run(5 * time.Second)
		assert.Equal(t, test.status, status(l.pod("p")), name)
		assert.Contains(t, l.waiting(), test.waits, name)
	}
}

// An image that was pulled with a secret is for pods that have it, although the node
// has the image (pullmanager/image_pull_manager.go, MustAttemptImagePull; the policy
// NeverVerifyPreloadedImages).
func TestPulledWithASecret(t *testing.T) {
	const image = "registry.example.com/app:1"
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: private()})
	l.pullSecret("right", login("registry.example.com", "me", "sesame"))
	l.pullSecret("same", login("registry.example.com", "me", "sesame"))
	pod := func(name, secret, policy string) string {
		l.takeNotes()
		l.create(`{metadata: {name: ` + name + `}, spec: {imagePullSecrets: [{name: ` + secret + `}], containers: [{name: c, image: "` + image + `", imagePullPolicy: ` + policy + `}]}}`)
		l.run(5 * time.Second)
		return status(l.pod(name))
	}
	assert.Equal(t, "1/1 Running", pod("first", "right", "IfNotPresent"))
	assert.Equal(t, "0/1 ErrImagePull", pod("nobody", "none", "IfNotPresent"))
	assert.Contains(t, l.takeNotes(), "Unable to retrieve some image pull secrets (none); attempting to pull the image may not succeed.")
	assert.Equal(t, "0/1 ErrImageNeverPull", pod("never", "none", "Never"))
	assert.Equal(t, "1/1 Running", pod("second", "right", "Never"))
	assert.Equal(t, "1/1 Running", pod("third", "same", "Never"), "another Secret that says the same")
	assert.Contains(t, l.takeNotes(), `Normal Pulled Container image "registry.example.com/app:1" already present on machine and can be accessed by the pod`)

	l.world.AddImage("n1", "registry.example.com/loaded:1")
	l.create(`{metadata: {name: loaded}, spec: {containers: [{name: c, image: "registry.example.com/loaded:1"}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("loaded")), "an image that no kubelet has pulled is everybody's")
}

// A runtime that cannot create a container, or not start it (kuberuntime_container.go,
// startContainer; containerd's StartError): the latter is a restart each time.
func TestContainerCannotRun(t *testing.T) {
	const why = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "server": executable file not found in $PATH: unknown`
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
		"empty": {CreateError: "no command specified"}, "lost": {StartError: why},
	}}})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: empty}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, "0/1 CreateContainerError", status(l.pod("p")))
	notes := l.takeNotes()
	assert.Contains(t, notes, "Warning Failed Error: no command specified")
	assert.NotContains(t, notes, "Container created")
	l.run(5 * time.Minute)
	assert.Equal(t, int32(0), l.pod("p").Status.ContainerStatuses[0].RestartCount)

	l.takeRows()
	l.takeNotes()
	l.create(`{metadata: {name: q}, spec: {containers: [{name: c, image: lost}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, lines("q 0/1 Pending ADDED", "q 0/1 ContainerCreating", "q 0/1 ContainerCreating", "q 0/1 RunContainerError", "q 0/1 RunContainerError 1", "q 0/1 CrashLoopBackOff 1"), l.takeRows())
	assert.Contains(t, l.takeNotes(), "Normal Created Container created\nWarning Failed Error: "+why)
	c := l.pod("q").Status.ContainerStatuses[0]
	end := c.LastTerminationState.Terminated
	assert.Equal(t, "StartError 128 1970-01-01T00:00:00Z "+why, fmt.Sprintf("%s %d %s %s", end.Reason, end.ExitCode, end.StartedAt.UTC().Format(time.RFC3339), end.Message))
	assert.Empty(t, l.processes())

	l.create(`{metadata: {name: r}, spec: {restartPolicy: Never, containers: [{name: c, image: lost}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, "0/1 StartError", status(l.pod("r")))
	assert.Equal(t, "Failed", string(l.pod("r").Status.Phase))
}
