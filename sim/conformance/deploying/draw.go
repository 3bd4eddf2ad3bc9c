package deploying

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/deployment"
	"github.com/statefulsim/statefulsim/sim/replicaset"
)

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

var (
	strategies = []string{"1 0", "1 0", "0 1", "25% 25%", "2 1", "50% 0", "0 0%", "Recreate"}
	images     = []string{"c:1", "c:2", "c:3"}
)

// drawScript draws a history that begins with a Deployment, mostly.
func drawScript(t *rapid.T) script {
	var s script
	if rapid.IntRange(0, 5).Draw(t, "begins") == 0 {
		s.steps = append(s.steps, creation(drawSet(t)))
	} else {
		s.steps = append(s.steps, creation(drawDeployment(t)))
	}
	for range rapid.IntRange(3, 25).Draw(t, "steps") {
		st := drawStep(t)
		st.pause = pick(t, "pause", time.Second, time.Second, time.Second, 2*time.Second, 2*time.Second, 6*time.Second, 35*time.Second)
		s.steps = append(s.steps, st)
		if st.verb == "pause" && st.value == "true" && rapid.Bool().Draw(t, "resumes") {
			st.value, st.pause = "false", time.Second
			s.steps = append(s.steps, st)
		}
	}
	s.steps[len(s.steps)-1].pause = 6 * time.Minute
	return s
}

func creation(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), name: o.GetName(), pause: time.Second}
}

func drawStep(t *rapid.T) step {
	n := rapid.Int32Range(0, 20).Draw(t, "number")
	st := step{kind: apiserver.Deployment, name: "web", number: n}
	switch pick(t, "what", "ready", "ready", "ready", "ready", "image", "image", "scale", "edit", "edit", "pod", "pod", "set", "fail", "again") {
	case "ready":
		return step{verb: "ready", kind: apiserver.Pod, number: n, value: pick(t, "status", "True", "True", "True", "False")}
	case "image":
		st.verb, st.value = "image", pick(t, "image", images...)
	case "scale":
		st.verb, st.number = "scale", n%9
	case "edit":
		st.verb = pick(t, "edit", "pause", "pause", "strategy", "minReady", "history", "deadline", "annotate", "rollback")
		switch st.verb {
		case "pause":
			st.value = pick(t, "pause", "true", "false")
		case "strategy":
			st.value = pick(t, "strategy", strategies...)
		case "minReady":
			st.number = pick(t, "seconds", int32(0), 0, 3, 5)
		case "history":
			st.number = n % 3
		case "deadline":
			st.number = pick(t, "deadline", int32(10), 20, 600)
		case "annotate":
			st.value = pick(t, "why", "a", "b")
		case "rollback":
			st.value = pick(t, "to", "0", "0", "1", "2", "7", "x")
		}
	case "pod":
		st = step{kind: apiserver.Pod, number: n, verb: pick(t, "pod", "relabel", "cost", "phase", "delete", "kill", "stray")}
		switch st.verb {
		case "relabel":
			st.value = pick(t, "app", "web", "other")
		case "cost":
			st.value = pick(t, "cost", "-5", "10", "+1")
		case "phase":
			st.value = pick(t, "phase", "Pending", "Running", "Succeeded", "Failed")
		case "stray":
			st = creation(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: pick(t, "name", "s1", "s2"), Labels: map[string]string{"app": pick(t, "app", "web", "lone")}},
				Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}})
		}
	case "set":
		st = step{kind: apiserver.ReplicaSet, number: n, verb: pick(t, "set", "relabel", "scale", "revision", "delete", "orphan", "create")}
		switch st.verb {
		case "relabel":
			st.value = pick(t, "app", "web", "other")
		case "revision":
			st.value = pick(t, "revision", "1", "5", "x")
		case "create":
			st = creation(drawSet(t))
		}
	case "fail":
		st = step{verb: "fail", number: 1 + n%3}
		if rapid.Bool().Draw(t, "of sets") {
			st.name = replicaset.Name
			st.kind, st.fails = apiserver.Pod, pick(t, "verb", apiserver.Create, apiserver.Create, apiserver.Delete, apiserver.Patch)
			if st.fails == apiserver.Create && n > 10 {
				st.number = 9 // until after the rest
			}
		} else {
			st.name = deployment.Name
			st.kind, st.fails = apiserver.ReplicaSet, pick(t, "verb", apiserver.Create, apiserver.Update)
		}
	case "again":
		if st.verb = "delete"; rapid.Bool().Draw(t, "create") {
			st = creation(drawDeployment(t))
		}
	}
	return st
}

func template(t *rapid.T, app string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: pick(t, "image", images...)}}}}
}

func drawDeployment(t *rapid.T) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	d.Spec = appsv1.DeploymentSpec{Replicas: new(rapid.Int32Range(0, 8).Draw(t, "replicas")), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		Template: template(t, "web"), Strategy: strategy(pick(t, "strategy", strategies...)), MinReadySeconds: pick(t, "minReady", int32(0), 0, 0, 3),
		RevisionHistoryLimit: pick(t, "history", nil, new(int32(1)))}
	if rapid.IntRange(0, 3).Draw(t, "deadline") == 0 {
		d.Spec.ProgressDeadlineSeconds = new(int32(15))
	}
	return d
}

// drawSet draws a ReplicaSet of its own, which a Deployment may adopt.
func drawSet(t *rapid.T) *appsv1.ReplicaSet {
	app := pick(t, "app", "web", "lone")
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lone", Labels: map[string]string{"app": app}}, Spec: appsv1.ReplicaSetSpec{
		Replicas: new(rapid.Int32Range(0, 6).Draw(t, "replicas")), MinReadySeconds: pick(t, "minReady", int32(0), 0, 4),
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}, Template: template(t, app)}}
}
