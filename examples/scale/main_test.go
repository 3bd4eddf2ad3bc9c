package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func command(args string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(strings.Fields(args), &out, &err)
	return code, out.String(), err.String()
}

// The report without what a run cost is the same in every run.
func TestReports(t *testing.T) {
	for name, args := range map[string]string{
		"claims":  "-nodes 10 -pods 60 -sets 3 -timings=false",
		"no-more": "-nodes 3 -pods 40 -sets 1 -seed 7 -claims=false -events=false -unavailable 5 -what update -timings=false",
	} {
		t.Run(name, func(t *testing.T) {
			code, got, stderr := command(args)
			require.Zero(t, code, stderr)
			golden := "testdata/" + name + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			if diff := cmp.Diff(string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), got); diff != "" {
				t.Errorf("scale %s (-want +got; go test ./examples/scale -run Reports -update rewrites):\n%s", args, diff)
			}
		})
	}
}

func TestTimings(t *testing.T) {
	code, got, stderr := command("-nodes 2 -pods 4 -sets 2 -what create")
	require.Zero(t, code, stderr)
	assert.Contains(t, got, " a second")
	assert.Contains(t, got, "peak memory")
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-nodes 0":             "-nodes 0: want 1 to 50000",
		"-nodes 3":             "-pods 150000: 3 nodes have room for 330, 110 each",
		"-pods 0":              "-pods 0: want 1 to 2000000",
		"-pods 3":              "-sets 30: want 1 to 3, the number of pods",
		"-sets 0":              "-sets 0: want 1 to 150000, the number of pods",
		"-unavailable 0":       "-unavailable 0: want 1 or more",
		"-memory -1":           "-memory -1: want 0 to 1048576",
		"-memory NaN":          "-memory NaN: want 0 to 1048576",
		"-what create,upgrade": `-what create,upgrade: "upgrade" is none of create, update, delete`,
		"-nodes many":          "invalid value",
		"now":                  `unexpected argument "now"`,
	} {
		code, stdout, stderr := command(args)
		assert.Equal(t, exitUsage, code, args)
		assert.Empty(t, stdout, args)
		assert.Contains(t, stderr, want, args)
	}
	code, _, stderr := command("-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "-unavailable N")
}
