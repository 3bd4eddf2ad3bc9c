package recording

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// teller is an actor that notes what it is woken for.
type teller struct{ script script }

func (*teller) Name() string                                      { return component }
func (*teller) Watches() []apiserver.Kind                         { return []apiserver.Kind{apiserver.Namespace} }
func (*teller) Respond(*controller.Env, uint64, apiserver.Result) {}
func (*teller) Waiting(*controller.Env) []controller.Wait         { return nil }
func (t *teller) Fork() controller.Actor                          { return t }

// Observe implements controller.Actor: with the first namespace the script begins.
func (t *teller) Observe(env *controller.Env, _ *apiserver.Record) {
	at := env.Now()
	for i := range t.script.steps {
		st := &t.script.steps[i]
		if at = at.Add(st.pause); st.erase == 0 {
			env.WakeAt(at, engine.Progress, uint64(i))
		}
	}
}

// Wake implements controller.Actor: the argument is the number of a step.
func (t *teller) Wake(env *controller.Env, arg uint64) {
	st := &t.script.steps[arg]
	note := controller.Note{About: objects[st.about], Type: st.typ, Reason: st.reason, Message: st.message}
	if st.field != "" {
		note.About = controller.Part{Object: objects[st.about], FieldPath: st.field}
	}
	env.Note(note)
}

// posted is a teller that runs on a node.
type posted struct{ teller }

func (p *posted) NodeName() string       { return p.script.node }
func (p *posted) Fork() controller.Actor { return p }

// ours plays a script to our recorder. The trail says which messages it forgets.
func ours(s script, trail []uint64) []string {
	e := engine.New(engine.Strategy{Mode: engine.Replay, Trail: trail})
	h := controller.NewHost(e, newServer(e), controller.Latency{}, nil)
	h.Do("test", before())
	if s.node == "" {
		h.Add(&teller{s})
	} else {
		h.Add(&posted{teller{s}})
	}
	pass(h)
	var l ledger
	l.enter(-1, h.Drain())
	for i := range s.steps {
		st := &s.steps[i]
		e.AdvanceTo(e.Now().Add(st.pause))
		if st.erase > 0 {
			if req, ok := l.erasure(st); ok {
				h.Do(apiserver.User, req)
			}
		}
		pass(h)
		l.enter(i, h.Drain())
	}
	return l.lines
}

// pass lets all happen that happens now.
func pass(h *controller.Host) {
	for {
		next, ok := h.Engine().Peek()
		if !ok || next.At > h.Engine().Now() {
			return
		}
		h.Step()
	}
}
