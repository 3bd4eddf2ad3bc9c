package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A lesson, step by step: the return key goes on, q ends.
func Example() {
	run(context.Background(), []string{"-step", "two-seeds"}, strings.NewReader("\n\nq\n"), os.Stdout, os.Stdout)
	// Output:
	// Two seeds, two legal histories: what Kubernetes leaves open.
	//
	// Three equal volumes, three equal nodes. Which claim gets which volume, and which
	// pod which node, no rule says: a seed picks one of the legal histories, the same
	// one every time.
	//
	// > seed 1
	// > volumes 3 --name disk
	// $ kubectl apply -f web.yaml
	// service/web created
	// statefulset.apps/web created
	//
	// ended after line 8 of two-seeds
}

// do runs the command.
func do(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestRun(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.txtar")
	require.NoError(t, os.WriteFile(bad, []byte("$ kubectl get pods\nnot this\n> expect pod/web-0 Ready\n"), 0o644))
	broken := filepath.Join(t.TempDir(), "broken.txtar")
	require.NoError(t, os.WriteFile(broken, []byte("> frob\n"), 0o644))
	for _, c := range []struct {
		args         []string
		code         int
		stdout, errs string
	}{
		{nil, exitTold, "  ordered-start                Ordered start: each pod waits", ""},
		{[]string{"-h"}, exitTold, "", "usage: play [flags] [LESSON|FILE]"},
		{[]string{"-help-directives"}, exitTold, "> crash NODE\n    cuts a machine's power\n", ""},
		{[]string{"on-delete"}, exitTold, "> settle\n$ kubectl get pods -L controller-revision-hash\nNAME", ""},
		{[]string{"-seed", "9", "on-delete"}, exitTold, "$ kubectl rollout status sts/web\n", ""},
		{[]string{"-diff", "2", "two-seeds"}, exitTold, "The choice that made the difference: volume-tie of default/www-web-0: answer 2 of 2 where the other has 1.\n", ""},
		{[]string{"-o", "svg", "two-seeds"}, exitTold, `<title>default/web-0 ContainerCreating, `, ""},
		{[]string{"-o", "html", "-diff", "2", "two-seeds"}, exitTold, `"names":["seed 1","seed 2"],"parting":{`, ""},
		{[]string{"-o", "lanes", "two-seeds"}, exitTold, "released the creation of pod/web-1 at ", ""},
		{[]string{"-o", "perfetto", "two-seeds"}, exitTold, `"name":"released","ph":"s"`, ""},
		{[]string{"-o", "json", "two-seeds"}, exitTold, `{"type":"ADDED","object":{"kind":"Namespace"`, ""},
		{[]string{"-o", "pdf", "two-seeds"}, exitUsage, "", "-o pdf: want text, svg, html, lanes, perfetto, json"},
		{[]string{"-o", "svg", "-step", "two-seeds"}, exitUsage, "", "-step and -o svg do not go together"},
		{[]string{"-o", "json", "-diff", "2", "two-seeds"}, exitUsage, "", "-diff and -o json do not go together"},
		{[]string{bad}, exitFailed, "error: expect pod/web-0 Ready: there is no pod/web-0", bad + ":1: kubectl get pods: the output is not what the file has (-want +got):\n- not this\n+ No resources found in default namespace."},
		{[]string{broken}, exitUsage, "", broken + `:1: there is no directive "frob"`},
		{[]string{"frob"}, exitUsage, "", `error: there is no lesson "frob"`},
		{[]string{"frob.txtar"}, exitUsage, "", "no such file"},
		{[]string{"-seed", "x", "story"}, exitUsage, "", `invalid value "x" for flag -seed: want a number`},
		{[]string{"-step"}, exitUsage, "", "LESSON or FILE is missing"},
		{[]string{"-step", "-diff", "1", "story"}, exitUsage, "", "do not go together"},
		{[]string{"story", "-step"}, exitUsage, "", `unexpected argument "-step": flags come first`},
	} {
		code, stdout, errs := do("", c.args...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, errs)
		assert.Contains(t, stdout, c.stdout, "%v", c.args)
		assert.Contains(t, errs, c.errs, "%v", c.args)
	}
}

// TestInterrupt: an interrupted play says how far it came.
func TestInterrupt(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var out bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, []string{"story"}, strings.NewReader(""), &out, &out))
	require.Contains(t, out.String(), fmt.Sprintf("ended after line %d of story", 1))
}
