package simtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
)

// Trial says under what conditions random operations are tried on a
// StatefulSet. The zero Trial is a cluster of three nodes, all operations, and
// the invariants of UnderFaults.
type Trial struct {
	// Config makes the configuration of each cluster; its Seed is overwritten,
	// Provision is set, and the workloads are the trial's own if it has none.
	Config func() sim.Config
	// Invariants are held in every state; nil means UnderFaults.
	Invariants []Invariant
	// Length is the most operations of a script; 0 means 16.
	Length int
	// Without names operations that are not drawn.
	Without []string
	// Marks, if not nil, counts what has happened.
	Marks Marks
}

// Check draws scripts of operations and runs each on a cluster of its own: no
// invariant may be broken in any state, and when all faults are healed, the set
// must become ready and updated. How many scripts are drawn, and from which
// seed, say rapid's flags (-rapid.checks, -rapid.seed).
//
// A script that fails is made as small as possible and saved as text; the
// message names the file and the command that replays it: with
// -simtest.replay=FILE, Check runs the file's script instead. The file can be
// edited.
func (trial Trial) Check(t *testing.T) {
	t.Helper()
	if *replayFlag != "" {
		trial.Replay(t, *replayFlag)
		return
	}
	rapid.Check(t, trial.property(t))
}

// Fuzz does what Check does, with the inputs of `go test -fuzz`.
func (trial Trial) Fuzz(f *testing.F) {
	if *replayFlag != "" {
		trial.Replay(f, *replayFlag)
		return
	}
	f.Fuzz(rapid.MakeFuzz(trial.Property(f.Name())))
}

// Replay runs the script in a file under the conditions of the zero Trial.
func Replay(tb TB, file string) {
	tb.Helper()
	Trial{}.Replay(tb, file)
}

// Replay runs the script in a file.
func (trial Trial) Replay(tb TB, file string) {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("simtest: %v", err)
	}
	script, err := ParseScript(string(text))
	if err != nil {
		tb.Fatalf("simtest: %s: %v", file, err)
	}
	if r, err := trial.run(script, true); err != nil {
		tb.Fatalf("simtest: %s: %v\n%s\n%s", file, err, picture(tb, r.c, err, r.done), lastRows(r.c, err))
	}
}

// Draw draws a script.
func (trial Trial) Draw(t *rapid.T) Script {
	length := trial.Length
	if length == 0 {
		length = 16
	}
	return drawScript(t, length, trial.Without)
}

// Run runs one script and returns the cluster at its end, and what went wrong.
func (trial Trial) Run(script Script) (*sim.Cluster, error) {
	r, err := trial.run(script, false)
	return r.c, err
}

// run is Run; with causes, the cluster remembers its events, for a picture.
func (trial Trial) run(script Script, causes bool) (*run, error) {
	if make := trial.Config; causes {
		trial.Config = func() (cfg sim.Config) {
			if make != nil {
				cfg = make()
			}
			cfg.Causes = true
			return cfg
		}
	}
	r := newRun(script, trial)
	defer r.monitor.Stop()
	err := r.play(script.Operations)
	return r, err
}

// Property is what Check checks, for rapid. The name is that of the test, for
// the file and the command that a failure prints.
func (trial Trial) Property(test string) func(*rapid.T) { return trial.property(name(test)) }

func (trial Trial) property(tb named) func(*rapid.T) {
	test := tb.Name()
	again := command(test, "-simtest.replay=")
	var best *Script // the smallest script that fails, so far
	var drawn string // where its picture is
	return func(t *rapid.T) {
		script := trial.Draw(t)
		if _, err := trial.Run(script); err == nil {
			return
		}
		better := best == nil || len(script.Operations) < len(best.Operations)
		if best == nil {
			script = trial.Shrink(script)
		}
		if better {
			best = &script
		}
		r, err := trial.run(*best, true)
		if better {
			drawn = picture(tb, r.c, err, r.done)
		}
		file, saveErr := save(test, *best, err)
		if saveErr != nil {
			file = saveErr.Error()
		}
		t.Fatalf("%v\n\n%s\nsaved; edit it if you like, and replay it with\n\t%s%s\n%s\n\n%s", err, best, again, file, drawn, lastRows(r.c, err))
	}
}

// name is a test of which nothing else is known.
type name string

func (n name) Name() string { return string(n) }

// save writes a failing script to the test's file, over that of an earlier
// failure: while a failure is made smaller, the last one is the smallest.
func save(test string, script Script, cause error) (string, error) {
	why := strings.ReplaceAll(firstLines(cause.Error(), 3), "\n", "\n# ")
	return write(test, ".ops", fmt.Sprintf("# %s\n%s", why, script))
}

// write writes a file that is named like the test, and returns its path.
func write(test, extension, text string) (string, error) {
	name := strings.Map(func(c rune) rune {
		if c == '/' || c == ' ' || c == ':' {
			return '_'
		}
		return c
	}, test)
	file := filepath.Join("testdata", "simtest", name+extension)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(text), 0o644)
}

func firstLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[:min(n, len(lines))], "\n")
}
