package simtest

import (
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// UnderFaults returns the invariants that hold whatever users and fate do. They
// are those of All, but for what a real cluster cannot promise either:
//
//   - The orders bind the StatefulSet controller by what it may know: what its
//     view showed when it decided, not what has happened since (S1: it decides
//     from its caches). How late the view is, is measured, not guessed.
//   - A pod that a user force-deletes may go on running beside its successor
//     until its kubelet finds out (N6). Its process, and no other, is let off.
func UnderFaults() []Invariant {
	return []Invariant{
		OneClaimOneVolume(), NoClaimLost(),
		asSeen("creation order", judgeCreation), asSeen("deletion and update order", judgeRemoval),
		OneProcessUnlessForced(), OwnClaims(), ReadyNamesOnly(),
	}
}

// syncTime is the longest that the StatefulSet controller takes from its look
// at the caches to its last request.
const syncTime = engine.Time(time.Second)

// moment is when the controller's view moved on, and how far.
type moment struct {
	at        engine.Time
	pods, set uint64
}

// past is what the StatefulSet controller has seen lately: the picture as of
// the oldest moment, the records after it, and the moments.
type past struct {
	cluster *sim.Cluster
	base    *sets
	tail    []*apiserver.Record
	moments []moment
}

// asSeen makes an invariant of a judgement on each record, which has to hold in
// one of the pictures that the StatefulSet controller may have decided from.
func asSeen(name string, judge func(*sets, *apiserver.Record) error) Invariant {
	return Invariant{Name: name, Start: func(c *sim.Cluster) Check {
		p := &past{cluster: c, base: &sets{}}
		for _, rec := range c.History() {
			p.add(rec)
		}
		p.look()
		return Check{
			Step: func() error { p.look(); return nil },
			Record: func(rec *apiserver.Record) error {
				p.look()
				var err error
				if _, isPod := rec.Object.(*corev1.Pod); isPod && rec.By == setController {
					err = p.judge(judge, rec)
				}
				p.add(rec)
				return err
			},
		}
	}}
}

func (p *past) add(rec *apiserver.Record) {
	if rec.Kind == apiserver.Pod || rec.Kind == apiserver.StatefulSet {
		p.tail = append(p.tail, rec)
	}
}

// look notes how far the view is, and forgets what is too old to matter.
func (p *past) look() {
	now := apiserver.VirtualTime(p.cluster.Now())
	m := moment{now, p.cluster.Seen(setController, apiserver.Pod), p.cluster.Seen(setController, apiserver.StatefulSet)}
	if n := len(p.moments); n > 0 && p.moments[n-1].pods == m.pods && p.moments[n-1].set == m.set {
		return
	}
	p.moments = append(p.moments, m)
	for len(p.moments) > 1 && p.moments[1].at < now-syncTime {
		p.moments = p.moments[1:]
		p.tail = p.moments[0].advance(p.base, p.tail)
	}
}

// advance applies the records that were seen at a moment to a picture, and
// returns the others.
func (m moment) advance(s *sets, tail []*apiserver.Record) []*apiserver.Record {
	var rest []*apiserver.Record
	for _, rec := range tail {
		seen := m.pods
		if rec.Kind == apiserver.StatefulSet {
			seen = m.set
		}
		if rec.Version <= seen {
			s.apply(rec)
		} else {
			rest = append(rest, rec)
		}
	}
	return rest
}

// judge returns nil if the judgement passes in one of the pictures, and what it
// says of the newest otherwise.
func (p *past) judge(judge func(*sets, *apiserver.Record) error, rec *apiserver.Record) (err error) {
	picture, tail := p.base.clone(), p.tail
	owner, _ := memberOf(rec.Object.(*corev1.Pod))
	for _, m := range p.moments {
		tail = m.advance(picture, tail)
		if picture.of(owner).set == nil {
			continue // it decides nothing for a set that it does not know
		}
		seen := picture
		if len(picture.orphans) > 0 {
			seen = picture.clone() // the picture itself goes on without them
			seen.adopt(owner)
		}
		if err = judge(seen, rec); err == nil {
			return nil
		}
	}
	return err
}

// judgeRemoval holds a deletion to both orders, in one and the same picture.
func judgeRemoval(s *sets, rec *apiserver.Record) error {
	if err := judgeDeletion(s, rec); err != nil {
		return err
	}
	return judgeUpdate(s, rec)
}

// clone returns a copy that can be advanced on its own.
func (s *sets) clone() *sets {
	c := &sets{byUID: make(map[types.UID]*family, len(s.byUID)), orphans: maps.Clone(s.orphans)}
	for uid, f := range s.byUID { // a map from a map
		c.byUID[uid] = &family{f.set, maps.Clone(f.pods)}
	}
	return c
}

// OneProcessUnlessForced is OneProcess, but for pods that a user has
// force-deleted while they ran: until their kubelet has stopped them, they do
// not count (N6).
func OneProcessUnlessForced() Invariant {
	return Invariant{Name: "one process for one identity", Start: func(c *sim.Cluster) Check {
		type identity struct {
			pod       apiserver.Key
			container string
		}
		forced := map[types.UID]bool{}
		return Check{
			Record: func(rec *apiserver.Record) error {
				if rec.Kind == apiserver.Pod && rec.Type == watch.Deleted && rec.By == apiserver.User {
					forced[rec.Object.GetUID()] = true
				}
				return nil
			},
			Step: func() error {
				seen := map[identity]string{}
				for _, p := range c.Processes() {
					if forced[p.UID] {
						continue
					}
					id := identity{p.Pod, p.Container}
					if node, twice := seen[id]; twice {
						return fmt.Errorf("%s/%s runs on %s and on %s", p.Pod, p.Container, node, p.Node)
					}
					seen[id] = p.Node
				}
				return nil
			},
		}
	}}
}
