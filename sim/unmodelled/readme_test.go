package unmodelled

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the README's section")

// TestReadme holds the README's section to the list.
func TestReadme(t *testing.T) {
	const path, before, after = "../../README.md", "Each package lists its own deviations.\n\n", "\n## Figures"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(text), before)
	require.True(t, found, "the section begins after %q", before)
	got, tail, found := strings.Cut(rest, after)
	require.True(t, found, "the section ends before %q", after)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+before+Markdown()+after+tail), 0o644))
		return
	}
	require.Equal(t, Markdown(), got, "README.md, What it models, and what not; go test ./sim/unmodelled -run Readme -update rewrites it")
}
