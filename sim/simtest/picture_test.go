package simtest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
)

// failing is a test that fails, and keeps what it says.
type failingTest struct {
	name, text string
	cleanups   []func()
	failed     bool
}

func (f *failingTest) Helper()                           {}
func (f *failingTest) Name() string                      { return f.name }
func (f *failingTest) Cleanup(do func())                 { f.cleanups = append(f.cleanups, do) }
func (f *failingTest) Failed() bool                      { return f.failed }
func (f *failingTest) Logf(format string, args ...any)   { f.text += fmt.Sprintf(format, args...) + "\n" }
func (f *failingTest) Errorf(format string, args ...any) { f.failed = true; f.Logf(format, args...) }
func (f *failingTest) Fatalf(format string, args ...any) { f.Errorf(format, args...); panic(f) }

// drawnAt returns the picture that a failure names, which has to be there once.
func drawnAt(t *testing.T, text string) string {
	t.Helper()
	files := regexp.MustCompile(`A picture of it, for a browser: (\S+\.html)`).FindAllStringSubmatch(text, -1)
	require.Len(t, files, 1, "%s", text)
	data, err := os.ReadFile(files[0][1])
	require.NoError(t, err)
	require.NoError(t, os.Remove(files[0][1]))
	return string(data)
}

// TestFailureIsDrawn: a test that fails leaves one picture, with what was waited
// for, whatever its clusters.
func TestFailureIsDrawn(t *testing.T) {
	f := &failingTest{name: t.Name() + "/one two"}
	func() {
		defer func() { _ = recover() }()
		New(f, sim.Config{}) // another cluster of the same test
		c := New(f, sim.Config{})
		c.MustApply(strings.Replace(fmt.Sprintf(manifest, 2, "OrderedReady", "web:1"), "storageClassName: fast, ", "storageClassName: none, ", 1))
		c.MustSettle()
	}()
	for _, do := range f.cleanups {
		do()
	}
	page := drawnAt(t, f.text)
	require.Contains(t, page, f.name)
	require.Contains(t, page, "pod/default/web-0")
	require.Contains(t, page, `"why":[{`)
}

// TestSmallestFailureIsDrawn: a script that fails has its picture, up to the
// violation, with its operations and causes.
func TestSmallestFailureIsDrawn(t *testing.T) {
	alone := Invariant{Name: "one process", Start: func(c *sim.Cluster) Check {
		return Check{Step: func() error {
			if len(c.Processes()) > 1 {
				return errors.New("two processes run")
			}
			return nil
		}}
	}}
	script := Script{Seed: 1, Operations: []Operation{{Do: "cordon", Args: []string{"node-1"}}, {Do: "wait", Args: []string{"30s"}}}}
	r, err := Trial{Invariants: []Invariant{alone}}.run(script, true)
	require.ErrorContains(t, err, "two processes run")
	page := drawnAt(t, picture(name(t.Name()), r.c, err, r.done))
	require.Contains(t, page, "two processes run")
	require.Contains(t, page, `"w":"cordon node-1"`)
	require.Contains(t, page, `"arrows":[{`)
	require.NotContains(t, page, "pod/default/web-2", "it goes on after the violation")
}
