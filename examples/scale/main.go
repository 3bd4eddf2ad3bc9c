// Command scale runs the largest cluster that Kubernetes supports, 5,000 nodes
// and 150,000 pods, in this process, and says how long that takes: on the
// cluster's clock and on yours.
//
//	go run ./examples/scale                                create, update and delete all of it
//	go run ./examples/scale -nodes 500 -pods 15000         a tenth of it
//	go run ./examples/scale -pods 1000 -sets 1 -what create,update -seed 7
//
// The pods belong to Parallel StatefulSets, each with a headless Service; they
// have requests, a readiness probe and, unless -claims=false, a claim each, for
// which the volume binder and a provisioner make a volume. The nodes stand in
// three zones. Latencies are those of a small healthy cluster. Everything
// that a real cluster would write is written: statuses, EndpointSlices, bindings
// and, unless -events=false, Events.
//
// The phases are, in this order: create applies the sets, update gives them
// another image (which replaces pod after pod, as many at a time in each set as
// -unavailable says), delete deletes the sets, whose pods the garbage collector
// then deletes; the claims stay, as they do in Kubernetes. Each phase ends when
// the cluster rests.
//
// The report holds quantiles of virtual time, which one seed gives again byte
// for byte, and, unless -timings=false, what depends on this machine: wall time
// and memory. While it runs a line a second goes to the standard error.
//
// Garbage is collected when there is as much of it as of what lives, or before
// that, so that the process keeps to -memory. Less than the default makes the
// largest cluster slower, and a million pods need more: else garbage is collected
// all the time.
//
// The exit code is 1 if a phase did not end as it should, 2 for wrong flags.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	nodes, pods, sets int
	seed              uint64
	claims, events    bool
	what              []string
	unavailable       int
	policy            appsv1.PodManagementPolicyType
	timings           bool
	memory            float64 // in GiB; 0: no limit
}

// The bounds of a run. Beyond these a process would need tens of gigabytes.
const (
	defaultMemory = 5.5 // the least with which the largest cluster takes no longer than without a limit

	maxNodes    = 50_000
	maxPods     = 2_000_000
	maxMemory   = 1 << 20
	podsPerNode = 110 // what a node's kubelet accepts
)

// phases are the values of -what, in the order in which they run.
var phases = []string{"create", "update", "delete"}

func run(args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	out := bufio.NewWriter(stdout)
	err = scale(opt, out, stderr)
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitFailed
	}
	return exitDone
}

func parse(args []string, stderr io.Writer) (options, error) {
	opt := options{policy: appsv1.ParallelPodManagement}
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&opt.nodes, "nodes", 5000, "how many nodes, `N`")
	f.IntVar(&opt.pods, "pods", 150_000, "how many pods, `N`")
	f.IntVar(&opt.sets, "sets", 30, "among how many StatefulSets they are shared, `N`")
	f.Uint64Var(&opt.seed, "seed", 0, "which of the legal histories, `N`")
	f.BoolVar(&opt.claims, "claims", true, "whether each pod has a claim")
	f.BoolVar(&opt.events, "events", true, "whether Events are recorded")
	what := f.String("what", strings.Join(phases, ","), "the `PHASES` to run, a list")
	f.IntVar(&opt.unavailable, "unavailable", 1, "maxUnavailable of each set, `N`")
	f.Float64Var(&opt.memory, "memory", defaultMemory, "the `GiB` of memory to keep to, as far as collecting garbage can do that; 0: no limit")
	f.BoolVar(&opt.timings, "timings", true, "whether the report holds wall time, events and memory")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: scale [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	if err != nil {
		return opt, err
	}
	if f.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if opt.what, err = parsePhases(*what); err != nil {
		return opt, err
	}
	return opt, opt.validate()
}

// parsePhases reads -what. Nothing can be updated or deleted that was not
// created, so create is always among them.
func parsePhases(list string) ([]string, error) {
	given := strings.Split(list, ",")
	for _, name := range given {
		if !slices.Contains(phases, name) {
			return nil, fmt.Errorf("-what %s: %q is none of %s", list, name, strings.Join(phases, ", "))
		}
	}
	var what []string
	for _, name := range phases {
		if name == "create" || slices.Contains(given, name) {
			what = append(what, name)
		}
	}
	return what, nil
}

func (o options) validate() error {
	switch {
	case o.nodes < 1 || o.nodes > maxNodes:
		return fmt.Errorf("-nodes %d: want 1 to %d", o.nodes, maxNodes)
	case o.pods < 1 || o.pods > maxPods:
		return fmt.Errorf("-pods %d: want 1 to %d", o.pods, maxPods)
	case o.pods > o.nodes*podsPerNode:
		return fmt.Errorf("-pods %d: %d nodes have room for %d, %d each", o.pods, o.nodes, o.nodes*podsPerNode, podsPerNode)
	case o.sets < 1 || o.sets > o.pods:
		return fmt.Errorf("-sets %d: want 1 to %d, the number of pods", o.sets, o.pods)
	case o.unavailable < 1:
		return fmt.Errorf("-unavailable %d: want 1 or more", o.unavailable)
	case !(o.memory >= 0 && o.memory <= maxMemory):
		return fmt.Errorf("-memory %v: want 0 to %d", o.memory, maxMemory)
	}
	return nil
}
