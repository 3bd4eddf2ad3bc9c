package sim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// TestCauses: who wrote a record is whose event it was written in, every chain of
// causes goes back in time and ends outside, a fork has the same one, and none of
// it changes the history.
func TestCauses(t *testing.T) {
	cfg := sim.Config{Seed: 3, Provision: true}
	plain := sim.New(cfg)
	forkStory(t, plain, 0, forkSteps)
	cfg.Causes = true
	c := sim.New(cfg)
	forkStory(t, c, 0, 600)
	c = c.Fork()
	forkStory(t, c, 600, forkSteps)
	require.Equal(t, history(t, plain), history(t, c))

	var text strings.Builder
	w := trace.NewWriter(&text)
	w.Causes = true
	caused, through := 0, map[string]bool{}
	for _, rec := range c.History() {
		require.NoError(t, w.Write(rec))
		chain := c.Causes(rec)
		if rec.Cause == 0 {
			assert.Empty(t, chain)
			assert.Contains(t, []string{apiserver.User, "kube-apiserver", "kubelet"}, rec.By) // the last Lease of a node that fails
			continue
		}
		caused++
		assert.Equal(t, rec.By, chain[0].By, "%s %s", rec.Kind, rec.Key)
		assert.Zero(t, chain[len(chain)-1].Cause)
		for i, ev := range chain {
			through[ev.By] = true
			if i > 0 {
				require.Less(t, ev.Seq, chain[i-1].Seq)
				require.False(t, ev.At.After(chain[i-1].At))
			}
		}
	}
	assert.Greater(t, caused, 100)
	for _, by := range []string{"statefulset-controller", "default-scheduler", "kubelet", "persistentvolume-controller"} {
		assert.True(t, through[by], "%s: %v", by, through)
	}
	back, err := trace.Read(strings.NewReader(text.String()))
	require.NoError(t, err)
	for i, rec := range c.History() {
		require.Equal(t, rec.Cause, back[i].Cause)
	}
	_, ok := plain.Event(1)
	assert.False(t, ok, "without Config.Causes nothing is kept")
}
