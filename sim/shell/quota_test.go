package shell_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// unordered takes the chances out of an answer, and the order of what a server
// refuses in that of a map.
func unordered(text string) string {
	text = regexp.MustCompile(`"big-\w+"`).ReplaceAllString(plain(text), `"big-NAME"`)
	if strings.Contains(text, "is invalid:") {
		return inNoOrder(text)
	}
	return text
}

// TestQ4Q6QuotaSession types what was typed at a real cluster with quotas: the server's
// words, what the controller counts and when, and how kubectl prints it (Q4, Q6).
func TestQ4Q6QuotaSession(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-1"}}})
	sh := shell.New(c, os.DirFS("testdata/quota"))
	for _, want := range session(t, "quota.txt") {
		got := sh.Run(want.line)
		assert.Equal(t, unordered(want.text), unordered(got.Text), want.line)
		assert.Equal(t, want.code, got.Code, want.line)
		require.NoError(t, c.Run(want.pause))
	}
}
