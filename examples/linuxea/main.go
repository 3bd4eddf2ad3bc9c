// Command linuxea tells the story of a walkthrough from 2018, 初探SatefulSet控制器,
// on a simulated cluster: five NFS volumes, a headless Service and a
// StatefulSet that is scaled from 2 to 5 and back, updated behind a partition,
// deleted and created again, looked up in DNS and read with curl.
//
//	go run ./examples/linuxea            the story, as a terminal shows it
//	go run ./examples/linuxea -seed 7    another legal outcome
//	go run ./examples/linuxea -o json    its history: watch events, one JSON object a line
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/statefulsim/statefulsim/sim/trace"
)

func main() {
	seed := flag.Uint64("seed", articleSeed, "which of the legal histories; the default binds the volumes in the article's order")
	output := flag.String("o", "text", "text for the story, json for its history")
	flag.Parse()
	if err := run(os.Stdout, *seed, *output); err != nil {
		fmt.Fprintln(os.Stderr, "linuxea:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, seed uint64, output string) error {
	out := bufio.NewWriter(w)
	defer out.Flush()
	switch output {
	case "text":
		_, err := Tell(out, Setting{Seed: seed})
		return err
	case "json":
		c, err := Tell(io.Discard, Setting{Seed: seed})
		if err != nil {
			return err
		}
		w := trace.NewWriter(out)
		for _, rec := range c.History() {
			if err := w.Write(rec); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("-o %s: want text or json", output)
}
