package endpointslice

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
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
	ports  portSet
	slices []portion // owned by the Service
	wanted []want    // by the names of their pods, as compareNames orders them
}

// want is an endpoint that there should be; placed says that a slice has it.
type want struct {
	discoveryv1.Endpoint
	placed bool
}

// take finds the wanted state of an endpoint and marks it as placed. It returns
// nil if the endpoint is not wanted, or not twice.
func (g *group) take(ep *discoveryv1.Endpoint) *discoveryv1.Endpoint {
	i, found := slices.BinarySearchFunc(g.wanted, targetOf(ep), func(w want, name string) int {
		return compareNames(targetOf(&w.Endpoint), name)
	})
	if !found {
		return nil
	}
	w := &g.wanted[i]
	if w.placed || !isSameEndpoint(&w.Endpoint, ep) {
		return nil
	}
	w.placed = true
	return &w.Endpoint
}

// rest lists what no slice has.
func (g *group) rest() []discoveryv1.Endpoint {
	var list []discoveryv1.Endpoint
	for i := range g.wanted {
		if w := &g.wanted[i]; !w.placed {
			list = append(list, w.Endpoint)
		}
	}
	return list
}

func (f *familyDecision) reconcile(candidates []candidate) {
	groups := f.group(candidates)
	for i := range groups {
		g := &groups[i]
		if f.counts[g.ports.key] > 0 {
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

// group gathers slices and wanted endpoints by their ports, ascending. Slices of
// an earlier Service of this name are removed; only a full computation can meet
// them.
func (f *familyDecision) group(candidates []candidate) []group {
	groups := make([]group, 0, len(f.family.groups)+1)
	for _, shelf := range f.family.groups {
		list := shelf.slices
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
		groups = append(groups, group{ports: portSet{key: shelf.ports}, slices: list})
	}
	for _, c := range candidates {
		ep := newEndpoint(c.pod, c.node, f.service, f.typ)
		if len(ep.Addresses) == 0 {
			continue
		}
		i, found := slices.BinarySearchFunc(groups, c.ports.key, func(g group, key portKey) int {
			return cmp.Compare(g.ports.key, key)
		})
		if !found {
			groups = slices.Insert(groups, i, group{})
		}
		g := &groups[i]
		g.ports = c.ports
		g.wanted = append(g.wanted, want{Endpoint: ep})
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
	for _, v := range f.visits(g) {
		old := f.slices[v.slice]
		next := f.revise(old, v.targets, g)
		if next == nil {
			continue
		}
		taken[v.slice] = true
		if len(next.Endpoints) == 0 && len(old.Endpoints) > 0 {
			f.remove = append(f.remove, old)
		} else {
			updated = append(updated, next)
		}
	}
	rest := g.rest()
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
			s = newSlice(f.service, f.typ, g.ports.list)
			f.create = append(f.create, s)
		}
		rest = f.fill(s, rest)
	}
	f.update = append(f.update, updated...)
}

// visit is a slice to walk, and the targets of its endpoints that are looked at.
type visit struct {
	slice   string
	targets []*corev1.ObjectReference
}

// visits lists the slices of a group to walk, ascending: those that hold a pod
// that is looked at, or all of them.
func (f *familyDecision) visits(g *group) []visit {
	var list []visit
	if f.full {
		for _, p := range g.slices {
			list = append(list, visit{slice: p.name})
		}
		return list
	}
	for _, pod := range f.names {
		at, ok := f.family.placed[pod]
		if !ok {
			continue
		}
		if _, ok := slices.BinarySearchFunc(g.slices, at.slice, comparePortion); !ok {
			continue
		}
		i, found := slices.BinarySearchFunc(list, at.slice, func(v visit, name string) int { return cmp.Compare(v.slice, name) })
		if !found {
			list = slices.Insert(list, i, visit{slice: at.slice})
		}
		list[i].targets = append(list[i].targets, at.target)
	}
	return list
}

// revise returns the successor of a slice without what is not wanted and with
// the wanted state of the rest, or nil if nothing changes. What it finds is
// placed. Only the endpoints with one of the targets are looked at, in a full
// computation all: the others stay.
func (f *familyDecision) revise(old *discoveryv1.EndpointSlice, targets []*corev1.ObjectReference, g *group) *discoveryv1.EndpointSlice {
	type look struct {
		at   int                   // in the slice
		want *discoveryv1.Endpoint // nil: it goes
	}
	var looks []look
	changed := false
	for i := range old.Endpoints {
		ep := &old.Endpoints[i]
		if !f.full && !slices.Contains(targets, ep.TargetRef) {
			continue
		}
		want := g.take(ep)
		if f.full && want != nil { // another slice may have listed the pod, too
			f.family.placed[targetOf(ep)] = spot{old.Name, ep.TargetRef}
		}
		changed = changed || want == nil || !isEqual(ep, want)
		looks = append(looks, look{i, want})
	}
	if !changed && (!f.full || isLabelled(old, f.service)) {
		return nil
	}
	next := *old
	list := f.copied(old.Endpoints, 0)
	for _, l := range slices.Backward(looks) { // what goes moves those behind it
		if l.want != nil {
			list[l.at] = *l.want
		} else {
			list = slices.Delete(list, l.at, l.at+1)
		}
	}
	next.Endpoints = f.keep(old.Name, list)
	next.Labels = f.labels
	return &next
}

// fill gives a slice longer endpoints, up to its limit, and returns the rest.
func (f *familyDecision) fill(s *discoveryv1.EndpointSlice, rest []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	if n := min(max(f.limit-len(s.Endpoints), 0), len(rest)); n > 0 {
		s.Endpoints = f.extend(s, rest[:n])
		rest = rest[n:]
	}
	return rest
}

// extend returns the endpoints of a slice, which may be a stored one's, with more
// behind them: in place, if their array is the controller's own, its room is free
// and no hint will be written to what is stored; else in a copy.
func (f *familyDecision) extend(s *discoveryv1.EndpointSlice, more []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	list, n := f.room[s.Name], len(s.Endpoints)
	isFree := n > 0 && len(list) == n && &list[0] == &s.Endpoints[0] && cap(list) >= n+len(more)
	if !isFree || f.full || hintingOf(f.service) != (hinting{}) {
		list = f.copied(s.Endpoints, len(more))
	}
	return f.keep(s.Name, append(list, more...))
}

// copied returns a copy of endpoints, with room for n more and for some later ones.
func (f *familyDecision) copied(list []discoveryv1.Endpoint, n int) []discoveryv1.Endpoint {
	const later = 8
	need := len(list) + n
	return append(make([]discoveryv1.Endpoint, 0, max(need, min(need+later, f.limit))), list...)
}

// keep remembers the room behind the endpoints of a slice, and returns them
// without it.
func (r *roster) keep(slice string, list []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	if slice != "" { // else its name is to be generated
		if r.room == nil {
			r.room = map[string][]discoveryv1.Endpoint{}
		}
		r.room[slice] = list
	}
	return slices.Clip(list)
}

// roomFor returns a successor of the slice, of those that are not taken, that n
// more endpoints bring closest to its limit, or nil if they have to go into a new
// one (getSliceToFill). Of equals it takes the first by name.
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
		for _, shelf := range f.family.groups {
			for _, p := range shelf.slices {
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
