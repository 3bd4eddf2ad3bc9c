package serviceaccount_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// The account that every namespace has comes back when it is deleted.
func Example() {
	c := sim.New(sim.Config{})
	if err := c.Delete(apiserver.ServiceAccount, "default", "default"); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	account, err := sim.Get[*corev1.ServiceAccount](c, "default", "default")
	fmt.Println(account.Name, err)
	// Output: default <nil>
}

const set = `
{apiVersion: v1, kind: Namespace, metadata: {name: team}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: team}
spec:
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
`

// A controller's pod waits in the server for the account of a new namespace
// (serviceaccount, getServiceAccount), so nothing fails, even if the account comes late.
func TestPodsWaitForTheAccountOfANewNamespace(t *testing.T) {
	for _, late := range []bool{false, true} {
		c := sim.New(sim.Config{})
		if late {
			require.NoError(t, c.Hold("service-account-controller", apiserver.Namespace, time.Second))
		}
		_, err := c.Apply(set)
		require.NoError(t, err)
		_, err = c.Settle()
		require.NoError(t, err)
		pod, err := sim.Get[*corev1.Pod](c, "team", "db-0")
		require.NoError(t, err)
		assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
		events, err := c.List(apiserver.Event, "team", "")
		require.NoError(t, err)
		for _, e := range events {
			assert.NotEqual(t, "FailedCreate", e.(*corev1.Event).Reason)
		}
	}
}

// After ten looks the server gives up, and the controller tries again; the words
// are those of serviceaccount/admission.go and stateful_pod_control.go.
func TestPodsOfAMissingAccountAreRefused(t *testing.T) {
	for _, name := range []string{"default", "nope"} {
		c := sim.New(sim.Config{})
		if name == "default" {
			require.NoError(t, c.Hold("service-account-controller", apiserver.Namespace, time.Minute))
		}
		_, err := c.Apply(set)
		require.NoError(t, err)
		if name == "nope" {
			_, _, err := c.Patch(apiserver.StatefulSet, "team", "db", types.MergePatchType, `{"spec":{"template":{"spec":{"serviceAccountName":"nope"}}}}`)
			require.NoError(t, err)
		}
		require.NoError(t, c.Run(20*time.Second))
		events, err := c.List(apiserver.Event, "team", "")
		require.NoError(t, err)
		var failed []string
		for _, o := range events {
			if e := o.(*corev1.Event); e.Reason == "FailedCreate" {
				failed = append(failed, e.Message)
			}
		}
		require.Len(t, failed, 1)
		assert.Equal(t, fmt.Sprintf(`Create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: error looking up service account team/%s: serviceaccount "%s" not found`, name, name), failed[0])
	}
}

// A namespace that goes takes its account along, and gets no other.
func TestNoAccountForANamespaceThatGoes(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(set)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	require.NoError(t, c.Delete(apiserver.Namespace, "", "team"))
	_, err = c.Settle()
	require.NoError(t, err)
	accounts, err := c.List(apiserver.ServiceAccount, "team", "")
	require.NoError(t, err)
	assert.Empty(t, accounts)
}
