package main

import (
	"fmt"
	"io"

	"github.com/statefulsim/statefulsim/sim/scenario"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// formats are what -o takes.
var formats = []string{"text", "svg", "html", "lanes", "perfetto", "json"}

// draw plays a scenario, or two histories of it, and draws what happened.
func draw(s *scenario.Scenario, opt options, out io.Writer) error {
	played, err := s.Play(scenario.Options{Seed: opt.seed, Why: opt.output == "html"})
	if err != nil {
		return err
	}
	recs := played.Cluster.History()
	t := played.Timeline(s.Title())
	if opt.diff != nil {
		other, err := s.Play(scenario.Options{Seed: opt.diff})
		if err != nil {
			return err
		}
		t.Other = other.Cluster.History()
		t.Names = [2]string{fmt.Sprintf("seed %d", played.Seed), fmt.Sprintf("seed %d", other.Seed)}
	}
	switch opt.output {
	case "svg":
		return trace.WriteSVG(out, recs, t)
	case "html":
		return trace.WriteHTML(out, recs, t)
	case "lanes":
		return trace.WriteLanes(out, recs, t)
	case "perfetto":
		return trace.WritePerfetto(out, recs, t)
	}
	w := trace.NewWriter(out)
	w.Causes = true
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	return nil
}
