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

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// groups knows which Services and StatefulSets a pod belongs to, for the
// system's default spread (C2).
type groups struct {
	services  map[apiserver.Key]*corev1.Service
	byLabel   map[label][]apiserver.Key // services by the first label that they select, sorted
	sets      map[apiserver.Key]*appsv1.StatefulSet
	selectors map[group]labels.Selector
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
		services: map[apiserver.Key]*corev1.Service{}, byLabel: map[label][]apiserver.Key{},
		sets: map[apiserver.Key]*appsv1.StatefulSet{}, selectors: map[group]labels.Selector{},
	}
}

func (g *groups) fork() groups {
	f := groups{maps.Clone(g.services), make(map[label][]apiserver.Key, len(g.byLabel)), maps.Clone(g.sets), maps.Clone(g.selectors)}
	for l, keys := range g.byLabel { // a map from a map
		f.byLabel[l] = slices.Clone(keys)
	}
	return f
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
		if l, ok := labelOf(old); ok {
			g.byLabel[l] = slices.DeleteFunc(g.byLabel[l], func(k apiserver.Key) bool { return k == key })
			if len(g.byLabel[l]) == 0 {
				delete(g.byLabel, l)
			}
		}
		delete(g.services, key)
	}
	if s == nil {
		return
	}
	g.services[key] = s
	if l, ok := labelOf(s); ok {
		i, _ := slices.BinarySearchFunc(g.byLabel[l], key, apiserver.Key.Compare)
		g.byLabel[l] = slices.Insert(g.byLabel[l], i, key)
	}
}

func (g *groups) setSet(key apiserver.Key, set *appsv1.StatefulSet) {
	if set == nil {
		delete(g.sets, key)
		return
	}
	g.sets[key] = set
}

// servicesOf returns the services that select a pod, by name. A service without
// a selector selects none; with an empty one it is not found by a label, and
// its selector would add nothing.
func (g *groups) servicesOf(pod *corev1.Pod) []*corev1.Service {
	var found []*corev1.Service
	for key, value := range pod.Labels { // sorted below
		for _, k := range g.byLabel[label{pod.Namespace, key, value}] {
			s := g.services[k]
			if labels.Set(s.Spec.Selector).AsSelectorPreValidated().Matches(labels.Set(pod.Labels)) {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b *corev1.Service) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// selectorOf returns what the Services and the StatefulSet of a pod select, all
// together (C2, DefaultSelector); nil if it belongs to none.
//
// Deviation: ReplicaSets and ReplicationControllers are not looked at.
func (g *groups) selectorOf(pod *corev1.Pod) labels.Selector {
	id := group{namespace: pod.Namespace}
	var set *appsv1.StatefulSet
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind == "StatefulSet" && owner.APIVersion == "apps/v1" {
		if set = g.sets[apiserver.Key{Namespace: pod.Namespace, Name: owner.Name}]; set != nil {
			id.set, id.generation = set.UID, set.Generation
		}
	}
	services := g.servicesOf(pod)
	for _, svc := range services {
		id.services += svc.Name + "/" + svc.ResourceVersion + ","
	}
	if set == nil && len(services) == 0 {
		return nil
	}
	if known, ok := g.selectors[id]; ok {
		return known
	}
	merged := labels.Set{}
	for _, svc := range services {
		merged = labels.Merge(merged, svc.Spec.Selector)
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
	g.selectors[id] = selector
	return selector
}
