package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ask runs the command; testdata/now.yaml is what a real control plane held, three
// pods of a StatefulSet that run on three nodes.
func ask(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

func TestQuestions(t *testing.T) {
	for _, q := range []struct {
		name string
		args []string
		code int
	}{
		{"nothing", nil, 0},
		{"drain", []string{"-do", "drain node-2"}, 0},
		{"stuck", []string{"-then", "testdata/ssd.yaml"}, 1},
		{"way-out", []string{"-then", "testdata/ssd.yaml", "-do", "label node node-1 disk=ssd"}, 0},
		{"refused", []string{"-do", "scale sts db --replicas=2"}, 1},
	} {
		t.Run(q.name, func(t *testing.T) {
			code, out, err := ask("", append([]string{"-from", "testdata/now.yaml"}, q.args...)...)
			assert.Equal(t, q.code, code)
			assert.Empty(t, err)
			golden := filepath.Join("testdata", "golden", q.name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out), 0o644))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			assert.Empty(t, cmp.Diff(string(want), out))
		})
	}
}

// What is no state to go on from is said, with file and object; kinds that the
// server does not have are counted.
func TestAnswersInWords(t *testing.T) {
	now, err := os.ReadFile("testdata/now.yaml")
	require.NoError(t, err)
	for _, test := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"no state", "", nil, "error: -from FILE|DIR|- is missing (-h for help)\n"},
		{"a stray word", "", []string{"now.yaml"}, `unexpected argument "now.yaml"`},
		{"no file", "", []string{"-from", "testdata/later.yaml"}, "testdata/later.yaml: no such file"},
		{"no change", "", []string{"-from", "testdata/now.yaml", "-then", "later.yaml"}, "later.yaml: no such file"},
		{"a manifest", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n", []string{"-from", "-"}, "no object in it says when it was created"},
		{"no nodes", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, uid: u, namespace: default}\n", []string{"-from", "-"}, "there is no Node in it"},
		{"an unknown field", strings.Replace(string(now), "kind: Node\n", "kind: Node\n  speck: 1\n", 1), []string{"-from", "-"}, `unknown field "speck"`},
	} {
		code, out, words := ask(test.stdin, test.args...)
		assert.Equal(t, 2, code, test.name)
		assert.Empty(t, out, test.name)
		assert.Contains(t, words, test.want, test.name)
	}
	code, out, words := ask(string(now)+"---\napiVersion: example.com/v1\nkind: Toy\nmetadata: {name: t, uid: u}\n", "-from", "-")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, out, "Left out: 1 of kind Toy.example.com, which the simulated server does not have.\n")
}
