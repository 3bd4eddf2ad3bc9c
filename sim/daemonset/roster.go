package daemonset

import (
	"cmp"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// roster is what is known of a DaemonSet's pods, node by node. The pods are there
// before the set is known, and looked at then.
type roster struct {
	pods     map[string]*corev1.Pod // that name the set as their controller, whatever its UID
	set      *appsv1.DaemonSet      // nil if it is not known
	backoffs map[string]backoff     // of failed pods, by node
	epoch    int64                  `state:"incidental" why:"a generation"` // that the backoffs are of, as observed

	bound   map[string]int   `state:"incidental" why:"follows from the pods"`             // how many are bound to a node
	misfits map[string]bool  `state:"incidental" why:"follows from the pods and the set"` // pods that the selector does not match
	spots   map[string]*spot `state:"incidental" why:"follows from the pods, the nodes and the set"`
	stale   map[string]bool  `state:"incidental" why:"which of spots are to be judged again"`
	plan    *plan            `state:"incidental" why:"follows from the set"`
	sums
}

// sums are the verdicts about all nodes, added up.
type sums struct {
	status   counts                  `state:"incidental" why:"follows from the spots"`
	busy     map[string]bool         `state:"incidental" why:"follows from the spots"` // nodes where something is to be done
	stages   [stages]int             `state:"incidental" why:"follows from the spots"`
	listed   [stages]map[string]bool `state:"incidental" why:"follows from the spots"` // of the stages that a rollout goes through
	serving  int                     `state:"incidental" why:"follows from the spots"` // nodes on which an available pod counts in a rollout
	ripening map[string]time.Time    `state:"incidental" why:"follows from the spots"` // when a verdict changes by itself
}

// backoff is how long a node waits for its next failed pod to be deleted.
type backoff struct {
	delay   time.Duration
	until   engine.Time `state:"deadline"`
	expires engine.Time `state:"deadline"` // then it begins anew
}

// plan is what a set's spec says, read once for each template.
type plan struct {
	generation  int64
	template    string // the annotation that counts templates
	hash        string // of the current revision; "" before it is known
	uid         types.UID
	selector    labels.Selector
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
	surges      bool
}

// spot is a node, or a name of one, as a set sees it.
type spot struct {
	node *corev1.Node
	pods []*corev1.Pod // the set's, oldest first; without those that have ended and are being deleted
	verdict
}

// take has the pods looked at for a set as it is now.
func (r *roster) take(set *appsv1.DaemonSet, nodes map[string]*corev1.Node) {
	r.set = set
	template := set.Annotations[appsv1.DeprecatedTemplateGeneration]
	if p := r.plan; p != nil && p.uid == set.UID && p.generation == set.Generation && p.template == template {
		return
	}
	hash := ""
	if r.plan != nil && r.plan.uid == set.UID {
		hash = r.plan.hash
	} else {
		r.backoffs = nil
	}
	spec := &set.Spec.Template.Spec
	r.plan = &plan{generation: set.Generation, template: template, hash: hash, uid: set.UID, selector: selectorOf(set),
		affinity: nodeaffinity.NewRequiredNodeAffinity(spec.NodeSelector, spec.Affinity), tolerations: tolerations(spec), surges: surges(set)}
	r.survey(nodes)
}

// survey begins anew with the nodes that there are.
func (r *roster) survey(nodes map[string]*corev1.Node) {
	r.spots, r.stale, r.misfits, r.sums = map[string]*spot{}, map[string]bool{}, nil, sums{}
	for name, node := range nodes { // a map from a map
		r.spots[name] = &spot{node: node}
		r.stale[name] = true
	}
	for _, pod := range r.pods { // each is put in its place
		r.place(pod)
	}
}

// renew has all nodes judged again if the current revision is another.
func (r *roster) renew(hash string) {
	if r.plan.hash == hash {
		return
	}
	p := *r.plan
	p.hash = hash
	r.plan = &p
	for name := range r.spots { // a set
		r.stale[name] = true
	}
}

// forget is for a set that is gone.
func (r *roster) forget() {
	r.set, r.plan, r.spots, r.stale, r.misfits, r.backoffs = nil, nil, nil, nil, nil, nil
	r.sums = sums{}
}

func (r *roster) isEmpty() bool { return r.set == nil && len(r.pods) == 0 }

// observe takes in a pod's state; nil is for a pod that is gone.
func (r *roster) observe(name string, pod *corev1.Pod) {
	if old := r.pods[name]; old != nil {
		r.displace(old)
		delete(r.pods, name)
		if r.bound[old.Spec.NodeName]--; r.bound[old.Spec.NodeName] == 0 {
			delete(r.bound, old.Spec.NodeName)
		}
	}
	if pod == nil {
		return
	}
	if r.pods == nil {
		r.pods, r.bound = map[string]*corev1.Pod{}, map[string]int{}
	}
	r.bound[pod.Spec.NodeName]++
	r.pods[name] = pod
	r.place(pod)
}

// claims reports whether a pod is one of the set's own.
func (r *roster) claims(pod *corev1.Pod) bool {
	return metav1.IsControlledBy(pod, r.set) && r.plan.selector.Matches(labels.Set(pod.Labels))
}

// place puts a pod where it is or is to be (getNodesToDaemonPods).
func (r *roster) place(pod *corev1.Pod) {
	switch {
	case r.set == nil || !metav1.IsControlledBy(pod, r.set):
	case !r.plan.selector.Matches(labels.Set(pod.Labels)):
		mark(&r.misfits, pod.Name, true)
	case !podcontrol.IsTerminal(pod) || pod.DeletionTimestamp == nil:
		r.put(pod)
	}
}

func (r *roster) put(pod *corev1.Pod) {
	name, ok := target(pod)
	if !ok {
		return
	}
	s := r.spots[name]
	if s == nil {
		s = &spot{}
		r.spots[name] = s
	}
	i, _ := slices.BinarySearchFunc(s.pods, pod, older)
	s.pods = slices.Insert(s.pods, i, pod)
	r.stale[name] = true
}

// displace takes a pod away from where it was.
func (r *roster) displace(pod *corev1.Pod) {
	if r.set == nil {
		return
	}
	delete(r.misfits, pod.Name)
	name, _ := target(pod)
	s := r.spots[name]
	if s == nil {
		return
	}
	if i := slices.Index(s.pods, pod); i >= 0 {
		s.pods = slices.Delete(s.pods, i, i+1)
		r.stale[name] = true
	}
}

// touch takes in a node that has come, changed or gone.
func (r *roster) touch(name string, node *corev1.Node) {
	s := r.spots[name]
	if s == nil {
		s = &spot{}
		r.spots[name] = s
	}
	s.node = node
	r.stale[name] = true
}

// hasBound reports whether a pod that names the set is bound to a node
// (syncNodeUpdate).
func (r *roster) hasBound(node string) bool { return r.bound[node] > 0 }

// older orders the pods of a node: those that are bound first, then by age
// (podByCreationTimestampAndPhase).
func older(a, b *corev1.Pod) int {
	if bound := (a.Spec.NodeName != ""); bound != (b.Spec.NodeName != "") {
		if bound {
			return -1
		}
		return 1
	}
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// look judges what is to be judged again and adds it up.
func (r *roster) look(now time.Time) {
	for name, at := range r.ripening { // a set
		if !at.After(now) {
			r.stale[name] = true
		}
	}
	for name := range r.stale { // sums
		s := r.spots[name]
		r.add(name, &s.verdict, -1)
		s.verdict = r.judge(s, now)
		r.add(name, &s.verdict, 1)
		if s.node == nil && len(s.pods) == 0 {
			r.add(name, &s.verdict, -1)
			delete(r.spots, name)
		}
	}
	clear(r.stale)
}

// add adds a verdict to the sums, or takes it from them.
func (r *roster) add(name string, v *verdict, n int) {
	r.status.add(&v.counts, n)
	r.stages[v.stage] += n
	r.serving += n * v.serving
	mark(&r.busy, name, v.busy && n > 0)
	if v.stage >= listed {
		mark(&r.listed[v.stage], name, n > 0)
	}
	if n < 0 || v.ripe.IsZero() {
		delete(r.ripening, name)
		return
	}
	if r.ripening == nil {
		r.ripening = map[string]time.Time{}
	}
	r.ripening[name] = v.ripe
}

func mark(set *map[string]bool, name string, in bool) {
	switch {
	case !in:
		delete(*set, name)
	case *set == nil:
		*set = map[string]bool{name: true}
	default:
		(*set)[name] = true
	}
}

// with returns a roster of the same set that has further pods, as those have that are
// adopted just now.
func (r *roster) with(pods []*corev1.Pod, now time.Time) *roster {
	c := &roster{set: r.set, plan: r.plan, spots: map[string]*spot{}, stale: map[string]bool{}}
	for name, s := range r.spots { // a map from a map
		c.spots[name] = &spot{node: s.node, pods: slices.Clone(s.pods)}
		c.stale[name] = true
	}
	for _, pod := range pods {
		if !podcontrol.IsTerminal(pod) || pod.DeletionTimestamp == nil {
			c.put(pod)
		}
	}
	c.look(now)
	return c
}

// ordered returns names in the order that a choice gives: by themselves, or mixed.
func ordered(v controller.View, key string, names map[string]bool) []string {
	list := slices.Sorted(maps.Keys(names))
	if len(list) < 2 {
		return list
	}
	if tie := uint64(v.Choose("daemonset/nodes", key, 1<<30)); tie != 0 {
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(mixed(tie, a), mixed(tie, b)) })
	}
	return list
}

func mixed(h uint64, name string) uint64 {
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
