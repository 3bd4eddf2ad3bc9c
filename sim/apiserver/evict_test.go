package apiserver_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	tooMany    = "Cannot evict pod as it would violate the pod's disruption budget."
	processing = "The disruption budget b is still being processed by the server."
)

// guarding returns a budget of all pods, with a status that allows one disruption.
func guarding(name string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:   policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(2)), Selector: &metav1.LabelSelector{}},
		Status: policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, DisruptionsAllowed: 1, CurrentHealthy: 3, DesiredHealthy: 2, ExpectedPods: 3}}
}

// eviction is a case of N7: what is stored, what is asked for, and the answer.
type eviction struct {
	name    string
	pod     func(*corev1.Pod)
	budget  func(*policyv1.PodDisruptionBudget)
	second  bool // a second budget selects the pod
	options *metav1.DeleteOptions
	code    int32
	message string
	cause   string
	taken   bool // from the budget
	stays   bool // the pod does
}

func evictions() []eviction {
	unready := func(p *corev1.Pod) { p.Status.Conditions = nil }
	nothing := func(b *policyv1.PodDisruptionBudget) { b.Status.DisruptionsAllowed, b.Status.CurrentHealthy = 0, 2 }
	failed := func(b *policyv1.PodDisruptionBudget) {
		b.Status.DisruptionsAllowed = 0
		b.Status.Conditions = []metav1.Condition{{Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse,
			Reason: policyv1.SyncFailedReason, Message: "why", LastTransitionTime: apiserver.Stamp(0)}}
	}
	phase := func(ph corev1.PodPhase) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Status.Phase = ph }
	}
	other := "other"
	return []eviction{
		{name: "allowed", taken: true},
		{name: "nothing is allowed", budget: nothing, code: 429, message: tooMany, cause: "The disruption budget b needs 2 healthy pods and has 2 currently"},
		{name: "its sync failed", budget: failed, code: 429, message: tooMany,
			cause: "The disruption budget b does not allow evicting pods currently because it failed sync: why"},
		{name: "more are healthy, and still", budget: func(b *policyv1.PodDisruptionBudget) { b.Status.DisruptionsAllowed = 0 },
			code: 429, message: tooMany, cause: "The disruption budget b does not allow evicting pods currently"},
		{name: "an older generation was observed", budget: func(b *policyv1.PodDisruptionBudget) { b.Status.ObservedGeneration = 0 },
			code: 429, message: tooMany, cause: processing},
		{name: "two budgets", second: true, code: 500, message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."},
		{name: "two budgets, pending", second: true, pod: phase(corev1.PodPending)},
		{name: "nothing is allowed, pending", budget: nothing, pod: phase(corev1.PodPending)},
		{name: "nothing is allowed, succeeded", budget: nothing, pod: phase(corev1.PodSucceeded)},
		{name: "nothing is allowed, failed", budget: nothing, pod: phase(corev1.PodFailed)},
		{name: "unready, and enough are healthy", budget: nothing, pod: unready},
		{name: "unready, and too few are healthy", pod: unready, code: 429, message: tooMany, cause: "The disruption budget b needs 2 healthy pods and has 1 currently",
			budget: func(b *policyv1.PodDisruptionBudget) { b.Status.DisruptionsAllowed, b.Status.CurrentHealthy = 0, 1 }},
		{name: "unready, always allowed", pod: unready, budget: func(b *policyv1.PodDisruptionBudget) {
			b.Status.DisruptionsAllowed, b.Status.CurrentHealthy = 0, 1
			b.Spec.UnhealthyPodEvictionPolicy = new(policyv1.AlwaysAllow)
		}},
		{name: "a dry run", options: &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, stays: true},
		{name: "a dry run that is refused", options: &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, budget: nothing,
			code: 429, message: tooMany, cause: "The disruption budget b needs 2 healthy pods and has 2 currently"},
		{name: "another version is meant", options: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &other}}, taken: true, code: 409,
			message: `Operation cannot be fulfilled on Pod "a": the ResourceVersion in the precondition (other) does not match the ResourceVersion in record (3). The object might have been modified`},
		{name: "another version of an unready pod is meant", pod: unready,
			options: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &other}}},
	}
}

// TestN7Evictions: "terminal, Pending or deleting pods pass the PDB by; more than
// one PDB → 500; disruptionsAllowed 0 → 429", and what upstream says beside it.
func TestN7Evictions(t *testing.T) {
	for _, tt := range evictions() {
		t.Run(tt.name, func(t *testing.T) { tt.run(t) })
	}
}

func (tt *eviction) run(t *testing.T) {
	s := newServer(t)
	p := pod("a")
	p.Spec.NodeName = "node-1"
	p = create(t, s, p).(*corev1.Pod).DeepCopy()
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if tt.pod != nil {
		tt.pod(p)
	}
	updateStatus(t, s, p)
	b := guarding("b")
	if tt.budget != nil {
		tt.budget(b)
	}
	status := b.Status
	b = create(t, s, b).(*policyv1.PodDisruptionBudget).DeepCopy()
	b.Status = status
	b = updateStatus(t, s, b).(*policyv1.PodDisruptionBudget)
	if tt.second {
		create(t, s, guarding("c"))
	}

	ev := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}, DeleteOptions: tt.options}
	res := s.Do(engine.Time(time.Second), apiserver.User, apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Eviction, Kind: apiserver.Pod, Key: apiserver.KeyOf(p), Object: ev})
	after, _ := s.Get(apiserver.Pod, apiserver.KeyOf(p)).(*corev1.Pod)
	gone := after == nil || after.DeletionTimestamp != nil
	if tt.code == 0 {
		require.NoError(t, res.Err)
		assert.Equal(t, !tt.stays, gone)
	} else {
		var status apierrors.APIStatus
		require.ErrorAs(t, res.Err, &status)
		assert.Equal(t, tt.code, status.Status().Code)
		assert.Equal(t, tt.message, res.Err.Error())
		cause, _ := apierrors.StatusCause(res.Err, policyv1.DisruptionBudgetCause)
		assert.Equal(t, tt.cause, cause.Message)
		assert.False(t, gone)
	}
	now := s.Get(apiserver.PodDisruptionBudget, apiserver.KeyOf(b)).(*policyv1.PodDisruptionBudget)
	if tt.taken {
		assert.Contains(t, now.Status.DisruptedPods, "a")
		assert.EqualValues(t, 0, now.Status.DisruptionsAllowed)
	} else {
		assert.Same(t, b, now)
	}
}

func updateStatus(t *testing.T, s *apiserver.Server, obj apiserver.Object) apiserver.Object {
	res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
	require.NoError(t, res.Err)
	return res.Object
}
