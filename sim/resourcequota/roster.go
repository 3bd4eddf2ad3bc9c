package resourcequota

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
)

// roster is what the controller keeps of the namespaces that have quotas: enough to
// answer a sync without a walk over what they hold. The zero roster is empty.
type roster struct {
	spaces map[string]*space
}

// space is a namespace with quotas.
type space struct {
	tallies map[string]*tally // by the name of the quota
	// due are the pods that will take less when a time has come (quota.Overdue).
	due map[thing]time.Time
}

// thing is an object of a namespace.
type thing struct {
	kind apiserver.Kind
	name string
}

// tally counts what is taken of one quota.
type tally struct {
	spec corev1.ResourceQuotaSpec // as it was when the counting began
	took map[thing]corev1.ResourceList
	sums map[corev1.ResourceName]sum
}

// sum is what all things take of a resource. The total is never written through.
type sum struct {
	total resource.Quantity
	// forms counts what is not zero by how it is written: BinarySI, DecimalSI,
	// DecimalExponent.
	forms [len(forms)]int
}

var forms = [...]resource.Format{resource.BinarySI, resource.DecimalSI, resource.DecimalExponent}

func newSpace() *space {
	return &space{tallies: map[string]*tally{}, due: map[thing]time.Time{}}
}

func newTally(spec *corev1.ResourceQuotaSpec) *tally {
	return &tally{spec: *spec, took: map[thing]corev1.ResourceList{}, sums: map[corev1.ResourceName]sum{}}
}

// isOf reports whether what is counted for a quota is counted already: its amounts
// change nothing about it.
func (t *tally) isOf(spec *corev1.ResourceQuotaSpec) bool {
	return slices.Equal(quota.Names(t.spec.Hard), quota.Names(spec.Hard)) && slices.Equal(t.spec.Scopes, spec.Scopes) &&
		apiequality.Semantic.DeepEqual(t.spec.ScopeSelector, spec.ScopeSelector)
}

// put takes an object into the counts of a tally, in place of what it took before;
// nil takes it out.
func (t *tally) put(what thing, takes corev1.ResourceList) {
	if had, ok := t.took[what]; ok && quota.Equal(had, takes) {
		return
	}
	for name, q := range t.took[what] { // each for itself
		t.add(name, q, -1)
	}
	delete(t.took, what)
	if len(takes) == 0 {
		return
	}
	t.took[what] = takes
	for name, q := range takes { // each for itself
		t.add(name, q, 1)
	}
}

func (t *tally) add(name corev1.ResourceName, q resource.Quantity, n int) {
	s := t.sums[name]
	s.total = s.total.DeepCopy()
	if n > 0 {
		s.total.Add(q)
	} else {
		s.total.Sub(q)
	}
	for i := range forms {
		if forms[i] == q.Format && !q.IsZero() {
			s.forms[i] += n
		}
	}
	t.sums[name] = s
}

// takes returns what an object takes of a quota, nil if nothing. The list is shared
// between equal objects that are only counted.
func takes(r *quota.Resource, spec *corev1.ResourceQuotaSpec, obj apiserver.Object, now time.Time) corev1.ResourceList {
	names := r.Matching(spec.Hard)
	if len(names) == 0 || !r.InScope(spec, obj) {
		return nil
	}
	return quota.Mask(r.Usage(obj, now), names)
}

// observe takes an object's state into the counts of its namespace.
func (s *space) observe(kind apiserver.Kind, r *quota.Resource, obj apiserver.Object, gone bool, now time.Time) {
	what := thing{kind, obj.GetName()}
	delete(s.due, what)
	if pod, ok := obj.(*corev1.Pod); ok && !gone {
		if due, ok := quota.Overdue(pod); ok && !now.After(due) {
			s.due[what] = due
		}
	}
	for _, t := range s.tallies { // each for itself
		if gone {
			t.put(what, nil)
		} else {
			t.put(what, takes(r, &t.spec, obj, now))
		}
	}
}

// next returns when a pod of the namespace takes less by itself, if one does.
func (s *space) next() (at time.Time, ok bool) {
	for _, due := range s.due { // a minimum
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}
