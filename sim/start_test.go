package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
)

// TestStart: a cluster begins when it is told to, and works as any other.
func TestStart(t *testing.T) {
	start := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	c := sim.New(sim.Config{Provision: true, Start: start.Add(time.Millisecond)})
	node, err := sim.Get[*corev1.Node](c, "", "node-1")
	require.NoError(t, err)
	assert.Equal(t, start, node.CreationTimestamp.UTC())
	_, err = c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	settled, err := c.Settle()
	require.NoError(t, err)
	assert.Empty(t, settled.Waiting)
	assert.Len(t, c.Processes(), 3)
	assert.Less(t, c.Now().Sub(start), time.Minute)
	assert.ErrorContains(t, sim.Config{Start: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}.Validate(), "Start: 2000-01-01 is not from 2026 to 2150")
}
