package endpointslice

import (
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// roster is what the controller keeps of one Service: whom it selects, what
// changed since the last sync, and its slices as observed.
type roster struct {
	service *corev1.Service     // as observed; nil if there is none
	members map[string]struct{} // names of the pods that the selector matches

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
	placed map[string]string     // pod → slice with its endpoint
	groups map[portKey][]portion // by ports, names ascending
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
		r.family[i] = family{placed: map[string]string{}, groups: map[portKey][]portion{}}
	}
	return r
}

func (r *roster) fork() *roster {
	f := *r
	f.members, f.dirty = maps.Clone(r.members), maps.Clone(r.dirty)
	f.synced, f.counts = maps.Clone(r.synced), maps.Clone(r.counts)
	f.slices = maps.Clone(r.slices)
	f.writes = r.writes.fork()
	for i := range f.family {
		f.family[i].placed = maps.Clone(r.family[i].placed)
		f.family[i].groups = maps.Clone(r.family[i].groups) // the lists are replaced, never changed
	}
	return &f
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
	if old != nil {
		f.regroup(portKeyOf(old.Ports), name, -1)
	}
	if next != nil {
		f.regroup(portKeyOf(next.Ports), name, len(next.Endpoints))
	}
	gone, come := changed(endpointsOf(old), endpointsOf(next))
	for i := range gone {
		if pod := targetOf(&gone[i]); f.placed[pod] == name {
			delete(f.placed, pod)
		}
	}
	for i := range come {
		f.placed[targetOf(&come[i])] = name
	}
}

func endpointsOf(s *discoveryv1.EndpointSlice) []discoveryv1.Endpoint {
	if s == nil {
		return nil
	}
	return s.Endpoints
}

// changed cuts what two lists of endpoints have in common off both ends, by the
// pods behind them.
func changed(a, b []discoveryv1.Endpoint) (gone, come []discoveryv1.Endpoint) {
	for len(a) > 0 && len(b) > 0 && targetOf(&a[0]) == targetOf(&b[0]) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && targetOf(&a[len(a)-1]) == targetOf(&b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

// regroup puts a slice of n endpoints into a group, or takes it out if n < 0.
func (f *family) regroup(key portKey, name string, n int) {
	list := f.groups[key]
	i, found := slices.BinarySearchFunc(list, name, comparePortion)
	switch {
	case n < 0 && !found:
		return
	case n < 0:
		list = append(slices.Clone(list[:i]), list[i+1:]...)
	case found:
		list = slices.Clone(list)
		list[i].len = n
	default:
		list = slices.Insert(slices.Clone(list), i, portion{name, n})
	}
	if len(list) == 0 {
		delete(f.groups, key)
	} else {
		f.groups[key] = list
	}
}

// trigger remembers what a sync saw of the changed pods and of the Service, and
// returns the time that its writes are stamped with: when the Service was
// created in the first sync, later the earliest change since the last one
// (TriggerTimeTracker).
func (r *roster) trigger(names []string, pods map[string]*corev1.Pod) time.Time {
	var earliest time.Time
	note := func(t, last time.Time) {
		if t.After(last) && (earliest.IsZero() || t.Before(earliest)) {
			earliest = t
		}
	}
	for _, name := range names {
		state := r.synced[name]
		last := state.trigger
		state.trigger = time.Time{}
		if pod := pods[name]; pod != nil {
			if c := readyCondition(pod); c != nil {
				state.trigger = c.LastTransitionTime.Time
			}
		}
		note(state.trigger, last)
		r.synced[name] = state
	}
	created := r.service.CreationTimestamp.Time
	note(created, r.lastTrigger)
	r.lastTrigger = created
	if !r.known {
		r.known = true
		return created
	}
	return earliest
}
