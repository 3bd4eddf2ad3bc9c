package sim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
)

// parallelSet is a Parallel StatefulSet with a claim for each pod.
func parallelSet(name string, replicas int) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %[1]s}
spec:
  serviceName: %[1]s
  replicas: %[2]d
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - {name: c, image: "nginx:1", volumeMounts: [{name: data, mountPath: /data}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: fast
      resources: {requests: {storage: 1Gi}}
`, name, replicas)
}

// BenchmarkParallel1000 creates 1,000 replicas with claims, updates them all
// and scales them to 0.
func BenchmarkParallel1000(b *testing.B) {
	nodes := make([]sim.Node, 20)
	for i := range nodes {
		nodes[i] = sim.Node{Name: fmt.Sprintf("node-%d", i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		c := sim.New(sim.Config{Nodes: nodes, Provision: true, History: -1})
		_, err := c.Apply(parallelSet("web", 1000))
		require.NoError(b, err)
		settle(b, c)
		require.NoError(b, c.SetImage("default", "web", "c", "nginx:2"))
		settle(b, c)
		require.NoError(b, c.Scale("default", "web", 0))
		settle(b, c)
	}
}

// BenchmarkEvent says what an event of a small cluster takes, with everything
// that is decided and written because of it: on three nodes a set with claims is
// scaled from two to five replicas and back, again and again. Events are recorded
// and the history is kept, as is the default.
func BenchmarkEvent(b *testing.B) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(parallelSet("web", 2))
	require.NoError(b, err)
	settle(b, c)
	events := 0
	defer c.OnStep(func() { events++ })()
	b.ReportAllocs()
	for b.Loop() {
		for _, replicas := range []int32{5, 2} {
			require.NoError(b, c.Scale("default", "web", replicas))
			settle(b, c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}

func settle(t testing.TB, c *sim.Cluster) {
	t.Helper()
	s, err := c.Settle()
	require.NoError(t, err)
	require.Empty(t, s.Waiting)
}
