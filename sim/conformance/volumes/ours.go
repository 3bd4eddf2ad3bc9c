package volumes

import (
	"fmt"
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume"
)

// beginning is how long the controllers run before the first step. It keeps the
// rests away from the resyncs, which come at multiples of 15 s.
const beginning = 1500 * time.Millisecond

// maxEvents bounds the events between two rests.
const maxEvents = 200_000

// The spans of both sides: any of two things that happen at about the same time
// may be the first.
var (
	requestLag = controller.Range{Min: time.Millisecond, Max: 5 * time.Millisecond}
	watchLag   = controller.Range{Max: 5 * time.Millisecond}
	queueLag   = controller.Range{Max: 200 * time.Microsecond} // ours alone: upstream has goroutines
)

// course is a history of ours up to one of its rests.
type course struct {
	host   *controller.Host
	diary  diary
	actors []controller.ActorID
	fault  fault
	again  engine.Time // when controllers that have crashed start again; 0 if they run
}

// begin returns the history of a script before its first step.
func begin(s script) *course {
	e := engine.New(engine.Strategy{})
	c := &course{host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{Request: requestLag, Watch: watchLag, Queue: queueLag}, nil)}
	for _, req := range s.before() {
		must(c.host.Do("user", req))
	}
	c.start()
	c.run(beginning)
	return c
}

// fork returns a copy whose choices are answered by another seed.
func (c *course) fork(seed uint64) *course {
	f := *c
	f.host = c.host.Fork()
	f.host.Engine().Reseed(seed)
	f.diary = c.diary.fork()
	return &f
}

func (c *course) start() {
	c.actors = nil
	for _, a := range []controller.Actor{volume.NewBinder(volume.Config{}), volume.NewClaimProtection(), volume.NewVolumeProtection(), volume.NewExpander()} {
		c.actors = append(c.actors, c.host.Add(a))
	}
}

// play plays a step and returns its chapter.
func (c *course) play(st step) string {
	c.host.Drain()
	var answer *apiserver.Result
	var writes []*apiserver.Record
	c.arm(st.fault)
	if req, ok := st.request(c.host.Server()); ok {
		res := c.host.Do(apiserver.User, req)
		answer, writes = &res, append(writes, c.host.Drain()...)
	}
	writes = append(writes, c.run(st.pause)...)
	c.host.Relent()
	return c.diary.chapter(answer, writes, c.host.Server())
}

// run lets all events happen up to a span from now, and returns the writes.
func (c *course) run(d time.Duration) (writes []*apiserver.Record) {
	until := c.host.Engine().Now().Add(d)
	for range maxEvents {
		ev, ok := c.host.Engine().Peek()
		due := until
		if ok {
			due = min(due, ev.At)
		}
		if c.again != 0 && c.again <= due {
			c.host.Engine().AdvanceTo(c.again)
			c.again = 0
			c.start()
			continue
		}
		if !ok || ev.At > until {
			c.host.Engine().AdvanceTo(until)
			return writes
		}
		writes = append(writes, c.step()...)
	}
	panic("volumes: no end of events")
}

// arm prepares a fault.
func (c *course) arm(f fault) {
	c.fault = f
	if f.kind == refusal && f.after == 0 {
		c.refuse()
		c.fault = fault{}
	}
}

// step runs the next event and returns the writes. If the fault's turn has come
// it strikes.
func (c *course) step() []*apiserver.Record {
	var before *controller.Host
	if c.fault == (fault{crash, 1}) {
		before = c.host.Fork()
	}
	c.host.Step()
	writes := slices.Clone(c.host.Drain())
	for _, rec := range writes {
		if c.fault.kind == noFault || !isBinding(rec.By, rec.Kind) {
			continue
		}
		if c.fault.after--; c.fault.after > 0 {
			continue
		}
		switch c.fault.kind {
		case refusal:
			c.refuse()
		case crash: // before anybody hears the answer
			c.host = before
			for _, id := range c.actors {
				c.host.Remove(id)
			}
			c.host.Step()
			c.host.Drain()
			c.again = restartAfter(c.host.Engine().Now())
		}
		c.fault = fault{}
	}
	return writes
}

// refuse has the binder's next update fail: its Events are created and patched.
func (c *course) refuse() {
	c.host.Fail(controller.Fault{By: volume.BinderName, Verb: apiserver.Update, Err: errRefused})
}

func must(res apiserver.Result) {
	if res.Err != nil {
		panic(fmt.Sprintf("volumes: %v", res.Err))
	}
}

// all plays all steps of a script and returns the chapters.
func (c *course) all(s script) (chapters []string) {
	for _, st := range s.steps {
		chapters = append(chapters, c.play(st))
	}
	return chapters
}
