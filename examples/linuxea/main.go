// Command linuxea tells the story of a walkthrough from 2018, 初探SatefulSet控制器,
// on a simulated cluster: five NFS volumes, a headless Service and a
// StatefulSet that is scaled from 2 to 5 and back, updated behind a partition,
// deleted and created again, looked up in DNS and read with curl.
//
//	go run ./examples/linuxea            the story, as a terminal shows it
//	go run ./examples/linuxea -seed 7    another legal outcome
//	go run ./examples/linuxea -o json    its history: watch events, one JSON object a line
//	go run ./examples/linuxea -o svg     its history as a picture
//	go run ./examples/linuxea -dns 127.0.0.1:5353    then serve the cluster's DNS
//
// -dns with an address that other machines reach, such as 0.0.0.0:53, is refused
// without -dns-public. The exit code is 1 if the story cannot be told to its end
// or DNS cannot be served, 2 for wrong flags.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitTold   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	seed   uint64
	output string
	dns    string
	public bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitTold
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	c, err := show(stdout, opt.seed, opt.output)
	if err == nil && opt.dns != "" {
		err = serve(ctx, stdout, stderr, c, opt.dns)
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitFailed
	}
	return exitTold
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	f := flag.NewFlagSet("linuxea", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Uint64Var(&opt.seed, "seed", articleSeed, "which of the legal histories, `N`; the default binds the volumes in the article's order")
	f.StringVar(&opt.output, "o", "text", "`FORMAT`: text for the story, json for its history, svg for a picture of it")
	f.StringVar(&opt.dns, "dns", "", "then serve the cluster's DNS at this `ADDRESS`, over UDP and TCP, until interrupted")
	f.BoolVar(&opt.public, "dns-public", false, "allow -dns an address that other machines can reach")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: linuxea [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	switch {
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q (-h for help)", f.Arg(0))
	case !slices.Contains([]string{"text", "json", "svg"}, opt.output):
		err = fmt.Errorf("-o %s: want text, json or svg", opt.output)
	case opt.dns == "" && opt.public:
		err = errors.New("-dns-public: there is no -dns")
	case opt.dns != "":
		err = checkAddress(opt.dns, opt.public)
	}
	return opt, err
}

// checkAddress refuses an address that listens beyond this machine unless that
// was asked for.
func checkAddress(addr string, public bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-dns %s: want HOST:PORT", addr)
	}
	if !public && !isLoopback(host) {
		return fmt.Errorf("-dns %s: listens beyond this machine: anybody who reaches it can ask; if that is what you want, add -dns-public", addr)
	}
	return nil
}

// isLoopback reports whether a host is this machine alone. Names other than
// localhost are not looked up.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// show tells the story in one of its forms.
func show(w io.Writer, seed uint64, output string) (*sim.Cluster, error) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	if output == "text" {
		return Tell(out, Setting{Seed: seed})
	}
	c, err := Tell(io.Discard, Setting{Seed: seed})
	if err != nil {
		return c, err
	}
	if output == "svg" {
		return c, trace.WriteSVG(out, c.History(), trace.Timeline{Title: "linuxea", From: engine.Time(age)})
	}
	lines := trace.NewWriter(out)
	for _, rec := range c.History() {
		if err := lines.Write(rec); err != nil {
			return c, err
		}
	}
	return c, nil
}

// serve answers DNS queries from the cluster as it is, until ctx ends.
func serve(ctx context.Context, w, stderr io.Writer, c *sim.Cluster, addr string) error {
	l, err := dns.Serve(addr, c.DNS().Index())
	if err != nil {
		return err
	}
	defer l.Close()
	host, port, err := net.SplitHostPort(l.Addr())
	if err != nil {
		return err
	}
	if !isLoopback(host) {
		fmt.Fprintln(stderr, "warning: this listens beyond this machine: anybody who reaches it can ask")
	}
	fmt.Fprintf(w, "\nserving DNS at %s until interrupted; ask it with\n  dig -t A satefulset-0.satefulset-linuxea.default.svc.cluster.local @%s -p %s\n", l.Addr(), host, port)
	<-ctx.Done()
	return nil
}
