package shell_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// exchange is a command line with what the real kubectl v1.37.2 answered.
type exchange struct {
	line           string
	stdout, stderr string
	code           int
}

// exchanges reads a transcript: "$ LINE", "1: STDOUT", "2: STDERR", "= CODE".
func exchanges(t *testing.T, name string) []exchange {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var list []exchange
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		last := len(list) - 1
		switch kind, text, _ := strings.Cut(line, " "); kind {
		case "$":
			list = append(list, exchange{line: text})
		case "1:":
			list[last].stdout += text + "\n"
		case "2:":
			list[last].stderr += text + "\n"
		case "=":
			list[last].code, err = strconv.Atoi(text)
			require.NoError(t, err)
		default:
			t.Fatalf("%s: %q", name, line)
		}
	}
	return list
}

// TestUsage holds what kubectl says before it asks any server: each answer was
// printed by the real one.
func TestUsage(t *testing.T) {
	sh := shell.New(sim.New(sim.Config{}), files)
	list := exchanges(t, "usage.txt")
	require.NotEmpty(t, list)
	for _, want := range list {
		got := sh.Run(want.line)
		assert.Equal(t, want, exchange{want.line, got.Stdout, got.Stderr, got.Code}, want.line)
	}
}
