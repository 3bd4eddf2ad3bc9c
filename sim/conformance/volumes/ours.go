package volumes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume"
)

// beginning is how long the controllers run before the first step. It keeps the
// rests away from the resyncs, which come at whole seconds.
const beginning = 1500 * time.Millisecond

// maxEvents bounds the events between two rests.
const maxEvents = 200_000

// latency returns none, or what lets any of two things that happen at the same
// time be the first.
func latency(seed uint64) controller.Latency {
	if seed%2 == 0 {
		return controller.Latency{}
	}
	some := controller.Range{Max: 5 * time.Millisecond}
	return controller.Latency{Request: some, Watch: some, Queue: some}
}

// ours plays a script to our controllers and returns what is to be seen at each
// rest.
func ours(s script, seed uint64) string {
	e := engine.New(engine.Strategy{Seed: seed})
	h := controller.NewHost(e, apiserver.New(e, apiserver.Config{}), latency(seed), nil)
	for _, req := range s.before() {
		must(h.Do("user", req))
	}
	for _, a := range []controller.Actor{volume.NewBinder(volume.Config{}), volume.NewClaimProtection(), volume.NewVolumeProtection()} {
		h.Add(a)
	}
	var d diary
	run(h, beginning)
	for i, st := range s.steps {
		req, ok := st.request(h.Server())
		if ok {
			d.note(i, h.Do(apiserver.User, req))
		}
		run(h, st.pause)
		d.rest(h.Server())
	}
	return d.String()
}

// run lets all events happen up to a span from now.
func run(h *controller.Host, d time.Duration) {
	until := h.Engine().Now().Add(d)
	for range maxEvents {
		if ev, ok := h.Engine().Peek(); !ok || ev.At > until {
			h.Engine().AdvanceTo(until)
			return
		}
		h.Step()
	}
	panic("volumes: no end of events")
}

// diary is what is to be seen of a history. UIDs are written as the name of the
// object and how many of that name there were.
type diary struct {
	strings.Builder
	uids []string
	born map[apiserver.Key]int
}

// note writes what a user's request was answered.
func (d *diary) note(i int, res apiserver.Result) {
	fmt.Fprintf(d, "step %d: %v\n", i, res.Err)
	if res.Err != nil {
		return
	}
	uid := string(res.Object.GetUID())
	if slices.Contains(d.uids, uid) {
		return
	}
	if d.born == nil {
		d.born = map[apiserver.Key]int{}
	}
	key := apiserver.KeyOf(res.Object)
	d.born[key]++
	d.uids = append(d.uids, uid, fmt.Sprintf("%s#%d", key, d.born[key]))
}

// rest writes what there is.
func (d *diary) rest(s *apiserver.Server) {
	names := strings.NewReplacer(d.uids...)
	for _, line := range snapshot(s) {
		fmt.Fprintf(d, "  %s\n", names.Replace(line))
	}
}

func must(res apiserver.Result) {
	if res.Err != nil {
		panic(fmt.Sprintf("volumes: %v", res.Err))
	}
}
