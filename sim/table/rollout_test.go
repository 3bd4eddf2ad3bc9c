package table_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim/table"
)

// TestRolloutStatus holds K28.
func TestRolloutStatus(t *testing.T) {
	const rolling = `spec: {replicas: 5, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}`
	for _, c := range []struct {
		manifest, want string
		done           bool
	}{
		{rolling, "Waiting for statefulset spec update to be observed...", false},
		{`{metadata: {generation: 2}, status: {observedGeneration: 1}, ` + rolling + `}`,
			"Waiting for statefulset spec update to be observed...", false},
		{`{status: {observedGeneration: 1, readyReplicas: 2}, ` + rolling + `}`, "Waiting for 3 pods to be ready...", false},
		{`{status: {observedGeneration: 1, readyReplicas: 5, updatedReplicas: 1}, ` + rolling + `}`,
			"Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated...", false},
		{`{status: {observedGeneration: 1, readyReplicas: 5, updatedReplicas: 3}, ` + rolling + `}`,
			"partitioned roll out complete: 3 new pods have been updated...", true},
		{`{status: {observedGeneration: 1, readyReplicas: 1, updatedReplicas: 1, updateRevision: b, currentRevision: a},
			spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}}`,
			"waiting for statefulset rolling update to complete 1 pods at revision b...", false},
		{`{status: {observedGeneration: 1, readyReplicas: 1, currentReplicas: 1, updateRevision: a, currentRevision: a},
			spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}}`,
			"statefulset rolling update complete 1 pods at revision a...", true},
	} {
		message, done, err := table.RolloutStatus(read[appsv1.StatefulSet](t, c.manifest))
		require.NoError(t, err)
		require.Equal(t, c.want, message)
		require.Equal(t, c.done, done, message)
	}
	_, done, err := table.RolloutStatus(read[appsv1.StatefulSet](t, `spec: {updateStrategy: {type: OnDelete}}`))
	require.True(t, done)
	require.EqualError(t, err, "rollout status is only available for RollingUpdate strategy type")
}
