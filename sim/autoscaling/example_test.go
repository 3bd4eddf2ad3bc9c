package autoscaling_test

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 10
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`

// For ten minutes there is work for five pods at 50 % of their requests, then hardly
// any. The replicas fall when the last five minutes have had none.
func Example() {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	work := func(q autoscaling.Query) (samples []autoscaling.Sample, err error) {
		all := int64(250)
		if q.Now.Sub(start) > 10*time.Minute {
			all = 10
		}
		for _, pod := range q.Pods {
			samples = append(samples, autoscaling.Sample{Pod: pod.Name, Value: *resource.NewMilliQuantity(all/int64(len(q.Pods)), resource.DecimalSI)})
		}
		return samples, nil
	}
	c := sim.New(sim.Config{Metrics: work})
	if _, err := c.Apply(web); err != nil {
		panic(err)
	}
	for range 4 {
		c.Run(4 * time.Minute)
		d, err := sim.Get[*appsv1.Deployment](c, "", "web")
		if err != nil {
			panic(err)
		}
		h, err := sim.Get[*autoscalingv2.HorizontalPodAutoscaler](c, "", "web")
		if err != nil {
			panic(err)
		}
		fmt.Println(c.Now().Truncate(time.Minute), *d.Spec.Replicas, *h.Status.CurrentMetrics[0].Resource.Current.AverageUtilization, h.Status.Conditions[0].Reason)
	}
	// Output:
	// 2026-01-01 00:04:00 +0000 UTC 5 50 ReadyForNewScale
	// 2026-01-01 00:08:00 +0000 UTC 5 50 ReadyForNewScale
	// 2026-01-01 00:12:00 +0000 UTC 5 2 ScaleDownStabilized
	// 2026-01-01 00:16:00 +0000 UTC 2 5 ReadyForNewScale
}
