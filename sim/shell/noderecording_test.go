package shell_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// nodeStory is what a history tells of nodes and their pods, from when the first
// node fails. Nodes are called by the name that the recording has for them.
type nodeStory struct {
	start   time.Time
	began   bool
	last    map[string]string // rows, from the beginning
	node    float64           // when there was last a row of a node
	rename  map[string]string
	rows    map[string][]string
	events  map[string]bool
	times   map[string][]float64 // of a row's first appearances, in seconds
	renewed map[string]float64   // the last renewal of a node's Lease before it fell silent
	places  map[string]string    // of pods when the first node failed
}

func newNodeStory() *nodeStory {
	return &nodeStory{last: map[string]string{}, rename: map[string]string{}, rows: map[string][]string{}, events: map[string]bool{}, times: map[string][]float64{}, renewed: map[string]float64{}}
}

func (s *nodeStory) called(text string) string {
	return nodeName.ReplaceAllStringFunc(text, func(name string) string {
		if n, ok := s.rename[name]; ok {
			return n
		}
		return name
	})
}

var nodeName = regexp.MustCompile(`\bnode-\d+\b`)

// add takes in a watch event.
func (s *nodeStory) add(t float64, typ string, obj apiserver.Object) {
	switch o := obj.(type) {
	case *coordinationv1.Lease:
		name := s.called(o.Name)
		if !slices.ContainsFunc(s.rows[name], func(row string) bool { return strings.Contains(row, "Unknown") }) {
			s.renewed[name] = o.Spec.RenewTime.Sub(s.start).Seconds()
		}
	case *corev1.Node:
		row := "Ready=" + string(nodeReady(o))
		for _, taint := range o.Spec.Taints {
			row += " " + strings.TrimPrefix(taint.Key, "node.kubernetes.io/") + ":" + string(taint.Effect)
		}
		s.row(t, s.called(o.Name), typ+" "+row)
	case *corev1.Pod:
		row := fmt.Sprintf("%s %s deleting:%v generation:%d", typ, o.Status.Phase, o.DeletionTimestamp != nil, o.Generation)
		for _, c := range o.Status.Conditions {
			if c.Type == corev1.PodReady || c.Type == corev1.ContainersReady || c.Type == corev1.DisruptionTarget {
				row += fmt.Sprint(" ", c.Type, "=", c.Status, "/", c.Reason)
			}
		}
		s.row(t, o.Name, row)
	case *corev1.Event:
		if from := o.Source.Component; s.began && (from == "node-controller" || from == "taint-eviction-controller") {
			s.events[s.called(fmt.Sprint(from, " ", o.Type, " ", o.InvolvedObject.Kind, "/", o.InvolvedObject.Name, " ", o.Reason, ": ", o.Message))] = true
		}
	}
}

// row adds a row if it says anything new: a heartbeat does not.
func (s *nodeStory) row(t float64, key, row string) {
	was := s.last[key]
	if was == "" && nodeName.MatchString(key) {
		was = "ADDED Ready=True" // before anybody listened
	}
	if s.last[key] = row; was == row || !s.began || strings.TrimPrefix(was, "ADDED") == strings.TrimPrefix(row, "MODIFIED") {
		return
	}
	s.rows[key] = append(s.rows[key], row)
	if nodeName.MatchString(key) {
		s.node = t
	}
	s.times[key+" "+row] = append(s.times[key+" "+row], t)
}

// at returns when a row was first there, or −1.
func (s *nodeStory) at(key, row string) float64 {
	if ts := s.times[key+" "+row]; len(ts) > 0 {
		return ts[0]
	}
	return -1
}

func nodeReady(node *corev1.Node) corev1.ConditionStatus {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return ""
}

// replayNodes repeats what was done to a control plane and its kubelets, at the times
// at which it was done, and returns both stories.
func replayNodes(t *testing.T, name string, seed uint64) (real, ours *nodeStory) {
	real, ours = newNodeStory(), newNodeStory()
	lines := recording(t, name)
	if _, err := os.Stat("testdata/recordings/" + name + ".leases.jsonl.gz"); err == nil {
		lines = append(lines, recording(t, name+".leases")...)
	}
	slices.SortStableFunc(lines, func(a, b step) int { return a.RV - b.RV })
	c := sim.New(sim.Config{Seed: seed, Nodes: nodesOf(lines)})
	start, lag := c.Now(), 0.0
	ours.start, real.start = start, beginning(t, lines)
	defer c.OnRecord(func(rec *apiserver.Record) {
		ours.add(apiserver.WallTime(rec.Time).Sub(start).Seconds(), string(rec.Type), rec.Object)
	})()
	p := &player{t: t, c: c, sh: shell.New(c, nil), back: map[string]string{}}
	places := map[string]string{} // of pods, as recorded
	for _, l := range lines {
		if l.Op == "" {
			kind := apiserver.KindNamed(l.Kind)
			obj := kind.New()
			require.NoError(t, json.Unmarshal(l.Object, obj))
			if pod, ok := obj.(*corev1.Pod); ok && pod.Spec.NodeName != "" && !real.began {
				places[pod.Name] = pod.Spec.NodeName
			}
			real.add(l.T, l.Type, obj)
			continue
		}
		at := l.T + lag
		if real.node == 0 && at > ours.now(c) {
			require.NoError(t, c.Run(seconds(at-ours.now(c))))
		}
		for waited := 0; !ours.hasCaughtUp(real) && waited < 90; waited++ { // as whoever recorded it waited
			require.NoError(t, c.Run(time.Second))
			lag++
		}
		if at = ours.node + l.T - real.node; real.node != 0 && at > ours.now(c) { // as long after what was last heard of a node
			require.NoError(t, c.Run(seconds(at-ours.now(c))))
		}
		if isBad(l.Op) && !real.began {
			p.match(places)
			for ourName, theirs := range invert(p.back) {
				ours.rename[ourName] = theirs
			}
			real.began, ours.began = true, true
			real.places, ours.places = places, ours.placed(t, c)
		}
		p.do(l.Op, l.Stdin)
	}
	require.NoError(t, c.Run(30*time.Second))
	return real, ours
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (s *nodeStory) now(c *sim.Cluster) float64 { return c.Now().Sub(s.start).Seconds() }

// isBad reports whether something that is done is not part of the preparations.
func isBad(op string) bool {
	return strings.HasPrefix(op, "#") || strings.HasPrefix(op, "kubectl taint") || strings.HasPrefix(op, "kubectl delete") || strings.HasPrefix(op, "kubectl cordon")
}

// placed returns on which nodes the pods of a cluster are, by the recording's names.
func (s *nodeStory) placed(t *testing.T, c *sim.Cluster) map[string]string {
	pods, err := sim.List[*corev1.Pod](c, "", "")
	require.NoError(t, err)
	places := map[string]string{}
	for _, pod := range pods {
		places[pod.Name] = s.called(pod.Spec.NodeName)
	}
	return places
}

// nodesOf returns as many nodes as a recording has.
func nodesOf(lines []step) []sim.Node {
	names := map[string]bool{}
	for _, l := range lines {
		if l.Kind == "Node" {
			var node corev1.Node
			if json.Unmarshal(l.Object, &node) == nil {
				names[node.Name] = true
			}
		}
	}
	var nodes []sim.Node
	for i := range len(names) {
		nodes = append(nodes, sim.Node{Name: fmt.Sprintf("node-%d", i+1)})
	}
	return nodes
}

// hasCaughtUp reports whether as much has happened as in another story: to each
// node, and to the pods of each set until they are replaced.
func (s *nodeStory) hasCaughtUp(o *nodeStory) bool {
	count := func(s *nodeStory) map[string]int {
		n := map[string]int{}
		for key, rows := range s.rows { // sums
			if !nodeName.MatchString(key) {
				key, rows = ordinal.ReplaceAllString(key, "$1"), untilReplaced(rows)
			}
			n[key] += len(rows)
		}
		return n
	}
	have := count(s)
	for key, n := range count(o) { // whether for all
		if have[key] < n {
			return false
		}
	}
	return true
}

// beginning returns when a recording began: no Lease arrived before it was renewed.
func beginning(t *testing.T, lines []step) (began time.Time) {
	for _, l := range lines {
		if l.Kind == "Lease" {
			var lease coordinationv1.Lease
			require.NoError(t, json.Unmarshal(l.Object, &lease))
			if at := lease.Spec.RenewTime.Add(-time.Duration(l.T * float64(time.Second))); at.After(began) {
				began = at
			}
		}
	}
	return began
}

func invert(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m { // a map from a map
		out[v] = k
	}
	return out
}

// player does what a recording says was done.
type player struct {
	t    *testing.T
	c    *sim.Cluster
	sh   *shell.Shell
	back map[string]string // our node, by the recording's name
	last []string          // the nodes of the last remark
}

// match finds out which of our nodes has the pods of each of the recording's.
func (p *player) match(places map[string]string) {
	taken := map[string]bool{}
	for _, name := range slices.Sorted(keysOf(places)) {
		pod, err := sim.Get[*corev1.Pod](p.c, "", name)
		require.NoError(p.t, err)
		if _, ok := p.back[places[name]]; !ok && !taken[pod.Spec.NodeName] {
			p.back[places[name]] = pod.Spec.NodeName
			taken[pod.Spec.NodeName] = true
		}
	}
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m { // the caller sorts
			if !yield(k) {
				return
			}
		}
	}
}

func (p *player) ours(text string) string {
	return nodeName.ReplaceAllStringFunc(text, func(name string) string {
		if n, ok := p.back[name]; ok {
			return n
		}
		return name
	})
}

// do does one thing. What begins with # was done to kubelets, or is a remark.
func (p *player) do(op, stdin string) {
	p.t.Helper()
	op = p.ours(op)
	if !strings.HasPrefix(op, "#") {
		out := p.sh.RunWith(op, stdin)
		require.Zero(p.t, out.Code, "%s: %s", op, out.Text)
		return
	}
	nodes := nodeName.FindAllString(op, -1)
	if len(nodes) == 0 {
		nodes = p.last
	}
	does := func(what string) bool { return strings.Contains(op, what) }
	for _, node := range nodes {
		switch {
		case does("is killed"):
			require.NoError(p.t, p.c.CrashNode(node))
		case does("stops answering"), does("stop answering"):
			require.NoError(p.t, p.c.PartitionNode(node))
		case does("answers again"), does("answer again"):
			require.NoError(p.t, p.c.ReconnectNode(node))
		case does("is started again"):
			require.NoError(p.t, p.c.CrashNode(node)) // it was killed, if it ran
			require.NoError(p.t, p.c.ReconnectNode(node))
			require.NoError(p.t, p.c.RestartNode(node))
		}
	}
	if !does("later") {
		p.last = nodes
	}
}

// TestNodeRecordings repeats what was done to the nodes of a real cluster. What
// each node and each pod on it go through is the same, and the times that
// Kubernetes fixes are within their ranges, there and here (N1 to N6).
func TestNodeRecordings(t *testing.T) {
	for _, name := range []string{"nodeloss", "outofservice"} {
		for seed := range uint64(5) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				real, ours := replayNodes(t, name, seed)
				dead := regexp.MustCompile(`node-\d+`).FindString(recordedFault(t, name))
				assert.Empty(t, cmp.Diff(real.rows[dead], ours.rows[dead]), dead)
				assert.Empty(t, cmp.Diff(untilReplaced(real.rows["web-1"]), untilReplaced(ours.rows["web-1"])), "web-1")
				assert.Empty(t, cmp.Diff(real.events, ours.events))
				for which, s := range map[string]*nodeStory{"real": real, "ours": ours} {
					unknown := s.at(dead, "MODIFIED Ready=Unknown")
					noSchedule := s.at(dead, "MODIFIED Ready=Unknown unreachable:NoSchedule")
					noExecute := s.at(dead, "MODIFIED Ready=Unknown unreachable:NoSchedule unreachable:NoExecute")
					marked := s.at("web-1", "MODIFIED Running deleting:false generation:1 Ready=False/ ContainersReady=True/ DisruptionTarget=True/DeletionByTaintManager")
					within(t, which+": silence", unknown-s.renewed[dead], 50, 55.3)
					within(t, which+": NoSchedule", noSchedule-unknown, 0, 0.2)
					within(t, which+": NoExecute", noExecute-unknown, 0, 0.3)
					within(t, which+": toleration", marked-noExecute, 20, 20.3)
				}
			})
		}
	}
}

func within(t *testing.T, what string, is, from, to float64) {
	t.Helper()
	assert.True(t, is >= from && is <= to, "%s: %.3f s is not within %v to %v", what, is, from, to)
}

// recordedFault returns the first thing that was done to a kubelet.
func recordedFault(t *testing.T, name string) string {
	for _, l := range recording(t, name) {
		if isBad(l.Op) {
			return l.Op
		}
	}
	return ""
}

// untilReplaced cuts a pod's rows where its successor comes.
func untilReplaced(rows []string) []string {
	i := slices.IndexFunc(rows, func(r string) bool { return strings.HasPrefix(r, "ADDED") })
	if i < 0 {
		return rows
	}
	return rows[:i]
}
