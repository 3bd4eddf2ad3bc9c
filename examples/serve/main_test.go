package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	stop()
	assert.Zero(t, <-ended, stderr.String())
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
