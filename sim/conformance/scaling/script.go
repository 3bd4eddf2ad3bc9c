package scaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var serverConfig = apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}

// step is one request of a user, or another load, and a span in which the controller
// runs. It is data: it is played to two servers.
type step struct {
	verb   string // create, delete, scale, observe, ready, phase, spec, load, fail
	object apiserver.Object
	kind   apiserver.Kind
	name   string
	value  string
	number int32
	fails  apiserver.Verb
	pause  time.Duration
}

type script struct{ steps []step }

func (s script) String() string {
	var b strings.Builder
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%2d. %s %s %s %s %d %s %s, then %v\n", i, st.verb, st.kind, st.name, st.value, st.number, st.fails, shown(st.object), st.pause)
	}
	return b.String()
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

func drawScript(t *rapid.T) script {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hs"}, Spec: appsv1.StatefulSetSpec{
		Replicas: new(pick[int32](t, "replicas", 0, 1, 2, 3, 5)), ServiceName: "hs", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "l"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "l"}}, Spec: podSpec("100m")}}}
	s := script{[]step{created(set), created(drawScaler(t, "h"))}}
	if rapid.Bool().Draw(t, "scaler first") {
		slices.Reverse(s.steps)
	}
	rivals := rapid.Bool().Draw(t, "rivals") // which of two is named first is a map's order, and what they write
	for range rapid.IntRange(5, 25).Draw(t, "steps") {
		st := drawStep(t, rivals)
		st.pause = pick(t, "pause", time.Second, 2*time.Second, 16*time.Second, 31*time.Second, time.Minute, 4*time.Minute)
		s.steps = append(s.steps, st)
	}
	s.steps[len(s.steps)-1].pause = 11 * time.Minute
	return s
}

func created(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), name: o.GetName(), pause: 2 * time.Second}
}

func podSpec(cpu string) corev1.PodSpec {
	c := corev1.Container{Name: "c", Image: "c"}
	if cpu != "" {
		c.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("64Mi")}
	}
	return corev1.PodSpec{Containers: []corev1.Container{c}}
}

func drawStep(t *rapid.T, rivals bool) step {
	n := rapid.Int32Range(0, 40).Draw(t, "number")
	name := fmt.Sprint("p", n%7)
	switch pick(t, "what", "pod", "pod", "pod", "ready", "ready", "ready", "ready", "phase", "scale", "observe", "observe", "load", "load", "load", "load", "spec", "gone", "second", "fail") {
	case "pod":
		cpu := pick(t, "cpu", "100m", "100m", "100m", "100m", "200m", "200m", "")
		return created(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": "l"}}, Spec: podSpec(cpu)})
	case "ready":
		return step{verb: "ready", kind: apiserver.Pod, name: name, value: pick(t, "status", "True", "True", "True", "False")}
	case "phase":
		return step{verb: "phase", kind: apiserver.Pod, name: name, value: pick(t, "phase", "Failed", "Succeeded", "Pending")}
	case "scale":
		return step{verb: "scale", kind: apiserver.StatefulSet, name: "hs", number: n % 12}
	case "observe":
		return step{verb: "observe", kind: apiserver.StatefulSet, name: "hs", number: n % 8}
	case "spec":
		return step{verb: "spec", kind: apiserver.HorizontalPodAutoscaler, name: "h", object: drawScaler(t, "h")}
	case "gone":
		kind, name := apiserver.Pod, name
		switch n % 8 {
		case 0:
			kind, name = apiserver.HorizontalPodAutoscaler, pick(t, "scaler", "h", "g")
		case 1:
			kind, name = apiserver.StatefulSet, "hs"
		}
		return step{verb: "delete", kind: kind, name: name}
	case "fail":
		st := step{verb: "fail", kind: apiserver.StatefulSet, fails: pick(t, "verb", apiserver.Update, apiserver.Get), number: 1 + n%7}
		if n%4 == 0 && !rivals {
			st.kind, st.fails = apiserver.HorizontalPodAutoscaler, apiserver.Update
		}
		return st
	case "second":
		if n%3 > 0 || !rivals {
			return created(drawScaler(t, "h"))
		}
		return created(drawScaler(t, "g"))
	}
	return step{verb: "load", number: n}
}

func drawScaler(t *rapid.T, name string) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: pick(t, "kind", "StatefulSet", "StatefulSet", "StatefulSet", "StatefulSet", "StatefulSet", "Stateful"), Name: "hs"}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = new(pick[int32](t, "min", 0, 1, 1, 2, 3)), pick[int32](t, "max", 3, 5, 10, 40)
	for range pick(t, "metrics", 1, 1, 2, 3) {
		h.Spec.Metrics = append(h.Spec.Metrics, drawMetric(t))
	}
	if rapid.Bool().Draw(t, "behaves") {
		h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: drawRules(t), ScaleDown: drawRules(t)}
	}
	return h
}

func drawRules(t *rapid.T) *autoscalingv2.HPAScalingRules {
	if rapid.Bool().Draw(t, "default rules") {
		return nil
	}
	r := &autoscalingv2.HPAScalingRules{}
	if rapid.Bool().Draw(t, "window") {
		r.StabilizationWindowSeconds = new(pick[int32](t, "seconds", 0, 30, 60, 300))
	}
	if rapid.Bool().Draw(t, "selects") {
		r.SelectPolicy = new(pick(t, "select", autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect))
	}
	if rapid.IntRange(0, 3).Draw(t, "tolerates") == 0 {
		r.Tolerance = new(resource.MustParse(pick(t, "tolerance", "0", "0.3")))
	}
	for range pick(t, "policies", 0, 1, 2) {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{Type: pick(t, "policy", autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy),
			Value: pick[int32](t, "step", 1, 2, 50, 100), PeriodSeconds: pick[int32](t, "period", 15, 60, 120)})
	}
	return r
}

func drawMetric(t *rapid.T) autoscalingv2.MetricSpec {
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse(pick(t, "average", "20m", "50m", "100m", "1")))}
	value := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse(pick(t, "value", "50m", "100m")))}
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(pick[int32](t, "utilization", 20, 50, 80, 150))}
	if rapid.IntRange(0, 2).Draw(t, "raw") == 0 {
		target = average
	}
	if rapid.Bool().Draw(t, "by value") {
		average = value
	}
	id := autoscalingv2.MetricIdentifier{Name: "m"}
	if rapid.Bool().Draw(t, "selected") {
		id.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	}
	switch pick(t, "metric", "Resource", "Resource", "Resource", "ContainerResource", "Pods", "Object", "External") {
	case "ContainerResource":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: "cpu", Container: pick(t, "container", "c", "c", "c", "d"), Target: target}}
	case "Pods":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: id,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse("50m"))}}}
	case "Object":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{Metric: id, Target: average,
			DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "s"}}}
	case "External":
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: id, Target: average}}
	}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: pick[corev1.ResourceName](t, "resource", "cpu", "cpu", "cpu", "memory"), Target: target}}
}

// request returns what is asked of a server, or false if there is nothing to ask.
func (s step) request(server *apiserver.Server, now engine.Time) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: apiserver.Key{Namespace: "default", Name: s.name}}
	switch s.verb {
	case "create":
		req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
		return req, true
	case "delete":
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, new(int64)
		return req, true
	}
	old := server.Get(s.kind, req.Key)
	if old == nil {
		return req, false
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	switch o := req.Object.(type) {
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.Spec = *s.object.DeepCopyObject().(*autoscalingv2.HorizontalPodAutoscaler).Spec.DeepCopy()
	case *appsv1.StatefulSet:
		if s.verb == "scale" {
			o.Spec.Replicas = new(s.number)
			break
		}
		req.Subresource = apiserver.Status
		o.Status.Replicas = s.number
	case *corev1.Pod:
		req.Subresource = apiserver.Status
		if s.verb == "phase" {
			o.Status.Phase = corev1.PodPhase(s.value)
			break
		}
		o.Status.Phase = corev1.PodRunning
		if o.Status.StartTime == nil {
			o.Status.StartTime = new(apiserver.Stamp(now))
		}
		o.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionStatus(s.value), LastTransitionTime: apiserver.Stamp(now)}}
	}
	return req, true
}

// load says what the metrics are: a number from which all follows.
type load int32

var (
	errMetrics = errors.New("out of order")
	errFault   = errors.New("no luck")
)

// of returns a metric of something in thousandths; not known if it has none.
func (l load) of(metric, name string) (value int64, known bool) {
	h := fnv.New32a()
	fmt.Fprint(h, metric, name, int32(l))
	n := h.Sum32()
	return int64(l)*4 + int64(n>>8%40), n%8 != 0
}

// err is an error of all metrics.
func (l load) err() error {
	if l%9 == 8 {
		return errMetrics
	}
	return nil
}

// taken is when samples were, and over which window.
func (l load) taken(now time.Time) (time.Time, time.Duration) {
	return now.Add(-time.Duration(l%4) * 10 * time.Second), time.Duration(l%3) * 15 * time.Second
}

// sorted names two rivals in one order: upstream takes them from a map.
var sorted = strings.NewReplacer("[default/h default/g]", "[default/g default/h]")

// spamBurst is how many Events about an object pass before the recorder lets through
// one in five minutes. Looks come in multiples of 15 seconds: which one it is depends
// on how a fraction is rounded.
const spamBurst = 25

// diary is what is to be seen of a history.
type diary struct{ strings.Builder }

// rest writes the autoscalers, the target and the Events that there are.
func (d *diary) rest(i int, answer error, s *apiserver.Server) {
	fmt.Fprintf(d, "step %d: %v\n", i, answer)
	for _, o := range s.List(apiserver.HorizontalPodAutoscaler, "") {
		x := o.(*autoscalingv2.HorizontalPodAutoscaler)
		fmt.Fprintf(d, "  scaler %s %d %s\n", x.Name, x.Generation, sorted.Replace(shown(x.Status)))
	}
	for _, o := range s.List(apiserver.StatefulSet, "") {
		fmt.Fprintf(d, "  set %s %d\n", o.GetName(), *o.(*appsv1.StatefulSet).Spec.Replicas)
	}
	var events []string
	spent := map[string]int32{}
	for _, o := range s.List(apiserver.Event, "") {
		spent[o.(*corev1.Event).InvolvedObject.Name] += o.(*corev1.Event).Count
	}
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if spent[e.InvolvedObject.Name] < spamBurst && !strings.HasPrefix(e.Message, "(combined") {
			events = append(events, fmt.Sprintf("  event on %s %s from %s: %s %s: %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Source.Component, e.Type, e.Reason, sorted.Replace(e.Message)))
		}
	}
	slices.Sort(events)
	for _, line := range slices.Compact(events) {
		d.WriteString(line + "\n")
	}
}
