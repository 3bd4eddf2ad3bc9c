package controller

import (
	"errors"
	"slices"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Env returns what an actor acts through, for faults that its model has of its
// own, such as a kubelet's Crash.
func (h *Host) Env(id ActorID) *Env { return &Env{View{h, id}} }

// Named returns the actors of a name that have not been removed, ascending: a
// component's, or one node's ("kubelet/node-1").
func (h *Host) Named(name string) []ActorID {
	var ids []ActorID
	for i := range h.actors.Len() {
		if a := *h.actors.Read(i).actor.Read(); a != nil && (name == a.Name() || name == fullName(a)) {
			ids = append(ids, ActorID(i))
		}
	}
	return ids
}

// Components lists the full names of the actors that have not been removed,
// sorted.
func (h *Host) Components() []string {
	var names []string
	for i := range h.actors.Len() {
		if a := *h.actors.Read(i).actor.Read(); a != nil {
			names = append(names, fullName(a))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ActorName returns an actor's full name, "kubelet/node-1".
func (h *Host) ActorName(id ActorID) string {
	hd := h.actors.Read(int(id))
	if a := *hd.actor.Read(); a != nil {
		return fullName(a)
	}
	return hd.name
}

// fullName is an actor's name, with that of its node if it has one.
func fullName(a Actor) string {
	if n, ok := a.(NodeScoped); ok {
		return a.Name() + "/" + n.NodeName()
	}
	return a.Name()
}

// HasWatch reports whether an actor watches a kind.
func (h *Host) HasWatch(id ActorID, kind apiserver.Kind) bool {
	for i := range h.subs.Len() {
		if s := h.subs.Read(i); s.actor == id && s.kind == kind && !s.ended {
			return true
		}
	}
	return false
}

// HasSeen returns the version up to which an actor has seen a kind, as its
// View.Version does.
func (h *Host) HasSeen(id ActorID, kind apiserver.Kind) uint64 { return h.cursorOf(id, kind) }

// errCut is the answer to a request of an actor that is cut off.
var errCut = errors.New("dial tcp: connect: connection timed out")

// Cut takes an actor's connection to the API server away, or gives it back: while
// it is cut off it sees no change, and each of its requests fails before the
// server sees it. Requests under way count. Afterwards its views catch up, each as
// late as a watch usually is.
func (h *Host) Cut(id ActorID, cut bool) {
	hd := h.actors.Write(int(id))
	if hd.cut == cut {
		return
	}
	hd.cut = cut
	for i := range h.subs.Len() {
		if h.subs.Read(i).actor != id {
			continue
		}
		if cut {
			h.subs.Write(i).held = engine.Never
		} else {
			h.release(i)
		}
	}
}

// Relent ends all faults: failures that have not struck are called off, and
// views that are held catch up, each as late as a watch usually is.
func (h *Host) Relent() {
	h.faults = nil
	for i := range h.actors.Len() {
		if h.actors.Read(i).cut {
			h.actors.Write(i).cut = false
		}
	}
	for i := range h.subs.Len() {
		h.release(i)
	}
}

// release ends the hold of a watch. What it has not delivered comes as late as
// usual; a delivery that is armed for the end of the hold finds nothing left to
// do then.
func (h *Host) release(i int) {
	if h.subs.Read(i).held == 0 {
		return
	}
	s := h.subs.Write(i)
	s.held = 0
	rec := h.peek(s)
	if rec == nil || s.ended {
		return
	}
	h.armAt(i, max(h.due(s, rec), h.engine.Now()))
}
