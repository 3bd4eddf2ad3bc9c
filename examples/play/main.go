// Command play plays scenarios in a terminal: lessons that come with it, and
// files of yours, as package scenario reads them.
//
//	go run ./examples/play                      what lessons there are
//	go run ./examples/play ordered-start        one of them, on the cluster
//	go run ./examples/play bug.txtar            a file
//	go run ./examples/play -step story          wait for a key after each step
//	go run ./examples/play -seed 7 story        another legal history
//	go run ./examples/play -diff 7 story        what that one does otherwise, and which choice made the difference
//	go run ./examples/play -o html story > story.html    its history as a page: lanes, causes, tables, why
//	go run ./examples/play -o html -diff 7 story > two.html    two histories, one below the other
//	go run ./examples/play -help-directives     what a script can say
//
// What a step prints is compared with what the file expects, unless another seed
// is asked for; expectations (> expect …) are held in any case. The exit code is
// 0 if all is as the file says, 1 if not or if the play was interrupted, 2 for
// wrong flags and for files that cannot be read.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"github.com/statefulsim/statefulsim/examples/play/lessons"
	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/scenario"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitTold   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	file       string
	step       bool
	seed       *uint64
	diff       *uint64
	output     string
	directives bool
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitTold
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	switch {
	case opt.directives:
		listDirectives(out)
		return exitTold
	case opt.file == "":
		err = listLessons(out)
	default:
		var s *scenario.Scenario
		if s, err = open(opt.file); err == nil {
			return show(ctx, s, opt, stdin, out, stderr)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	return exitTold
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	f := flag.NewFlagSet("play", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	seed := func(to **uint64) func(string) error {
		return func(text string) error {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return errors.New("want a number from 0 on")
			}
			*to = &n
			return nil
		}
	}
	f.BoolVar(&opt.step, "step", false, "wait for the return key after each step; q ends")
	f.Func("seed", "which of the legal histories, `N`; the default is the file's", seed(&opt.seed))
	f.Func("diff", "say what the history with seed `N` does otherwise, and which choice made the difference", seed(&opt.diff))
	f.StringVar(&opt.output, "o", "text", "`FORMAT`: text for the terminal, or a picture of the history: svg, html (a page of its own), lanes (for a terminal), perfetto, json (watch events)")
	f.BoolVar(&opt.directives, "help-directives", false, "list the directives of a script")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: play [flags] [LESSON|FILE]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	switch {
	case err != nil:
	case f.NArg() > 1:
		err = fmt.Errorf("unexpected argument %q: flags come first (-h for help)", f.Arg(1))
	case f.NArg() == 0 && (opt.step || opt.seed != nil || opt.diff != nil):
		err = errors.New("LESSON or FILE is missing (-h for help)")
	case opt.step && opt.diff != nil:
		err = errors.New("-step and -diff do not go together")
	case !slices.Contains(formats, opt.output):
		err = fmt.Errorf("-o %s: want %s", opt.output, strings.Join(formats, ", "))
	case opt.step && opt.output != "text":
		err = fmt.Errorf("-step and -o %s do not go together", opt.output)
	case opt.diff != nil && (opt.output == "perfetto" || opt.output == "json"):
		err = fmt.Errorf("-diff and -o %s do not go together", opt.output)
	}
	opt.file = f.Arg(0)
	return opt, err
}

// open reads a lesson by its name, or a file.
func open(name string) (*scenario.Scenario, error) {
	if !strings.ContainsAny(name, `/\.`) || strings.HasSuffix(name, ".zh") {
		s, err := lessons.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w; a file is named with its ending", err)
		}
		return s, nil
	}
	return scenario.Read(name)
}

func listLessons(out io.Writer) error {
	fmt.Fprintln(out, "go run ./examples/play LESSON plays one of these; -step waits for a key after each step:")
	var names []string
	for _, name := range lessons.Names() {
		for _, language := range lessons.Languages(name) {
			names = append(names, strings.TrimSuffix(name+"."+language, ".en"))
		}
	}
	for _, name := range names {
		s, err := open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-28s %s\n", name, s.Title())
	}
	return nil
}

func listDirectives(out io.Writer) {
	for _, d := range scenario.Directives() {
		fmt.Fprintf(out, "> %s\n    %s\n", d[0], d[1])
	}
}

// errQuit ends a play.
var errQuit = errors.New("interrupted")

// show plays a scenario as a terminal shows it, or tells a difference.
func show(ctx context.Context, s *scenario.Scenario, opt options, stdin io.Reader, out *bufio.Writer, stderr io.Writer) int {
	if opt.output != "text" {
		if err := draw(s, opt, out); err != nil {
			fmt.Fprintln(stderr, "error:", err)
			return exitUsage
		}
		return exitTold
	}
	if opt.diff != nil {
		fmt.Fprintln(stderr, "comparing …")
		d, err := s.Diff(opt.seed, *opt.diff)
		if err != nil {
			fmt.Fprintln(stderr, "error:", err)
			return exitUsage
		}
		fmt.Fprint(out, d)
		return exitTold
	}
	keys := bufio.NewScanner(stdin)
	played, err := s.Play(scenario.Options{Seed: opt.seed, Each: func(_ *sim.Cluster, d scenario.Done) error {
		tell(out, d)
		if err := out.Flush(); err != nil {
			return err
		}
		if opt.step && d.Kind != scenario.Prose && (!keys.Scan() || strings.TrimSpace(keys.Text()) == "q") {
			return errQuit
		}
		if ctx.Err() != nil {
			return errQuit
		}
		return nil
	}})
	switch {
	case errors.Is(err, errQuit):
		fmt.Fprintf(out, "\nended after line %d of %s\n", played.Done[len(played.Done)-1].Line, s.Name)
		return exitFailed
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	if err := s.Verify(played); err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return exitFailed
	}
	return exitTold
}

// tell prints a step.
func tell(out io.Writer, d scenario.Done) {
	switch d.Kind {
	case scenario.Prose:
		fmt.Fprintf(out, "\n%s\n\n", d.Text)
	case scenario.Shell:
		fmt.Fprintf(out, "$ %s\n%s", d.Typed, d.Got)
	case scenario.Directive:
		fmt.Fprintf(out, "> %s\n%s", d.Text, d.Got)
	}
	if d.Err != nil {
		fmt.Fprintf(out, "error: %v\n", errors.Unwrap(d.Err))
	}
}
