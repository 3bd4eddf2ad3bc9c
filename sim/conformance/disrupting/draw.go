package disrupting

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

var (
	podNames    = []string{"p0", "p1", "p2", "p3"}
	budgetNames = []string{"b0", "b1"}
	specs       = []string{"min 1", "min 2", "min 50%", "max 1", "max 34%", "max 0", "min 100%", "min 0", "neither 0"}
	selectors   = []string{"a", "a", "a", "b", "every", "not a", "none"}
)

// owners are the controllers that pods say they have, by kind; nothing stores
// the last three, and nobody knows the last one's kind.
var owners = []metav1.OwnerReference{
	{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "set"},
	{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "lone"},
	{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "owned"},
	{APIVersion: "v1", Kind: "ReplicationController", Name: "rc"},
	{APIVersion: "apps/v1", Kind: "Deployment", Name: "deploy"},
	{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "set", UID: "another"},
	{APIVersion: "batch/v1", Kind: "Job", Name: "job"},
	{APIVersion: "example.com/v1", Kind: "Thing", Name: "thing"},
}

// drawScript draws a history that mostly begins with some pods and a budget.
func drawScript(t *rapid.T) script {
	var s script
	main := rapid.IntRange(0, 4).Draw(t, "main owner")
	for _, i := range []int{0, 1, 4, 2, 3} { // a Deployment before its ReplicaSet
		if i == main || i == 4 && main == 2 || rapid.IntRange(0, 5).Draw(t, "also") == 5 {
			s.steps = append(s.steps, creation(drawOwner(t, i)))
		}
	}
	for _, name := range podNames[:pick(t, "pods", 4, 3, 4, 2, 1, 0)] {
		s.steps = append(s.steps, creation(drawPod(t, name, main)),
			step{verb: "ready", kind: apiserver.Pod, name: name, value: "True"})
	}
	if n := len(s.steps); n > 0 {
		s.steps[n-1].pause = time.Second
	}
	s.steps = append(s.steps, creation(drawBudget(t, budgetNames[0])))
	s.steps[len(s.steps)-1].pause = 2 * time.Second
	for range rapid.IntRange(2, 14).Draw(t, "steps") {
		s.steps = append(s.steps, drawStep(t, main))
	}
	s.steps[len(s.steps)-1].pause = 5 * time.Minute
	return s
}

// creation is followed by no pause: much of it is at the beginning, where nobody
// looks before the first budget is there.
func creation(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), name: o.GetName()}
}

func drawStep(t *rapid.T, main int) step {
	pod, budget := pick(t, "pod", podNames...), pick(t, "budget", budgetNames...)
	st := step{kind: apiserver.Pod, name: pod}
	switch pick(t, "what", "evict", "evict", "pod", "ready", "ready", "budget", "spec", "delete", "owner", "promise", "target", "odd") {
	case "evict":
		st.verb = "evict"
	case "pod":
		st = creation(drawPod(t, pod, main))
	case "ready":
		st.verb, st.value = "ready", pick(t, "status", "True", "True", "False")
	case "budget":
		st = creation(drawBudget(t, budget))
	case "spec":
		st.kind, st.name = apiserver.PodDisruptionBudget, budget
		if st.verb, st.value = "respec", pick(t, "spec", specs...); rapid.Bool().Draw(t, "selector") {
			st.verb, st.value = "reselect", pick(t, "selector", selectors...)
		}
	case "delete":
		st.verb = pick(t, "how", "delete", "kill")
		if rapid.IntRange(0, 4).Draw(t, "of") == 4 {
			st.kind, st.name = apiserver.PodDisruptionBudget, budget
		}
	case "owner":
		i := pick(t, "owner", main, main, 0, 1, 2, 3, 4)
		st = creation(drawOwner(t, i))
		st.verb, st.number = pick(t, "change", "scale", "scale", "create", "delete"), rapid.Int32Range(0, 5).Draw(t, "replicas")
		if st.verb != "create" {
			st.object = nil
		}
	case "promise":
		st = step{verb: "promise", kind: apiserver.PodDisruptionBudget, name: budget, value: pod, number: pick(t, "ago", int32(0), 0, 1, 119, 120, 121)}
	case "target":
		st.verb, st.number = "target", pick(t, "old", int32(0), 0, 1)
		st.value = pick(t, "reason", corev1.PodReasonPreemptionByScheduler, corev1.PodReasonPreemptionByScheduler, corev1.PodReasonTerminationByKubelet)
	case "odd":
		if st.verb, st.value = "relabel", pick(t, "app", "a", "b"); rapid.Bool().Draw(t, "phase") {
			st.verb, st.value = "phase", pick(t, "phase", "Pending", "Running", "Succeeded", "Failed")
		}
	}
	st.pause = pick(t, "pause", time.Second, 2*time.Second, 2*time.Second, 2*time.Second, 60*time.Second, 118*time.Second, 121*time.Second)
	return st
}

func drawBudget(t *rapid.T, name string) *policyv1.PodDisruptionBudget {
	b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: budgetSpec(pick(t, "spec", specs...))}
	b.Spec.Selector = selector(pick(t, "selector", selectors...))
	if p := pick(t, "policy", "", "", policyv1.AlwaysAllow, policyv1.IfHealthyBudget); p != "" {
		b.Spec.UnhealthyPodEvictionPolicy = &p
	}
	return b
}

func drawPod(t *rapid.T, name string, main int) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": pick(t, "app", "a", "a", "a", "b")}},
		Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}}
	if i := pick(t, "owner", main, main, main, main, main, -1, 0, 3, 5, 6, 7); i >= 0 {
		ref := owners[i]
		ref.Controller = new(true)
		p.OwnerReferences = []metav1.OwnerReference{ref}
	}
	return p
}

// drawOwner returns the controller of a number among owners.
func drawOwner(t *rapid.T, i int) apiserver.Object {
	labels := map[string]string{"app": "a"}
	sel := &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}}
	replicas := rapid.Int32Range(0, 5).Draw(t, "replicas")
	om := metav1.ObjectMeta{Namespace: "default", Name: owners[i].Name}
	switch owners[i].Kind {
	case "StatefulSet":
		return &appsv1.StatefulSet{ObjectMeta: om, Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: sel, Template: template}}
	case "ReplicaSet":
		if om.Name == "owned" {
			om.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "deploy", Controller: new(true)}}
		}
		return &appsv1.ReplicaSet{ObjectMeta: om, Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: sel, Template: template}}
	case "Deployment":
		return &appsv1.Deployment{ObjectMeta: om, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: sel, Template: template}}
	case "ReplicationController":
		return &corev1.ReplicationController{ObjectMeta: om, Spec: corev1.ReplicationControllerSpec{Replicas: &replicas, Selector: labels, Template: &template}}
	}
	panic(fmt.Sprintf("disrupting: no owner %d", i))
}
