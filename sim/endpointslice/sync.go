package endpointslice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/state"
)

// memo is a sync under way: what is still to be written and what went wrong.
type memo struct {
	begun   bool
	service *corev1.Service
	// stages are one list of writes for each address type, and one of the
	// deletions of other types. A failure ends its stage, except the last.
	stages   [][]apiserver.Request
	obsolete int // the index of the last stage, or -1
	stage    int
	errs     []string
}

// Step is syncService: it decides everything at the start, and then sends the
// writes one by one.
func (c *Controller) Step(v controller.View, key apiserver.Key, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	first := !m.begun
	if first {
		m.begun = true
		if err := c.begin(v, key, &m); err != "" {
			c.fail(v, key, err)
			return controller.Plan{}, m
		}
		if m.service == nil {
			c.backoff.forget(key)
			return controller.Plan{}, m
		}
	} else {
		c.answer(key, &m, results[0][0])
	}
	for m.stage < len(m.stages) && len(m.stages[m.stage]) == 0 {
		m.stage++
	}
	if m.stage < len(m.stages) {
		req := m.stages[m.stage][0]
		req.Given = state.Sole(first) // a fork may share what waits in the memo
		return controller.Send(req), m
	}
	return c.end(v, key, &m), m
}

// begin reads the view and decides the writes. It leaves m.service nil if there
// is nothing to do for the key, and returns an error if the view is behind.
func (c *Controller) begin(v controller.View, key apiserver.Key, m *memo) string {
	r := c.rosters[key]
	if r == nil {
		return ""
	}
	if r.service == nil {
		r.known, r.full = false, true
		clear(r.synced)
		clear(r.counts)
		r.writes.reset()
		c.drop(key)
		return ""
	}
	if len(r.selector()) == 0 {
		return "" // its slices are somebody else's
	}
	if r.writes.isStale() {
		return "EndpointSlice informer cache is out of date"
	}
	m.service = r.service
	d := decision{roster: r, view: v, service: r.service, full: r.full || c.naive, limit: c.limit}
	d.decide()
	m.stages, m.obsolete, m.errs = d.stages, len(d.stages)-1, d.errs
	r.full = false
	return ""
}

// answer takes in the answer to the write that was sent last.
func (c *Controller) answer(key apiserver.Key, m *memo, res apiserver.Result) {
	stage := m.stages[m.stage]
	req := stage[0]
	m.stages = slices.Clone(m.stages) // a fork may share it
	m.stages[m.stage] = stage[1:]
	r := c.roster(key)
	if res.Err == nil {
		s, _ := res.Object.(*discoveryv1.EndpointSlice)
		if s == nil {
			return
		}
		if req.Verb == apiserver.Delete {
			r.writes.deleted(s, r.slices[s.Name])
		} else {
			r.writes.wrote(s, r.slices[s.Name])
		}
		return
	}
	r.full = true
	if m.stage != m.obsolete {
		m.stages[m.stage] = nil
	}
	if req.Verb == apiserver.Create && apierrors.HasStatusCause(res.Err, corev1.NamespaceTerminatingCause) {
		return // creates would go on failing: the item is dropped without an error
	}
	m.errs = append(slices.Clip(m.errs), m.describe(req, res.Err))
}

// describe words a failed write as upstream does.
func (m *memo) describe(req apiserver.Request, err error) string {
	service := m.service.Namespace + "/" + m.service.Name
	switch {
	case req.Verb == apiserver.Create:
		return fmt.Sprintf("failed to create EndpointSlice for Service %s: %v", service, err)
	case req.Verb == apiserver.Update:
		return fmt.Sprintf("failed to update %s EndpointSlice for Service %s: %v", req.Key.Name, service, err)
	case m.stage == m.obsolete:
		return fmt.Sprintf("error deleting %s EndpointSlice for Service %s: %v", req.Key.Name, service, err)
	}
	return fmt.Sprintf("failed to delete %s EndpointSlice for Service %s: %v", req.Key.Name, service, err)
}

// end finishes a sync: with an Event and a retry if anything went wrong.
func (c *Controller) end(v controller.View, key apiserver.Key, m *memo) controller.Plan {
	if len(m.errs) == 0 {
		c.backoff.forget(key)
		return controller.Plan{}
	}
	var errs []string
	for _, err := range m.errs { // each address type has its own, in the same words
		if !slices.Contains(errs, err) {
			errs = append(errs, err)
		}
	}
	err := errs[0]
	if len(errs) > 1 {
		err = "[" + strings.Join(errs, ", ") + "]"
	}
	c.fail(v, key, err)
	return controller.Plan{Notes: []controller.Note{{
		About:   m.service,
		Type:    corev1.EventTypeWarning,
		Reason:  "FailedToUpdateEndpointSlices",
		Message: fmt.Sprintf("Error updating Endpoint Slices for Service %s: %s", key, err),
	}}}
}

// fail sends a key back with the queue's backoff (handleErr).
func (c *Controller) fail(v controller.View, key apiserver.Key, err string) {
	if d, ok := c.backoff.next(v.Now(), key, err); ok {
		c.retries = append(c.retries, retry{key, d})
	}
}

// decision is the working state of one sync's decision.
type decision struct {
	*roster
	view    controller.View
	service *corev1.Service
	full    bool
	limit   int

	names  []string // the pods looked at, in the order of appending
	stages [][]apiserver.Request
	errs   []string
}

// decide computes the writes of a sync (Reconcile).
func (d *decision) decide() {
	d.gather()
	candidates, changed := d.classify()
	trigger := d.trigger(changed)

	d.stages = make([][]apiserver.Request, 0, len(d.types)+1)
	for _, typ := range d.types {
		f := familyDecision{decision: d, typ: typ, family: &d.family[indexOf(typ)]}
		f.reconcile(candidates)
		d.stages = append(d.stages, f.finalize(trigger))
	}
	var obsolete []apiserver.Request
	if d.full {
		for _, name := range slices.Sorted(maps.Keys(d.slices)) {
			if s := d.slices[name]; !slices.Contains(d.types, s.AddressType) {
				obsolete = append(obsolete, deletionOf(s))
			}
		}
	}
	d.stages = append(d.stages, obsolete)
}

// gather lists the pods to look at: those that changed, or all.
func (d *decision) gather() {
	looked := d.dirty
	if d.full {
		looked = maps.Clone(d.members)
		maps.Copy(looked, d.dirty)
		for name := range d.synced { // into a map
			looked[name] = struct{}{}
		}
	}
	d.names = make([]string, 0, len(looked))
	for name := range looked { // sorted below
		d.names = append(d.names, name)
	}
	slices.SortFunc(d.names, compareNames)
	clear(d.dirty)
}

// pod returns a pod that the Service selects, or nil.
func (d *decision) pod(name string) *corev1.Pod {
	if _, ok := d.members[name]; !ok {
		return nil
	}
	return d.view.Pod(apiserver.Key{Namespace: d.service.Namespace, Name: name})
}

// compareNames orders names with a number at their end by that number, if the
// rest is the same.
func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// candidate is a pod that should have an endpoint.
type candidate struct {
	pod   *corev1.Pod
	node  *corev1.Node
	ports portSet
}

// classify sorts the pods by their ports, keeps the counts, and leaves out those
// whose node is missing: for these the sync fails and is retried, unless
// addresses that are not ready are published anyway. It also returns when the
// first of them changed.
func (d *decision) classify() (list []candidate, changed time.Time) {
	named := isPortNamed(d.service)
	for _, name := range d.names {
		pod, old := d.pod(name), d.synced[name]
		state := podState{trigger: changeOf(pod)}
		changed = earlier(changed, state.trigger, old.trigger)
		if pod != nil && hasEndpoint(pod) {
			ports := d.ports
			if named {
				ports = portSetOf(pod, d.service)
			}
			state.ports, state.counted = ports.key, true
			node := d.view.Node(pod.Spec.NodeName)
			if node == nil && !d.service.Spec.PublishNotReadyAddresses {
				d.dirty[name] = struct{}{}
				for range d.types {
					d.errs = append(d.errs, fmt.Sprintf("skipping Pod %s for Service %s/%s: Node %s Not Found",
						pod.Name, d.service.Namespace, d.service.Name, pod.Spec.NodeName))
				}
			} else {
				list = append(list, candidate{pod, node, ports})
			}
		}
		d.settle(name, old, state, pod != nil)
	}
	return list, changed
}

// settle replaces what is remembered of a pod.
func (d *decision) settle(name string, old, state podState, exists bool) {
	if old.counted != state.counted || old.ports != state.ports {
		if old.counted {
			if d.counts[old.ports]--; d.counts[old.ports] == 0 {
				delete(d.counts, old.ports)
			}
		}
		if state.counted {
			d.counts[state.ports]++
		}
	}
	if exists {
		d.synced[name] = state
	} else {
		delete(d.synced, name)
	}
}
