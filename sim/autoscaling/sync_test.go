package autoscaling_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
)

// bundle is an autoscaler that comes before the set that it scales.
const bundle = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: KIND, name: hs}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}
---
apiVersion: apps/v1
kind: KIND
metadata: {name: hs}
spec:
  serviceName: hs
  selector: {matchLabels: {app: l}}
  template:
    metadata: {labels: {app: l}}
    spec: {containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]}
`

func of(kind string) string {
	text := strings.ReplaceAll(bundle, "KIND", kind)
	if kind != "StatefulSet" {
		text = strings.ReplaceAll(text, "  serviceName: hs\n", "")
	}
	return text
}

type world struct {
	*testing.T
	*sim.Cluster
	kind apiserver.Kind
}

func newWorld(t *testing.T, kind string, metrics autoscaling.Metrics, text string) world {
	w := world{t, sim.New(sim.Config{Metrics: metrics}), apiserver.KindNamed(strings.ToLower(kind))}
	_, err := w.Apply(text)
	require.NoError(t, err)
	w.rest()
	return w
}

func (w world) rest() {
	w.Helper()
	_, err := w.Settle()
	require.NoError(w, err)
}

func (w world) replicas() int32 {
	w.Helper()
	obj, err := w.Get(w.kind, "", "hs")
	require.NoError(w, err)
	return apiserver.ScaleOf(obj).Spec.Replicas
}

func (w world) scaleTo(n int) {
	w.Helper()
	_, _, err := w.Patch(w.kind, "", "hs", types.MergePatchType, fmt.Sprintf(`{"spec":{"replicas":%d}}`, n))
	require.NoError(w, err)
}

func (w world) conditions() (list []string) {
	w.Helper()
	h, err := sim.Get[*autoscalingv2.HorizontalPodAutoscaler](w.Cluster, "", "h")
	require.NoError(w, err)
	for _, c := range h.Status.Conditions {
		list = append(list, fmt.Sprintf("%s %s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	return list
}

func (w world) events() (list []string) {
	w.Helper()
	w.Cluster.Run(time.Second) // nobody waits for an Event to be written
	events, err := sim.List[*corev1.Event](w.Cluster, "", "")
	require.NoError(w, err)
	for _, e := range events {
		if e.InvolvedObject.Kind == "HorizontalPodAutoscaler" {
			list = append(list, e.Reason+": "+e.Message)
		}
	}
	return list
}

const noMetrics = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: " +
	"the server could not find the requested resource (get pods.metrics.k8s.io)"

// Without metrics the bounds hold, and what is missing is said as a cluster without
// metrics-server says it (reconcileAutoscaler).
func TestW13BoundsHoldWithoutMetrics(t *testing.T) {
	for _, kind := range []string{"StatefulSet", "Deployment", "ReplicaSet"} {
		w := newWorld(t, kind, nil, of(kind))
		assert.Equal(t, int32(3), w.replicas(), kind)
		assert.Equal(t, []string{
			"AbleToScale True SucceededGetScale: the HPA controller was able to get the target's current scale",
			"ScaledToZero False NotScaledToZero: the HPA controller did not scale the workload to zero",
			"ScalingActive False FailedGetResourceMetric: the HPA was unable to compute the replica count: " + noMetrics,
		}, w.conditions(), kind)
		events := w.events()
		assert.Contains(t, events, "SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas", kind)
		assert.Contains(t, events, "FailedGetResourceMetric: "+noMetrics, kind)
		assert.Contains(t, events, "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: "+noMetrics, kind)

		w.scaleTo(7)
		w.rest()
		assert.Equal(t, int32(5), w.replicas(), kind)
		assert.Contains(t, w.events(), "SuccessfulRescale: New size: 5; reason: Current number of replicas above Spec.MaxReplicas", kind)
		w.scaleTo(0)
		w.rest()
		assert.Equal(t, int32(0), w.replicas(), kind)
		assert.Contains(t, w.conditions(), "ScalingActive False ScalingDisabled: scaling is disabled since the replica count of the target is zero", kind)
		assert.Empty(t, w.Waiting(), kind)

		before := w.Now()
		w.Cluster.Run(time.Hour) // nothing is asked at rest
		assert.Equal(t, time.Hour, w.Now().Sub(before))
	}
}

// W16: a new spec is looked at at once, a new target within 15 s.
func TestW16WhenItLooks(t *testing.T) {
	w := newWorld(t, "StatefulSet", nil, of("StatefulSet"))
	began := w.Now()
	_, _, err := w.Patch(apiserver.HorizontalPodAutoscaler, "", "h", types.MergePatchType, `{"spec":{"minReplicas":4}}`)
	require.NoError(t, err)
	w.Cluster.Run(time.Second)
	assert.Equal(t, int32(4), w.replicas())
	w.rest()
	w.scaleTo(1)
	w.Cluster.Run(16 * time.Second)
	assert.Equal(t, int32(4), w.replicas())
	assert.Less(t, w.Now().Sub(began), time.Minute)
}

func TestTargetsThatCannotBeScaled(t *testing.T) {
	for ref, want := range map[string]string{
		"{apiVersion: apps/v1, kind: StatefulSet, name: none}": `statefulsets.apps "none" not found`,
		"{apiVersion: apps/v1, kind: Stateful, name: hs}":      `no matches for kind "Stateful" in group "apps"`,
		"{apiVersion: apps/v1, kind: DaemonSet, name: hs}":     `the server could not find the requested resource`,
	} {
		w := newWorld(t, "StatefulSet", nil, strings.Replace(of("StatefulSet"), "{apiVersion: apps/v1, kind: StatefulSet, name: hs}", ref, 1))
		assert.Equal(t, []string{"AbleToScale False FailedGetScale: the HPA controller was unable to get the target's current scale: " + want}, w.conditions())
		assert.Equal(t, "FailedGetScale: the HPA controller was unable to get the target's current scale: "+want, w.Waiting()[0].Reason)
	}
}

// each answers with the same use of every pod.
func each(use func(now time.Time) int64) autoscaling.Metrics {
	return func(q autoscaling.Query) (samples []autoscaling.Sample, err error) {
		for _, pod := range q.Pods {
			samples = append(samples, autoscaling.Sample{Pod: pod.Name, Value: *resource.NewMilliQuantity(use(q.Now), resource.DecimalSI)})
		}
		return samples, nil
	}
}

// W14 and W15: 95 % of 80 % is 1.19 of the target, so 3 pods become 4, and then 5, as
// the function does not see that there are more.
func TestW14UpAndW15Down(t *testing.T) {
	var start time.Time
	busy := 10 * time.Minute
	w := newWorld(t, "StatefulSet", each(func(now time.Time) int64 {
		if start.IsZero() {
			start = now
		}
		if now.Sub(start) < busy {
			return 95
		}
		return 5
	}), of("StatefulSet"))
	w.Cluster.Run(8 * time.Minute)
	assert.Equal(t, int32(5), w.replicas())
	assert.Contains(t, w.events(), "SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target")
	assert.Contains(t, w.conditions(), "ScalingLimited True TooManyReplicas: the desired replica count is more than the maximum replica count")
	w.Cluster.Run(6 * time.Minute)
	assert.Equal(t, int32(5), w.replicas(), "five minutes have to pass")
	assert.Contains(t, w.conditions(), "AbleToScale True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation")
	w.Cluster.Run(4 * time.Minute)
	assert.Equal(t, int32(3), w.replicas())
	assert.Contains(t, w.events(), "SuccessfulRescale: New size: 3; reason: All metrics below target")
}

// An error of the function is in the words of the API that it stands for.
func TestErrorsOfMetrics(t *testing.T) {
	w := newWorld(t, "StatefulSet", func(autoscaling.Query) ([]autoscaling.Sample, error) { return nil, errors.New("out of order") }, of("StatefulSet"))
	assert.Equal(t, int32(3), w.replicas())
	require.Len(t, w.Waiting(), 1)
	assert.Equal(t, "FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: "+
		"unable to fetch metrics from resource metrics API: out of order", w.Waiting()[0].Reason)
}

// Two autoscalers of the same pods scale neither.
func TestAmbiguousSelector(t *testing.T) {
	text := of("StatefulSet")
	first, _, _ := strings.Cut(text, "---")
	w := newWorld(t, "StatefulSet", each(func(time.Time) int64 { return 95 }), text+"---\n"+strings.Replace(first, "{name: h}", "{name: g}", 1))
	w.Cluster.Run(time.Minute)
	assert.Contains(t, w.conditions(), "ScalingActive False AmbiguousSelector: pods by selector app=l are controlled by more than one HPA (e.g. [default/g default/h])")
}

// A fork goes on as what it was forked from.
func TestForksAgree(t *testing.T) {
	w := newWorld(t, "Deployment", each(func(time.Time) int64 { return 95 }), of("Deployment"))
	w.Cluster.Run(time.Minute)
	fork := w.Fork()
	w.Cluster.Run(10 * time.Minute)
	fork.Run(10 * time.Minute)
	assert.Equal(t, w.Hash(), fork.Hash())
	assert.Equal(t, w.conditions(), world{t, fork, w.kind}.conditions())
}
