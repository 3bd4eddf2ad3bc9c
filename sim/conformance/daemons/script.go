package daemons

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var serverConfig = apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}

// step is one request of a user, or several of the scheduler or kubelets, or a failure
// of requests to come, followed by a span in which the controller runs. It is data: it
// is played to two servers.
type step struct {
	verb   string
	object apiserver.Object
	kind   apiserver.Kind
	name   string
	value  string
	number int32
	fails  apiserver.Verb
	pause  time.Duration
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s %s %d %s", s.verb, s.kind, s.name, s.value, s.number, s.fails)
	if s.object != nil {
		text += " " + shown(s.object)
	}
	return fmt.Sprintf("%s, then %v", text, s.pause)
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

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// before are the requests that every history begins with.
func before() []apiserver.Request {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	list := []apiserver.Request{creation(ns)}
	for i := range 3 {
		list = append(list, creation(node(fmt.Sprint("n", i), "zone", fmt.Sprint(i%2))))
	}
	return list
}

func node(name, key, value string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{key: value}}}
}

func creation(obj apiserver.Object) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj.DeepCopyObject().(apiserver.Object)}
}

// pods returns the pods that there are by their nodes and their age, as names are not
// the same on both sides.
func pods(server *apiserver.Server) []*corev1.Pod {
	var list []*corev1.Pod
	for _, o := range server.List(apiserver.Pod, "default") {
		list = append(list, o.(*corev1.Pod))
	}
	slices.SortStableFunc(list, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(target(a), target(b)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(hash(a), hash(b)),
			cmp.Compare(a.Spec.NodeName, b.Spec.NodeName), cmp.Compare(owner(a), owner(b)))
	})
	return list
}

func hash(o metav1.Object) string { return o.GetLabels()[appsv1.DefaultDaemonSetUniqueLabelKey] }

// target is the node on which a pod is or is to be.
func target(p *corev1.Pod) string {
	if a := p.Spec.Affinity; p.Spec.NodeName == "" && a != nil {
		return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values[0]
	}
	return p.Spec.NodeName
}

func owner(obj metav1.Object) string {
	if ref := metav1.GetControllerOf(obj); ref != nil {
		return ref.Name
	}
	return "nobody"
}

// requests returns what is asked of a server.
func (s step) requests(server *apiserver.Server, now engine.Time) (list []apiserver.Request) {
	switch s.verb {
	case "create":
		return []apiserver.Request{creation(s.object)}
	case "bind": // the scheduler
		for _, p := range pods(server) {
			if p.Spec.NodeName == "" && p.DeletionTimestamp == nil && server.Get(apiserver.Node, apiserver.Key{Name: target(p)}) != nil {
				list = append(list, apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Binding, Kind: apiserver.Pod, Key: apiserver.KeyOf(p), Node: target(p)})
			}
		}
		return list
	case "run", "reap": // kubelets: pods become ready, and those that are being deleted go
		for _, p := range pods(server) {
			switch {
			case p.DeletionTimestamp != nil:
				list = append(list, apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(p), GracePeriodSeconds: new(int64)})
			case s.verb == "run" && p.Spec.NodeName != "" && p.Status.Phase == corev1.PodPending:
				list = append(list, s.edited(p, now))
			}
		}
		return list
	}
	req := apiserver.Request{Kind: s.kind, Key: apiserver.Key{Namespace: "default", Name: s.name}}
	if !s.kind.Namespaced() {
		req.Key.Namespace = ""
	}
	old := server.Get(s.kind, req.Key)
	if s.name == "" {
		if old = s.nth(server); old == nil {
			return nil
		}
		req.Key = apiserver.KeyOf(old)
	}
	if old == nil {
		return nil
	}
	switch s.verb {
	case "delete":
		req.Verb = apiserver.Delete
		return []apiserver.Request{req}
	case "orphan":
		req.Verb, req.Propagation = apiserver.Delete, metav1.DeletePropagationOrphan
		return []apiserver.Request{req}
	case "kill":
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, new(int64)
		return []apiserver.Request{req}
	}
	return []apiserver.Request{s.edited(old, now)}
}

// nth is the object of a number; the same one on both sides.
func (s step) nth(server *apiserver.Server) apiserver.Object {
	if s.kind == apiserver.Pod {
		if list := pods(server); len(list) > 0 {
			return list[int(s.number)%len(list)]
		}
		return nil
	}
	if list := server.List(s.kind, "default"); len(list) > 0 {
		return list[int(s.number)%len(list)]
	}
	return nil
}

func (s step) edited(old apiserver.Object, now engine.Time) apiserver.Request {
	req := apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(old), Key: apiserver.KeyOf(old), Object: old.DeepCopyObject().(apiserver.Object)}
	switch o := req.Object.(type) {
	case *corev1.Pod:
		req.Subresource = s.editPod(o, now)
	case *corev1.Node:
		s.editNode(o)
	case *appsv1.DaemonSet:
		s.editSet(o)
	case *appsv1.ControllerRevision:
		s.editRevision(&req, o)
	}
	return req
}

func (s step) editPod(p *corev1.Pod, now engine.Time) apiserver.Subresource {
	switch s.verb {
	case "relabel":
		p.Labels = map[string]string{"app": s.value, appsv1.DefaultDaemonSetUniqueLabelKey: hash(p)}
		return apiserver.None
	case "disown":
		p.OwnerReferences = nil
		return apiserver.None
	case "phase":
		p.Status.Phase = corev1.PodPhase(s.value)
		return apiserver.Status
	}
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionStatus(cmp.Or(s.value, "True")), LastTransitionTime: apiserver.Stamp(now)}}
	return apiserver.Status
}

func (s step) editNode(n *corev1.Node) {
	switch s.verb {
	case "label":
		n.Labels = map[string]string{"zone": s.value}
	case "taint":
		n.Spec.Taints = nil
		if key, effect, ok := strings.Cut(s.value, ":"); ok {
			n.Spec.Taints = []corev1.Taint{{Key: key, Effect: corev1.TaintEffect(effect)}}
		}
	case "touch":
		n.Annotations = map[string]string{"touched": s.value}
	}
}

func (s step) editSet(d *appsv1.DaemonSet) {
	switch s.verb {
	case "image":
		d.Spec.Template.Spec.Containers[0].Image = s.value
	case "select":
		d.Spec.Template.Spec.NodeSelector = selector(s.value)
	case "tolerate":
		d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: s.value, Operator: corev1.TolerationOpExists}}
	case "strategy":
		d.Spec.UpdateStrategy = strategy(s.value)
	case "minReady":
		d.Spec.MinReadySeconds = s.number
	case "history":
		d.Spec.RevisionHistoryLimit = new(s.number)
	case "annotate":
		d.Annotations["why"] = s.value
	}
}

func selector(zone string) map[string]string {
	if zone == "" {
		return nil
	}
	return map[string]string{"zone": zone}
}

// strategy reads "1 25%": surge and unavailable; or "OnDelete".
func strategy(text string) appsv1.DaemonSetUpdateStrategy {
	surge, unavailable, ok := strings.Cut(text, " ")
	if !ok {
		return appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
	}
	parse := func(s string) *intstr.IntOrString {
		if n, err := strconv.Atoi(s); err == nil {
			return new(intstr.FromInt(n))
		}
		return new(intstr.FromString(s))
	}
	return appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxSurge: parse(surge), MaxUnavailable: parse(unavailable)}}
}

// editRevision changes a revision, copies it under another name, or makes it a stranger
// that has taken a name.
func (s step) editRevision(req *apiserver.Request, r *appsv1.ControllerRevision) {
	switch s.verb {
	case "unlabel":
		delete(r.Labels, appsv1.DefaultDaemonSetUniqueLabelKey)
	case "relabel":
		r.Labels = map[string]string{"app": s.value, appsv1.DefaultDaemonSetUniqueLabelKey: hash(r)}
	case "disown":
		r.OwnerReferences = nil
	case "number":
		r.Revision += int64(s.number % 3)
	case "copy":
		*req = apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ControllerRevision, Object: r}
		r.ObjectMeta = metav1.ObjectMeta{Namespace: r.Namespace, Name: r.Name + "x", Labels: map[string]string{"app": "d"}}
		r.Revision += int64(s.number % 3)
		req.Key = apiserver.KeyOf(r)
	}
}
