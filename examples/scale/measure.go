package main

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/measure"
)

// scale runs the phases and reports each as it ends.
func scale(opt options, out *bufio.Writer, stderr io.Writer) error {
	defer keepTo(opt.memory)()
	whole := stopwatch()
	start := stopwatch()
	c := cluster(opt)
	fmt.Fprintf(out, "%s nodes, %s pods in %s, seed %d\n", grouped(opt.nodes), grouped(opt.pods), setsOf(opt), opt.seed)
	if opt.timings {
		fmt.Fprintf(out, "%-14s %s\n", "made within", seconds(start()))
	}
	var m measure.Meter
	defer c.OnRecord(m.Observe)()
	p := newProgress(c, &m, opt, stderr)
	defer c.OnStep(p.step)()
	total := result{}
	for _, phase := range opt.what {
		r, err := measured(c, &m, p, opt, phase)
		if err != nil {
			p.end()
			return err
		}
		r.print(out, opt)
		if err := out.Flush(); err != nil {
			return err
		}
		total.events += r.events
		total.virtual += r.virtual
	}
	p.end()
	total.wall = whole()
	fmt.Fprintln(out, "\nin all")
	total.printTimes(out, opt)
	if opt.timings {
		fmt.Fprintf(out, "%-14s %s\n", "  peak memory", gibibytes(peakMemory()))
	}
	return nil
}

// result is what a phase took.
type result struct {
	phase   string
	virtual time.Duration
	wall    time.Duration
	events  int
	spans   measure.Measures
}

// measured runs a phase to its end and checks that it came to the right one.
func measured(c *sim.Cluster, m *measure.Meter, p *progress, opt options, phase string) (result, error) {
	wall, virtual, events := stopwatch(), c.Now(), p.events
	p.phase = phase
	if err := begin(c, opt, phase); err != nil {
		return result{}, err
	}
	s, err := c.Settle()
	if err != nil {
		return result{}, err
	}
	if len(s.Waiting) > 0 {
		w := s.Waiting[0]
		return result{}, fmt.Errorf("%s: %d things wait, the first: %s %s: %s", phase, len(s.Waiting), w.Kind, w.Key, w.Reason)
	}
	want := opt.pods
	if phase == "delete" {
		want = 0
	}
	if m.Ready() != want {
		return result{}, fmt.Errorf("%s: %d pods are ready, not %d", phase, m.Ready(), want)
	}
	return result{phase, c.Now().Sub(virtual), wall(), p.events - events, m.Take()}, nil
}

func (r result) print(out io.Writer, opt options) {
	fmt.Fprintf(out, "\n%s\n", r.phase)
	r.printTimes(out, opt)
	for _, row := range []struct {
		name  string
		spans measure.Spans
	}{
		{"placement", r.spans.Placement}, {"claim bound", r.spans.Binding}, {"pod start", r.spans.PodStart},
		{"pod stop", r.spans.PodStop}, {"rollout", r.spans.Rollout},
	} {
		if row.spans.Len() > 0 {
			fmt.Fprintf(out, "  %-12s %v\n", row.name, row.spans)
		}
	}
}

func (r result) printTimes(out io.Writer, opt options) {
	fmt.Fprintf(out, "  %-12s %v\n", "virtual time", r.virtual.Round(time.Millisecond))
	if opt.timings {
		fmt.Fprintf(out, "  %-12s %s: %s events, %s a second\n", "wall time", seconds(r.wall), grouped(r.events), grouped(rate(r.events, r.wall)))
	}
}

func setsOf(opt options) string {
	sets := fmt.Sprintf("%d Parallel sets", opt.sets)
	if opt.sets == 1 {
		sets = "one Parallel set"
	}
	if opt.claims {
		sets += ", each pod with a claim"
	}
	return sets
}
