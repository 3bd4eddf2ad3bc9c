package scenario

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/statefulsim/statefulsim/sim/trace"
)

// The flags of a test binary that imports this package.
var (
	updateFlag = flag.Bool("scenario.update", false, "scenario: write what the steps print into the files")
)

// Run plays the scenarios in files, each as a test of its own, and holds what
// their steps print against what the files expect. The patterns are those of
// filepath.Match; one that no file matches is an error. With the flag
// -scenario.update the outputs in the files are rewritten; expectations hold all
// the same.
func Run(t *testing.T, patterns ...string) {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("scenario: no file matches %q", pattern)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	s, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	played, err := s.Play(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() && played.Cluster != nil {
			draw(t, s, played)
		}
	}()
	if err := played.Err(); err != nil {
		t.Error(err)
	}
	wrong := played.Mismatches()
	if len(wrong) == 0 {
		return
	}
	if *updateFlag {
		if err := os.WriteFile(file, s.Format(played.Got()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, d := range wrong {
		t.Error(s.mismatch(d))
	}
	t.Logf("if that is right, rewrite the file with go test -run '^%s$' -scenario.update", t.Name())
}

// draw leaves a picture of a play that has failed.
func draw(t *testing.T, s *Scenario, p *Played) {
	file, err := trace.Save(t, p.Cluster.History(), p.Timeline(s.Title()))
	if err != nil {
		t.Logf("a picture could not be written: %v", err)
		return
	}
	t.Logf("a picture of it, for a browser: %s", file)
}

// mismatch says what a step printed in place of what was expected.
func (s *Scenario) mismatch(d Done) error {
	return s.errorf(d.Line, "%s: the output is not what the file has (-want +got):\n%s", d.Text, strings.Join(edits(lines(d.Want), lines(d.Got)), "\n"))
}

// Verify returns what is wrong with a play: steps that could not be done,
// expectations that do not hold and, if it was played with the file's own seed,
// outputs that differ from the file's. It is nil if all is as the file says.
func (s *Scenario) Verify(p *Played) error {
	errs := []error{p.Err()}
	if p.Own {
		for _, d := range p.Mismatches() {
			errs = append(errs, s.mismatch(d))
		}
	}
	return errors.Join(errs...)
}

// Read parses the scenario in a file.
func Read(file string) (*Scenario, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return Parse(file, data)
}
