package disrupting

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// step is one request of a user, followed by a span in which the controller
// runs. It is data: it is played to two servers.
type step struct {
	verb   string // create, delete, kill, evict, or the name of an edit
	object apiserver.Object
	kind   apiserver.Kind
	name   string
	value  string
	number int32
	pause  time.Duration
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s %s %d", s.verb, s.kind, s.name, s.value, s.number)
	if s.object != nil {
		text += " " + shown(s.object)
	}
	return fmt.Sprintf("%s, then %v", text, s.pause)
}

// request returns what is asked of a server, or false if there is nothing left to
// ask.
func (s step) request(server *apiserver.Server, now engine.Time) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: apiserver.Key{Namespace: "default", Name: s.name}}
	old := server.Get(s.kind, req.Key)
	switch s.verb {
	case "create":
		req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
		s.adopt(server, req.Object)
		return req, true
	case "delete":
		req.Verb = apiserver.Delete
		return req, old != nil
	case "kill":
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, new(int64)
		return req, old != nil
	case "evict":
		req.Verb, req.Subresource = apiserver.Create, apiserver.Eviction
		req.Object = &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: s.name}}
		return req, true
	}
	if old == nil {
		return req, false
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	switch o := req.Object.(type) {
	case *corev1.Pod:
		req.Subresource = s.editPod(o, now)
	case *policyv1.PodDisruptionBudget:
		req.Subresource = s.editBudget(o, now)
	default:
		*replicasOf(o) = s.number
	}
	return req, true
}

// adopt completes the reference of a new object to its controller, which has
// the UID of what is stored, if that is there.
func (s step) adopt(server *apiserver.Server, obj apiserver.Object) {
	refs := slices.Clone(obj.GetOwnerReferences())
	for i := range refs {
		kind := kindOf[strings.ToLower(refs[i].Kind)+"s"]
		if owner := server.Get(kind, apiserver.Key{Namespace: "default", Name: refs[i].Name}); owner != nil && refs[i].UID == "" {
			refs[i].UID = owner.GetUID()
		}
		if refs[i].UID == "" {
			refs[i].UID = "other"
		}
	}
	obj.SetOwnerReferences(refs)
}

func (s step) editPod(p *corev1.Pod, now engine.Time) apiserver.Subresource {
	cond := corev1.PodCondition{LastTransitionTime: apiserver.Stamp(now), Status: corev1.ConditionTrue}
	switch s.verb {
	case "relabel":
		p.Labels = map[string]string{"app": s.value}
		return apiserver.None
	case "phase":
		p.Status.Phase = corev1.PodPhase(s.value)
		return apiserver.Status
	case "ready":
		cond.Type, cond.Status = corev1.PodReady, corev1.ConditionStatus(s.value)
	case "target":
		cond.Type, cond.Reason = corev1.DisruptionTarget, s.value
		if s.number > 0 { // it is old already
			cond.LastTransitionTime = metav1.Time{}
		}
	}
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = append(slices.DeleteFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == cond.Type }), cond)
	return apiserver.Status
}

func (s step) editBudget(b *policyv1.PodDisruptionBudget, now engine.Time) apiserver.Subresource {
	switch s.verb {
	case "respec":
		selector := b.Spec.Selector
		b.Spec = budgetSpec(s.value)
		b.Spec.Selector = selector
	case "reselect":
		b.Spec.Selector = selector(s.value)
	case "touch":
		b.Annotations = map[string]string{"touched": s.value}
	case "promise": // an eviction, which does not happen
		if b.Status.DisruptedPods == nil {
			b.Status.DisruptedPods = map[string]metav1.Time{}
		}
		b.Status.DisruptedPods[s.value] = apiserver.Stamp(now.Add(-time.Duration(s.number) * time.Second))
		return apiserver.Status
	}
	return apiserver.None
}

// budgetSpec reads "min 2", "max 40%" and the like.
func budgetSpec(text string) (spec policyv1.PodDisruptionBudgetSpec) {
	kind, amount, _ := strings.Cut(text, " ")
	value := intstr.Parse(amount)
	switch kind {
	case "min":
		spec.MinAvailable = &value
	case "max":
		spec.MaxUnavailable = &value
	}
	return spec
}

// selector selects an app, every pod, or none.
func selector(app string) *metav1.LabelSelector {
	switch app {
	case "every":
		return &metav1.LabelSelector{}
	case "none":
		return nil
	case "not a":
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"a"}}}}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// replicasOf returns where a controller of pods says how many there are to be.
func replicasOf(obj apiserver.Object) *int32 {
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		return o.Spec.Replicas
	case *appsv1.ReplicaSet:
		return o.Spec.Replicas
	case *appsv1.Deployment:
		return o.Spec.Replicas
	case *corev1.ReplicationController:
		return o.Spec.Replicas
	}
	panic(fmt.Sprintf("disrupting: %T has no replicas", obj))
}

// script is a history's input.
type script struct{ steps []step }

func (s script) String() string {
	var b strings.Builder
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%2d. %v\n", i, st)
	}
	return b.String()
}

// before returns the requests that every history begins with.
func (s script) before() []apiserver.Request {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	return []apiserver.Request{{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}}
}
