package apiserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxDisruptedPods is how many evictions a budget may have whose pods the
// disruption controller has not seen going (MaxDisruptedPodSize).
const maxDisruptedPods = 2000

// evict deletes a pod if its disruption budget allows that (N7,
// EvictionREST.Create). The answer is the pod.
//
// What the budget has given is not taken back if the deletion is then refused,
// and neither is the pod's condition: upstream makes three writes, too.
func (s *Server) evict(req *Request) Result {
	eviction, ok := req.Object.(*policyv1.Eviction)
	if !ok {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("not a Eviction object: %T", req.Object))}
	}
	own := *eviction
	if err := matchNamespace(Pod, &own, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := s.checkNamespace(Pod, own.Namespace, nameOrUnknown(&own)); err != nil { // an eviction is a creation
		return Result{Err: err}
	}
	if own.Name != req.Key.Name {
		return Result{Err: apierrors.NewBadRequest("name in URL does not match name in Eviction object")}
	}
	var opts metav1.DeleteOptions
	if own.DeleteOptions != nil {
		opts = *own.DeleteOptions
	}
	if p := opts.IgnoreStoreReadErrorWithClusterBreakingPotential; p != nil && *p {
		return Result{Err: apierrors.NewInvalid(schema.GroupKind{Group: policyv1.GroupName, Kind: "Eviction"}, own.Name, field.ErrorList{
			field.Invalid(field.NewPath("deleteOptions", "ignoreStoreReadErrorWithClusterBreakingPotential"), true, "can not be set for pod eviction, try after removing the option")})}
	}
	pod, _ := s.Get(Pod, req.Key).(*corev1.Pod)
	if pod == nil {
		return Result{Err: apierrors.NewNotFound(Pod.GroupResource(), req.Key.Name)}
	}
	e := evicting{pod: pod, opts: opts, dry: len(opts.DryRun) > 0}
	if opts.Preconditions != nil {
		e.version = opts.Preconditions.ResourceVersion
	}
	return s.carryOut(&e)
}

// evicting is an eviction that has come so far.
type evicting struct {
	pod     *corev1.Pod
	opts    metav1.DeleteOptions
	dry     bool
	version *string // which the pod must have; nil means any
}

// carryOut asks the budget and deletes the pod.
func (s *Server) carryOut(e *evicting) Result {
	if passesBudgets(e.pod) {
		if e.version == nil && e.pod.Status.Phase == corev1.PodPending && e.pod.DeletionTimestamp == nil {
			e.version = &e.pod.ResourceVersion // or it could become healthy meanwhile (shouldEnforceResourceVersion)
		}
		return s.deleteEvicted(e)
	}
	budgets := s.budgetsOf(e.pod)
	if len(budgets) > 1 {
		return Result{Err: &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 500,
			Message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."}}}
	}
	if len(budgets) == 0 {
		return s.deleteEvicted(e)
	}
	budget := budgets[0]
	if !isPodReady(e.pod) && sparesUnhealthy(budget) {
		asked := e.version
		e.version = &e.pod.ResourceVersion // it must not have become healthy
		res := s.deleteEvicted(e)
		if apierrors.IsConflict(res.Err) && asked == nil {
			res.Err = tooManyRequests(budget.Name)
		}
		return res
	}
	if err := s.takeFrom(budget, e); err != nil {
		return Result{Err: err}
	}
	return s.deleteEvicted(e)
}

// passesBudgets reports whether a pod's end disrupts nothing (canIgnorePDB).
func passesBudgets(pod *corev1.Pod) bool {
	switch pod.Status.Phase {
	case corev1.PodSucceeded, corev1.PodFailed, corev1.PodPending:
		return true
	}
	return pod.DeletionTimestamp != nil
}

// budgetsOf returns the budgets that select a pod (getPodDisruptionBudgets).
func (s *Server) budgetsOf(pod *corev1.Pod) []*policyv1.PodDisruptionBudget {
	var list []*policyv1.PodDisruptionBudget
	for _, obj := range s.List(PodDisruptionBudget, pod.Namespace) {
		budget := obj.(*policyv1.PodDisruptionBudget)
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			list = append(list, budget)
		}
	}
	return list
}

// sparesUnhealthy reports whether a budget lets a pod go that is not Ready,
// without a disruption being counted (unhealthyPodEvictionPolicy).
func sparesUnhealthy(b *policyv1.PodDisruptionBudget) bool {
	if p := b.Spec.UnhealthyPodEvictionPolicy; p != nil && *p == policyv1.AlwaysAllow {
		return true
	}
	return b.Status.CurrentHealthy >= b.Status.DesiredHealthy && b.Status.DesiredHealthy > 0
}

func isPodReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// takeFrom takes a disruption from a budget, which remembers the pod until the
// controller has seen it go (checkAndDecrement).
func (s *Server) takeFrom(b *policyv1.PodDisruptionBudget, e *evicting) error {
	switch {
	case b.Status.ObservedGeneration < b.Generation:
		return tooManyRequests(b.Name)
	case b.Status.DisruptionsAllowed < 0:
		return refuseEviction(b, "pdb disruptions allowed is negative", "pdb disruptions allowed is negative")
	case len(b.Status.DisruptedPods) > maxDisruptedPods:
		return refuseEviction(b, "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
			"too many pending evictions not confirmed by PDB controller")
	case b.Status.DisruptionsAllowed == 0:
		return violation(b)
	case e.dry:
		return nil
	}
	next := *b
	next.Status.DisruptionsAllowed--
	if next.Status.DisruptionsAllowed == 0 {
		next.Status.Conditions = slices.Clone(b.Status.Conditions)
		meta.SetStatusCondition(&next.Status.Conditions, metav1.Condition{
			Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.InsufficientPodsReason,
			ObservedGeneration: next.Status.ObservedGeneration, LastTransitionTime: Stamp(s.now),
		})
	}
	next.Status.DisruptedPods = maps.Clone(b.Status.DisruptedPods)
	if next.Status.DisruptedPods == nil {
		next.Status.DisruptedPods = map[string]metav1.Time{}
	}
	next.Status.DisruptedPods[e.pod.Name] = Stamp(s.now)
	return s.update(&Request{Verb: Update, Subresource: Status, Kind: PodDisruptionBudget, Key: KeyOf(b), Object: &next}).Err
}

// tooManyRequests asks to try again later (createTooManyRequestsError).
func tooManyRequests(budget string) error {
	err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10)
	return because(err, fmt.Sprintf("The disruption budget %s is still being processed by the server.", budget))
}

// violation says why a budget allows nothing.
func violation(b *policyv1.PodDisruptionBudget) error {
	err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	cond := meta.FindStatusCondition(b.Status.Conditions, policyv1.DisruptionAllowedCondition)
	explains := cond != nil && cond.Status == metav1.ConditionFalse && cond.Message != ""
	switch {
	case explains && cond.Reason == policyv1.SyncFailedReason:
		return because(err, fmt.Sprintf("The disruption budget %s does not allow evicting pods currently because it failed sync: %s", b.Name, cond.Message))
	case b.Status.CurrentHealthy <= b.Status.DesiredHealthy:
		return because(err, fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently", b.Name, b.Status.DesiredHealthy, b.Status.CurrentHealthy))
	case explains:
		return because(err, fmt.Sprintf("The disruption budget %s does not allow evicting pods currently (%s): %s", b.Name, cond.Reason, cond.Message))
	}
	return because(err, fmt.Sprintf("The disruption budget %s does not allow evicting pods currently", b.Name))
}

// refuseEviction is for a budget that cannot be relied on.
func refuseEviction(b *policyv1.PodDisruptionBudget, why, cause string) error {
	err := apierrors.NewForbidden(schema.GroupResource{Group: policyv1.GroupName, Resource: "poddisruptionbudget"}, b.Name, errors.New(why))
	return because(err, fmt.Sprintf("The disruption budget %s does not allow evicting pods currently: %s", b.Name, cause))
}

func because(err *apierrors.StatusError, message string) error {
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Type: policyv1.DisruptionBudgetCause, Message: message})
	return err
}

// deleteEvicted says on the pod why it goes, and deletes it
// (addConditionAndDeletePod).
func (s *Server) deleteEvicted(e *evicting) Result {
	req := Request{Verb: Delete, Kind: Pod, Key: KeyOf(e.pod), GracePeriodSeconds: e.opts.GracePeriodSeconds, Propagation: propagationOf(&e.opts)}
	if e.version != nil {
		req.ResourceVersion = *e.version
	}
	if p := e.opts.Preconditions; p != nil && p.UID != nil {
		req.UID = *p.UID
	}
	if e.dry {
		return Result{Object: e.pod, Err: e.tryDeletion(&req)}
	}
	if err := checkPreconditions(&req, e.pod); err != nil {
		return Result{Err: err}
	}
	res := s.replace(&Request{Verb: Update, Subresource: Status, Kind: Pod, Key: req.Key}, s.disrupted(e.pod), e.pod)
	if res.Err != nil {
		return res
	}
	if e.version != nil { // the version just made is as good
		req.ResourceVersion = res.Object.GetResourceVersion()
	}
	if err := e.checkDeletion(); err != nil {
		return Result{Err: err}
	}
	return s.delete(&req)
}

// tryDeletion says what the deletion of a dry run would be told.
func (e *evicting) tryDeletion(req *Request) error {
	if err := e.checkDeletion(); err != nil {
		return err
	}
	if err := checkPreconditions(req, e.pod); err != nil {
		return err
	}
	if e.version != nil && *e.version == "" { // any, but to the deletion
		return modified(schema.GroupResource{Resource: Pod.String()}, e.pod, "")
	}
	return nil
}

// checkDeletion refuses options that the write of the condition has let pass. To
// that an empty UID meant any; to the deletion it is another one.
func (e *evicting) checkDeletion() error {
	if err := checkOptions(&e.opts); err != nil {
		return err
	}
	if p := e.opts.Preconditions; p != nil && p.UID != nil && *p.UID == "" {
		return recreated(schema.GroupResource{Resource: Pod.String()}, e.pod, "")
	}
	return nil
}

// disrupted returns a pod with the condition of an eviction.
func (s *Server) disrupted(pod *corev1.Pod) *corev1.Pod {
	cond := corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
		Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting", LastTransitionTime: Stamp(s.now)}
	next := *pod
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == cond.Type })
	if i < 0 {
		next.Status.Conditions = append(slices.Clip(pod.Status.Conditions), cond)
		return &next
	}
	if old := &pod.Status.Conditions[i]; old.Status == cond.Status {
		cond.LastTransitionTime = old.LastTransitionTime
	}
	next.Status.Conditions = slices.Clone(pod.Status.Conditions)
	next.Status.Conditions[i] = cond
	return &next
}

// propagationOf returns the propagation that options ask for; orphanDependents
// is what it was called before.
func propagationOf(o *metav1.DeleteOptions) metav1.DeletionPropagation {
	switch {
	case o.OrphanDependents != nil && *o.OrphanDependents:
		return metav1.DeletePropagationOrphan
	case o.OrphanDependents != nil:
		return metav1.DeletePropagationBackground
	case o.PropagationPolicy != nil:
		return *o.PropagationPolicy
	}
	return ""
}

// checkOptions is ValidateDeleteOptions.
func checkOptions(o *metav1.DeleteOptions) error {
	var errs field.ErrorList
	path, all := field.NewPath("propagationPolicy"), []string{metav1.DryRunAll}
	if p := o.PropagationPolicy; p != nil {
		if o.OrphanDependents != nil {
			errs = append(errs, field.Invalid(path, p, "orphanDependents and deletionPropagation cannot be both set"))
		}
		switch *p {
		case metav1.DeletePropagationForeground, metav1.DeletePropagationBackground, metav1.DeletePropagationOrphan:
		default:
			errs = append(errs, field.NotSupported(path, p, []string{string(metav1.DeletePropagationForeground),
				string(metav1.DeletePropagationBackground), string(metav1.DeletePropagationOrphan), "nil"}))
		}
	}
	if slices.ContainsFunc(o.DryRun, func(v string) bool { return v != metav1.DryRunAll }) {
		errs = append(errs, field.NotSupported(field.NewPath("dryRun"), o.DryRun, all))
	}
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "DeleteOptions"}, "", errs)
}
