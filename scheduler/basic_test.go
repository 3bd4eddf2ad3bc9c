package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/controller"
)

func TestSimplePodIsBound(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	c.create(pod("a"))
	c.settle()
	require.NotEmpty(t, c.pod("a").Spec.NodeName)
	assert.Equal(t, []string{"Normal Scheduled Binding ×1: Successfully assigned default/a to " + c.pod("a").Spec.NodeName}, c.events("a"))
}
