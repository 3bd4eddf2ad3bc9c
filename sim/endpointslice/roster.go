package endpointslice

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver/endpoint"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// roster is what the controller keeps of one Service: whom it selects, what
// changed since the last sync, and its slices as observed.
type roster struct {
	service *corev1.Service     // as observed; nil if there is none
	members map[string]struct{} // names of the pods that the selector matches

	// What follows from the Service: the address types and labels of its slices,
	// and the ports of its endpoints, unless they differ from pod to pod.
	types  []discoveryv1.AddressType `state:"immutable"`
	labels map[string]string         `state:"immutable"`
	ports  portSet

	// dirty are the pods that changed since the last sync; full says that
	// everything has to be computed anew.
	dirty map[string]struct{}
	full  bool

	// synced is what the last sync made of each pod, and counts how many pods
	// with an endpoint have each set of ports.
	synced map[string]podState
	counts map[portKey]int

	slices map[string]*discoveryv1.EndpointSlice // managed and not being deleted
	family [2]family                             // IPv4, IPv6
	writes tracker

	// room holds, by slice, the endpoints that were written last, in an array with
	// room for more. Nobody else sees that room, and a fork goes without: two must
	// not append to one array.
	room map[string][]discoveryv1.Endpoint `state:"scratch"`

	known       bool // some sync saw the Service
	lastTrigger time.Time
}

// podState is a pod as the last sync saw it.
type podState struct {
	trigger time.Time // when Ready last changed; zero if never
	ports   portKey
	counted bool // it has an endpoint, if its addresses and node allow
}

// family indexes the slices of one address type.
type family struct {
	placed map[string]spot // by pod
	groups []shelf         `state:"immutable"` // by ports, ascending; replaced, never changed
}

// spot is where the endpoint of a pod is: a slice, and in it the endpoint with
// this very target.
type spot struct {
	slice  string
	target *corev1.ObjectReference
}

// shelf is the slices with one set of ports, names ascending.
type shelf struct {
	ports  portKey
	slices []portion
}

// portion is a slice in a group.
type portion struct {
	name string
	len  int
}

func comparePortion(p portion, name string) int { return strings.Compare(p.name, name) }

func newRoster() *roster {
	r := &roster{
		members: map[string]struct{}{}, dirty: map[string]struct{}{}, full: true,
		synced: map[string]podState{}, counts: map[portKey]int{},
		slices: map[string]*discoveryv1.EndpointSlice{}, writes: newTracker(),
	}
	for i := range r.family {
		r.family[i] = family{placed: map[string]spot{}}
	}
	return r
}

// isEmpty reports whether nothing is left to remember.
func (r *roster) isEmpty() bool { return r.service == nil && len(r.slices) == 0 }

// selector returns what the Service selects by, or nil if it gets no slices:
// without a selector they are somebody else's, and an ExternalName has none.
func (r *roster) selector() map[string]string {
	if r.service == nil || r.service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	return r.service.Spec.Selector
}

// matches reports whether a selector selects labels. An empty one selects
// nothing.
func matches(selector, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	for k, v := range selector { // a conjunction: order does not matter
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// indexOf numbers the address types that have a family, or returns -1.
func indexOf(typ discoveryv1.AddressType) int {
	switch typ {
	case discoveryv1.AddressTypeIPv4:
		return 0
	case discoveryv1.AddressTypeIPv6:
		return 1
	}
	return -1
}

// setSlice takes in a slice as observed; next is nil if it is gone or going. The
// cost is that of the endpoints that moved.
func (r *roster) setSlice(name string, next *discoveryv1.EndpointSlice) {
	old := r.slices[name]
	if next == nil {
		delete(r.slices, name)
		delete(r.room, name)
	} else {
		r.slices[name] = next
	}
	if old != nil && (next == nil || next.AddressType != old.AddressType) {
		r.move(old.AddressType, name, old, nil)
		old = nil
	}
	if next != nil {
		r.move(next.AddressType, name, old, next)
	}
}

func (r *roster) move(typ discoveryv1.AddressType, name string, old, next *discoveryv1.EndpointSlice) {
	i := indexOf(typ)
	if i < 0 {
		return
	}
	f := &r.family[i]
	isSame := old != nil && next != nil && shared.List(old.Ports, next.Ports)
	if old != nil && !isSame {
		f.regroup(portKeyOf(old.Ports), name, -1)
	}
	if next != nil && (!isSame || len(old.Endpoints) != len(next.Endpoints)) {
		f.regroup(portKeyOf(next.Ports), name, len(next.Endpoints))
	}
	before, after := endpointsOf(old), endpointsOf(next)
	gone, come := endpoint.Changed(before, after)
	for _, i := range gone {
		if pod := targetOf(&before[i]); f.placed[pod].slice == name {
			delete(f.placed, pod)
		}
	}
	for _, i := range come {
		f.placed[targetOf(&after[i])] = spot{name, after[i].TargetRef}
	}
}

func endpointsOf(s *discoveryv1.EndpointSlice) []discoveryv1.Endpoint {
	if s == nil {
		return nil
	}
	return s.Endpoints
}

// regroup puts a slice of n endpoints onto the shelf of its ports, or takes it off
// if n < 0.
func (f *family) regroup(key portKey, name string, n int) {
	groups := slices.Clone(f.groups)
	i, found := slices.BinarySearchFunc(groups, key, func(s shelf, key portKey) int { return cmp.Compare(s.ports, key) })
	if !found {
		groups = slices.Insert(groups, i, shelf{ports: key})
	}
	list := slices.Clone(groups[i].slices)
	j, found := slices.BinarySearchFunc(list, name, comparePortion)
	switch {
	case n < 0 && found:
		list = slices.Delete(list, j, j+1)
	case found:
		list[j].len = n
	case n >= 0:
		list = slices.Insert(list, j, portion{name, n})
	}
	if groups[i].slices = list; len(list) == 0 {
		groups = slices.Delete(groups, i, i+1)
	}
	f.groups = groups
}

// earlier returns the earlier of two moments, of which one counts only if it is
// after the last of its kind; zero is none.
func earlier(earliest, t, last time.Time) time.Time {
	if t.After(last) && (earliest.IsZero() || t.Before(earliest)) {
		return t
	}
	return earliest
}

// changeOf is when a pod's Ready condition last changed; zero if never.
func changeOf(pod *corev1.Pod) time.Time {
	if pod != nil {
		if c := readyCondition(pod); c != nil {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// trigger returns the time that the writes of a sync are stamped with: when the
// Service was created in the first sync, later the earliest change since the last
// one, of the Service or of the pods, whose earliest it is told
// (TriggerTimeTracker).
func (r *roster) trigger(pods time.Time) time.Time {
	created := r.service.CreationTimestamp.Time
	earliest := earlier(pods, created, r.lastTrigger)
	r.lastTrigger = created
	if !r.known {
		r.known = true
		return created
	}
	return earliest
}
