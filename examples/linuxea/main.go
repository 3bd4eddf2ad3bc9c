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
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

func main() {
	seed := flag.Uint64("seed", articleSeed, "which of the legal histories; the default binds the volumes in the article's order")
	output := flag.String("o", "text", "text for the story, json for its history, svg for a picture of it")
	addr := flag.String("dns", "", "serve the final cluster's DNS at this address, over UDP and TCP, until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *seed, *output, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "linuxea:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, seed uint64, output, addr string) error {
	c, err := show(w, seed, output)
	if err != nil || addr == "" {
		return err
	}
	return serve(ctx, w, c, addr)
}

// show tells the story in one of its forms.
func show(w io.Writer, seed uint64, output string) (*sim.Cluster, error) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	if output == "text" {
		return Tell(out, Setting{Seed: seed})
	}
	if output != "json" && output != "svg" {
		return nil, fmt.Errorf("-o %s: want text, json or svg", output)
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
func serve(ctx context.Context, w io.Writer, c *sim.Cluster, addr string) error {
	l, err := dns.Serve(addr, c.DNS().Index())
	if err != nil {
		return err
	}
	defer l.Close()
	host, port, err := net.SplitHostPort(l.Addr())
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nserving DNS at %s until interrupted; ask it with\n  dig -t A satefulset-0.satefulset-linuxea.default.svc.cluster.local @%s -p %s\n", l.Addr(), host, port)
	<-ctx.Done()
	return nil
}
