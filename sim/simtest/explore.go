package simtest

import (
	"fmt"
	"os"

	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/model"
)

// Explore tries random histories of a check's world inside a test: your manifests, your
// properties, what users do and what goes wrong.
//
//	func TestChart(t *testing.T) {
//		simtest.Explore(t, explore.Check{
//			World:      model.World{Files: []string{"chart.yaml"}},
//			Properties: model.Promises(),
//		}, explore.Hunt{Histories: 500})
//	}
//
// The test fails with every failure that is found, each once and as small as it can be
// made. Each is left as text in testdata/simtest, to be edited, and replayed with
// -simtest.replay=FILE, which the message says. The flag -sim.shard makes the test one of
// several that search disjoint parts: "-sim.shard 2/4", or "-sim.shard 4" in the pods of an
// Indexed Job. It returns what was found, for explore.Merge.
func Explore(tb TB, k explore.Check, h explore.Hunt) *explore.Hunted {
	tb.Helper()
	if *replayFlag != "" {
		return replayHistory(tb, k, *replayFlag)
	}
	var err error
	if h.Shard, h.Of, err = shard(h.Shard, h.Of); err != nil {
		tb.Fatalf("simtest: %v", err)
	}
	again := command(tb.Name(), "-simtest.replay=")
	r, err := k.Histories(h)
	if err != nil {
		tb.Fatalf("simtest: %v", err)
	}
	for i, f := range r.Failures {
		file, err := write(fmt.Sprintf("%s-%d", tb.Name(), i+1), ".history", f.String())
		if err != nil {
			file = err.Error()
		}
		tb.Errorf("simtest: %s: %s\n\n%s\nsaved; edit it if you like, and replay it with\n\t%s%s", f.Property, f.Err, f.History, again, file)
	}
	return r
}

// replayHistory runs the history in a file.
func replayHistory(tb TB, k explore.Check, file string) *explore.Hunted {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("simtest: %v", err)
	}
	v := k.Commands
	if v == nil {
		if v, err = model.Builtin(k.World); err != nil {
			tb.Fatalf("simtest: %v", err)
		}
	}
	history, err := explore.ParseHistory(string(text), v)
	if err != nil {
		tb.Fatalf("simtest: %s: %v", file, err)
	}
	failures, err := k.Try(history)
	if err != nil {
		tb.Fatalf("simtest: %s: %v", file, err)
	}
	for _, f := range failures {
		tb.Errorf("simtest: %s: %s: %s", file, f.Property, f.Err)
	}
	return &explore.Hunted{Histories: 1, Failures: failures}
}
