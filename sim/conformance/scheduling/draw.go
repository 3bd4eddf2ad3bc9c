package scheduling

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// dice draws a State. Each state uses a few of the topics only, so that a pod
// gets past the plugins of the others.
type dice struct {
	t      *rapid.T
	topics map[topic]bool
	state  *State
	nodes  []string
	claims []string
	doomed []string
	ports  map[string]bool // taken, by node
	disks  []disk
}

// topic is one thing that states are about.
type topic string

const (
	onResources topic = "resources"
	onTaints    topic = "taints"
	onNodes     topic = "node affinity"
	onPods      topic = "pod affinity"
	onSpread    topic = "spread"
	onDefault   topic = "default spread"
	onPorts     topic = "ports"
	onVolumes   topic = "volumes"
	onImages    topic = "images"
	onPriority  topic = "priority"
	onNominated topic = "nominated"
	onLimits    topic = "volume limits"
)

var topics = []topic{
	onResources, onTaints, onNodes, onPods, onSpread, onDefault, onPorts, onVolumes, onImages, onPriority, onNominated, onLimits,
}

// rarity says in how many states once a topic comes up.
var rarity = map[topic]int{
	onResources: 4, onTaints: 4, onNodes: 4, onPods: 2, onSpread: 2, onDefault: 2, onPorts: 4, onVolumes: 2, onImages: 4, onPriority: 2, onNominated: 4, onLimits: 3,
}

// draw draws a state.
func draw(t *rapid.T) *State {
	d := &dice{t: t, topics: map[topic]bool{}, state: &State{}, ports: map[string]bool{}}
	for _, about := range topics {
		d.topics[about] = d.chance(rarity[about], string(about))
	}
	d.drawNamespaces()
	d.drawClasses()
	d.drawNodes()
	if d.topics[onVolumes] {
		d.drawStorage()
		if d.topics[onLimits] {
			d.drawLimits()
		}
	}
	if d.topics[onDefault] {
		d.drawGroups()
	}
	if d.topics[onPriority] && d.chance(2, "budgets") {
		d.drawBudgets()
	}
	for i := range d.upTo(9, "pods") {
		d.drawPlaced(i)
	}
	if d.topics[onNominated] {
		for i := range d.upTo(2, "promised") {
			d.drawPromised(i)
		}
	}
	d.drawIncoming()
	d.state.Doomed = d.doomed
	return d.state
}

func (d *dice) add(o apiserver.Object) { d.state.Objects = append(d.state.Objects, o) }

// number draws from 0 … n-1, about evenly: rapid's own ranges favour the small.
func (d *dice) number(n int, label string) int {
	v := 0
	for bit := 1; bit < n; bit <<= 1 {
		if coin.Draw(d.t, label) {
			v |= bit
		}
	}
	return v % n
}

var coin = rapid.Bool()

// chance is true about once in n times: in the next power of two of them.
func (d *dice) chance(n int, label string) bool {
	for bit := 1; bit < n; bit <<= 1 {
		if !coin.Draw(d.t, label) {
			return false
		}
	}
	return true
}

// upTo draws from 0 … n.
func (d *dice) upTo(n int, label string) int { return d.number(n+1, label) }

func pick[T any](d *dice, label string, from ...T) T { return from[d.number(len(from), label)] }

func (d *dice) drawNamespaces() {
	for _, ns := range []string{namespace, "there"} {
		o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
		if d.topics[onPods] && d.chance(2, "labelled") {
			o.Labels = map[string]string{"team": pick(d, "team", "red", "blue")}
		}
		d.add(o)
	}
}

var priorities = []string{"low", "mid", "high"}

func (d *dice) drawClasses() {
	for i, name := range priorities {
		o := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: int32(i-1) * 10}
		if d.topics[onPriority] && name == "high" && d.chance(8, "never") {
			never := corev1.PreemptNever
			o.PreemptionPolicy = &never
		}
		d.add(o)
	}
}

// labels draws labels of a pod.
func (d *dice) labels() map[string]string {
	m := map[string]string{}
	if l := pick(d, "app", "a", "b", ""); l != "" {
		m["app"] = l
	}
	if l := pick(d, "tier", "", "x", "y"); l != "" {
		m["tier"] = l
	}
	return m
}

// selector draws a selector of pods.
func (d *dice) selector() *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	switch d.upTo(6, "selector") {
	case 0, 1, 2:
		s.MatchLabels = map[string]string{"app": pick(d, "app", "a", "b")}
	case 3:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "tier", Operator: pick(d, "op", metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)}}
	case 4:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: pick(d, "op", metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn), Values: []string{"a", "c"}}}
	case 5:
		s.MatchLabels = map[string]string{"app": "a", "tier": "x"}
	default: // the empty one, of everything
	}
	return s
}

func (d *dice) drawGroups() {
	for i := range d.upTo(2, "services") {
		o := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("svc%d", i), Namespace: namespace}}
		o.Spec.ClusterIP = corev1.ClusterIPNone
		o.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		switch d.upTo(3, "selects") {
		case 0, 1:
			o.Spec.Selector = map[string]string{"app": pick(d, "app", "a", "b")}
		case 2:
			o.Spec.Selector = map[string]string{"tier": "x"}
		}
		d.add(o)
	}
	if d.chance(2, "set") {
		app := map[string]string{"app": pick(d, "app", "a", "b")}
		o := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "set", Namespace: namespace}}
		o.Spec.Selector = &metav1.LabelSelector{MatchLabels: app}
		o.Spec.Template.Labels = app
		o.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
		d.add(o)
	}
}

func (d *dice) drawBudgets() {
	for i := range d.upTo(2, "number") {
		o := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pdb%d", i), Namespace: namespace}}
		o.Spec.Selector = d.selector()
		o.Spec.MinAvailable = &intstr.IntOrString{IntVal: 1}
		o.Status.DisruptionsAllowed = int32(d.upTo(2, "allowed"))
		d.add(o)
	}
}
