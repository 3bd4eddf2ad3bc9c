package table

import (
	"testing"

	"github.com/stretchr/testify/assert"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The cells that printHorizontalPodAutoscaler's own test expects of such metrics
// (pkg/printers/internalversion, TestPrintHPA).
func TestMetricsOfAutoscalers(t *testing.T) {
	q := func(s string) *resource.Quantity { v := resource.MustParse(s); return &v }
	external := func(target autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Target: target}}
	}
	cpu := func(target autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: target}}
	}
	pods := autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Target: autoscalingv2.MetricTarget{AverageValue: q("100m")}}}
	object := autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{Target: autoscalingv2.MetricTarget{Value: q("100m")}}}
	eighty := int32(80)
	use := int32(50)
	average, utilization := autoscalingv2.MetricTarget{AverageValue: q("100m")}, autoscalingv2.MetricTarget{AverageUtilization: &eighty}
	for want, c := range map[string]struct {
		specs    []autoscalingv2.MetricSpec
		statuses []autoscalingv2.MetricStatus
	}{
		"<none>":               {},
		"<unknown>/100m (avg)": {specs: []autoscalingv2.MetricSpec{external(average)}},
		"<unknown>/100m":       {specs: []autoscalingv2.MetricSpec{external(autoscalingv2.MetricTarget{Value: q("100m")})}},
		"cpu: <unknown>/80%":   {[]autoscalingv2.MetricSpec{cpu(utilization)}, []autoscalingv2.MetricStatus{{}}},
		"cpu: <unknown>/100m":  {specs: []autoscalingv2.MetricSpec{cpu(average)}},
		"<unknown>/100m, 50m/100m": {[]autoscalingv2.MetricSpec{object, pods}, []autoscalingv2.MetricStatus{{}, {Pods: &autoscalingv2.PodsMetricStatus{
			Current: autoscalingv2.MetricValueStatus{AverageValue: q("50m")}}}}},
		"cpu: 50%/80%, <unknown>/100m + 1 more...": {[]autoscalingv2.MetricSpec{cpu(utilization), pods, object}, []autoscalingv2.MetricStatus{{Resource: &autoscalingv2.ResourceMetricStatus{
			Current: autoscalingv2.MetricValueStatus{AverageUtilization: &use, AverageValue: q("50m")}}}}},
	} {
		assert.Equal(t, want, metricsCell(c.specs, c.statuses))
	}
}
