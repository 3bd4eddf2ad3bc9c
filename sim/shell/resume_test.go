package shell_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
	"github.com/statefulsim/statefulsim/sim/table"
)

// snapshotOf returns what a recorded cluster held after its first steps.
func snapshotOf(t *testing.T, steps []step) sim.Snapshot {
	t.Helper()
	now := map[string]apiserver.Object{}
	var order []string
	for _, s := range steps {
		if s.Op != "" {
			continue
		}
		kind := apiserver.KindNamed(s.Kind)
		obj := kind.New()
		require.NoError(t, json.Unmarshal(s.Object, obj))
		key := fmt.Sprint(kind, " ", apiserver.KeyOf(obj))
		if s.Type == "DELETED" {
			delete(now, key)
			continue
		}
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
		now[key] = obj
	}
	var snap sim.Snapshot
	for _, key := range order {
		if obj := now[key]; obj != nil {
			snap.Objects = append(snap.Objects, obj)
		}
	}
	return snap
}

// resting is what a cluster has come to, without what may differ between two
// runs: UIDs, versions, times, addresses, which of equal volumes and nodes.
func resting(objects []apiserver.Object) []string {
	var rows []string
	for _, obj := range objects {
		switch o := obj.(type) {
		case *corev1.Pod:
			p := table.Summarize(o)
			rows = append(rows, fmt.Sprint("pod ", o.Name, " ", p.ReadyText(), " ", p.Status, " bound:", o.Spec.NodeName != "",
				" owners:", len(o.OwnerReferences), " revision:", o.Labels["controller-revision-hash"]))
		case *corev1.PersistentVolumeClaim:
			rows = append(rows, fmt.Sprint("claim ", o.Name, " ", o.Status.Phase, " owners:", len(o.OwnerReferences)))
		case *corev1.PersistentVolume:
			rows = append(rows, fmt.Sprint("volume ", o.Status.Phase, " claimed:", o.Spec.ClaimRef != nil))
		case *corev1.Node:
			row := fmt.Sprint("node ", o.Name, " unschedulable:", o.Spec.Unschedulable)
			for _, c := range o.Status.Conditions {
				row += fmt.Sprint(" ", c.Type, "=", c.Status)
			}
			for _, taint := range o.Spec.Taints {
				row += " " + taint.ToString()
			}
			rows = append(rows, row)
		case *appsv1.ControllerRevision:
			rows = append(rows, fmt.Sprint("revision ", o.Name, " ", o.Revision, " owners:", len(o.OwnerReferences)))
		case *appsv1.StatefulSet:
			s := &o.Status
			rows = append(rows, fmt.Sprint("set ", o.Name, o.Generation, s.ObservedGeneration, s.Replicas, s.ReadyReplicas, s.AvailableReplicas,
				s.CurrentReplicas, s.UpdatedReplicas, s.CurrentRevision, s.UpdateRevision))
		}
	}
	slices.Sort(rows)
	return rows
}

// resume plays the rest of a recording to a cluster that begins with the first
// steps of it, and compares where both come to rest.
func resume(t *testing.T, workloads map[string]kubelet.Workload, steps []step, from int) {
	c, lost, err := sim.Resume(sim.Config{Workloads: workloads}, snapshotOf(t, steps[:from]))
	require.NoError(t, err)
	for _, l := range lost { // an object that goes on otherwise than it would have
		require.Equal(t, apiserver.Node, l.Kind, l)
	}
	sh := shell.New(c, nil)
	rest := func() {
		_, err := c.Settle()
		require.NoError(t, err)
		require.NoError(t, c.Run(10*time.Minute)) // a back-off may have to end
	}
	rest()
	for _, s := range steps[from:] {
		if strings.HasPrefix(s.Op, "#") {
			require.NoError(t, happen(c, s.Op))
			rest()
		} else if s.Op != "" {
			out := sh.RunWith(s.Op, s.Stdin)
			require.Zero(t, out.Code, "%s: %s", s.Op, out.Text)
			rest()
		}
	}
	var objects []apiserver.Object
	for _, kind := range apiserver.Kinds() {
		list, err := c.List(kind, "", "")
		require.NoError(t, err)
		objects = append(objects, list...)
	}
	if diff := cmp.Diff(resting(snapshotOf(t, steps).Objects), resting(objects)); diff != "" {
		t.Errorf("recorded (-), ours (+):\n%s", diff)
	}
}

// happen has happen to a node what a recording says.
func happen(c *sim.Cluster, what string) error {
	node := regexp.MustCompile(`node-\d+`).FindString(what)
	switch {
	case strings.Contains(what, "stops answering"):
		return c.StopKubelet(node)
	case strings.Contains(what, "is killed"):
		return c.CrashNode(node)
	case strings.Contains(what, "again"):
		return c.RestartNode(node)
	}
	return nil // a remark
}

// The state of a cluster with a node that is silent goes on, too: at every moment
// from when the API shows it.
func TestResumeBadDays(t *testing.T) {
	for _, name := range []string{"nodeloss", "outofservice"} {
		steps := recording(t, name)
		shown := slices.IndexFunc(steps, func(s step) bool { return s.Kind == "Node" && strings.Contains(string(s.Object), `"status":"Unknown"`) })
		for i := shown + 1; i < len(steps); i += 3 {
			if slices.ContainsFunc(steps[max(i-5, 0):i+1], func(s step) bool { return s.Op != "" }) {
				continue // what the operation itself writes may not all be there yet
			}
			t.Run(fmt.Sprintf("%s/after %d", name, steps[i].RV), func(t *testing.T) { resume(t, nil, steps, i+1) })
		}
	}
}

// A snapshot of a real cluster goes on as that went on: from where it rested
// before each operation, and from twenty moments of a history at which it did not.
func TestResumeRecordings(t *testing.T) {
	workloads := map[string]kubelet.Workload{
		"nginx:exit1-after3s": {ExitAfter: 3 * time.Second, ExitCode: 1},
		"nginx:2.0":           {Unready: []kubelet.Window{{}}},
	}
	for _, name := range []string{"seed", "parallel", "maxunavailable_ordered", "ondelete", "retention", "orphan", "wffc", "crash", "probes"} {
		loads := workloads
		if name != "crash" && name != "probes" {
			loads = nil
		}
		steps := recording(t, name)
		for i, s := range steps {
			if s.Op != "" && i > 0 {
				t.Run(fmt.Sprintf("%s/at rest before %d", name, s.RV), func(t *testing.T) { resume(t, loads, steps, i) })
			}
		}
		begun := slices.IndexFunc(steps, func(s step) bool { return s.Op != "" })
		draw := rand.New(rand.NewPCG(1, 2))
		for n := 0; n < 20; {
			i := begun + 1 + draw.IntN(len(steps)-begun-1)
			if slices.ContainsFunc(steps[max(i-9, 0):i+1], func(s step) bool { return s.Op != "" }) {
				continue // what the operation itself writes may not all be there yet
			}
			n++
			t.Run(fmt.Sprintf("%s/after %d", name, steps[i].RV), func(t *testing.T) { resume(t, loads, steps, i+1) })
		}
	}
}
