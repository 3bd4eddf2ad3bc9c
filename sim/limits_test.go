package sim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// asking returns the manifest of testdata with other replicas and a policy.
func asking(t *testing.T, replicas int, policy string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/web.yaml")
	require.NoError(t, err)
	return strings.Replace(string(text), "  replicas: 3\n", fmt.Sprintf("  replicas: %d\n  podManagementPolicy: %s\n", replicas, policy), 1)
}

// A slip of a key: a set without order that asks for more than any cluster has
// ends a run at once, and the error names it. When it asks for less again, the
// run goes on.
func TestCrowd(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(asking(t, 2147483647, "Parallel"))
	require.NoError(t, err)
	const want = ": StatefulSet default/web asks for 2147483647 replicas at once (podManagementPolicy Parallel), which is more than Limits.Objects, 600000"
	_, err = c.Settle()
	require.EqualError(t, err, "Settle"+want)
	require.EqualError(t, c.Run(time.Second), "Run"+want)
	require.EqualError(t, c.RunUntil(func() bool { return false }), "RunUntil"+want)
	_, err = c.Fork().Settle()
	require.EqualError(t, err, "Settle"+want)

	require.NoError(t, c.Scale("default", "web", 2))
	_, err = c.Settle()
	require.NoError(t, err)
	pods, err := c.List(apiserver.Pod, "default", "")
	require.NoError(t, err)
	assert.Len(t, pods, 2)
}

// A set that waits for its first pod may ask for anything.
func TestOrderedCrowd(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(asking(t, 2147483647, "OrderedReady"))
	require.NoError(t, err)
	_, err = c.Settle() // no claim is ever bound
	require.NoError(t, err)
}

// What the server holds is bounded, and the error says who asked for most of it.
func TestStoredIsBounded(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Limits: sim.Limits{Objects: 150}})
	_, err := c.Apply(asking(t, 100, "Parallel"))
	require.NoError(t, err)
	_, err = c.Settle()
	require.ErrorContains(t, err, "the API server holds 151 objects, Limits.Objects is 150; most are ")
	require.ErrorContains(t, err, "; StatefulSet default/web controls ")
	require.ErrorContains(t, err, " and asks for 100 replicas")

	c = sim.New(sim.Config{Limits: sim.Limits{Bytes: 50_000}})
	require.NoError(t, c.Run(time.Second))
	before := c.Now()
	_, err = c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "big"}, Data: map[string]string{"k": strings.Repeat("x", 50_000)}})
	require.NoError(t, err)
	_, err = c.Apply(asking(t, 1, "Parallel")) // which runs from one object to the next
	require.ErrorContains(t, err, "Apply reached its limit at ")
	require.ErrorContains(t, err, " bytes, Limits.Bytes is 50000")
	err = c.Run(time.Second)
	require.ErrorContains(t, err, " bytes, Limits.Bytes is 50000")
	require.NoError(t, c.Delete(apiserver.KindNamed("configmap"), "default", "big"))
	require.NoError(t, c.Run(time.Second))
	assert.Less(t, before, c.Now())
}

// History holds as many records as Config.History says, whatever is written and
// however often the cluster is forked.
func TestHistoryHoldsWhatItSays(t *testing.T) {
	const limit = 50
	c, all := sim.New(sim.Config{Provision: true, History: limit}), sim.New(sim.Config{Provision: true})
	for _, one := range []*sim.Cluster{c, all} {
		_, err := one.Apply(asking(t, 5, "OrderedReady"))
		require.NoError(t, err)
	}
	var forks []*sim.Cluster
	var kept [][]*apiserver.Record
	for c.Step() {
		require.True(t, all.Step())
		got, full := c.History(), all.History()
		require.Len(t, got, min(limit, len(full)))
		for i, rec := range full[len(full)-len(got):] {
			require.Equal(t, rec.Version, got[i].Version)
		}
		if len(full)%40 == 0 && len(forks) < 5 {
			forks, kept = append(forks, c.Fork()), append(kept, got)
		}
	}
	require.NotEmpty(t, forks)
	for i, f := range forks {
		require.Equal(t, kept[i], f.History(), "a fork's history does not change with the original's")
		_, err := f.Settle()
		require.NoError(t, err)
		require.Len(t, f.History(), limit)
		require.NotContains(t, f.History(), (*apiserver.Record)(nil))
	}
}
