package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCovered: with one replica and no event out of its turn, every moment at which the
// controller can crash, or lose an answer, is seen, and nothing is broken.
func TestCovered(t *testing.T) {
	r, err := check(1, 0).Cover()
	require.NoError(t, err)
	assert.True(t, r.Covered)
	assert.True(t, strings.HasSuffix(r.String(), "\ncovered\n"), r)
	for _, op := range []string{"image statefulset/web web:2", "restart-controller statefulset-controller", "lose-answer statefulset-controller:create:pod"} {
		assert.Contains(t, r.Reached, op)
	}
}

// TestGivesUp: when the time is over, the last line says what is left.
func TestGivesUp(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, prove(&out, io.Discard, 3, time.Nanosecond))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	assert.Contains(t, lines[len(lines)-1], "left")
}
