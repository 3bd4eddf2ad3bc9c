package endpointslice

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Controller is the EndpointSlice controller. Use New.
type Controller struct {
	queue   controller.Workers[apiserver.Key, memo]
	rosters map[apiserver.Key]*roster
	anchors map[string]map[anchor][]apiserver.Key // Services by one pair of their selector, first by its key; ascending
	onNode  map[string]map[apiserver.Key]struct{} // node → its pods with an endpoint
	backoff backoff
	retries []retry // decided, and not yet handed to the queue
	limit   int     // endpoints in a slice
	naive   bool    // compute every Service's endpoints anew in every sync
}

// anchor is the value of a label in a namespace. A Service is found by the first
// pair of its selector, so that a pod asks only for the Services that its labels
// name.
type anchor struct{ namespace, value string }

// retry is a key that goes back to the queue after a span.
type retry struct {
	key   apiserver.Key
	after time.Duration
}

const (
	queueID = 1
	workers = 5 // --concurrent-service-endpoint-syncs

	// sliceDelay is how long a sync waits that follows a foreign write to a
	// slice (endpointSliceChangeMinSyncDelay).
	sliceDelay = time.Second
)

// WalkAll has every sync compute all endpoints of its Service anew. It decides
// the same, at a cost that grows with the Service: the oracle of what is kept
// from sync to sync.
func (c *Controller) WalkAll() { c.naive = true }

// New returns a controller that has seen nothing yet.
func New() *Controller { return Limited(MaxEndpoints) }

// Limited is New with another limit of endpoints in a slice
// (--max-endpoints-per-slice), at least 1.
func Limited(endpoints int) *Controller {
	return &Controller{
		queue:   controller.Workers[apiserver.Key, memo]{ID: queueID, Count: workers},
		rosters: map[apiserver.Key]*roster{},
		anchors: map[string]map[anchor][]apiserver.Key{},
		onNode:  map[string]map[apiserver.Key]struct{}{},
		backoff: backoff{failures: map[apiserver.Key]failure{}},
		limit:   endpoints,
	}
}

// Name returns the component's name.
func (c *Controller) Name() string { return "endpointslice-controller" }

// Watches lists the watched kinds. Services come last: when a controller starts
// on a cluster that exists, the first sync then knows the rest.
func (c *Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.EndpointSlice, apiserver.Node, apiserver.Pod, apiserver.Service}
}

// Observe takes in a watch record and queues the Services that it concerns.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch rec.Kind {
	case apiserver.Service:
		c.observeService(env, rec)
	case apiserver.Pod:
		c.observePod(env, rec)
	case apiserver.EndpointSlice:
		c.observeSlice(env, rec)
	case apiserver.Node:
		c.observeNode(env, rec)
	}
}

// Respond hands an answer to the sync that waits for it.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.queue.Respond(env, c, token, res)
	c.flush(env)
}

// Wake lets the workers go on.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	c.queue.Wake(env, c, arg)
	c.flush(env)
}

// Waiting lists the Services whose last sync failed.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, key := range slices.SortedFunc(maps.Keys(c.backoff.failures), apiserver.Key.Compare) {
		ws = append(ws, controller.Wait{Kind: apiserver.Service, Key: key, Reason: c.backoff.failures[key].err})
	}
	return ws
}

// flush queues the failed keys of the syncs that just ended.
func (c *Controller) flush(env *controller.Env) {
	for _, r := range c.retries {
		c.queue.AddAfter(env, r.key, r.after, engine.Retry)
	}
	c.retries = c.retries[:0]
}

// roster returns what is kept of a Service, making it if need be.
func (c *Controller) roster(key apiserver.Key) *roster {
	r := c.rosters[key]
	if r == nil {
		r = newRoster()
		c.rosters[key] = r
	}
	return r
}

// drop forgets a Service of which nothing is left.
func (c *Controller) drop(key apiserver.Key) {
	if r := c.rosters[key]; r != nil && r.isEmpty() {
		delete(c.rosters, key)
	}
}

// observeService takes in a change of a Service, after which all of its
// endpoints are computed anew.
func (c *Controller) observeService(env *controller.Env, rec *apiserver.Record) {
	r := c.roster(rec.Key)
	before := r.selector()
	r.service, _ = rec.Object.(*corev1.Service)
	if rec.Type == watch.Deleted {
		r.service = nil
	}
	r.full = true
	if r.service != nil {
		r.types, r.labels = families(r.service), labelsOf(r.service)
		if !isPortNamed(r.service) {
			r.ports = portSetOf(nil, r.service)
		}
	}
	after := r.selector()
	if !maps.Equal(before, after) {
		c.anchor(rec.Key, before, false)
		c.anchor(rec.Key, after, true)
		clear(r.members)
		if len(after) > 0 {
			for _, pod := range env.List(apiserver.Pod, rec.Key.Namespace) {
				if matches(after, pod.GetLabels()) {
					r.members[pod.GetName()] = struct{}{}
				}
			}
		}
	}
	c.queue.Add(env, rec.Key)
}

// anchor files a Service under the first pair of its selector, or takes it out.
func (c *Controller) anchor(key apiserver.Key, selector map[string]string, in bool) {
	if len(selector) == 0 {
		return
	}
	first := slices.Sorted(maps.Keys(selector))[0]
	values, a := c.anchors[first], anchor{key.Namespace, selector[first]}
	if values == nil && in {
		values = map[anchor][]apiserver.Key{}
		c.anchors[first] = values
	}
	list := values[a]
	i, found := slices.BinarySearchFunc(list, key, apiserver.Key.Compare)
	switch {
	case in && !found:
		values[a] = slices.Insert(slices.Clone(list), i, key)
	case !in && found && len(list) > 1:
		values[a] = append(slices.Clone(list[:i]), list[i+1:]...)
	case !in && found:
		if delete(values, a); len(values) == 0 {
			delete(c.anchors, first)
		}
	}
}

// selecting lists the Services that select labels in a namespace, ascending.
func (c *Controller) selecting(namespace string, labels map[string]string) []apiserver.Key {
	var keys []apiserver.Key
	for k, v := range labels { // sorted below
		values := c.anchors[k]
		if values == nil { // most labels are in no selector
			continue
		}
		for _, key := range values[anchor{namespace, v}] {
			if matches(c.rosters[key].selector(), labels) {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) > 1 {
		slices.SortFunc(keys, apiserver.Key.Compare)
	}
	return keys
}

// observeSlice takes in a change of a slice. Whatever the controller did not
// write itself makes it look at everything again.
func (c *Controller) observeSlice(env *controller.Env, rec *apiserver.Record) {
	now := rec.Object.(*discoveryv1.EndpointSlice)
	was, _ := rec.Old.(*discoveryv1.EndpointSlice)
	if rec.Type == watch.Deleted {
		c.sliceGone(env, now)
		return
	}
	key, ok := serviceOf(now)
	if was != nil {
		if before, had := serviceOf(was); before != key {
			if ok {
				c.show(key, now)
				c.queueLater(env, key)
			}
			if had {
				c.unsee(before, rec.Key.Name, false)
				c.queueLater(env, before)
			}
			return
		}
	}
	if !ok {
		return
	}
	c.show(key, now)
	r := c.rosters[key]
	if was != nil && isManaged(was) != isManaged(now) || isManaged(now) && (r == nil || r.writes.isNewer(now)) {
		c.queueLater(env, key)
	}
}

// show takes in a slice as observed, which may be somebody else's or going.
func (c *Controller) show(key apiserver.Key, s *discoveryv1.EndpointSlice) {
	if isManaged(s) && s.DeletionTimestamp == nil {
		c.see(key, s)
	} else {
		c.unsee(key, s.Name, false)
	}
}

// see brings the roster of a Service up to date about a slice.
func (c *Controller) see(key apiserver.Key, s *discoveryv1.EndpointSlice) {
	r := c.roster(key)
	if old := r.slices[s.Name]; old != nil && old.UID != s.UID {
		c.unsee(key, s.Name, false)
		r = c.roster(key)
	}
	r.full = r.full || !r.writes.isOwn(s)
	r.setSlice(s.Name, s)
	r.writes.compare(s.UID, s)
}

// unsee takes a slice out of the roster of a Service: it is gone or going, or
// somebody else's now. Unless that was expected, everything is looked at again.
func (c *Controller) unsee(key apiserver.Key, name string, expected bool) {
	r := c.rosters[key]
	if r == nil || r.slices[name] == nil {
		return
	}
	old := r.slices[name]
	r.full = r.full || !expected
	r.setSlice(name, nil)
	r.writes.compare(old.UID, nil)
	c.drop(key)
}

func (c *Controller) sliceGone(env *controller.Env, s *discoveryv1.EndpointSlice) {
	key, ok := serviceOf(s)
	if !ok {
		return
	}
	expected := false
	if r := c.rosters[key]; r != nil {
		expected = r.writes.generations[s.UID] == deletion
		if isManaged(s) && r.writes.gone(s.UID) {
			c.queueLater(env, key)
		}
	}
	c.unsee(key, s.Name, expected)
}

// queueLater queues the Service of a slice that somebody else wrote.
func (c *Controller) queueLater(env *controller.Env, key apiserver.Key) {
	c.queue.AddAfter(env, key, sliceDelay, engine.Progress)
}

// observeNode marks the pods of a node whose zone or existence changed. It
// triggers no sync: what changed is seen by the next one.
func (c *Controller) observeNode(env *controller.Env, rec *apiserver.Record) {
	if old, ok := rec.Old.(*corev1.Node); ok && rec.Type == watch.Modified &&
		old.Labels[corev1.LabelTopologyZone] == rec.Object.GetLabels()[corev1.LabelTopologyZone] {
		return
	}
	for key := range c.onNode[rec.Key.Name] { // sets marks
		pod := env.Pod(key)
		if pod == nil {
			continue
		}
		for _, service := range c.selecting(key.Namespace, pod.Labels) {
			c.rosters[service].dirty[key.Name] = struct{}{}
		}
	}
}
