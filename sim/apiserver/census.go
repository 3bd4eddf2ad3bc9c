package apiserver

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Census names what exists: it turns the UIDs and addresses of one cluster into
// numbers that any other cluster in the same state gives as well. It is a
// snapshot, valid until the next write.
type Census struct {
	names map[string]uint64 // by UID or address
	ranks map[string]uint64 // of a ControllerRevision, by UID
}

// Census returns the names of what the server holds.
func (s *Server) Census() *Census {
	c := &Census{names: make(map[string]uint64, s.census()), ranks: map[string]uint64{}}
	s.EachLive(func(rec *Record) { // a map from maps: order cannot matter
		if from, _ := uuidIn(rec.Key.Name); from < 0 {
			c.names[string(rec.Object.GetUID())] = c.identity(rec)
		}
	})
	s.EachLive(func(rec *Record) { // as above: these names contain those
		if from, _ := uuidIn(rec.Key.Name); from >= 0 {
			c.names[string(rec.Object.GetUID())] = c.identity(rec)
		}
	})
	s.walk(Pod).each(func(rec *Record) { // a map: order cannot matter
		pod := rec.Object.(*corev1.Pod)
		if pod.Status.PodIP != "" && pod.Status.PodIP != pod.Status.HostIP {
			c.names[pod.Status.PodIP] = blend(c.names[string(pod.UID)], 1)
		}
	})
	s.rank(c)
	return c
}

func (s *Server) census() (n int) {
	for k := range kinds {
		if Kind(k) != Event {
			n += s.kept(Kind(k)).live
		}
	}
	return n + s.kept(Pod).live
}

// Len returns how many UIDs and addresses are known.
func (c *Census) Len() int { return len(c.names) }

// EachLive calls visit with the newest record of every object but Events, in
// any order.
func (s *Server) EachLive(visit func(*Record)) {
	for k := range kinds {
		if s.kept(Kind(k)).live == 0 || Kind(k) == Event {
			continue
		}
		s.walk(Kind(k)).each(visit)
	}
}

// rank numbers the revisions of each owner in their order.
func (s *Server) rank(c *Census) {
	revisions := s.walk(ControllerRevision)
	revisions.each(func(rec *Record) { // each counts those below it: order cannot matter
		mine, n := numberOf(rec), uint64(0)
		revisions.each(func(o *Record) { // a count
			if o.Key.Namespace == rec.Key.Namespace && isSibling(rec.Object, o.Object) && numberOf(o) < mine {
				n++
			}
		})
		c.ranks[string(rec.Object.GetUID())] = n
	})
}

func numberOf(rec *Record) int64 { return rec.Object.(*appsv1.ControllerRevision).Revision }

func isSibling(a, b Object) bool {
	x, y := metav1.GetControllerOfNoCopy(a), metav1.GetControllerOfNoCopy(b)
	return x != nil && y != nil && x.UID == y.UID
}

// identity is the name of an object without what is drawn at random in it. The
// random end of a generated name does not count; pods have such a base, too,
// and no random end.
func (c *Census) identity(rec *Record) uint64 {
	name := rec.Key.Name
	if base := rec.Object.GetGenerateName(); base != "" && rec.Kind != Pod {
		name = base
	}
	return blend(blend(uint64(rec.Kind), hashText(rec.Key.Namespace)), c.Name(name))
}

// Name returns a number for a text, in which UIDs count as what they identify, and
// the random end of a token volume's name not at all.
func (c *Census) Name(s string) uint64 {
	s = withoutRandomEnd(s)
	from, to := uuidIn(s)
	if from < 0 {
		return hashText(s)
	}
	return blend(blend(hashText(s[:from]), c.ID(s[from:to])), c.Name(s[to:]))
}

// Key returns a number for a key, as Name does.
func (c *Census) Key(k Key) uint64 { return blend(hashText(k.Namespace), c.Name(k.Name)) }

// ID returns the number of whatever has a UID or address now; all of those that
// are gone have the same.
func (c *Census) ID(id string) uint64 { return c.names[id] }

// Resolve completes the digest of a record: which object it is, its state, and
// what it refers to.
func (c *Census) Resolve(rec *Record, d Digest) uint64 {
	h := blend(c.ID(string(rec.Object.GetUID())), d.sum)
	for _, r := range d.refs {
		h = blend(h, blend(r.slot, c.ID(r.id)))
	}
	if rec.Kind == ControllerRevision {
		h = blend(h, c.ranks[string(rec.Object.GetUID())])
	}
	return h
}

// Blend folds numbers into one; their order matters.
func Blend(parts ...uint64) uint64 {
	var h uint64
	for _, p := range parts {
		h = blend(h, p)
	}
	return h
}
