package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/measure"
)

// progress shows, once a second of wall time, how far a run is: a line each, or
// one line again and again on a terminal.
type progress struct {
	cluster *sim.Cluster
	meter   *measure.Meter
	opt     options
	out     io.Writer
	onTerm  bool
	phase   string
	start   time.Time // of the cluster's clock
	events  int
	shown   time.Time // on the wall clock
	then    int       // events by then
	line    bool      // one stands on the terminal
}

func newProgress(c *sim.Cluster, m *measure.Meter, opt options, out io.Writer) *progress {
	return &progress{cluster: c, meter: m, opt: opt, out: out, onTerm: isTerminal(out), start: c.Now(), shown: time.Now()}
}

// step counts an event. The clock is looked at now and then: asking it takes
// longer than many an event does.
func (p *progress) step() {
	p.events++
	if p.events%4096 != 0 {
		return
	}
	now := time.Now()
	if took := now.Sub(p.shown); took >= time.Second {
		p.show(rate(p.events-p.then, took))
		p.shown, p.then = now, p.events
	}
}

func (p *progress) show(perSecond int) {
	line := fmt.Sprintf("%s  %-9v %s of %s pods ready  %s events a second", p.phase,
		p.cluster.Now().Sub(p.start).Round(100*time.Millisecond), grouped(p.meter.Ready()), grouped(p.opt.pods), grouped(perSecond))
	if p.onTerm {
		fmt.Fprintf(p.out, "\r%-78s", line)
		p.line = true
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the terminal's line.
func (p *progress) end() {
	if p.line {
		fmt.Fprintln(p.out)
		p.line = false
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
