package scheduler

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/state"
)

// groups knows which Services and StatefulSets a pod belongs to, for the
// system's default spread (C2).
type groups struct {
	services  map[apiserver.Key]*service
	byLabel   map[label][]*service `state:"incidental" why:"an index"` // by the first label that they select, in the order of their names
	sets      map[apiserver.Key]*appsv1.StatefulSet
	selectors map[group]plugin.Selection   `state:"incidental" why:"computed from Services and sets"`
	last      map[apiserver.Key]remembered `state:"incidental" why:"computed from Services and sets"` // by set: what its pod before belonged to
	found     []*service                   `state:"scratch"`                                          // memory of servicesOf
}

// service is a Service with its selector parsed. It is immutable.
type service struct {
	_ state.Immutable
	*corev1.Service
	selector labels.Selector
}

// remembered is what selectorOf found for a pod: pods of one set mostly belong
// to the same Services.
type remembered struct {
	set        types.UID
	generation int64
	services   []*service
	selection  plugin.Selection
}

type label struct{ namespace, key, value string }

// group names a combination of Services and a set that has a selector.
type group struct {
	services   string // "name/version," each
	set        types.UID
	generation int64
	namespace  string
}

// maxSelectors bounds the selectors that are remembered.
const maxSelectors = 1024

func newGroups() groups {
	return groups{
		services: map[apiserver.Key]*service{}, byLabel: map[label][]*service{},
		sets: map[apiserver.Key]*appsv1.StatefulSet{}, selectors: map[group]plugin.Selection{}, last: map[apiserver.Key]remembered{},
	}
}

// labelOf returns the label under which a service is found: the first of its
// selector; ok is false without a selector.
func labelOf(s *corev1.Service) (l label, ok bool) {
	if len(s.Spec.Selector) == 0 {
		return label{}, false
	}
	key := slices.Sorted(maps.Keys(s.Spec.Selector))[0]
	return label{s.Namespace, key, s.Spec.Selector[key]}, true
}

func (g *groups) setService(key apiserver.Key, s *corev1.Service) {
	if old := g.services[key]; old != nil {
		if l, ok := labelOf(old.Service); ok {
			g.byLabel[l] = slices.DeleteFunc(g.byLabel[l], func(o *service) bool { return o == old })
			if len(g.byLabel[l]) == 0 {
				delete(g.byLabel, l)
			}
		}
		delete(g.services, key)
	}
	if s == nil {
		return
	}
	parsed := &service{Service: s, selector: labels.Set(s.Spec.Selector).AsSelectorPreValidated()}
	g.services[key] = parsed
	if l, ok := labelOf(s); ok {
		i, _ := slices.BinarySearchFunc(g.byLabel[l], s.Name, func(o *service, name string) int { return strings.Compare(o.Name, name) })
		g.byLabel[l] = slices.Insert(g.byLabel[l], i, parsed)
	}
}

func (g *groups) setSet(key apiserver.Key, set *appsv1.StatefulSet) {
	if set == nil {
		delete(g.sets, key)
		delete(g.last, key)
		return
	}
	g.sets[key] = set
}

// servicesOf returns the services that select a pod, by name, in memory that
// the next call uses again. A service without a selector selects none; with an
// empty one it is not found by a label, and its selector would add nothing.
func (g *groups) servicesOf(pod *corev1.Pod) []*service {
	found := g.found[:0]
	for key, value := range pod.Labels { // sorted below
		for _, s := range g.byLabel[label{pod.Namespace, key, value}] {
			if s.selector.Matches(labels.Set(pod.Labels)) {
				found = append(found, s)
			}
		}
	}
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b *service) int { return strings.Compare(a.Name, b.Name) })
	}
	g.found = found
	return found
}

// setOf returns the StatefulSet that controls a pod, or nil.
func (g *groups) setOf(pod *corev1.Pod) (apiserver.Key, *appsv1.StatefulSet) {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil || owner.Kind != "StatefulSet" || owner.APIVersion != "apps/v1" {
		return apiserver.Key{}, nil
	}
	key := apiserver.Key{Namespace: pod.Namespace, Name: owner.Name}
	return key, g.sets[key]
}

// selectorOf returns what the Services and the StatefulSet of a pod select, all
// together (C2, DefaultSelector); the zero Selection if it belongs to none.
//
// Deviation: ReplicaSets and ReplicationControllers are not looked at.
func (g *groups) selectorOf(pod *corev1.Pod) plugin.Selection {
	key, set := g.setOf(pod)
	services := g.servicesOf(pod)
	if set == nil {
		if len(services) == 0 {
			return plugin.Selection{}
		}
		return g.selection(pod.Namespace, nil, services)
	}
	if r, ok := g.last[key]; ok && r.set == set.UID && r.generation == set.Generation && slices.Equal(r.services, services) {
		return r.selection
	}
	r := remembered{set.UID, set.Generation, slices.Clone(services), g.selection(pod.Namespace, set, services)}
	g.last[key] = r
	return r.selection
}

// selection merges the selectors of services and a set, which may be nil.
func (g *groups) selection(namespace string, set *appsv1.StatefulSet, services []*service) plugin.Selection {
	id := group{namespace: namespace}
	if set != nil {
		id.set, id.generation = set.UID, set.Generation
	}
	merged := labels.Set{}
	for _, svc := range services {
		id.services += svc.Name + "/" + svc.ResourceVersion + ","
		merged = labels.Merge(merged, svc.Spec.Selector)
	}
	if known, ok := g.selectors[id]; ok {
		return known
	}
	selector := merged.AsSelector()
	if set != nil {
		if other, err := metav1.LabelSelectorAsSelector(set.Spec.Selector); err == nil {
			if reqs, ok := other.Requirements(); ok {
				selector = selector.Add(reqs...)
			}
		}
	}
	if len(g.selectors) >= maxSelectors {
		clear(g.selectors)
	}
	s := plugin.Select(selector)
	g.selectors[id] = s
	return s
}
