package shell_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
	"github.com/statefulsim/statefulsim/sim/table"
)

// containerStory is what a history tells of containers that die: the rows of each
// pod with restarts and how the last run ended, and what the kubelets say.
type containerStory struct {
	rows   map[string][]string
	times  map[string][]time.Duration // of the rows
	events map[string]bool
}

func newContainerStory() *containerStory {
	return &containerStory{map[string][]string{}, map[string][]time.Duration{}, map[string]bool{}}
}

var anyUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// Pulls take no time in the recordings, and images have no size there.
var anyPull = regexp.MustCompile(`" in .*`)

func (s *containerStory) add(at time.Duration, typ string, obj apiserver.Object) {
	switch o := obj.(type) {
	case *corev1.Event:
		if o.Source.Component == "kubelet" && o.InvolvedObject.Kind == "Pod" {
			message := anyUID.ReplaceAllString(anyPull.ReplaceAllString(o.Message, ""), "UID")
			s.events[fmt.Sprint(o.InvolvedObject.Name, " ", o.Type, " ", o.Reason, ": ", message)] = true
		}
	case *corev1.Pod:
		p := table.Summarize(o)
		row := fmt.Sprint(typ, " ", p.ReadyText(), " ", p.Status, " ", o.Status.Phase)
		for i := range o.Status.ContainerStatuses {
			c := &o.Status.ContainerStatuses[i]
			row += fmt.Sprint(" restarts:", c.RestartCount)
			if t := c.LastTerminationState.Terminated; t != nil {
				row += fmt.Sprint(" last:", t.ExitCode, t.Reason)
			}
			if w := c.State.Waiting; w != nil {
				row += " " + anyUID.ReplaceAllString(w.Message, "UID")
			}
		}
		rows, times := s.rows[o.Name], s.times[o.Name]
		n := len(rows) - 1
		switch {
		case n >= 0 && rows[n] == row && isMergeable(row):
			return
		case n >= 0 && strings.Replace(rows[n], " 0/1 ", " 1/1 ", 1) == row && at-times[n] < 100*time.Millisecond:
			rows, times = rows[:n], times[:n] // its first probe took no time there, and one write showed both
		}
		s.rows[o.Name], s.times[o.Name] = append(rows, row), append(times, at)
	}
}

// TestContainerRecordings repeats at the same times what was done to a real
// control plane, and compares every row of every pod, and every message of the
// kubelets. The fake runtime there pulls, starts and stops in no time, and pods
// that back off are synced at once more each 10 to 15 s, so that some start late.
func TestContainerRecordings(t *testing.T) {
	for _, test := range []struct {
		name      string
		workloads map[string]kubelet.Workload
		seed      uint64
		tolerance time.Duration // of the times of rows; 0: not compared
	}{
		{name: "crash", seed: 1, workloads: map[string]kubelet.Workload{"nginx:exit1-after3s": {ExitAfter: 3 * time.Second, ExitCode: 1}}},
		{name: "probes", seed: 1, workloads: map[string]kubelet.Workload{"nginx:2.0": {Unready: []kubelet.Window{{}}}}},
		{name: "liveness", seed: 1, tolerance: 8 * time.Second, workloads: map[string]kubelet.Workload{"nginx:1.0": {Unhealthy: []kubelet.Window{{}}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			real, ours := newContainerStory(), newContainerStory()
			l := sim.Realistic()
			l.Kubelet = kubelet.Latency{Notice: l.Kubelet.Notice, Relist: l.Kubelet.Relist, Sync: l.Kubelet.Sync}
			c := sim.New(sim.Config{Seed: test.seed, Workloads: test.workloads, Latency: &l})
			base := c.Now()
			defer c.OnRecord(func(rec *apiserver.Record) { ours.add(c.Now().Sub(base), string(rec.Type), rec.Object) })()
			sh := shell.New(c, nil)
			steps := recording(t, test.name)
			first := steps[slices.IndexFunc(steps, func(s step) bool { return s.Op != "" })].T
			since := func(s step) time.Duration { return time.Duration((s.T - first) * float64(time.Second)) }
			for _, s := range steps {
				if s.Op != "" {
					require.NoError(t, c.Run(since(s)-c.Now().Sub(base)))
					out := sh.RunWith(s.Op, s.Stdin)
					require.Zero(t, out.Code, "%s: %s", s.Op, out.Text)
					continue
				}
				if kind := apiserver.KindNamed(s.Kind); kind == apiserver.Pod || s.Kind == "Event" {
					obj := kind.New()
					require.NoError(t, json.Unmarshal(s.Object, obj))
					real.add(since(s), s.Type, obj)
				}
			}
			require.NoError(t, c.Run(since(steps[len(steps)-1])+test.tolerance-c.Now().Sub(base)))
			assert.Empty(t, cmp.Diff(real.rows, ours.rows))
			assert.Empty(t, cmp.Diff(slices.Sorted(maps.Keys(real.events)), slices.Sorted(maps.Keys(ours.events))))
			for pod, times := range real.times {
				for i, at := range times {
					if test.tolerance > 0 && i < len(ours.times[pod]) {
						assert.InDelta(t, at.Seconds(), ours.times[pod][i].Seconds(), test.tolerance.Seconds(), "%s %s", pod, real.rows[pod][i])
					}
				}
			}
		})
	}
}
