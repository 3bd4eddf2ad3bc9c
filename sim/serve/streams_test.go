package serve

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// serveWeb serves a cluster in which the pod web runs.
func serveWeb(t *testing.T) *httptest.Server {
	hello := kubelet.Workload{HTTP: func(req kubelet.HTTPRequest) kubelet.HTTPResponse {
		return kubelet.HTTPResponse{Body: "hello from " + req.Path + "\n"}
	}}
	c := sim.New(sim.Config{Workloads: map[string]kubelet.Workload{"nginx": hello}})
	_, err := c.Apply("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: nginx}]}")
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	s := New(c, Config{Pace: Paused, Exec: func(_ *sim.Cluster, _, _, _ string, command []string, stdin string) (string, string, int, error) {
		return strings.Join(command, " ") + ": " + stdin, "a word of warning", 3, nil
	}})
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return server
}

// A client that knows SPDY alone runs a command.
func TestExecOverSPDY(t *testing.T) {
	server := serveWeb(t)
	u, err := url.Parse(server.URL + "/api/v1/namespaces/default/pods/web/exec?command=cat&command=-&stdin=true&stdout=true&stderr=true")
	require.NoError(t, err)
	e, err := remotecommand.NewSPDYExecutor(&rest.Config{Host: server.URL}, "POST", u)
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	err = e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("what was typed"), Stdout: &stdout, Stderr: &stderr})
	assert.EqualError(t, err, "command terminated with exit code 3")
	assert.Equal(t, "cat -: what was typed", stdout.String())
	assert.Equal(t, "a word of warning", stderr.String())
}

// A port is forwarded to a pod that answers HTTP.
func TestPortForward(t *testing.T) {
	server := serveWeb(t)
	u, err := url.Parse(server.URL + "/api/v1/namespaces/default/pods/web/portforward")
	require.NoError(t, err)
	trip, upgrader, err := spdy.RoundTripperFor(&rest.Config{Host: server.URL})
	require.NoError(t, err)
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: trip}, "POST", u)
	stop, ready := make(chan struct{}), make(chan struct{})
	forward, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:80"}, stop, ready, io.Discard, io.Discard)
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- forward.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	ports, err := forward.GetPorts()
	require.NoError(t, err)
	for range 2 {
		res, err := http.Get("http://127.0.0.1:" + versionText(uint64(ports[0].Local)) + "/page")
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		assert.Equal(t, "hello from /page\n", string(body))
	}
	close(stop)
	assert.NoError(t, <-ended)
}
