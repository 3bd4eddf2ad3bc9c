package daemons

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/rig"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/daemonset"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// beginning is how long the controller runs before the first step. It keeps the rests
// away from what comes at whole seconds.
const beginning = 1300 * time.Millisecond

// fault is what a step of failure asks for.
func (s step) fault() controller.Fault {
	return controller.Fault{By: daemonset.Name, Verb: s.fails, Kind: s.kind, Err: rig.ErrFault, Count: int(s.number)}
}

// ours plays a script to our controller, whose choices are answered from a trail, as
// far as it does what is wanted. It returns what is to be seen at each rest, and how
// many choices had been made by then.
func ours(s script, trail []uint64, want []string) (rests []string, choices []int) {
	e := engine.New(engine.Strategy{Mode: engine.Replay, Trail: trail, Keep: true})
	h := controller.NewHost(e, apiserver.New(e, serverConfig), controller.Latency{}, nil)
	for _, req := range before() {
		rig.Must(h.Do(apiserver.User, req))
	}
	h.Add(daemonset.New())
	rig.Run(h, beginning)
	for i, st := range s.steps {
		var answers []error
		if st.verb == "fail" {
			h.Fail(st.fault())
		} else {
			for _, req := range st.requests(h.Server(), e.Now()) {
				answers = append(answers, h.Do(apiserver.User, req).Err)
			}
		}
		rig.Run(h, st.pause)
		rests, choices = append(rests, rest(answers, h.Server())), append(choices, len(e.Taken()))
		if rests[i] != want[i] {
			break
		}
	}
	return rests, choices
}

// tries is how many ways to choose are tried for a step.
const tries = 150

// follow has ours choose such that it does what upstream did, and returns the rests of
// the best that it can.
func follow(s script, want []string) []string {
	var trail []uint64
	got, choices := ours(s, trail, want)
	for try := 1; ; try++ {
		i := len(got) - 1
		if got[i] == want[i] || try > tries {
			return got
		}
		begin := 0
		if i > 0 {
			begin = choices[i-1]
		}
		if choices[i] == begin {
			return got // nothing was chosen
		}
		next := append([]uint64(nil), trail...)
		for len(next) < begin {
			next = append(next, 0)
		}
		next = next[:begin]
		for n := range 64 {
			next = append(next, mixed(uint64(try), uint64(n)))
		}
		better, more := ours(s, next, want)
		if len(better) > len(got) || better[len(better)-1] == want[len(better)-1] {
			trail, got, choices, try = next, better, more, 0
			if len(trail) > more[len(more)-1] {
				trail = trail[:more[len(more)-1]]
			}
			if len(got) > 1 && got[len(got)-1] != want[len(got)-1] { // what is chosen after the last good rest begins anew
				trail = trail[:min(len(trail), more[len(more)-2])]
			}
		}
	}
}

// mixed is a number that depends on two.
func mixed(a, b uint64) uint64 {
	h := a*0x9e3779b97f4a7c15 ^ b*0xbf58476d1ce4e5b9
	h ^= h >> 31
	return h * 0x94d049bb133111eb >> 20
}
