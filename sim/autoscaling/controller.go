package autoscaling

import (
	"fmt"
	"maps"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Name is the component that the controller writes and reports as.
const Name = "horizontal-pod-autoscaler"

// period is from one look at an autoscaler to the next
// (HorizontalPodAutoscalerSyncPeriod).
const period = 15 * time.Second

// Controller is the HorizontalPodAutoscaler controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, controller.Journal]

	metrics Metrics `state:"immutable,incidental" why:"configuration"`

	written controller.Written
	scalers map[string]map[string]*autoscaler // namespace → name
	targets map[target]map[string]bool        `state:"incidental" why:"an index"` // the names of those that scale it
}

// target is what an autoscaler scales.
type target struct {
	kind apiserver.Kind
	key  apiserver.Key
}

// autoscaler is what is remembered of one.
type autoscaler struct {
	hpa      *autoscalingv2.HorizontalPodAutoscaler // as observed last
	selector string                                 // of the target, as of the last look; "" selects nothing
	looked   engine.Time                            `state:"phase"` // the last look, or 0
	looking  bool                                   // a look is under way
	stirred  bool                                   // something has changed since it began
	past     past
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet. Without metrics, none can be
// fetched.
func New(metrics Metrics) *Controller {
	return &Controller{
		Workers: controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 5}, // ConcurrentHorizontalPodAutoscalerSyncs
		metrics: metrics,
		scalers: map[string]map[string]*autoscaler{},
		targets: map[target]map[string]bool{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.HorizontalPodAutoscaler, apiserver.StatefulSet, apiserver.Deployment, apiserver.ReplicaSet, apiserver.Pod}
}

// Heeds implements controller.Selective: autoscalers, and what they scale. Pods are
// looked at when an autoscaler is.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	return rec.Kind == apiserver.HorizontalPodAutoscaler || len(c.targets) > 0 && len(c.targets[target{rec.Kind, rec.Key}]) > 0
}

// targetOf returns what an autoscaler scales; kind 0 if the server has none such.
func targetOf(hpa *autoscalingv2.HorizontalPodAutoscaler) target {
	ref := hpa.Spec.ScaleTargetRef
	t := target{key: apiserver.Key{Namespace: hpa.Namespace, Name: ref.Name}}
	if gv, err := schema.ParseGroupVersion(ref.APIVersion); err == nil {
		t.kind = kindOf(schema.GroupKind{Group: gv.Group, Kind: ref.Kind})
	}
	return t
}

// kindOf finds a kind whatever its version (RESTMappings).
func kindOf(gk schema.GroupKind) apiserver.Kind {
	for _, kind := range apiserver.Kinds() {
		if kind.GroupVersionKind().GroupKind() == gk {
			return kind
		}
	}
	return 0
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	if hpa, ok := rec.Object.(*autoscalingv2.HorizontalPodAutoscaler); ok {
		c.observeScaler(env, rec, hpa)
		return
	}
	now, was := apiserver.ScaleOf(rec.Object), apiserver.ScaleOf(rec.Old)
	if rec.Type == watch.Modified && now.Spec == was.Spec && now.Status == was.Status {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.targets[target{rec.Kind, rec.Key}])) {
		c.atTick(env, apiserver.Key{Namespace: rec.Key.Namespace, Name: name}, engine.Progress)
	}
}

// observeScaler is enqueueHPA, updateHPA and deleteHPA.
func (c *Controller) observeScaler(env *controller.Env, rec *apiserver.Record, hpa *autoscalingv2.HorizontalPodAutoscaler) {
	byName := c.scalers[rec.Key.Namespace]
	if s := byName[rec.Key.Name]; s != nil {
		c.enrol(env, s.hpa, false)
	}
	if rec.Type == watch.Deleted {
		c.written.Clear(rec.Key, hpa.UID)
		if delete(byName, rec.Key.Name); len(byName) == 0 {
			delete(c.scalers, rec.Key.Namespace)
		}
		return
	}
	if byName == nil {
		byName = map[string]*autoscaler{}
		c.scalers[rec.Key.Namespace] = byName
	}
	s := byName[rec.Key.Name]
	if s == nil {
		s = &autoscaler{}
		byName[rec.Key.Name] = s
	}
	s.hpa = hpa
	c.enrol(env, hpa, true)
	old, _ := rec.Old.(*autoscalingv2.HorizontalPodAutoscaler)
	if old == nil || old.Generation != hpa.Generation {
		c.Add(env, rec.Key)
	}
}

// enrol keeps account of what is scaled by whom.
func (c *Controller) enrol(env *controller.Env, hpa *autoscalingv2.HorizontalPodAutoscaler, there bool) {
	t := targetOf(hpa)
	switch names := c.targets[t]; {
	case !t.kind.Scales():
	case !there:
		if delete(names, hpa.Name); len(names) == 0 {
			delete(c.targets, t)
		}
	case names == nil:
		c.targets[t] = map[string]bool{hpa.Name: true}
		env.Reheed(t.kind)
	default:
		names[hpa.Name] = true
	}
}

// atTick has an autoscaler looked at when upstream would: so many periods after the
// last look (W16), and after the end of one that is under way.
func (c *Controller) atTick(env *controller.Env, key apiserver.Key, class engine.Class) {
	s := c.scalers[key.Namespace][key.Name]
	if s.looking {
		s.stirred = true
		return
	}
	since := env.Now().Sub(s.looked)
	c.AddAfter(env, key, period-since%period, class)
}

// pods returns those that a selector matches.
func pods(v controller.View, namespace, selector string) []*corev1.Pod {
	parsed, err := labels.Parse(selector)
	if err != nil || selector == "" {
		return nil
	}
	var list []*corev1.Pod
	for _, obj := range v.List(apiserver.Pod, namespace) {
		if parsed.Matches(labels.Set(obj.GetLabels())) {
			list = append(list, obj.(*corev1.Pod))
		}
	}
	return list
}

// rivals returns the autoscalers whose selectors match some of the pods, if they are
// more than one: two of them, as upstream stops there (HPAsMatchingPods).
func (c *Controller) rivals(v controller.View, key apiserver.Key) []string {
	byName := c.scalers[key.Namespace]
	if len(byName) < 2 {
		return nil
	}
	var names []string
	mine := pods(v, key.Namespace, byName[key.Name].selector)
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		other, err := labels.Parse(byName[name].selector)
		if err == nil && byName[name].selector != "" && slices.ContainsFunc(mine, func(pod *corev1.Pod) bool { return other.Matches(labels.Set(pod.Labels)) }) {
			names = append(names, key.Namespace+"/"+name)
		}
	}
	return names[:min(len(names), 2)]
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: the autoscalers that cannot scale, in the
// order of their keys; with metrics, also those that cannot use them.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.scalers)) {
		for _, name := range slices.Sorted(maps.Keys(c.scalers[namespace])) {
			for _, cond := range c.scalers[namespace][name].hpa.Status.Conditions {
				able := cond.Type == autoscalingv2.AbleToScale || c.metrics != nil && cond.Type == autoscalingv2.ScalingActive && cond.Reason != "ScalingDisabled"
				if able && cond.Status == corev1.ConditionFalse {
					ws = append(ws, controller.Wait{Kind: apiserver.HorizontalPodAutoscaler, Key: apiserver.Key{Namespace: namespace, Name: name},
						Reason: fmt.Sprintf("%s: %s", cond.Reason, cond.Message)})
					break
				}
			}
		}
	}
	return ws
}
