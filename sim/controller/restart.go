package controller

import (
	"slices"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Restart ends the process of an actor and starts another in its place, which
// remembers nothing: it lists what there is, and watches from then on. Requests
// under way arrive all the same, and nobody hears the answers. A hold of its views is
// over. It is not for a NodeScoped actor, whose machine has faults of its own.
func (h *Host) Restart(id ActorID, a Actor) {
	hd := h.actors.Write(int(id))
	source := a.Name()
	if r, ok := a.(Reporter); ok {
		source = r.EventSource()
	}
	hd.actor = state.NewBox(h.engine.Owner(), a)
	hd.events = state.NewBox(h.engine.Owner(), newRecorder(source, ""))
	h.engine.Cancel(func(ev engine.Event) bool {
		return ActorID(ev.Actor) == id && (ev.Kind == kindWake || ev.Kind == kindDeliver)
	})
	for i := range h.flights.Write().list {
		if f := &h.flights.Write().list[i]; f.actor == id && !f.discard {
			f.deaf, f.digest = true, state.Memo{}
		}
	}
	watches := a.Watches()
	for i := range h.subs.Len() {
		if s := h.subs.Read(i); s.actor != id || s.ended {
			continue
		}
		s := h.subs.Write(i)
		if !slices.Contains(watches, s.kind) { // it asked for it later, and will again
			s.ended, s.armed, s.pending = true, false, queue[*apiserver.Record]{}
			h.routes.Write().change(s.kind, slices.DeleteFunc(slices.Clone(h.routes.Read().to(s.kind)), func(j int) bool { return j == i }))
			if s.kind >= apiserver.Behaving {
				delete(hd.beyond, s.kind)
			} else {
				hd.watches[s.kind] = false
			}
			continue
		}
		hd.see(s.kind, 0)
		*s = subscription{actor: id, kind: s.kind, next: h.server.Log(s.kind).End(), since: h.server.Version(), lags: s.lags}
		s.pending.items = h.server.Live(s.kind)
		if s.listed = s.pending.len(); s.listed > 0 {
			h.armAt(i, h.engine.Now())
		} else {
			hd.see(s.kind, s.since)
		}
	}
}

// Last returns the name of the component whose event ran last: "kubelet" for each
// node's.
func (h *Host) Last() string { return h.actors.Read(int(h.last)).name }
