package ephemeralvolume_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const scratch = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "db:1", volumeMounts: [{name: scratch, mountPath: /scratch}]}]
      volumes:
      - name: scratch
        ephemeral: {volumeClaimTemplate: {metadata: {labels: {app: db}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}
`

// The claim comes with the pod and goes with it.
func Example() {
	c := sim.New(sim.Config{Provision: true})
	if _, err := c.Apply(scratch); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "default", "db-0-scratch")
	fmt.Println(claim.Status.Phase, claim.OwnerReferences[0].Name, claim.Labels, err)
	if err := c.Scale("default", "db", 0); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	_, err = c.Get(apiserver.PersistentVolumeClaim, "default", "db-0-scratch")
	fmt.Println(err)
	// Output:
	// Bound db-0 map[app:db] <nil>
	// persistentvolumeclaims "db-0-scratch" not found
}

// A claim of the same name that is somebody else's is told of in the words of
// component-helpers/storage/ephemeral, and replaced when it is gone.
func TestAClaimOfAnother(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db-0-scratch}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`, scratch)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	pod, err := sim.Get[*corev1.Pod](c, "default", "db-0")
	require.NoError(t, err)
	assert.Equal(t, corev1.PodPending, pod.Status.Phase)
	assert.Equal(t, "PVC default/db-0-scratch was not created for pod default/db-0 (pod is not owner)", messageOf(t, c, "FailedBinding", "ephemeral volume scratch: "))

	require.NoError(t, c.Delete(apiserver.PersistentVolumeClaim, "default", "db-0-scratch"))
	_, err = c.Settle()
	require.NoError(t, err)
	pod, err = sim.Get[*corev1.Pod](c, "default", "db-0")
	require.NoError(t, err)
	assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
}

// messageOf returns the message of the Event with a reason, without what it
// begins with.
func messageOf(t *testing.T, c *sim.Cluster, reason, begins string) string {
	t.Helper()
	events, err := c.List(apiserver.Event, "default", "")
	require.NoError(t, err)
	for _, o := range events {
		if e := o.(*corev1.Event); e.Reason == reason {
			require.Equal(t, "ephemeral_volume", e.Source.Component)
			require.Contains(t, e.Message, begins)
			return e.Message[len(begins):]
		}
	}
	return ""
}
