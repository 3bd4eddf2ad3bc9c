package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// TestServe starts a cluster, reads where it is from the kubeconfig, asks it
// for what the manifest made, and ends it.
func TestServe(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"-kubeconfig", config, "-f", "../../sim/testdata/web.yaml", "-provision", "-speed", "max"}, in, &stderr)
		in.Close()
	}()
	said := make([]byte, 1000)
	n, err := out.Read(said)
	require.NoError(t, err, stderr.String())
	assert.Contains(t, string(said[:n]), "export KUBECONFIG="+config)
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	server := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(string(text))
	res, err := http.Get(server + "/apis/apps/v1/namespaces/default/statefulsets/web")
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"kind":"StatefulSet"`)
	var stdout, errout bytes.Buffer
	require.Eventually(t, func() bool { return execute(t, server, &stdout, &errout, "hostname") == nil }, 20*time.Second, 20*time.Millisecond)
	assert.Equal(t, "web-0\n", stdout.String())
	err = execute(t, server, &stdout, &errout, "cat", "/none")
	assert.EqualError(t, err, "command terminated with exit code 1")
	assert.Equal(t, "cat: can't open '/none': No such file or directory\n", errout.String())
	assert.ErrorContains(t, execute(t, server, &stdout, &errout, "psql"), `running "psql" in a container is not modelled here`)
	stop()
	assert.Zero(t, <-ended, stderr.String())
}

// execute runs a command in web-0 as kubectl exec does.
func execute(t *testing.T, server string, stdout, stderr io.Writer, command ...string) error {
	u, err := url.Parse(server + "/api/v1/namespaces/default/pods/web-0/exec?" + url.Values{"command": command, "stdout": {"true"}, "stderr": {"true"}}.Encode())
	require.NoError(t, err)
	e, err := remotecommand.NewWebSocketExecutor(&rest.Config{Host: server}, "GET", u.String())
	require.NoError(t, err)
	return e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
}

// TestRefusals: wrong flags are told, and nothing is served.
func TestRefusals(t *testing.T) {
	for args, want := range map[string]string{ // each for itself
		"-listen 0.0.0.0:0": "error: -listen 0.0.0.0:0 is no address of loopback: others could do everything to the cluster; -expose lets them\n",
		"-listen :0":        "error: -listen :0 is no address of loopback: others could do everything to the cluster; -expose lets them\n",
		"-speed -1":         "error: invalid value \"-1\" for flag -speed: want a number up to 1000000, max or 0\n",
		"-f nothing.yaml":   "error: stat nothing.yaml: no such file or directory\n",
		"web.yaml":          "error: unexpected argument \"web.yaml\": files are given by -f\n",
	} {
		var stderr bytes.Buffer
		assert.Equal(t, 2, run(t.Context(), strings.Fields(args), io.Discard, &stderr), args)
		assert.Equal(t, want, stderr.String())
	}
}
