// Command serve is a Kubernetes cluster for kubectl, in one process and in less
// than a second:
//
//	go run ./examples/serve -provision -f web.yaml
//	export KUBECONFIG=…        as it prints
//	kubectl get pods -w
//
// The clock goes a second for a second (-speed 1); with -speed 60 an hour takes a
// minute, with -speed max everything that is under way happens as fast as it can,
// and with -speed 0 nothing happens by itself.
//
// It listens on loopback alone, over plain HTTP, and asks for no credentials:
// whoever can reach the address may do everything to this cluster, and to nothing
// else. -expose is needed for any other address.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/customresource"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
	"github.com/statefulsim/statefulsim/sim/serve"
	"github.com/statefulsim/statefulsim/sim/shell"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	listen, kubeconfig string
	files              []string
	nodes              int
	seed               uint64
	pace               serve.Pace
	provision, expose  bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = start(ctx, opt, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 2
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	opt := options{pace: serve.RealTime}
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&opt.listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen at; port 0 takes a free one")
	f.StringVar(&opt.kubeconfig, "kubeconfig", "", "`FILE` for kubectl's configuration; empty means one in the temporary directory")
	f.Func("f", "a manifest `FILE` to apply at the start; may be repeated", func(name string) error { opt.files = append(opt.files, name); return nil })
	f.IntVar(&opt.nodes, "nodes", 3, "how many nodes the cluster has, `N`")
	f.Uint64Var(&opt.seed, "seed", 0, "which of the legal histories, `N`")
	f.BoolVar(&opt.provision, "provision", false, "make volumes on demand, for any storage class")
	f.BoolVar(&opt.expose, "expose", false, "listen at an address that others can reach; they may do everything to the cluster")
	f.Func("speed", "`N` seconds of the cluster in one of yours; max, or 0 for a clock that stands still (default 1)", func(text string) (err error) {
		opt.pace, err = pace(text)
		return err
	})
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(stderr, "usage: serve [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: files are given by -f", f.Arg(0))
	case opt.nodes < 0 || opt.nodes > 5000:
		err = fmt.Errorf("-nodes %d: want 0 to 5000", opt.nodes)
	default:
		err = checkAddress(opt)
	}
	return opt, err
}

// pace reads a speed.
func pace(text string) (serve.Pace, error) {
	switch text {
	case "max":
		return serve.Eager, nil
	case "0":
		return serve.Paused, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n <= 1e6) {
		return 0, errors.New("want a number up to 1000000, max or 0")
	}
	return serve.Pace(n), nil
}

// checkAddress refuses to be reached from outside, unless that is asked for.
func checkAddress(opt options) error {
	host, _, err := net.SplitHostPort(opt.listen)
	if err != nil {
		return fmt.Errorf("-listen %s: %w", opt.listen, err)
	}
	if ip := net.ParseIP(host); opt.expose || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-listen %s is no address of loopback: others could do everything to the cluster; -expose lets them", opt.listen)
}

// start serves until the context ends.
func start(ctx context.Context, opt options, stdout, stderr io.Writer) error {
	nodes := make([]sim.Node, opt.nodes)
	for i := range nodes {
		nodes[i].Name = fmt.Sprintf("node-%d", i+1)
	}
	c := sim.New(sim.Config{Seed: opt.seed, Nodes: nodes, Provision: opt.provision, History: -1, Start: time.Now(),
		FieldManager: fieldmanager.New(), CustomResources: customresource.New()})
	if len(opt.files) > 0 {
		applied, err := c.ApplyFiles(opt.files...)
		if err != nil {
			return err
		}
		for _, a := range applied {
			for _, w := range a.Warnings {
				fmt.Fprintln(stderr, "Warning:", w)
			}
		}
	}
	l, err := net.Listen("tcp", opt.listen)
	if err != nil {
		return err
	}
	cfg := serve.Config{Pace: opt.pace, Exec: shell.Exec}
	if opt.expose {
		cfg.Hosts = []string{"*"}
	}
	s := serve.New(c, cfg)
	defer s.Close()
	config, err := writeKubeconfig(opt.kubeconfig, l.Addr().String())
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Kubernetes %s, simulated, at http://%s\n\n    export KUBECONFIG=%s\n    kubectl get nodes\n\nCtrl-C ends it, and with it the cluster.\n", sim.KubernetesVersion, l.Addr(), config)
	return serveUntil(ctx, l, s)
}

// serveUntil answers until the context ends.
func serveUntil(ctx context.Context, l net.Listener, s *serve.Server) error {
	// No time-out for whole requests: a watch lasts as long as its client wants.
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 17}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// writeKubeconfig writes what kubectl needs to know, to a file that the caller
// alone can read.
func writeKubeconfig(name, address string) (string, error) {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: statefulsim
  cluster: {server: "http://%s"}
contexts:
- name: statefulsim
  context: {cluster: statefulsim, user: ""}
current-context: statefulsim
`, address)
	if name == "" {
		dir, err := os.MkdirTemp("", "statefulsim")
		if err != nil {
			return "", err
		}
		name = filepath.Join(dir, "kubeconfig")
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return "", err
	}
	return filepath.Abs(name)
}
