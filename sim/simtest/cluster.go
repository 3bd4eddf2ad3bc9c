package simtest

import (
	"errors"
	"flag"
	"fmt"
	"reflect"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// The flags of a test binary that imports this package. They are what a failure
// tells its reader to give.
var (
	seedFlag   = flag.Uint64("simtest.seed", 0, "simtest: run clusters with this seed instead of the test's own (0: the test's own)")
	replayFlag = flag.String("simtest.replay", "", "simtest: run the operations in this file instead of drawing some")
	rowsFlag   = flag.Int("simtest.rows", 30, "simtest: how many rows of a failing cluster's history are printed")
)

// T is a cluster inside a test: what goes wrong with it fails the test. Its
// methods end the test at once, as testing.T.Fatal does, and when the test has
// failed, for whatever reason, its log ends with the seed, the command that
// runs it again, and the last rows of the cluster's history: once, however many
// clusters the test has made.
//
// The methods of the cluster itself are all there and return their errors as
// ever. Where a method takes the name of a set, it is one of the default
// namespace, or "namespace/name".
type T struct {
	*sim.Cluster
	tb       TB
	replay   string // the command that runs the test again, or what to do instead
	failed   bool   // an expectation of this cluster has
	monitors []*Monitor
}

// New returns a cluster for a test. The flag -simtest.seed overrides
// Config.Seed. In a property of rapid, give it the *rapid.T: a cluster that is
// made for the test around it lives, with all others that rapid makes, until
// that ends. It fails the test if the Config is not valid, and panics if tb is
// nil.
func New(tb TB, cfg sim.Config) *T {
	if v := reflect.ValueOf(tb); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		panic("simtest: New: tb is nil")
	}
	tb = hashable(tb)
	tb.Helper()
	if *seedFlag != 0 {
		cfg.Seed = *seedFlag
	}
	if err := cfg.Validate(); err != nil {
		tb.Fatalf("simtest: Config.%v", err)
	}
	if cfg.History == 0 {
		cfg.Causes = true // for the picture of a failure: it takes less than the history
	}
	t := &T{Cluster: sim.New(cfg), tb: tb}
	if isRapid(tb) {
		t.replay = "run it again as rapid says"
	} else {
		t.replay = "replay with\n\t" + command(tb.Name(), fmt.Sprintf("-simtest.seed=%d", cfg.Seed))
	}
	begin(tb)
	tb.Cleanup(t.end)
	return t
}

// fatalf fails the test on account of this cluster.
func (t *T) fatalf(format string, args ...any) {
	t.tb.Helper()
	t.failed = true
	failing(t.tb)
	t.tb.Fatalf("simtest: "+format, args...)
}

// end reports the violations that nobody asked for, and how to see a failure
// again.
func (t *T) end() {
	broken := t.broken()
	for _, m := range t.monitors {
		m.Stop()
	}
	news := broken != nil && !t.tb.Failed()
	t.failed = t.failed || news
	if news && !isRapid(t.tb) {
		t.tb.Errorf("simtest: %v", broken)
	}
	if prints, of := finish(t.tb, t.failed); prints {
		which := ""
		if of > 1 && !t.failed {
			which = fmt.Sprintf(" (of the last of this test's %d clusters)", of)
		}
		t.tb.Logf("simtest: %s\n%s\nThe end of the history%s:\n%s", t.replay, picture(t.tb, t.Cluster, broken, nil), which, lastRows(t.Cluster, broken))
	}
	if news && isRapid(t.tb) {
		t.tb.Fatalf("simtest: %v", broken)
	}
}

// broken returns the violations so far, or nil.
func (t *T) broken() error {
	var errs []error
	for _, m := range t.monitors {
		errs = append(errs, m.Err())
	}
	return errors.Join(errs...)
}

// Always holds the cluster to invariants from now on; all of this package's if
// none is named.
func (t *T) Always(invariants ...Invariant) {
	if len(invariants) == 0 {
		invariants = All()
	}
	t.monitors = append(t.monitors, Watch(t.Cluster, invariants...))
}

// check fails the test if an invariant is broken.
func (t *T) check() {
	t.tb.Helper()
	if err := t.broken(); err != nil {
		t.fatalf("%v", err)
	}
}

// Must fails the test if a call of the cluster has failed, or an invariant has.
func (t *T) Must(err error) {
	t.tb.Helper()
	if err != nil {
		t.fatalf("%v", err)
	}
	t.check()
}

// MustApply applies manifests as Cluster.Apply does.
func (t *T) MustApply(manifests ...string) {
	t.tb.Helper()
	_, err := t.Apply(manifests...)
	t.Must(wrap("apply", err))
}

// MustApplyFiles applies the manifests in files.
func (t *T) MustApplyFiles(paths ...string) {
	t.tb.Helper()
	_, err := t.ApplyFiles(paths...)
	t.Must(wrap("apply", err))
}

// MustScale sets the replicas of a StatefulSet.
func (t *T) MustScale(set string, replicas int) {
	t.tb.Helper()
	if replicas != int(int32(replicas)) {
		t.fatalf("MustScale: %d replicas are more than a StatefulSet can have", replicas)
	}
	namespace, name := split(set)
	t.Must(t.Scale(namespace, name, int32(replicas)))
}

// MustSetImage sets the image of every container of a StatefulSet.
func (t *T) MustSetImage(set, image string) {
	t.tb.Helper()
	namespace, name := split(set)
	t.Must(t.SetImage(namespace, name, "*", image))
}

// MustDelete deletes an object, of the default namespace if its kind has one.
func (t *T) MustDelete(kind apiserver.Kind, name string, opts ...sim.DeleteOptions) {
	t.tb.Helper()
	namespace, name := split(name)
	t.Must(t.Delete(kind, namespace, name, opts...))
}

// split cuts "namespace/name"; the namespace may be left out.
func split(name string) (namespace, rest string) {
	if namespace, rest, ok := strings.Cut(name, "/"); ok {
		return namespace, rest
	}
	return "", name
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// lastRows returns the end of a cluster's history; if an invariant was broken,
// as it was then.
func lastRows(c *sim.Cluster, cause error) string {
	recs := c.History()
	var v *Violation
	if errors.As(cause, &v) && v.Row <= len(recs) {
		recs = recs[:v.Row]
	}
	var b strings.Builder
	if n := len(recs) - *rowsFlag; n > 0 {
		fmt.Fprintf(&b, "… %d rows before (-simtest.rows)\n", n)
		recs = recs[n:]
	}
	if err := trace.WriteText(&b, recs); err != nil {
		return err.Error()
	}
	return b.String()
}
