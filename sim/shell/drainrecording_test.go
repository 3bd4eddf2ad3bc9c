package shell_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// budgets follows the status of the disruption budgets.
type budgets map[string]string

func (b budgets) add(obj apiserver.Object) {
	if o, ok := obj.(*policyv1.PodDisruptionBudget); ok {
		s := &o.Status
		b[o.Name] = fmt.Sprint(s.DisruptionsAllowed, " allowed, ", s.CurrentHealthy, " of ", s.DesiredHealthy, " and ", s.ExpectedPods, ", disrupted: ", len(s.DisruptedPods))
	}
}

// TestDrainRecording repeats the drains of a real cluster under a budget: what
// kubectl says, what nodes, pods and the budget go through (N3, N7, N8). Which of
// two nodes that are drained at once has a pod, and thus how often its eviction is
// refused, is the scheduler's choice.
func TestDrainRecording(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			real, ours := newNodeStory(), newNodeStory()
			theirBudgets, ourBudgets := budgets{}, budgets{}
			c := sim.New(sim.Config{Seed: seed})
			start := c.Now()
			defer c.OnRecord(func(rec *apiserver.Record) {
				ours.add(apiserver.WallTime(rec.Time).Sub(start).Seconds(), string(rec.Type), rec.Object)
				ourBudgets.add(rec.Object)
			})()
			p := &player{t: t, c: c, sh: shell.New(c, nil), back: map[string]string{}}
			places := map[string]string{}
			for _, l := range recording(t, "drainpdb") {
				if l.Op == "" {
					obj := apiserver.KindNamed(l.Kind).New()
					require.NoError(t, json.Unmarshal(l.Object, obj))
					if pod, ok := obj.(*corev1.Pod); ok && pod.Spec.NodeName != "" && !real.began {
						places[pod.Name] = pod.Spec.NodeName
					}
					real.add(l.T, l.Type, obj)
					theirBudgets.add(obj)
					continue
				}
				assert.Equal(t, theirBudgets, ourBudgets, "before %s", l.Op)
				if strings.HasPrefix(l.Op, "kubectl drain") && !real.began {
					p.match(places)
					maps.Copy(ours.rename, invert(p.back))
					real.began, ours.began = true, true
				}
				out := p.sh.RunWith(p.ours(l.Op), l.Stdin)
				assert.Equal(t, saidBy(l.Op, l.Out), saidBy(l.Op, ours.called(out.Text)))
				rest(t, c)
				require.NoError(t, c.Run(4*time.Second))
			}
			assert.Equal(t, theirBudgets, ourBudgets)
			for _, key := range slices.Sorted(maps.Keys(real.rows)) {
				assert.Empty(t, cmp.Diff(real.rows[key], ours.rows[key]), key)
			}
			assert.Empty(t, cmp.Diff(real.events, ours.events))
		})
	}
}

// saidBy returns the lines that a command prints, each once, in no order, and
// without the refusals if those are chance.
func saidBy(op, out string) []string {
	out = strings.NewReplacer("[error", "\nerror", ", error", "\nerror", "], ", "\n", "]\n", "\n").Replace(out + "\n") // of pods evicted side by side
	lines := slices.Compact(slices.Sorted(slices.Values(strings.Split(out, "\n"))))
	return slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(op, "node-2 node-3") && strings.HasPrefix(l, "error when evicting")
	})
}

func rest(t *testing.T, c *sim.Cluster) {
	t.Helper()
	_, err := c.Settle()
	require.NoError(t, err)
}
