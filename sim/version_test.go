package sim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const (
	firstVersion = `
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {maxReplicas: 3, targetCPUUtilizationPercentage: 50, scaleTargetRef: {kind: StatefulSet, name: web, apiVersion: apps/v1}}
`
	secondVersion = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec:
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 60}}}]
  scaleTargetRef: {kind: StatefulSet, name: web, apiVersion: apps/v1}
`
	eventOfGroup = `
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: e, namespace: default}
eventTime: "2026-01-01T00:00:00.000000Z"
type: Normal
reason: R
action: A
note: hello
reportingController: example.com/x
reportingInstance: x-1
regarding: {kind: Pod, namespace: default, name: p}
`
)

// What is served in two versions is one object: applied in one, it is there, and
// changes, in the other. Actions and values are a v1.37.2 server's.
func TestTwoVersions(t *testing.T) {
	c := sim.New(sim.Config{})
	watch := c.Watch(apiserver.KindOf(&autoscalingv1.HorizontalPodAutoscaler{}), "")
	action := func(text string) string {
		applied, err := c.Apply(text)
		require.NoError(t, err)
		return applied[0].Action
	}
	assert.Equal(t, "created", action(firstVersion))
	kept, err := sim.Get[*autoscalingv2.HorizontalPodAutoscaler](c, "", "h")
	require.NoError(t, err)
	assert.Equal(t, int32(50), *kept.Spec.Metrics[0].Resource.Target.AverageUtilization)
	assert.Equal(t, int32(1), *kept.Spec.MinReplicas)
	assert.Equal(t, "unchanged", action(firstVersion))

	assert.Equal(t, "configured", action(secondVersion))
	first, err := sim.Get[*autoscalingv1.HorizontalPodAutoscaler](c, "", "h")
	require.NoError(t, err)
	assert.Equal(t, kept.UID, first.UID)
	assert.Equal(t, int32(4), first.Spec.MaxReplicas)
	assert.Nil(t, first.Spec.TargetCPUUtilizationPercentage)
	assert.Equal(t, `[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":60}}]`, first.Annotations["autoscaling.alpha.kubernetes.io/metrics"])

	assert.Equal(t, "configured", action(firstVersion))
	kept, err = sim.Get[*autoscalingv2.HorizontalPodAutoscaler](c, "", "h")
	require.NoError(t, err)
	assert.Len(t, kept.Annotations, 1, "none that carries what version 1 has no fields for")
	assert.Equal(t, int64(3), kept.Generation)
	list, err := sim.List[*autoscalingv1.HorizontalPodAutoscaler](c, "", "")
	require.NoError(t, err)
	assert.Len(t, list, 1)
	recs, err := watch.Next()
	require.NoError(t, err)
	require.Len(t, recs, 3)
	assert.Equal(t, int32(50), *recs[2].Object.(*autoscalingv1.HorizontalPodAutoscaler).Spec.TargetCPUUtilizationPercentage)
	require.NoError(t, c.Delete(apiserver.KindOf(first), "", "h"))
	_, err = c.Get(apiserver.KindOf(kept), "", "h")
	assert.EqualError(t, err, `horizontalpodautoscalers.autoscaling "h" not found`)
}

// An Event of events.k8s.io is one of v1, and is held to more; the errors are a
// v1.37.2 server's.
func TestEventsOfTheirGroup(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(eventOfGroup)
	require.NoError(t, err)
	core, err := sim.Get[*corev1.Event](c, "", "e")
	require.NoError(t, err)
	assert.Equal(t, "hello", core.Message)
	assert.Equal(t, "p", core.InvolvedObject.Name)

	e, err := sim.Get[*eventsv1.Event](c, "", "e")
	require.NoError(t, err)
	e.Note = "another"
	_, err = c.Update(e)
	assert.EqualError(t, err, `Event "e" is invalid: message: Invalid value: "another": field is immutable`)
	core.Message = "another"
	_, err = c.Update(core)
	assert.NoError(t, err)
	e.Name, e.ResourceVersion, e.DeprecatedCount = "f", "", 1
	_, err = c.Create(e)
	assert.EqualError(t, err, `Event "f" is invalid: count: Invalid value: "": needs to be unset`)
	_, err = c.Get(apiserver.KindOf(e), "", "none")
	assert.EqualError(t, err, `events.events.k8s.io "none" not found`)
}
