package simtest

import (
	"reflect"
	"sync"

	"pgregory.net/rapid"
)

// TB is what this package needs of a test. *testing.T, *testing.B, *testing.F
// and *rapid.T all have it, which testing.TB, by its private method, forbids the
// last of them.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// report is what the clusters of one test have to say together: one failure is
// printed once, with the history of the cluster that failed, however many the
// test has made.
type report struct {
	clusters int  // made so far
	open     int  // of them, whose cleanup has not run
	failed   bool // a cluster's own expectation has failed
	printed  bool
}

// reports are those of the tests that run. Tests run side by side, so this is
// the one place here that needs a lock.
var reports = struct {
	sync.Mutex
	of map[TB]*report
}{of: map[TB]*report{}}

// begin enters a cluster of a test.
func begin(tb TB) {
	reports.Lock()
	defer reports.Unlock()
	r := reports.of[tb]
	if r == nil {
		r = &report{}
		reports.of[tb] = r
	}
	r.clusters++
	r.open++
}

// failing says that an expectation of a cluster itself has failed.
func failing(tb TB) {
	reports.Lock()
	defer reports.Unlock()
	if r := reports.of[tb]; r != nil { // not after the test
		r.failed = true
	}
}

// finish takes a cluster out, and reports whether its history is to be printed:
// it has failed by itself, or the test has failed elsewhere and this is the
// cluster that was made last.
func finish(tb TB, own bool) (prints bool, of int) {
	reports.Lock()
	defer reports.Unlock()
	r := reports.of[tb]
	prints = own || tb.Failed() && !r.failed && !r.printed
	r.printed = r.printed || prints
	if r.open--; r.open == 0 {
		delete(reports.of, tb)
	}
	return prints, r.clusters
}

// boxed makes a test that cannot be a map's key into one that can.
type boxed struct{ TB }

func hashable(tb TB) TB {
	if !reflect.TypeOf(tb).Comparable() {
		return &boxed{tb}
	}
	return tb
}

// isRapid reports whether rapid runs the test: it has commands of its own to run
// it again, and hears in a cleanup only of what ends that.
func isRapid(tb TB) bool { _, is := tb.(*rapid.T); return is }
