package apiserver

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// Events live for an hour after they were written last (A10; registry store,
// Update: calculateTTL renews the lease).
const eventTTL = time.Hour

// expiring is a write of an Event, by when and where it was. If the Event at that
// place was written last at another time it lives on.
type expiring struct {
	written engine.Time
	place   int32
}

// expiry lists the writes of Events that may still live, oldest first. There are
// more of them than of anything else: the list is in blocks, none of which is
// ever copied to grow, and those in front go as soon as their Events do.
type expiry struct {
	blocks [][]expiring
	size   int // of the last block
}

// The sizes of blocks: each has twice as many as the one before.
const (
	firstBlock   = 8
	largestBlock = 1024
)

func (x *expiry) add(e expiring) {
	n := len(x.blocks)
	if n == 0 || len(x.blocks[n-1]) == cap(x.blocks[n-1]) {
		x.size = min(max(2*x.size, firstBlock), largestBlock)
		x.blocks = append(x.blocks, make([]expiring, 0, x.size))
		n++
	}
	x.blocks[n-1] = append(x.blocks[n-1], e)
}

// isDue reports whether the time of the oldest write has come.
func (x *expiry) isDue(now engine.Time) bool {
	return len(x.blocks) > 0 && x.blocks[0][0].written.Add(eventTTL) <= now
}

// take takes the oldest write off the list; there must be one.
func (x *expiry) take() expiring {
	e := x.blocks[0][0]
	if x.blocks[0] = x.blocks[0][1:]; len(x.blocks[0]) == 0 {
		x.blocks[0] = nil
		x.blocks = x.blocks[1:]
	}
	return e
}

// expireEvents removes the Events whose time has come. As in etcd it happens
// when somebody looks.
func (s *Server) expireEvents() {
	for s.expiry.Read().isDue(s.now) {
		e := s.expiry.Write().take()
		if obj := s.kept(Event).writtenAt(e.place, e.written); obj != nil {
			s.remove(Event, obj)
		}
	}
}
