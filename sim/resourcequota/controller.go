package resourcequota

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// What tells apart the controller's wake-ups, in the top byte.
const (
	plainQueue = iota + 1
	firstQueue
	checkTimer
	resyncTimer
	dueTimer
)

// Controller is the resource quota controller. Use New.
type Controller struct {
	plain controller.Workers[apiserver.Key, stage]
	// first has the quotas that wait for their first count: upstream's queue
	// resourcequota_priority. A quota may be in both, and be worked on twice at once.
	first controller.Workers[apiserver.Key, stage]

	measured []measured             `state:"immutable"` // every kind that quotas are about
	byKind   map[apiserver.Kind]int `state:"immutable"` // which of measured it is
	watched  []apiserver.Kind       // of measured, those that some quota has counted so far
	roster   roster
	resync   resync
}

// measured is a kind that quotas are about.
type measured struct {
	kind apiserver.Kind
	quota.Resource
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	c := &Controller{byKind: map[apiserver.Kind]int{}, watched: []apiserver.Kind{apiserver.ResourceQuota}}
	c.plain.ID, c.plain.Count = plainQueue, 5 // ConcurrentResourceQuotaSyncs
	c.first.ID, c.first.Count = firstQueue, 5
	for _, kind := range apiserver.Kinds() {
		if r, ok := quota.Of(kind.GroupResource()); ok && kind.Namespaced() {
			c.byKind[kind] = len(c.measured)
			c.measured = append(c.measured, measured{kind, r})
		}
	}
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "resourcequota-controller" }

// Watches implements controller.Actor. What quotas count is watched when there is
// one that counts it.
func (*Controller) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.ResourceQuota} }

// Heeds implements controller.Selective: quotas, and what lies beside one.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	return rec.Kind == apiserver.ResourceQuota || c.roster.spaces[rec.Key.Namespace] != nil
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	q, isQuota := rec.Object.(*corev1.ResourceQuota)
	gone := rec.Type == watch.Deleted
	if isQuota && !gone {
		c.count(env, rec.Key, q)
	}
	space := c.roster.spaces[rec.Key.Namespace]
	if space == nil {
		return // of the list that a watch begins with
	}
	now := apiserver.WallTime(env.Now())
	m := &c.measured[c.byKind[rec.Kind]]
	space.observe(rec.Kind, &m.Resource, rec.Object, gone, now)
	if gone || rec.Old != nil && rec.Type == watch.Modified && m.Replenishes(rec.Object, rec.Old, now) {
		c.replenish(env, m, rec.Key.Namespace)
	}
	switch {
	case !isQuota:
	case gone:
		c.plain.Add(env, rec.Key)
		if delete(space.tallies, rec.Key.Name); len(space.tallies) == 0 {
			delete(c.roster.spaces, rec.Key.Namespace)
			return
		}
	default:
		c.observeQuota(env, rec, q)
	}
	c.resync.doubt(env, c, rec.Key.Namespace)
	c.resync.expect(env, space)
}

// observeQuota asks for a sync of a quota that is new, or wants other amounts
// (addQuota, and the UpdateFunc that calls it).
func (c *Controller) observeQuota(env *controller.Env, rec *apiserver.Record, q *corev1.ResourceQuota) {
	if old, ok := rec.Old.(*corev1.ResourceQuota); ok && rec.Type == watch.Modified && quota.Equal(old.Spec.Hard, q.Spec.Hard) {
		return
	}
	if c.isUncounted(q) {
		c.first.Add(env, rec.Key)
	} else {
		c.plain.Add(env, rec.Key)
	}
}

// isUncounted reports whether a quota has an amount that is not in its status yet,
// or one of which nothing is known to be used.
func (c *Controller) isUncounted(q *corev1.ResourceQuota) bool {
	if !apiequality.Semantic.DeepEqual(q.Spec.Hard, q.Status.Hard) {
		return true
	}
	for name := range q.Status.Hard { // one is enough
		if _, ok := q.Status.Used[name]; !ok && c.counts(name) {
			return true
		}
	}
	return false
}

// counts reports whether any kind is counted by a name.
func (c *Controller) counts(name corev1.ResourceName) bool {
	return slices.ContainsFunc(c.measured, func(m measured) bool { return m.Matches(name) })
}

// replenish asks for a sync of the quotas of a namespace that count a kind
// (replenishQuota).
func (c *Controller) replenish(env *controller.Env, m *measured, namespace string) {
	for _, name := range slices.Sorted(maps.Keys(c.roster.spaces[namespace].tallies)) {
		key := apiserver.Key{Namespace: namespace, Name: name}
		if q := find(env.View, key); q != nil && len(m.Matching(q.Status.Hard)) > 0 {
			c.plain.Add(env, key)
		}
	}
}

func find(v controller.View, key apiserver.Key) *corev1.ResourceQuota {
	q, _ := v.Get(apiserver.ResourceQuota, key).(*corev1.ResourceQuota)
	return q
}

// count begins to count a quota, or counts anew what has other names or scopes now.
func (c *Controller) count(env *controller.Env, key apiserver.Key, q *corev1.ResourceQuota) {
	s := c.roster.spaces[key.Namespace]
	if s == nil {
		s = newSpace()
		if c.roster.spaces == nil {
			c.roster.spaces = map[string]*space{}
		}
		c.roster.spaces[key.Namespace] = s
		for _, kind := range c.watched {
			if kind != apiserver.ResourceQuota { // of which all records are heeded
				env.Reheed(kind)
			}
		}
	}
	if t := s.tallies[key.Name]; t != nil && t.isOf(&q.Spec) {
		return
	}
	t := newTally(&q.Spec)
	s.tallies[key.Name] = t
	now := apiserver.WallTime(env.Now())
	for i := range c.measured {
		m := &c.measured[i]
		if len(m.Matching(q.Spec.Hard)) == 0 {
			continue
		}
		if !slices.Contains(c.watched, m.kind) {
			c.watched = append(c.watched, m.kind)
			env.Watch(m.kind) // what there is will be observed
			continue
		}
		for _, obj := range env.List(m.kind, key.Namespace) {
			s.observe(m.kind, &m.Resource, obj, false, now)
		}
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	switch {
	case c.plain.Owns(arg):
		c.plain.Wake(env, c, arg)
	case c.first.Owns(arg):
		c.first.Wake(env, c, arg)
	default:
		c.resync.wake(env, c, arg>>56)
	}
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if c.plain.Owns(token) {
		c.plain.Respond(env, c, token, res)
	} else {
		c.first.Respond(env, c, token, res)
	}
}

// Waiting implements controller.Actor.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	failing := c.plain.Failing()
	maps.Copy(failing, c.first.Failing())
	var ws []controller.Wait
	for key, err := range failing { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.ResourceQuota, Key: key, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
