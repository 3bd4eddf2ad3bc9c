package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

func onePod(t *testing.T, cfg sim.Config, image string) *sim.Cluster {
	t.Helper()
	c := sim.New(cfg)
	_, err := c.Apply(`{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: '` + image + `', readinessProbe: {tcpSocket: {port: 80}}}]}}`)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	return c
}

func containerOf(t *testing.T, c *sim.Cluster) corev1.ContainerStatus {
	t.Helper()
	pod, err := sim.Get[*corev1.Pod](c, "default", "p")
	require.NoError(t, err)
	return pod.Status.ContainerStatuses[0]
}

// An image that does not exist: ErrImagePull, then ImagePullBackOff; it runs once
// the image is there (K18).
func TestMissingImage(t *testing.T) {
	c := onePod(t, sim.Config{MissingImages: []string{"nginx:1.99"}}, "nginx:1.99")
	w := containerOf(t, c).State.Waiting
	require.NotNil(t, w)
	assert.Contains(t, []string{"ErrImagePull", "ImagePullBackOff"}, w.Reason)
	require.NoError(t, c.Run(3*time.Minute))
	w = containerOf(t, c).State.Waiting
	require.NotNil(t, w)
	assert.Contains(t, w.Message, `Back-off pulling image "nginx:1.99": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.99"`)
	require.NoError(t, c.SetImageMissing("nginx:1.99", false))
	require.NoError(t, c.Run(8*time.Minute))
	assert.True(t, containerOf(t, c).Ready)
	assert.ErrorContains(t, c.SetImageMissing("NGINX", true), `couldn't parse image name "NGINX": invalid reference format: repository name (library/NGINX) must be lowercase`)
}

// Processes end and probes fail from outside, in the cluster that is meant alone,
// and states that differ in it have different hashes.
func TestContainersFromOutside(t *testing.T) {
	c := onePod(t, sim.Config{}, "nginx")
	f := c.Fork()
	require.NoError(t, f.ExitContainer("default", "p", "", 137, "OOMKilled"))
	require.NoError(t, f.Run(2*time.Second))
	require.NoError(t, f.Run(time.Minute))
	st := containerOf(t, f)
	require.NotNil(t, st.LastTerminationState.Terminated)
	assert.Equal(t, "OOMKilled", st.LastTerminationState.Terminated.Reason)
	assert.Equal(t, int32(1), st.RestartCount)
	assert.Zero(t, containerOf(t, c).RestartCount)

	f = c.Fork()
	require.NoError(t, f.FailProbe("default", "p", "c", kubelet.Readiness, true))
	require.NoError(t, f.Run(time.Minute))
	assert.False(t, containerOf(t, f).Ready)
	require.NoError(t, f.FailProbe("default", "p", "c", kubelet.Readiness, false))
	require.NoError(t, f.Run(time.Minute))
	assert.True(t, containerOf(t, f).Ready)

	f = c.Fork()
	require.NoError(t, f.SetImageMissing("other", true))
	assert.NotEqual(t, c.Hash(), f.Hash())
	f = c.Fork()
	require.NoError(t, f.FailProbe("default", "p", "c", kubelet.Readiness, true))
	assert.NotEqual(t, c.Hash(), f.Hash())
}

func TestContainersThatAreNotThere(t *testing.T) {
	c := onePod(t, sim.Config{}, "nginx")
	assert.True(t, apierrors.IsNotFound(c.ExitContainer("default", "nope", "", 0, "")))
	assert.ErrorContains(t, c.ExitContainer("default", "p", "nope", 0, ""), `pod default/p has no container "nope"`)
	assert.ErrorContains(t, c.FailProbe("default", "p", "c", kubelet.Liveness, true), `container "c" of pod default/p has no liveness probe`)
	assert.ErrorContains(t, c.FailProbe("default", "p", "c", kubelet.Probe(9), true), "no probe 9")
	_, err := c.Apply(`{apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {schedulerName: none, containers: [{name: c, image: s}]}}`)
	require.NoError(t, err)
	assert.ErrorContains(t, c.ExitContainer("default", "q", "", 0, ""), "pod default/q is not bound to a node")
}

// A private registry gives its images to pods whose service account names a secret
// that says who they are (plugin/pkg/admission/serviceaccount, Admit: the account's
// secrets are the pod's if it names none); others wait, and are told what for.
func TestPrivateImages(t *testing.T) {
	cfg := sim.Config{PrivateImages: map[string]kubelet.Login{"registry.example.com": {Username: "me", Password: "sesame"}}}
	c := onePod(t, cfg, "registry.example.com/shop/web:1")
	w := containerOf(t, c).State.Waiting
	require.NotNil(t, w)
	assert.Contains(t, w.Message, `pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`)
	assert.Contains(t, c.Why(apiserver.Pod, "default", "p").String(), "name a pull secret that the registry knows")

	_, err := c.Apply(`
apiVersion: v1
kind: Secret
metadata: {name: pull}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"registry.example.com":{"auth":"bWU6c2VzYW1l"}}}'}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: shop}, imagePullSecrets: [{name: pull}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {serviceAccountName: shop, containers: [{name: c, image: 'registry.example.com/shop/web:1'}]}}
`)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	q, err := sim.Get[*corev1.Pod](c, "default", "q")
	require.NoError(t, err)
	assert.Equal(t, corev1.PodRunning, q.Status.Phase)

	for _, name := range []string{"", "Registry.example.com/A", "quay.io/a:1", "https://quay.io", "quay.io/a/"} {
		err := sim.Config{PrivateImages: map[string]kubelet.Login{name: {}}}.Validate()
		assert.ErrorContains(t, err, "PrivateImages: ", name)
	}
}
