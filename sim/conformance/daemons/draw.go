package daemons

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

var (
	strategies = []string{"0 1", "0 1", "0 2", "0 50%", "1 0", "1 0", "2 0", "50% 0", "OnDelete"}
	images     = []string{"c:1", "c:2", "c:3"}
	taints     = []string{"", "", "k:NoSchedule", "k:NoExecute", "k:PreferNoSchedule", "node.kubernetes.io/unschedulable:NoSchedule", "node.kubernetes.io/not-ready:NoExecute", "node.kubernetes.io/network-unavailable:NoSchedule"}
)

func drawScript(t *rapid.T) script {
	s := script{[]step{created(drawSet(t))}}
	if rapid.IntRange(0, 4).Draw(t, "taken") == 0 { // a stranger has the name that the revision would have
		d := s.steps[0].object.(*appsv1.DaemonSet)
		s.steps = append([]step{created(stranger(d))}, s.steps...)
	}
	for range rapid.IntRange(4, 24).Draw(t, "steps") {
		st := drawStep(t)
		st.pause = pick(t, "pause", time.Second, time.Second, 2*time.Second, 2*time.Second, 6*time.Second, 40*time.Second)
		s.steps = append(s.steps, st)
		switch st.verb {
		case "image", "select", "strategy":
			for range rapid.IntRange(0, 4).Draw(t, "rolls") {
				s.steps = append(s.steps, step{verb: "bind", pause: time.Second}, step{verb: "run", pause: pick(t, "rest", 2*time.Second, 5*time.Second)})
			}
		}
	}
	s.steps[len(s.steps)-1].pause = 6 * time.Minute
	return s
}

func created(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), name: o.GetName(), pause: time.Second}
}

// stranger is a revision of nobody under the name of a set's first one.
func stranger(d *appsv1.DaemonSet) *appsv1.ControllerRevision {
	d = d.DeepCopy()
	defaults.Set(d)
	return &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "d-" + podcontrol.TemplateHash(&d.Spec.Template, nil)},
		Data: runtime.RawExtension{Raw: []byte(`{"spec":{}}`)}, Revision: 1}
}

func drawStep(t *rapid.T) step {
	n := rapid.Int32Range(0, 20).Draw(t, "number")
	st := step{kind: apiserver.DaemonSet, name: "d", number: n}
	switch pick(t, "what", "bind", "bind", "run", "run", "run", "image", "image", "edit", "edit", "node", "node", "node", "pod", "pod", "pod", "revision", "fail", "again") {
	case "bind":
		return step{verb: "bind"}
	case "run":
		return step{verb: pick(t, "run", "run", "run", "reap")}
	case "image":
		st.verb, st.value = "image", pick(t, "image", images...)
	case "edit":
		st.verb = pick(t, "edit", "select", "tolerate", "strategy", "strategy", "minReady", "history", "annotate")
		switch st.verb {
		case "select":
			st.value = pick(t, "zone", "", "0", "1")
		case "tolerate":
			st.value = pick(t, "key", "k", "other", "node.kubernetes.io/not-ready")
		case "strategy":
			st.value = pick(t, "strategy", strategies...)
		case "minReady":
			st.number = pick[int32](t, "seconds", 0, 3, 5)
		case "history":
			st.number = n % 3
		case "annotate":
			st.value = pick(t, "why", "a", "b")
		}
	case "node":
		return drawNodeStep(t, n)
	case "pod":
		return drawPodStep(t, n)
	case "revision":
		st = step{kind: apiserver.ControllerRevision, number: n, verb: pick(t, "revision", "unlabel", "relabel", "disown", "number", "copy", "copy", "delete")}
		if st.verb == "relabel" {
			st.value = pick(t, "app", "d", "other")
		}
	case "fail":
		return drawFault(t, n)
	case "again":
		if st.verb = pick(t, "end", "delete", "orphan", "create"); st.verb == "create" {
			return created(drawSet(t))
		}
	}
	return st
}

func drawNodeStep(t *rapid.T, n int32) step {
	st := step{kind: apiserver.Node, name: fmt.Sprint("n", n%4), verb: pick(t, "node", "label", "taint", "taint", "touch", "delete", "create", "create")}
	switch st.verb {
	case "label":
		st.value = pick(t, "zone", "0", "1")
	case "taint":
		st.value = pick(t, "taint", taints...)
	case "touch":
		st.value = fmt.Sprint(n)
	case "create":
		return created(node(st.name, "zone", pick(t, "zone", "0", "1")))
	}
	return st
}

func drawPodStep(t *rapid.T, n int32) step {
	st := step{kind: apiserver.Pod, number: n, verb: pick(t, "pod", "ready", "ready", "relabel", "disown", "phase", "phase", "delete", "kill", "stray")}
	switch st.verb {
	case "ready":
		st.value = pick(t, "status", "True", "False")
	case "relabel":
		st.value = pick(t, "app", "d", "other")
	case "phase":
		st.value = pick(t, "phase", "Running", "Succeeded", "Failed", "Failed")
	case "stray":
		return created(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: pick(t, "name", "s1", "s2"), Labels: map[string]string{"app": pick(t, "app", "d", "other")}},
			Spec: corev1.PodSpec{NodeName: fmt.Sprint("n", n%3), Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}})
	}
	return st
}

func drawFault(t *rapid.T, n int32) step {
	st := step{verb: "fail", number: 1 + n%3}
	switch pick(t, "fault", "pod", "pod", "set", "revision") {
	case "pod":
		st.kind, st.fails = apiserver.Pod, pick(t, "verb", apiserver.Create, apiserver.Create, apiserver.Delete, apiserver.Patch)
		st.number = 9 // all of a sync: which one it is would be a race
	case "set":
		st.kind, st.fails = apiserver.DaemonSet, pick(t, "verb", apiserver.Update, apiserver.Get)
	case "revision":
		st.kind, st.fails = apiserver.ControllerRevision, pick(t, "verb", apiserver.Create, apiserver.Update, apiserver.Delete, apiserver.Patch)
	}
	return st
}

func drawSet(t *rapid.T) *appsv1.DaemonSet {
	app := map[string]string{"app": "d"}
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "d"}}
	d.Spec = appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, MinReadySeconds: pick[int32](t, "minReady", 0, 0, 3), UpdateStrategy: strategy(pick(t, "strategy", strategies...)),
		RevisionHistoryLimit: pick(t, "history", nil, new(int32(1)))}
	d.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: pick(t, "image", images...)}},
		NodeSelector: selector(pick(t, "zone", "", "", "", "0")), HostNetwork: rapid.Bool().Draw(t, "host")}}
	if rapid.IntRange(0, 5).Draw(t, "named") == 0 {
		d.Spec.Template.Spec.NodeName = "n1"
	}
	return d
}
