// Command lessons is a playground on ordering in a browser: lessons beside a live
// cluster, which runs in the page itself, in WebAssembly. No server is needed but one
// that hands out files.
//
//	go run ./examples/lessons              serves it on loopback and says where
//	go run ./examples/lessons -build DIR   writes it as a static site
//
// A lesson is text with a terminal that takes kubectl lines, a timeline of who waited
// for whom that grows, the tables of every moment, a clock to play, step, go back and
// run on differently, and questions that one answers before the cluster does. The
// lessons are those of examples/play. The address of a page is its state: whoever
// opens it has the same history, byte for byte.
//
// The first build compiles the whole simulator to WebAssembly, which takes minutes;
// then it is cached. Interrupted, it leaves DIR as it was.
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	build, listen string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	dir := opt.build
	if dir == "" {
		if dir, err = os.MkdirTemp("", "lessons"); err == nil {
			defer func() { _ = os.RemoveAll(dir) }() // what is left of it is the temporary directory's
		}
	}
	if err == nil {
		err = build(ctx, dir, stderr)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "interrupted: nothing was written")
		return exitFailed
	case err == nil && opt.build == "":
		err = serve(ctx, opt.listen, dir, stdout)
	case err == nil:
		fmt.Fprintf(stdout, "The site is in %s: any server of static files will do.\n", filepath.Clean(dir))
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitFailed
	}
	return exitDone
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	f := flag.NewFlagSet("lessons", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&opt.build, "build", "", "write the site into `DIR` and serve nothing")
	f.StringVar(&opt.listen, "listen", "127.0.0.1:0", "`ADDRESS` of loopback to serve at; port 0 takes a free one")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "usage: lessons [flags]")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return opt, err
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err == nil {
		err = checkAddress(opt.listen)
	}
	return opt, err
}

// checkAddress refuses what is not loopback: who wants the site elsewhere builds it.
func checkAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("-listen %s: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-listen %s is no address of loopback; -build writes a site for any server", address)
}

// serve hands the files out until the context ends.
func serve(ctx context.Context, address, dir string, stdout io.Writer) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The lessons are at http://%s/ (ctrl-C ends)\n", l.Addr())
	s := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		last, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_ = s.Shutdown(last) // who still reads is cut off by the process's end
		return nil
	}
}
