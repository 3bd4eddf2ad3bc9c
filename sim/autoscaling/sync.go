package autoscaling

import (
	"errors"
	"fmt"
	"slices"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Step implements controller.Machine (reconcileKey). Every look is followed by the
// next one after a period, whatever came of it: its error is not the queue's.
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		hpa := controller.Object[*autoscalingv2.HorizontalPodAutoscaler](r, apiserver.HorizontalPodAutoscaler, key)
		if hpa == nil {
			r.Once(func(engine.Time) { c.written.Clear(key, "") })
			return nil
		}
		r.Once(func(engine.Time) {
			if s := c.scalers[key.Namespace][key.Name]; s != nil {
				s.looking, s.stirred = true, false
			}
		})
		retry := controller.Read(r, func(v controller.View) bool { return c.written.Behind(v, key) != nil })
		if !retry {
			l := &look{Replay: r, c: c, key: key, hpa: *hpa, was: hpa.Status}
			l.hpa.Status.Conditions = slices.Clone(hpa.Status.Conditions)
			l.reconcile()
			retry = l.retry
		}
		stirred := controller.Read(r, func(v controller.View) bool {
			s := c.scalers[key.Namespace][key.Name]
			if s == nil {
				return false
			}
			s.looked, s.looking = v.Now(), false
			return s.stirred
		})
		switch {
		case stirred:
			r.After(period, engine.Progress)
		case retry:
			r.After(period, engine.Retry)
		case c.metrics != nil:
			r.After(period, engine.Background)
		}
		return nil
	})
}

// look is one at an autoscaler: hpa changes as upstream's copy of it does.
type look struct {
	*controller.Replay
	c     *Controller
	key   apiserver.Key
	hpa   autoscalingv2.HorizontalPodAutoscaler
	was   autoscalingv2.HorizontalPodAutoscalerStatus
	retry bool // a request has failed
}

func (l *look) note(typ, reason, message string) {
	l.Note(controller.Note{About: &l.hpa, Type: typ, Reason: reason, Message: message})
}

// set sets a condition (setConditionInList).
func (l *look) set(typ autoscalingv2.HorizontalPodAutoscalerConditionType, isTrue bool, reason, message string) {
	list := &l.hpa.Status.Conditions
	i := slices.IndexFunc(*list, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool { return c.Type == typ })
	if i < 0 {
		i = len(*list)
		*list = append(*list, autoscalingv2.HorizontalPodAutoscalerCondition{Type: typ})
	}
	cond, status := &(*list)[i], corev1.ConditionFalse
	if isTrue {
		status = corev1.ConditionTrue
	}
	if cond.Status != status {
		cond.LastTransitionTime = apiserver.Stamp(l.Now())
	}
	cond.Status, cond.Reason, cond.Message = status, reason, message
}

// reconcile holds the bounds, or else does what the metrics ask for (W13,
// reconcileAutoscaler).
func (l *look) reconcile() {
	kind, scale, err := l.scale()
	if err != nil {
		l.note(corev1.EventTypeWarning, "FailedGetScale", err.Error())
		l.set(autoscalingv2.AbleToScale, false, "FailedGetScale", fmt.Sprintf("the HPA controller was unable to get the target's current scale: %v", err))
		l.write()
		return
	}
	l.set(autoscalingv2.AbleToScale, true, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
	current, least, most := scale.Spec.Replicas, int32(1), l.hpa.Spec.MaxReplicas
	if l.hpa.Spec.MinReplicas != nil {
		least = *l.hpa.Spec.MinReplicas
	}
	l.Once(func(now engine.Time) {
		if s := l.memory(); s.past.advice == nil {
			s.past.advice = []change{{current, now, now.Add(downscaleWindow)}}
		}
	})
	w := wish{desired: current}
	switch {
	case current == 0 && !l.mayLeaveZero(least):
		l.set(autoscalingv2.ScalingActive, false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
	case current > most:
		w = wish{desired: most, why: "Current number of replicas above Spec.MaxReplicas"}
	case current != 0 && current < least:
		w = wish{desired: least, why: "Current number of replicas below Spec.MinReplicas"}
	default:
		var known bool
		if w, known = l.consult(scale, least); !known {
			return
		}
	}
	rescaled := w.desired != current
	if rescaled && !l.rescale(kind, scale, w) {
		return
	}
	l.status(current, w.desired, w.metrics)
	if rescaled {
		l.hpa.Status.LastScaleTime = new(apiserver.Stamp(l.Now()))
	}
	l.write()
}

func (l *look) memory() *autoscaler { return l.c.scalers[l.key.Namespace][l.key.Name] }

// wish is how many replicas there should be.
type wish struct {
	desired int32
	why     string // of a change
	metrics []autoscalingv2.MetricStatus
}

// mayLeaveZero reports whether a target without replicas is one that was scaled to
// zero by the autoscaler itself (shouldComputeMetricsForZeroReplicas).
func (l *look) mayLeaveZero(least int32) bool {
	byItself := slices.ContainsFunc(l.hpa.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.ScaledToZero && c.Status == corev1.ConditionTrue
	})
	return byItself && (least != 0 || l.hasOutside())
}

// hasOutside reports whether a metric is not of the pods (hasObjectOrExternalMetrics).
func (l *look) hasOutside() bool {
	return slices.ContainsFunc(l.hpa.Spec.Metrics, func(m autoscalingv2.MetricSpec) bool {
		return m.Type == autoscalingv2.ObjectMetricSourceType || m.Type == autoscalingv2.ExternalMetricSourceType
	})
}

// scale fetches the scale of the target.
func (l *look) scale() (apiserver.Kind, *autoscalingv1.Scale, error) {
	ref := l.hpa.Spec.ScaleTargetRef
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return 0, nil, err
	}
	t := targetOf(&l.hpa)
	if t.kind == 0 {
		return 0, nil, &apimeta.NoKindMatchError{GroupKind: schema.GroupKind{Group: gv.Group, Kind: ref.Kind}}
	}
	if !t.kind.Scales() {
		return 0, nil, errors.New("the server could not find the requested resource")
	}
	scale, err := l.fetch(t)
	return t.kind, scale, err
}

func (l *look) fetch(t target) (*autoscalingv1.Scale, error) {
	res := l.Do(apiserver.Request{Verb: apiserver.Get, Kind: t.kind, Key: t.key})
	if res.Err != nil {
		l.retry = l.retry || !apierrors.IsNotFound(res.Err)
		return nil, res.Err
	}
	return apiserver.ScaleOf(res.Object), nil
}

// consult asks the metrics what there should be; not known means that they let
// nothing be done, and that this is told.
func (l *look) consult(scale *autoscalingv1.Scale, least int32) (w wish, known bool) {
	current := scale.Spec.Replicas
	desired, metric, statuses, err := l.proposals(scale)
	if err != nil && desired < 0 {
		l.status(current, l.hpa.Status.DesiredReplicas, statuses)
		l.write()
		l.note(corev1.EventTypeWarning, "FailedComputeMetricsReplicas", err.Error())
		return w, false
	}
	w = wish{metrics: statuses}
	if desired <= 0 {
		desired, metric = 0, ""
	}
	switch {
	case desired > current:
		w.why = metric + " above target"
	case desired < current:
		w.why = "All metrics below target"
	}
	lim := limits{behavior: l.hpa.Spec.Behavior, least: least, most: l.hpa.Spec.MaxReplicas, current: current}
	type outcome struct {
		n   int32
		lim limits
	}
	out := controller.Read(l.Replay, func(v controller.View) outcome {
		lim := lim
		lim.now = v.Now()
		n := desired
		if s := l.memory(); s != nil {
			n = s.past.normalize(&lim, desired)
		}
		return outcome{n, lim}
	})
	l.set(autoscalingv2.AbleToScale, true, out.lim.reason, out.lim.message)
	l.set(autoscalingv2.ScalingLimited, out.lim.limited, out.lim.limitReason, out.lim.says)
	w.desired = out.n
	if current == 0 && least != 0 && w.desired < least { // minReplicas was raised from 0
		w.desired = least
		if w.why == "" {
			w.why = "Current number of replicas below Spec.MinReplicas"
		}
	}
	return w, true
}

// proposals computes what each metric asks for, and takes the most
// (computeReplicasForMetrics). Less than 0 replicas means that nothing is to be done.
func (l *look) proposals(scale *autoscalingv1.Scale) (replicas int32, metric string, statuses []autoscalingv2.MetricStatus, err error) {
	if err := l.checkSelector(scale.Status.Selector); err != nil {
		return -1, "", nil, err
	}
	list := controller.Read(l.Replay, func(v controller.View) []proposal {
		calc := calculator{current: scale.Spec.Replicas, status: scale.Status.Replicas, tolerances: l.tolerances(), now: apiserver.WallTime(v.Now())}
		if l.c.metrics != nil {
			calc.pods = pods(v, l.key.Namespace, scale.Status.Selector)
		}
		list := make([]proposal, len(l.hpa.Spec.Metrics))
		for i := range list {
			list[i] = calc.propose(l.c.metrics, l.key.Namespace, &l.hpa.Spec.Metrics[i])
		}
		return list
	})
	statuses = make([]autoscalingv2.MetricStatus, len(list))
	invalid, first := 0, proposal{}
	for i, p := range list {
		if p.reason != "" {
			l.note(corev1.EventTypeWarning, p.reason, p.fault)
			if invalid++; invalid == 1 {
				first = p
			}
			continue
		}
		statuses[i] = p.status
		if replicas == 0 || p.replicas > replicas {
			replicas, metric = p.replicas, p.metric
		}
	}
	if invalid > 0 {
		err = fmt.Errorf("invalid metrics (%v invalid out of %v), first error is: %s", invalid, len(list), first.prefix+first.fault)
	}
	if invalid >= len(list) || invalid > 0 && replicas < scale.Spec.Replicas {
		l.set(autoscalingv2.ScalingActive, false, first.reason, "the HPA was unable to compute the replica count: "+first.fault)
		return -1, "", statuses, err
	}
	l.set(autoscalingv2.ScalingActive, true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from "+metric)
	return replicas, metric, statuses, err
}

// checkSelector refuses a selector by which several autoscalers would scale the same
// pods (validateAndParseSelector).
func (l *look) checkSelector(selector string) error {
	refuse := func(event, reason, fault, message string) error {
		l.note(corev1.EventTypeWarning, event, fault)
		l.set(autoscalingv2.ScalingActive, false, reason, message)
		return errors.New(fault)
	}
	if selector == "" {
		return refuse("SelectorRequired", "InvalidSelector", "selector is required", "the HPA target's scale is missing a selector")
	}
	if _, err := labels.Parse(selector); err != nil {
		fault := fmt.Sprintf("couldn't convert selector into a corresponding internal selector object: %v", err)
		return refuse("InvalidSelector", "InvalidSelector", fault, fault)
	}
	rivals := controller.Read(l.Replay, func(v controller.View) []string {
		s := l.memory()
		if s == nil {
			return nil
		}
		s.selector = selector
		return l.c.rivals(v, l.key)
	})
	if len(rivals) > 1 {
		fault := fmt.Sprintf("pods by selector %v are controlled by more than one HPA (e.g. %v)", selector, rivals)
		return refuse("AmbiguousSelector", "AmbiguousSelector", fault, fault)
	}
	return nil
}

// tolerances are those of the behavior, or else the default (tolerancesForHpa).
func (l *look) tolerances() tolerances {
	t := tolerances{tolerance, tolerance}
	if b := l.hpa.Spec.Behavior; b != nil {
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			t.down = b.ScaleDown.Tolerance.AsApproximateFloat64()
		}
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			t.up = b.ScaleUp.Tolerance.AsApproximateFloat64()
		}
	}
	return t
}

// rescale writes the scale, up to five times while somebody else changes it
// (retry.DefaultRetry), and reports whether that worked.
func (l *look) rescale(kind apiserver.Kind, scale *autoscalingv1.Scale, w wish) bool {
	t := target{kind, apiserver.Key{Namespace: l.key.Namespace, Name: l.hpa.Spec.ScaleTargetRef.Name}}
	current := scale.Spec.Replicas
	var err error
	for range 5 {
		next := *scale
		next.Spec.Replicas = w.desired
		res := l.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Scale, Kind: kind, Key: t.key, Object: &next})
		if err = res.Err; err == nil {
			break
		}
		if latest, failure := l.fetch(t); failure == nil {
			scale = latest
		}
		if !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		l.retry = true
		l.note(corev1.EventTypeWarning, "FailedRescale", fmt.Sprintf("New size: %d; reason: %s; error: %v", w.desired, w.why, err))
		l.set(autoscalingv2.AbleToScale, false, "FailedUpdateScale", fmt.Sprintf("the HPA controller was unable to update the target scale: %v", err))
		l.status(current, l.hpa.Status.DesiredReplicas, w.metrics)
		l.write()
		return false
	}
	l.set(autoscalingv2.AbleToScale, true, "SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", w.desired))
	l.note(corev1.EventTypeNormal, "SuccessfulRescale", fmt.Sprintf("New size: %d; reason: %s", w.desired, w.why))
	l.Once(func(now engine.Time) {
		if s := l.memory(); s != nil {
			s.past.did(l.hpa.Spec.Behavior, now, current, w.desired)
		}
	})
	if w.desired == 0 && l.hpa.Spec.MinReplicas != nil && *l.hpa.Spec.MinReplicas == 0 && l.hasOutside() {
		l.set(autoscalingv2.ScaledToZero, true, "ScaledToZero", "the HPA controller scaled the workload to zero")
	} else {
		l.set(autoscalingv2.ScaledToZero, false, "NotScaledToZero", "the HPA controller did not scale the workload to zero")
	}
	return true
}

// status says anew what there is and what there should be (setStatus).
func (l *look) status(current, desired int32, metrics []autoscalingv2.MetricStatus) {
	l.hpa.Status = autoscalingv2.HorizontalPodAutoscalerStatus{
		ObservedGeneration: new(l.hpa.Generation), LastScaleTime: l.hpa.Status.LastScaleTime,
		CurrentReplicas: current, DesiredReplicas: desired, CurrentMetrics: metrics, Conditions: l.hpa.Status.Conditions,
	}
}

// write writes a status that says something new (updateStatusIfNeeded).
func (l *look) write() {
	if apiequality.Semantic.DeepEqual(&l.was, &l.hpa.Status) {
		return
	}
	next := l.hpa
	res := l.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.HorizontalPodAutoscaler, Key: l.key, Object: &next})
	if res.Err != nil {
		l.retry = true
		l.note(corev1.EventTypeWarning, "FailedUpdateStatus", res.Err.Error())
		return
	}
	l.Once(func(engine.Time) { l.c.written.Wrote(l.key, l.hpa.UID, res.Object) })
}
