package controller

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// Describe says to whom a pending event happens, and what.
func (h *Host) Describe(ev engine.Event) (by, what string) {
	by = h.ActorName(ActorID(ev.Actor))
	switch ev.Kind {
	case kindDeliver:
		sub := h.subs.Read(int(ev.Arg))
		if rec := h.peek(sub); rec != nil {
			return by, fmt.Sprintf("sees %s %s %s", rec.Kind, rec.Key, rec.Type)
		}
		return by, fmt.Sprintf("sees no %s", sub.kind)
	case kindArrive:
		r := &h.flights.Read().list[ev.Arg].req
		return by, fmt.Sprintf("%s %s %s", r.Verb, r.Kind, r.Key)
	case kindSeries:
		return by, "counts its Events"
	}
	return by, fmt.Sprintf("wakes for %x", ev.Arg)
}

// IsIncidental reports whether a pending event is about Events alone, which no
// component reads.
func (h *Host) IsIncidental(ev engine.Event) bool {
	return ev.Kind == kindSeries || ev.Kind == kindArrive && h.flights.Read().list[ev.Arg].discard
}
