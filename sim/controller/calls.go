package controller

import "github.com/statefulsim/statefulsim/sim/apiserver"

// Call is a request of an actor that arrived, with its answer.
type Call struct {
	By  string // the component
	Req apiserver.Request
	Err error
}

// Listen says whether the requests of actors are kept for Calls; those that
// write Events are left out. It is meant for comparisons: a cluster that only
// runs has no use for it.
func (h *Host) Listen(on bool) { h.listens = on }

// Calls returns the requests that arrived since the last call, in order. The
// slice is the caller's.
func (h *Host) Calls() []Call {
	calls := h.calls
	h.calls = nil
	return calls
}

// hear keeps a request, if anybody listens.
func (h *Host) hear(by string, req apiserver.Request, err error) {
	if h.listens {
		h.calls = append(h.calls, Call{by, req, err})
	}
}
