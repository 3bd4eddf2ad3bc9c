// Command whatif says what a change would do to a cluster of yours, without
// touching it: it loads what kubectl shows of the cluster, goes on from there on a
// virtual clock, and makes the change.
//
//	kubectl get -A -o yaml nodes,ns,pv,sc,priorityclasses,all,pvc,cm,secrets,sa,pdb,endpointslices,controllerrevisions > now.yaml
//	go run ./examples/whatif -from now.yaml -then new.yaml          apply a file
//	go run ./examples/whatif -from now.yaml -do 'drain node-2'      or type what you would
//
// -from takes files, directories and - (standard input), in one piece or split,
// and may be given several times; it needs the Nodes. What comes with -then and -do
// happens in that order, each when the cluster has come to rest again.
//
// It prints what cannot be continued, then a row for each change of a pod or claim,
// then the tables of before and after as a diff (- was, + is), and at last what
// is stuck, why, and what would end it. The exit code is 0 if everything settles, 1
// if something waits, 2 if there is nothing to go on with.
//
// What is not in the files is not known: what volumes hold, what containers do (they
// are well-behaved servers), and who else writes to the API.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
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
	from      []string
	lines     []string // of the shell, in order
	seed      uint64
	limit     time.Duration
	provision bool
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitSettled
	}
	out := bufio.NewWriter(stdout)
	code := exitUsage
	if err == nil {
		code, err = whatif(opt, stdin, out)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	return code
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	f := flag.NewFlagSet("whatif", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Func("from", "a `FILE`, directory or - with the state of a cluster; may be repeated", func(name string) error {
		opt.from = append(opt.from, name)
		return nil
	})
	f.Func("then", "a `FILE` or directory to apply; may be repeated", func(name string) error {
		if _, err := os.Stat(name); err != nil {
			return err
		}
		opt.lines = append(opt.lines, "kubectl apply -f "+name)
		return nil
	})
	f.Func("do", "a `LINE` of kubectl to run, without the word; may be repeated", func(line string) error {
		opt.lines = append(opt.lines, "kubectl "+line)
		return nil
	})
	f.Uint64Var(&opt.seed, "seed", 0, "which of the legal histories, `N`")
	f.DurationVar(&opt.limit, "for", 24*time.Hour, "the most virtual time that each change may take, a `DURATION`")
	f.BoolVar(&opt.provision, "provision", true, "make volumes on demand, as the classes of storage say")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: whatif -from FILE|DIR|- … [-then FILE|DIR …] [-do LINE …] [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	switch {
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: files are given by -from and -then", f.Arg(0))
	case len(opt.from) == 0:
		err = errors.New("-from FILE|DIR|- is missing (-h for help)")
	case opt.limit <= 0:
		err = fmt.Errorf("-for %v: want more than no time", opt.limit)
	}
	return opt, err
}

// disk is the files of this machine, by any path.
type disk struct{}

func (disk) Open(name string) (fs.File, error) { return os.Open(name) }

// whatif loads the state, makes the changes and shows what they do.
func whatif(opt options, stdin io.Reader, out *bufio.Writer) (int, error) {
	snapshot, unknown, err := load(opt.from, stdin)
	if err != nil {
		return exitUsage, err
	}
	c, lost, err := sim.Resume(sim.Config{
		Seed: opt.seed, Provision: opt.provision, History: -1, Limits: sim.Limits{Time: opt.limit},
	}, snapshot)
	if err != nil {
		return exitUsage, err
	}
	r := report{cluster: c, out: out, began: c.Now(), last: c.Now()}
	r.beginning(snapshot, unknown, lost)
	before := r.tables()
	defer r.follow()()
	failed := false
	settled, err := c.Settle()
	if len(r.rows) > 0 {
		r.say("It goes on by itself:\n")
	}
	r.flush()
	sh := shell.New(c, disk{})
	for _, line := range opt.lines {
		if err != nil {
			break // the time was up
		}
		r.say("\n$ %s\n", line)
		answer := sh.Run(line)
		r.say("%s", answer.Text)
		failed = failed || answer.Code != 0
		settled, err = c.Settle()
		r.flush()
	}
	r.diff(before)
	if !r.verdict(settled, err) || failed {
		return exitWaiting, r.err
	}
	return exitSettled, r.err
}
