package namespace_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const team = `
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: team}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: team}
`

// A namespace is deleted with all that is in it.
func Example() {
	c := sim.New(sim.Config{Provision: true})
	if _, err := c.Apply(team); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	if err := c.Delete(apiserver.Namespace, "", "team"); err != nil {
		panic(err)
	}
	ns, _ := sim.Get[*corev1.Namespace](c, "", "team")
	fmt.Println(ns.Status.Phase)
	settled, err := c.Settle()
	fmt.Println(settled.Outcome, err)
	_, err = c.Get(apiserver.Namespace, "", "team")
	fmt.Println(err)
	// Output:
	// Terminating
	// quiescent <nil>
	// namespaces "team" not found
}

func TestPodsGoFirst(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(team)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	require.NoError(t, c.Delete(apiserver.Namespace, "", "team"))

	_, err = c.Apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, namespace: team}\n")
	assert.ErrorContains(t, err, "unable to create new content in namespace team because it is being terminated")

	podsLeft := 0
	defer c.OnRecord(func(rec *apiserver.Record) {
		pods, err := c.List(apiserver.Pod, "team", "")
		require.NoError(t, err)
		podsLeft = len(pods)
		if rec.Kind == apiserver.StatefulSet && rec.Type == "DELETED" {
			assert.Zero(t, podsLeft, "the set went before its pods")
		}
	})()
	_, err = c.Settle()
	require.NoError(t, err)
	for _, kind := range apiserver.Kinds() {
		if objs, err := c.List(kind, "team", ""); kind.Namespaced() && assert.NoError(t, err) {
			assert.Empty(t, objs, kind)
		}
	}
	_, err = c.Get(apiserver.Namespace, "", "team")
	assert.True(t, apierrors.IsNotFound(err))
}
