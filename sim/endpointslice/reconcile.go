package endpointslice

import (
	"cmp"
	"maps"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// MaxEndpoints is how many endpoints a slice holds at most
// (--max-endpoints-per-slice).
const MaxEndpoints = 100

// familyDecision decides about the slices of one address type
// (reconcileByAddressType).
type familyDecision struct {
	*decision
	typ    discoveryv1.AddressType
	family *family

	create []*discoveryv1.EndpointSlice
	update []*discoveryv1.EndpointSlice // copies, by name
	remove []*discoveryv1.EndpointSlice // as observed
	total  int                          // how many slices exist
}

// group is the slices with one set of ports, and the endpoints wanted in them.
type group struct {
	ports  portKey
	slices []portion // owned by the Service
	wanted []discoveryv1.Endpoint
	index  map[identity]int // into wanted; an endpoint that is placed is taken out
}

func (f *familyDecision) reconcile(candidates []candidate) {
	groups := f.group(candidates)
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		if f.counts[key] > 0 {
			f.reconcileGroup(g)
			continue
		}
		for _, p := range g.slices { // nobody has these ports any more
			f.remove = append(f.remove, f.slices[p.name])
		}
	}
	if f.total == len(f.remove) && len(f.create) == 0 {
		if len(f.remove) == 1 && isPlaceholder(f.remove[0], f.service, f.typ) {
			f.remove = nil
		} else {
			f.create = append(f.create, newSlice(f.service, f.typ, nil))
		}
	}
	f.hint()
}

// group gathers slices and wanted endpoints by their ports. Slices of an earlier
// Service of this name are removed; only a full computation can meet them.
func (f *familyDecision) group(candidates []candidate) map[portKey]*group {
	groups := map[portKey]*group{}
	at := func(key portKey) *group {
		g := groups[key]
		if g == nil {
			g = &group{ports: key, index: map[identity]int{}}
			groups[key] = g
		}
		return g
	}
	for _, key := range slices.Sorted(maps.Keys(f.family.groups)) {
		list := f.family.groups[key]
		f.total += len(list)
		if f.full {
			owned := make([]portion, 0, len(list))
			for _, p := range list {
				if s := f.slices[p.name]; isOwnedBy(s, f.service.UID) {
					owned = append(owned, p)
				} else {
					f.remove = append(f.remove, s)
				}
			}
			list = owned
		}
		at(key).slices = list
	}
	for _, c := range candidates {
		ep := newEndpoint(c.pod, c.node, f.service, f.typ)
		if len(ep.Addresses) == 0 {
			continue
		}
		g := at(c.ports)
		id := identityOf(&ep)
		g.index[id] = len(g.wanted)
		g.wanted = append(g.wanted, ep)
	}
	return groups
}

// reconcileGroup compares the slices of a group with the wanted endpoints
// (reconcileByPortMapping): first the slices that hold a changed pod, then
// whatever is left goes into changed slices, fullest first, into the unchanged
// one that comes closest to full, or into new ones.
func (f *familyDecision) reconcileGroup(g *group) {
	var updated []*discoveryv1.EndpointSlice
	taken := map[string]bool{} // written or removed: no room for the rest
	for _, name := range f.touched(g) {
		old := f.slices[name]
		next := f.revise(old, g)
		if next == nil {
			continue
		}
		taken[name] = true
		if len(next.Endpoints) == 0 && len(old.Endpoints) > 0 {
			f.remove = append(f.remove, old)
		} else {
			updated = append(updated, next)
		}
	}
	rest := make([]discoveryv1.Endpoint, 0, len(g.index))
	for _, i := range slices.Sorted(maps.Values(g.index)) {
		rest = append(rest, g.wanted[i])
	}
	fullest := slices.Clone(updated)
	slices.SortStableFunc(fullest, func(a, b *discoveryv1.EndpointSlice) int {
		return cmp.Compare(len(b.Endpoints), len(a.Endpoints))
	})
	for _, s := range fullest {
		rest = f.fill(s, rest)
	}
	for len(rest) > 0 {
		s := f.roomFor(len(rest), g.slices, taken)
		if s != nil {
			taken[s.Name] = true
			updated = append(updated, s)
		} else {
			s = newSlice(f.service, f.typ, f.ports[g.ports])
			f.create = append(f.create, s)
		}
		rest = f.fill(s, rest)
	}
	f.update = append(f.update, updated...)
}

// touched names the slices of a group to walk, ascending: those that hold a pod
// that was looked at, or all of them.
func (f *familyDecision) touched(g *group) []string {
	var names []string
	if f.full {
		for _, p := range g.slices {
			names = append(names, p.name)
		}
		return names
	}
	for _, pod := range f.names {
		name, ok := f.family.placed[pod]
		if !ok {
			continue
		}
		if _, ok := slices.BinarySearchFunc(g.slices, name, comparePortion); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// revise returns the successor of a slice without what is not wanted and with
// the wanted state of the rest, or nil if nothing changes. What it finds is
// taken out of the group's index. The pods that were not looked at keep their
// endpoints.
func (f *familyDecision) revise(old *discoveryv1.EndpointSlice, g *group) *discoveryv1.EndpointSlice {
	kept := make([]discoveryv1.Endpoint, 0, len(old.Endpoints)+1)
	changed := false
	for i := range old.Endpoints {
		ep := &old.Endpoints[i]
		if !f.full && !f.isLookedAt(targetOf(ep)) {
			kept = append(kept, *ep)
			continue
		}
		id := identityOf(ep)
		j, ok := g.index[id]
		if !ok {
			changed = true
			continue
		}
		delete(g.index, id)
		changed = changed || !isEqual(ep, &g.wanted[j])
		kept = append(kept, g.wanted[j])
	}
	if !changed && (!f.full || isLabelled(old, f.service)) {
		return nil
	}
	next := *old
	next.Endpoints = kept
	next.Labels = labelsOf(f.service)
	return &next
}

func (d *decision) isLookedAt(pod string) bool {
	_, found := slices.BinarySearchFunc(d.names, pod, compareNames)
	return found
}

// fill appends endpoints to a slice up to its limit and returns the rest.
func (d *decision) fill(s *discoveryv1.EndpointSlice, rest []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	n := min(max(d.limit-len(s.Endpoints), 0), len(rest))
	s.Endpoints = append(s.Endpoints, rest[:n]...)
	return rest[n:]
}

// roomFor returns a copy of the slice, of those that are not taken, that n more
// endpoints bring closest to its limit, or nil if they have to go into a new one
// (getSliceToFill). Of equals it takes the first by name.
func (f *familyDecision) roomFor(n int, list []portion, taken map[string]bool) *discoveryv1.EndpointSlice {
	if n >= f.limit {
		return nil
	}
	best, name := -1, ""
	for _, p := range list {
		if p.len+n <= f.limit && p.len > best && !taken[p.name] {
			best, name = p.len, p.name
		}
	}
	if name == "" {
		return nil
	}
	next := *f.slices[name]
	next.Endpoints = slices.Clip(slices.Clone(next.Endpoints))
	return &next
}

// hint sets the hints of what is written and, in a full computation, rewrites
// the slices whose hints are wrong.
func (f *familyDecision) hint() {
	h := hintingOf(f.service)
	if f.full {
		busy := map[string]bool{}
		for _, s := range append(slices.Clone(f.update), f.remove...) {
			busy[s.Name] = true
		}
		for _, key := range slices.Sorted(maps.Keys(f.family.groups)) {
			for _, p := range f.family.groups[key] {
				if s := f.slices[p.name]; !busy[p.name] && h.isStale(s) {
					next := *s
					next.Endpoints = slices.Clone(s.Endpoints)
					f.update = append(f.update, &next)
				}
			}
		}
	}
	for _, s := range f.create {
		h.apply(s)
	}
	for _, s := range f.update {
		h.apply(s)
	}
}

// finalize turns the decision into writes: creations, updates, deletions. A
// slice to create takes the place of one to delete, if it can.
func (f *familyDecision) finalize(trigger time.Time) []apiserver.Request {
	slices.SortFunc(f.update, func(a, b *discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	var remove []*discoveryv1.EndpointSlice
	for _, s := range f.remove {
		last := len(f.create) - 1
		if last < 0 || !isOwnedBy(s, f.service.UID) {
			remove = append(remove, s)
			continue
		}
		f.create[last].Name = s.Name
		f.update = append(f.update, f.create[last])
		f.create = f.create[:last]
	}
	var reqs []apiserver.Request
	if f.service.DeletionTimestamp == nil {
		for _, s := range f.create {
			reqs = append(reqs, write(apiserver.Create, s, trigger))
		}
	}
	for _, s := range f.update {
		reqs = append(reqs, write(apiserver.Update, s, trigger))
	}
	for _, s := range remove {
		reqs = append(reqs, deletionOf(s))
	}
	return reqs
}

func write(verb apiserver.Verb, s *discoveryv1.EndpointSlice, trigger time.Time) apiserver.Request {
	stampTrigger(s, trigger)
	return apiserver.Request{Verb: verb, Kind: apiserver.EndpointSlice, Key: apiserver.KeyOf(s), Object: s}
}

func deletionOf(s *discoveryv1.EndpointSlice) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.EndpointSlice, Key: apiserver.KeyOf(s)}
}
