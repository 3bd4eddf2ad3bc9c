package simtest

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

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
// runs it again, and the last rows of the cluster's history.
//
// The methods of the cluster itself are all there and return their errors as
// ever.
type T struct {
	*sim.Cluster
	tb       testing.TB
	replay   string // the command that runs the test again
	monitors []*Monitor
}

// New returns a cluster for a test. The flag -simtest.seed overrides
// Config.Seed.
func New(tb testing.TB, cfg sim.Config) *T {
	tb.Helper()
	if *seedFlag != 0 {
		cfg.Seed = *seedFlag
	}
	if err := cfg.Validate(); err != nil {
		tb.Fatalf("simtest: Config.%v", err)
	}
	t := &T{Cluster: sim.New(cfg), tb: tb, replay: command(tb.Name(), fmt.Sprintf("-simtest.seed=%d", cfg.Seed))}
	tb.Cleanup(t.end)
	return t
}

// end reports the violations that nobody asked for, and how to see a failure
// again.
func (t *T) end() {
	if err := t.broken(); err != nil && !t.tb.Failed() {
		t.tb.Errorf("simtest: %v", err)
	}
	for _, m := range t.monitors {
		m.Stop()
	}
	if t.tb.Failed() {
		t.tb.Logf("simtest: replay with\n\t%s\n%s", t.replay, lastRows(t.Cluster, t.broken()))
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
		t.tb.Fatalf("simtest: %v", err)
	}
}

// MustApply applies manifests as Cluster.Apply does.
func (t *T) MustApply(manifests ...string) {
	t.tb.Helper()
	if _, err := t.Apply(manifests...); err != nil {
		t.tb.Fatalf("simtest: apply: %v", err)
	}
	t.check()
}

// MustScale sets the replicas of a StatefulSet in the default namespace.
func (t *T) MustScale(set string, replicas int) {
	t.tb.Helper()
	t.Must(t.Scale("", set, int32(replicas)))
}

// MustSetImage sets the image of every container of a StatefulSet in the
// default namespace.
func (t *T) MustSetImage(set, image string) {
	t.tb.Helper()
	t.Must(t.SetImage("", set, "*", image))
}

// MustDelete deletes an object, of the default namespace if its kind has one.
func (t *T) MustDelete(kind apiserver.Kind, name string, opts ...sim.DeleteOptions) {
	t.tb.Helper()
	t.Must(t.Delete(kind, "", name, opts...))
}

// Must fails the test if a call of the cluster has failed, or an invariant has.
func (t *T) Must(err error) {
	t.tb.Helper()
	if err != nil {
		t.tb.Fatalf("simtest: %v", err)
	}
	t.check()
}

// MustSettle runs until the cluster rests with nothing left to wait for.
func (t *T) MustSettle() {
	t.tb.Helper()
	settled, err := t.Settle()
	if err == nil && len(settled.Waiting) > 0 {
		err = &sim.StuckError{Reason: "the cluster rests (" + settled.Outcome.String() + ") and is not done", Waiting: settled.Waiting}
	}
	t.Must(err)
}

// Ready expects a StatefulSet of the default namespace to have just so many
// pods, all of them ready.
func (t *T) Ready(set string, replicas int) {
	t.tb.Helper()
	s, err := sim.Get[*appsv1.StatefulSet](t.Cluster, "", set)
	t.Must(err)
	if s.Status.Replicas != int32(replicas) || s.Status.ReadyReplicas != int32(replicas) {
		t.tb.Fatalf("simtest: StatefulSet %s has %d pods, %d of them ready; want %d", set, s.Status.Replicas, s.Status.ReadyReplicas, replicas)
	}
}

// Images expects the pods of a StatefulSet, in the order of their ordinals, to
// run these images.
func (t *T) Images(set string, images ...string) {
	t.tb.Helper()
	var got []string
	for i := range images {
		pod, err := sim.Get[*corev1.Pod](t.Cluster, "", fmt.Sprintf("%s-%d", set, i))
		t.Must(err)
		got = append(got, pod.Spec.Containers[0].Image)
	}
	if strings.Join(got, " ") != strings.Join(images, " ") {
		t.tb.Fatalf("simtest: StatefulSet %s runs %v; want %v", set, got, images)
	}
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
