package simtest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/model"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

const chart = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
`

// TestExplore: a chart of one's own, a property of one's own, and a command of one's own.
func TestExplore(t *testing.T) {
	few := model.Always("at most four pods", func(c *sim.Cluster) error {
		if n := len(c.Processes()); n > 4 {
			return assert.AnError
		}
		return nil
	})
	w := model.World{Manifests: []string{chart}}
	builtin, err := model.Builtin(w)
	require.NoError(t, err)
	burst := model.Command{Name: "burst", Weight: 3, Do: func(c *sim.Cluster, _ []string) error { return c.Scale("", "db", 5) }}
	k := explore.Check{World: w, Properties: []model.Property{few, model.OneProcess()}, Commands: append(builtin.Only("delete-pod", "wait", "settle", "crash"), burst)}
	t.Chdir(t.TempDir())
	r := simtest.Explore(&tolerant{T: t}, k, explore.Hunt{Histories: 60, Workers: 1})
	require.Len(t, r.Failures, 1)
	assert.Equal(t, "burst", r.Failures[0].History.Operations[0].String(), "as small as can be")
	assert.Len(t, r.Failures[0].History.Operations, 1)
	text, err := os.ReadFile("testdata/simtest/TestExplore-1.history")
	require.NoError(t, err)
	assert.Equal(t, r.Failures[0].String(), string(text))
}

// tolerant is a test that goes on after errors.
type tolerant struct {
	*testing.T
	errors int
}

func (t *tolerant) Errorf(string, ...any) { t.errors++ }

// TestShards: the parts of a search are disjoint, and together they are the search.
func TestShards(t *testing.T) {
	k := explore.Check{World: model.World{Manifests: []string{chart}}, Properties: []model.Property{model.OneProcess()}}
	whole, err := k.Histories(explore.Hunt{Histories: 40, Workers: 1})
	require.NoError(t, err)
	var parts []*explore.Hunted
	for i := range 4 {
		part, err := k.Histories(explore.Hunt{Histories: 10, Workers: 1, Shard: i, Of: 4})
		require.NoError(t, err)
		parts = append(parts, part)
	}
	merged := explore.Merge(parts...)
	assert.Equal(t, whole.Histories, merged.Histories)
	assert.Equal(t, whole.Events, merged.Events)
	assert.Equal(t, whole.Done, merged.Done)
	assert.ElementsMatch(t, whole.Never, merged.Never)
}
