package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/exp/stats"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/simtest"
	"github.com/statefulsim/statefulsim/sim/trace"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	seeds  = flag.Int("seeds", 500, "how many seeds TestSeeds tells the story with")
	oneway = flag.Uint64("seed", 0, "the one seed that TestOneSeed tells the story with")
)

// The story binds the claims to the article's volumes, in the article's order.
func Example() {
	c, err := Tell(io.Discard, Setting{Seed: articleSeed})
	if err != nil {
		panic(err)
	}
	claims, err := sim.List[*corev1.PersistentVolumeClaim](c, "default", "")
	if err != nil {
		panic(err)
	}
	for _, claim := range claims {
		fmt.Println(claim.Name, claim.Spec.VolumeName)
	}
	// Output:
	// wwwdata-satefulset-0 linuxea-3
	// wwwdata-satefulset-1 linuxea-4
	// wwwdata-satefulset-2 linuxea-2
	// wwwdata-satefulset-3 linuxea-1
	// wwwdata-satefulset-4 linuxea-5
}

// told returns the story as text, and the cluster at its end.
func told(t testing.TB, s Setting) (string, *sim.Cluster) {
	t.Helper()
	var out strings.Builder
	c, err := Tell(&out, s)
	require.NoError(t, err, "the story stops after:\n%s", tail(out.String(), 30))
	return out.String(), c
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func TestStory(t *testing.T) {
	got, _ := told(t, Setting{Seed: articleSeed})
	const golden = "testdata/story.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the story has changed (-want +got); if that is right, run go test ./examples/linuxea -run TestStory -update\n%s", diff)
	}
}

func TestArticleFacts(t *testing.T) {
	text, c := told(t, Setting{Seed: articleSeed})
	var volumes []string
	claims, err := sim.List[*corev1.PersistentVolumeClaim](c, "default", "")
	require.NoError(t, err)
	for _, claim := range claims {
		volumes = append(volumes, claim.Spec.VolumeName)
	}
	assert.Equal(t, []string{"linuxea-3", "linuxea-4", "linuxea-2", "linuxea-1", "linuxea-5"}, volumes, "the article's binding order")

	revisions, err := sim.List[*appsv1.ControllerRevision](c, "default", "")
	require.NoError(t, err)
	require.Len(t, revisions, 2)
	assert.Equal(t, "satefulset-5b8bf6d897", revisions[0].Name)
	assert.Equal(t, "satefulset-68cdbc9fd", revisions[1].Name)

	for _, want := range []string{
		"No resources found in default namespace.\n",
		"kubernetes           ClusterIP   10.96.0.1    <none>        443/TCP   13d\n",
		" satefulset-0.satefulset-linuxea.default.svc.cluster.local\n",
		"status: NOERROR", "flags: qr aa rd ra; QUERY: 1, ANSWER: 1,",
		"satefulset-0.satefulset-linuxea.default.svc.cluster.local. 5 IN A 172.16.",
		"nslookup: can't resolve 'satefulset-1': Name does not resolve\n",
		"status: NXDOMAIN",
		"]# kubectl exec satefulset-0 -- cat /data/wwwroot/written.txt\nlinuxea\n",
		"error: unknown shorthand flag: 'p' in -p\n",
		"Warning: unknown field \"spec.template.spec.containers[0]\"\nstatefulset.apps/satefulset patched (no change)\n",
		"  Partition:            4\n",
		"  - image: marksugar/nginx:1.14.b\n    imagePullPolicy: IfNotPresent\n    image: marksugar/nginx:1.14.b\n",
		"▍version number 1.0\n", "▍version number 2.0\n",
	} {
		assert.True(t, strings.Contains(text, want), "the story lacks %q", want)
	}
}

// TestRows checks the rows of each watch against RULES.md §4: three Pending
// rows with a new claim, two with an existing one.
func TestRows(t *testing.T) {
	_, c := told(t, Setting{Seed: articleSeed})
	pending := map[string][]int{} // by name: Pending rows of each incarnation
	unscheduled := map[string]int{}
	for _, rec := range c.History() {
		pod, ok := rec.Object.(*corev1.Pod)
		if !ok {
			continue
		}
		if rec.Type == "ADDED" {
			pending[pod.Name] = append(pending[pod.Name], 0)
		}
		if pod.Status.Phase == corev1.PodPending && len(pod.Status.ContainerStatuses) == 0 {
			pending[pod.Name][len(pending[pod.Name])-1]++
		}
		if pod.Spec.NodeName == "" {
			unscheduled[pod.Name]++
		}
	}
	for name, rows := range pending {
		assert.Equal(t, 3, rows[0], "%s with a new claim", name)
		for _, n := range rows[1:] {
			assert.Equal(t, 2, n, "%s with an existing claim", name)
		}
	}
}

// TestRendered changes what the story is told of and expects the change in
// what is printed: nothing is canned.
func TestRendered(t *testing.T) {
	usual, _ := told(t, Setting{Seed: articleSeed})
	nodes := articleNodes()
	nodes[0].Name, nodes[1].Name, nodes[2].Name = "alpha", "beta", "gamma"
	for i := range nodes {
		nodes[i].PodCIDR, nodes[i].FirstPodIP = fmt.Sprintf("10.9.%d.0/24", i), ""
	}
	other, _ := told(t, Setting{Seed: articleSeed, Nodes: nodes, Replicas: 4})
	for _, word := range []string{"linuxea.node-", "172.16."} {
		assert.True(t, strings.Contains(usual, word), word)
		assert.False(t, strings.Contains(other, word), word)
	}
	for _, word := range []string{"alpha", "gamma", "10.9.", "--replicas=4", "4 desired | 4 total"} {
		assert.False(t, strings.Contains(usual, word), word)
		assert.True(t, strings.Contains(other, word), word)
	}
}

func TestTwiceTheSame(t *testing.T) {
	a, _ := told(t, Setting{Seed: 11})
	b, _ := told(t, Setting{Seed: 11})
	assert.True(t, a == b)
	var x, y bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"-seed", "11", "-o", "json"}, &x, io.Discard))
	require.Zero(t, run(t.Context(), []string{"-seed=11", "-o=json"}, &y, io.Discard))
	assert.True(t, x.String() == y.String())
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"-h", "usage: linuxea [flags]\n  -dns ADDRESS\n", 0},
		{"-nosuch", "error: flag provided but not defined: -nosuch\n", 2},
		{"pods", `error: unexpected argument "pods" (-h for help)`, 2},
		{"-o xml", "error: -o xml: want text, json or svg", 2},
		{"-seed -1", `error: invalid value "-1" for flag -seed`, 2},
		{"-dns 0.0.0.0:5353", "error: -dns 0.0.0.0:5353: listens beyond this machine", 2},
		{"-dns :5353", "error: -dns :5353: listens beyond this machine", 2},
		{"-dns [::]:5353", "listens beyond this machine", 2},
		{"-dns 192.0.2.1:5353", "listens beyond this machine", 2},
		{"-dns example.com:5353", "listens beyond this machine", 2},
		{"-dns 5353", "error: -dns 5353: want HOST:PORT", 2},
		{"-dns-public", "error: -dns-public: there is no -dns", 2},
		{"-dns 192.0.2.1:1 -dns-public", "error: serving DNS: listen udp 192.0.2.1:1", 1},
	} {
		var stderr strings.Builder
		assert.Equal(t, c.code, run(t.Context(), strings.Fields(c.args), io.Discard, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.want, c.args)
	}
}

func TestJSONIsWatchEvents(t *testing.T) {
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"-o", "json"}, &out, io.Discard))
	recs, err := trace.Read(&out)
	require.NoError(t, err)
	_, c := told(t, Setting{Seed: articleSeed})
	assert.Len(t, recs, len(c.History()))
}

// TestServedDNS asks the story's final cluster over the wire.
func TestServedDNS(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-dns", "127.0.0.1:0"}, w, io.Discard)
		_ = w.Close()
	}()
	var addr string
	for lines := bufio.NewScanner(r); addr == "" && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "serving DNS at "); ok {
			addr, _, _ = strings.Cut(rest, " ")
		}
	}
	require.NotEmpty(t, addr)
	go func() { _, _ = io.Copy(io.Discard, r) }()
	_, c := told(t, Setting{Seed: articleSeed})
	pod, err := sim.Get[*corev1.Pod](c, "default", "satefulset-0")
	require.NoError(t, err)
	for _, network := range []string{"udp", "tcp"} {
		client := &miekg.Client{Net: network}
		ask := func(name string, qtype uint16) *miekg.Msg {
			reply, _, err := client.Exchange(new(miekg.Msg).SetQuestion(name, qtype), addr)
			require.NoError(t, err)
			return reply
		}
		const service = "satefulset-linuxea.default.svc.cluster.local."
		a := ask("satefulset-0."+service, miekg.TypeA)
		require.Len(t, a.Answer, 1)
		assert.Equal(t, pod.Status.PodIP, a.Answer[0].(*miekg.A).A.String())
		assert.Len(t, ask(service, miekg.TypeA).Answer, 5)
		assert.Len(t, ask("_http._tcp."+service, miekg.TypeSRV).Answer, 5)
		assert.Empty(t, ask("satefulset-0."+service, miekg.TypeAAAA).Answer)
		assert.Equal(t, miekg.RcodeNameError, ask("satefulset-9."+service, miekg.TypeA).Rcode)
		assert.Equal(t, "1.1.0", ask("dns-version.cluster.local.", miekg.TypeTXT).Answer[0].(*miekg.TXT).Txt[0])
		reverse, err := miekg.ReverseAddr(pod.Status.PodIP)
		require.NoError(t, err)
		assert.Equal(t, "satefulset-0."+service, ask(reverse, miekg.TypePTR).Answer[0].(*miekg.PTR).Ptr)
	}
	cancel()
	require.Zero(t, <-ended)
}

// monitored tells the story under all invariants.
func monitored(seed uint64) (*sim.Cluster, *simtest.Monitor, error) {
	var m *simtest.Monitor
	c, err := Tell(io.Discard, Setting{Seed: seed,
		Begin: func(c *sim.Cluster) { m = simtest.Watch(c, simtest.All()...) }})
	return c, m, err
}

// TestSeeds tells the story with many seeds under every invariant and reports
// how many distinct histories it has seen.
func TestSeeds(t *testing.T) {
	histories, bindings, placements, deletions := map[uint64]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	var seconds []float64
	for seed := range uint64(*seeds) {
		c, m, err := monitored(seed)
		if err == nil {
			err = m.Err()
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n\nreplay with: go test ./examples/linuxea -run TestOneSeed -seed %d -v\n\nthe last rows:\n%s",
				seed, err, seed, lastRows(c, 20))
		}
		histories[order(c)] = true
		bindings[bound(c)] = true
		placements[placed(c)] = true
		deletions[deleted(c)] = true
		seconds = append(seconds, firstRollout(c))
	}
	q := stats.Quantiles(seconds, 0, 0.5, 1)
	t.Logf("%d seeds: %d distinct histories, %d bindings, %d placements, %d orders of collection; first rollout %.1f s to %.1f s, median %.1f s",
		*seeds, len(histories), len(bindings), len(placements), len(deletions), q[0], q[2], q[1])
	if *seeds >= 500 {
		assert.Greater(t, len(histories), 450)
		assert.Equal(t, 24, len(bindings), "linuxea-3 first, then the other four in any order")
		assert.Greater(t, len(placements), 10)
		assert.Equal(t, 2, len(deletions), "two pods, collected in either order")
	}
}

func TestOneSeed(t *testing.T) {
	c, m, err := monitored(*oneway)
	require.NoError(t, err)
	require.NoError(t, m.Err(), "the last rows:\n%s", lastRows(c, 40))
}

func lastRows(c *sim.Cluster, n int) string {
	if c == nil {
		return "(none)"
	}
	recs := c.History()
	var out strings.Builder
	if err := trace.WriteText(&out, recs[max(0, len(recs)-n):]); err != nil {
		return err.Error()
	}
	return out.String()
}

// order hashes what happened in which order, without times and versions.
func order(c *sim.Cluster) uint64 {
	h := fnv.New64a()
	for _, rec := range c.History() {
		fmt.Fprintln(h, rec.Type, rec.Kind, rec.Key, rec.By)
		if pod, ok := rec.Object.(*corev1.Pod); ok {
			fmt.Fprintln(h, pod.Spec.NodeName, pod.Status.Phase)
		}
		if claim, ok := rec.Object.(*corev1.PersistentVolumeClaim); ok {
			fmt.Fprintln(h, claim.Spec.VolumeName)
		}
	}
	return h.Sum64()
}

func bound(c *sim.Cluster) string {
	claims, _ := sim.List[*corev1.PersistentVolumeClaim](c, "default", "")
	var s []string
	for _, claim := range claims {
		s = append(s, claim.Spec.VolumeName)
	}
	return strings.Join(s, " ")
}

func placed(c *sim.Cluster) string {
	pods, _ := sim.List[*corev1.Pod](c, "default", "")
	var s []string
	for _, pod := range pods {
		s = append(s, pod.Spec.NodeName)
	}
	return strings.Join(s, " ")
}

// deleted returns the order in which the garbage collector deleted pods.
func deleted(c *sim.Cluster) string {
	var s []string
	for _, rec := range c.History() {
		if pod, ok := rec.Object.(*corev1.Pod); ok && rec.By == "generic-garbage-collector" && !slices.Contains(s, pod.Name) {
			s = append(s, pod.Name)
		}
	}
	return strings.Join(s, " ")
}

// firstRollout returns the seconds from the first pod's creation until two
// pods are running.
func firstRollout(c *sim.Cluster) float64 {
	var start float64
	for ev := range c.PodEvents() {
		at := ev.Time.Sub(0).Seconds()
		if start == 0 {
			start = at
		}
		if ev.Ordinal == 1 && ev.Phase == sim.Running {
			return at - start
		}
	}
	return 0
}

var whole = regexp.MustCompile(`(?m)^satefulset-(\d)\s+1/1\s+Terminating`)

func TestReverseOrder(t *testing.T) {
	text, _ := told(t, Setting{Seed: articleSeed})
	_, down, _ := strings.Cut(text, "── 缩减")
	down, _, _ = strings.Cut(down, "kubectl get pods\n")
	_, roll, _ := strings.Cut(text, `{"partition":0}`)
	for _, part := range []struct{ text, want string }{{down, "4 3 2"}, {roll, "3 2 1 0"}} {
		var got []string
		for _, m := range whole.FindAllStringSubmatch(part.text, -1) {
			if len(got) == 0 || got[len(got)-1] != m[1] {
				got = append(got, m[1])
			}
		}
		assert.Equal(t, part.want, strings.Join(got, " "))
	}
}

func BenchmarkStory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Tell(io.Discard, Setting{Seed: articleSeed}); err != nil {
			b.Fatal(err)
		}
	}
}
