package shell_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// fieldStory is who owns what of an object, and in which step each entry was last
// stamped.
type fieldStory struct {
	step   int
	stamps map[string]string // an entry's
	since  map[string]int    // the step
}

// add takes in a state and returns it as lines, in the order of the entries.
func (s *fieldStory) add(obj metav1.Object) []string {
	var lines []string
	for _, e := range obj.GetManagedFields() {
		id := fmt.Sprint(e.Manager, " ", e.Operation, " ", e.APIVersion, " ", e.Subresource)
		stamp := fmt.Sprint(e.Time)
		if s.stamps[id] != stamp {
			s.stamps[id], s.since[id] = stamp, s.step
		}
		lines = append(lines, fmt.Sprint(id, " stamped:", e.Time != nil, " in step:", s.since[id], " ", string(e.FieldsV1.Raw)))
	}
	return lines
}

// TestServerSideApplyRecording repeats what two teams did to one StatefulSet of a
// real cluster by server-side apply, in the real kubectl's words: shared fields,
// conflicts, force, a scale, a field that is given up, client-side apply on top and
// back, an immutable field, a dry run. After every step the set's managedFields are
// those that were recorded, and each entry was stamped in the same step.
func TestServerSideApplyRecording(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}, FieldManager: fieldmanager.New()})
	sh := shell.New(c, nil)
	real, ours := &fieldStory{stamps: map[string]string{}, since: map[string]int{}}, &fieldStory{stamps: map[string]string{}, since: map[string]int{}}
	var want, got, op []string
	defer c.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind == apiserver.StatefulSet {
			got = ours.add(rec.Object)
		}
	})()
	check := func() {
		assert.Empty(t, cmp.Diff(want, got), "after step %d: %s", real.step, op)
	}
	generations := func(raw json.RawMessage) (g int64) {
		set := &appsv1.StatefulSet{}
		require.NoError(t, json.Unmarshal(raw, set))
		want = real.add(set)
		return set.Generation
	}
	generation := int64(0)
	for _, l := range recording(t, "ssa") {
		if l.Op == "" {
			if l.Kind == "StatefulSet" {
				generation = generations(l.Object)
			}
			continue
		}
		check()
		if op != nil {
			set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
			require.NoError(t, err)
			assert.Equal(t, generation, set.Generation, "after step %d", real.step)
		}
		real.step++
		ours.step++
		op = []string{l.Op}
		out := sh.RunWith(l.Op, l.Stdin)
		assert.Equal(t, strings.TrimSpace(l.Out), strings.TrimSpace(out.Text), "step %d: %s", real.step, l.Op)
		_, err := c.Settle()
		require.NoError(t, err)
		require.NoError(t, c.Run(4*time.Second))
	}
	check()
	assert.Greater(t, real.step, 10)
}
