package disruption

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// roster is what the controller keeps of the budgets and of the pods that they
// select: enough to answer a sync without a walk over the pods. The zero roster
// is empty.
type roster struct {
	budgets map[apiserver.Key]*budget
	names   map[string][]apiserver.Key // the budgets of a namespace, sorted
}

// budget counts the pods that a PodDisruptionBudget selects.
type budget struct {
	of       *metav1.LabelSelector
	selector labels.Selector // nil if err is set
	err      error

	pods      map[string]member // by name
	owners    map[owner]int     // their controllers, by how many pods they have
	healthy   int               // members that are
	unmanaged int               // members without a controller
}

// member is a pod that a budget selects.
type member struct {
	owner    owner // zero without a controller
	healthy  bool  // Ready and not deleting
	deleting bool
}

// owner is the controller of a pod, as the pod names it.
type owner struct {
	apiVersion, kind, name string
	uid                    types.UID
}

// needs reports whether a budget has to be counted anew: a budget's status and
// numbers change what follows from the counts, and not the counts.
func (r *roster) needs(key apiserver.Key, obj *policyv1.PodDisruptionBudget) bool {
	b := r.budgets[key]
	return b == nil || !apiequality.Semantic.DeepEqual(b.of, obj.Spec.Selector)
}

// add counts the pods of a namespace that a budget selects.
func (r *roster) add(key apiserver.Key, obj *policyv1.PodDisruptionBudget, pods []apiserver.Object) {
	if r.budgets == nil {
		r.budgets, r.names = map[apiserver.Key]*budget{}, map[string][]apiserver.Key{}
	}
	if r.budgets[key] == nil {
		keys := r.names[key.Namespace]
		i, _ := slices.BinarySearchFunc(keys, key, apiserver.Key.Compare)
		r.names[key.Namespace] = slices.Insert(keys, i, key)
	}
	b := &budget{of: obj.Spec.Selector, pods: map[string]member{}, owners: map[owner]int{}}
	b.selector, b.err = metav1.LabelSelectorAsSelector(obj.Spec.Selector)
	r.budgets[key] = b
	for _, o := range pods {
		b.observe(o.(*corev1.Pod), false)
	}
}

// drop forgets a budget.
func (r *roster) drop(key apiserver.Key) {
	delete(r.budgets, key)
	r.names[key.Namespace] = slices.DeleteFunc(r.names[key.Namespace], func(k apiserver.Key) bool { return k == key })
	if len(r.names[key.Namespace]) == 0 {
		delete(r.names, key.Namespace)
	}
}

// observe takes a pod's state into the counts.
func (r *roster) observe(pod *corev1.Pod, gone bool) {
	for _, key := range r.names[pod.Namespace] {
		r.budgets[key].observe(pod, gone)
	}
}

// covering returns the budgets that select a pod (GetPodPodDisruptionBudgets);
// an empty selector is every pod's.
func (r *roster) covering(pod *corev1.Pod) []apiserver.Key {
	var keys []apiserver.Key
	for _, key := range r.names[pod.Namespace] {
		if r.budgets[key].selects(pod) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (b *budget) selects(pod *corev1.Pod) bool {
	return b.err == nil && b.selector.Matches(labels.Set(pod.Labels))
}

func (b *budget) observe(pod *corev1.Pod, gone bool) {
	if m, ok := b.pods[pod.Name]; ok {
		b.count(m, -1)
		delete(b.pods, pod.Name)
	}
	if gone || !b.selects(pod) {
		return
	}
	m := memberOf(pod)
	b.pods[pod.Name] = m
	b.count(m, 1)
}

// count adds a member to the counts, or takes it from them.
func (b *budget) count(m member, n int) {
	if m.healthy {
		b.healthy += n
	}
	if m.owner == (owner{}) {
		b.unmanaged += n
		return
	}
	if b.owners[m.owner] += n; b.owners[m.owner] == 0 {
		delete(b.owners, m.owner)
	}
}

func memberOf(pod *corev1.Pod) member {
	m := member{deleting: pod.DeletionTimestamp != nil}
	m.healthy = !m.deleting && isReady(pod)
	if ref := metav1.GetControllerOfNoCopy(pod); ref != nil {
		m.owner = owner{apiVersion: ref.APIVersion, kind: ref.Kind, name: ref.Name, uid: ref.UID}
	}
	return m
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
