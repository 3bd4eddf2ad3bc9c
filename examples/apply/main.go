// Command apply runs manifests on a simulated cluster: yours, a chart's, or
// those of Kubernetes' documentation.
//
//	go run ./examples/apply -f web.yaml -provision       pods and claims as they change, then tables
//	go run ./examples/apply -f bundle/ -each -create-namespaces -node cpu=8,memory=32Gi,count=3
//	go run ./examples/apply -f chart/ -then new.yaml     what a change does
//	helm template x | go run ./examples/apply -f - -o json   the history: watch events, one JSON object a line
//
// -f takes files, directories (every *.yaml, *.yml and *.json below them, in
// order) and - for the standard input, and may be given several times; so may
// -then, whose files are applied together once the first have come to rest,
// settled or not: they may bring what the first were waiting for.
//
// The last words say whether the cluster has settled: every replica ready,
// every claim bound, every node done. If it has, the exit code is 0; if
// something still waits, it is named with its reason, and the code is 1. A
// wrong flag, an unreadable file and a refused object give 2, and nothing is
// applied of a set of files in which one object is refused: all that are refused
// are listed. With -each the others are applied, as kubectl does, those are listed
// after them, and the code is 1.
//
// The tables, and their ages, are those of the last change: what is only tried
// again after it changes nothing.
//
// A class of storage makes volumes if -provision is given, whether or not it
// exists; the class "" never does. Containers are well-behaved servers: what
// their commands say is not run, and their probes succeed.
//
// Deviation: namespaces that the files create come first, whatever their place
// in the files. `kubectl apply` would fail at the first object in a namespace
// that comes later, and succeed when run again.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitSettled = 0
	exitWaiting = 1
	exitUsage   = 2
)

// options are the flags.
type options struct {
	files, then []string
	nodes       int
	seed        uint64
	limit       time.Duration
	output      string
	provision   bool
	each        bool
	namespaces  bool
	shapes      []sim.Node
}

// maxNodes bounds -nodes: Kubernetes supports 5,000.
const maxNodes = 10_000

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitSettled
	}
	out := bufio.NewWriter(stdout)
	code := exitUsage
	if err == nil {
		code, err = apply(opt, stdin, out, stderr)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		complain(stderr, err)
		return exitUsage
	}
	return code
}

// complain prints every error there is, a line each.
func complain(stderr io.Writer, err error) {
	list := []error{err}
	var several manifest.Errors
	if errors.As(err, &several) {
		list = several
	}
	for _, e := range list {
		fmt.Fprintln(stderr, "error:", e)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	f := flag.NewFlagSet("apply", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	several := func(list *[]string) func(string) error {
		return func(name string) error { *list = append(*list, name); return nil }
	}
	f.Func("f", "a `FILE`, directory or - (standard input) to apply; may be repeated", several(&opt.files))
	f.Func("then", "a `FILE`, directory or - to apply after that; may be repeated", several(&opt.then))
	f.IntVar(&opt.nodes, "nodes", 3, "how many nodes the cluster has, `N`")
	f.Uint64Var(&opt.seed, "seed", 0, "which of the legal histories, `N`")
	f.DurationVar(&opt.limit, "for", 24*time.Hour, "the most virtual time that each set of files may take, a `DURATION`")
	f.StringVar(&opt.output, "o", "rows", "`FORMAT`: rows and tables, tables alone, or json for the history")
	f.BoolVar(&opt.provision, "provision", false, "make volumes on demand, for any storage class")
	f.BoolVar(&opt.each, "each", false, "apply what can be applied and list the rest, as kubectl does")
	f.BoolVar(&opt.namespaces, "create-namespaces", false, "create the namespaces that objects are in and that no file brings")
	f.Func("node", "a `SHAPE` of a node, in place of -nodes: cpu=8,memory=32Gi,pods=50,label=NAME=VALUE,\nname=NAME or count=N, each optional; may be repeated", func(text string) error {
		nodes, err := parseNodes(text)
		opt.shapes = append(opt.shapes, nodes...)
		return err
	})
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: apply -f FILE|DIR|- … [-then FILE|DIR|- …] [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	switch {
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: files are given by -f", f.Arg(0))
	case len(opt.files) == 0:
		err = errors.New("-f FILE|DIR|- is missing (-h for help)")
	case opt.nodes < 0 || opt.nodes > maxNodes:
		err = fmt.Errorf("-nodes %d: want 0 to %d", opt.nodes, maxNodes)
	case len(opt.shapes) > maxNodes:
		err = fmt.Errorf("-node: %d nodes are more than %d", len(opt.shapes), maxNodes)
	case opt.limit <= 0:
		err = fmt.Errorf("-for %v: want more than no time", opt.limit)
	case !slices.Contains([]string{"rows", "tables", "json"}, opt.output):
		err = fmt.Errorf("-o %s: want rows, tables or json", opt.output)
	}
	return opt, err
}

// apply reads everything, then applies set after set and shows what happens.
// The exit code says how the last one ended.
func apply(opt options, stdin io.Reader, out *bufio.Writer, stderr io.Writer) (int, error) {
	sets := []fileset{{names: opt.files}}
	if len(opt.then) > 0 {
		sets = append(sets, fileset{names: opt.then})
	}
	in := input{stdin: stdin}
	for i := range sets {
		if err := in.read(&sets[i]); err != nil {
			return exitUsage, err
		}
		if err := sets[i].wrong(); err != nil && !opt.each {
			return exitUsage, err
		}
	}
	cfg := sim.Config{Seed: opt.seed, Nodes: opt.shapes, Provision: opt.provision, History: -1, Limits: sim.Limits{Time: opt.limit}}
	if cfg.Nodes == nil {
		cfg.Nodes = make([]sim.Node, opt.nodes)
	}
	named(cfg.Nodes)
	if err := cfg.Validate(); err != nil {
		return exitUsage, fmt.Errorf("-node: %w", err)
	}
	c := sim.New(cfg)
	s := newScreen(c, opt, namespaces(sets), out, stderr)
	settled := false
	for i := range sets {
		stop := s.follow()
		refused, err := s.apply(&sets[i], opt)
		if err != nil {
			stop()
			return exitUsage, err
		}
		rest, err := c.Settle()
		stop()
		settled = s.verdict(judge(c, rest, err)) && refused == nil
		if refused != nil {
			s.fail(out.Flush())
			complain(stderr, refused)
		}
	}
	s.tables()
	if err := s.failure(); err != nil || settled {
		return exitSettled, err
	}
	return exitWaiting, nil
}

// apply applies a set and shows what is answered. With -each what is refused is
// returned beside, else it is the error.
func (s *screen) apply(set *fileset, opt options) (refused, err error) {
	if opt.namespaces {
		if err := s.createNamespaces(set); err != nil {
			return nil, err
		}
	}
	if opt.each {
		applied, err := s.cluster.ApplyEach(set.docs)
		s.applied(set.names, applied)
		return manifest.Join(set.err, err), nil
	}
	applied, err := s.cluster.ApplyDocuments(set.docs)
	if err == nil || len(applied) > 0 {
		s.applied(set.names, applied)
	}
	return nil, err
}

// createNamespaces creates those of a set's objects that are not there and that
// no file of the set brings.
func (s *screen) createNamespaces(set *fileset) error {
	brought := map[string]bool{}
	for _, d := range set.docs {
		if d.Kind == apiserver.Namespace {
			brought[d.Object.GetName()] = true
		}
	}
	for _, name := range namespaces([]fileset{*set}) {
		if _, err := s.cluster.Get(apiserver.Namespace, "", name); err == nil || brought[name] {
			continue
		}
		if _, err := s.cluster.Create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
		s.command("create namespace " + name)
		s.print("namespace/%s created\n\n", name)
	}
	return nil
}
