package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// everything returns all objects of a cluster, as `kubectl get` shows them.
func everything(t testing.TB, c *sim.Cluster) []sim.Object {
	t.Helper()
	var objects []sim.Object
	for _, kind := range apiserver.Kinds() {
		list, err := c.List(kind, "", "")
		require.NoError(t, err)
		objects = append(objects, list...)
	}
	return objects
}

// running returns a cluster in which the set of testdata/web.yaml runs.
func running(t testing.TB, cfg sim.Config) *sim.Cluster {
	t.Helper()
	cfg.Provision = true
	c := sim.New(cfg)
	_, err := c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	return c
}

// processes are what runs, but for the fractions of the seconds since when it does.
func processes(c *sim.Cluster) []kubelet.Process {
	list := c.Processes()
	for i := range list {
		list[i].Since -= list[i].Since % engine.Time(time.Second)
	}
	return list
}

func ExampleResume() {
	// A cluster, and what `kubectl get` shows of all kinds in it.
	c := sim.New(sim.Config{Provision: true})
	_, _ = c.ApplyFiles("testdata/web.yaml")
	_, _ = c.Settle()
	var snapshot sim.Snapshot
	for _, kind := range apiserver.Kinds() {
		objects, _ := c.List(kind, "", "")
		snapshot.Objects = append(snapshot.Objects, objects...)
	}

	// What if the set had a new image?
	next, lost, err := sim.Resume(sim.Config{Provision: true}, snapshot)
	if err != nil {
		panic(err)
	}
	_ = next.SetImage("default", "web", "nginx", "nginx:1.29")
	settled, _ := next.Settle()
	pods, _ := sim.List[*corev1.Pod](next, "default", "")
	fmt.Println(len(lost), settled.Outcome)
	for _, pod := range pods {
		fmt.Println(pod.Name, pod.Spec.Containers[0].Image, pod.Status.Phase)
	}
	// Output:
	// 0 quiescent
	// web-0 nginx:1.29 Running
	// web-1 nginx:1.29 Running
	// web-2 nginx:1.29 Running
}

// A cluster at rest is at rest when it is resumed: nobody writes anything, the
// clock stands where it stood, and what runs is what ran.
func TestResumeIsQuiet(t *testing.T) {
	c := running(t, sim.Config{Seed: 3})
	require.NoError(t, c.Run(time.Minute))
	next, lost, err := sim.Resume(sim.Config{Seed: 4, Provision: true}, sim.Snapshot{Objects: everything(t, c), Time: c.Now()})
	require.NoError(t, err)
	assert.Empty(t, lost)
	assert.Equal(t, c.Now(), next.Now())
	settled, err := next.Settle()
	require.NoError(t, err)
	assert.Equal(t, sim.Quiescent, settled.Outcome)
	assert.Empty(t, settled.Waiting)
	assert.Empty(t, next.History())
	assert.Equal(t, processes(c), processes(next))
	assert.Equal(t, everything(t, c), everything(t, next))
	was, err := c.Lookup("default", "web-0", "web-1.web")
	require.NoError(t, err)
	is, err := next.Lookup("default", "web-0", "web-1.web")
	require.NoError(t, err)
	assert.Equal(t, was, is)
}

// From any moment of a rollout, a
// resumed cluster comes to where the original comes.
func TestResumeInTheMiddle(t *testing.T) {
	c := running(t, sim.Config{Seed: 5})
	err := c.SetImage("default", "web", "nginx", "nginx:1.29")
	require.NoError(t, err)
	ends := func(c *sim.Cluster) (rows []string) {
		_, err := c.Settle()
		require.NoError(t, err)
		for _, p := range c.Processes() {
			rows = append(rows, fmt.Sprint(p.Pod, " ", p.Image))
		}
		set, err := sim.Get[*appsv1.StatefulSet](c, "default", "web")
		require.NoError(t, err)
		set.Status.CollisionCount = nil
		return append(rows, fmt.Sprint(set.Status))
	}
	want := ends(c.Fork())
	for moments := 0; ; moments++ {
		next, lost, err := sim.Resume(sim.Config{Seed: uint64(moments), Provision: true}, sim.Snapshot{Objects: everything(t, c), Time: c.Now()})
		require.NoError(t, err)
		assert.Empty(t, lost)
		if !assert.Equal(t, want, ends(next), "resumed at %v", c.Now()) {
			return
		}
		for range 9 {
			if !c.Step() {
				assert.Greater(t, moments, 20)
				return
			}
		}
	}
}

// What waits for its back-off goes on to wait, and a job's process ends when it
// would have.
func TestResumeBackOff(t *testing.T) {
	cfg := sim.Config{Workloads: map[string]kubelet.Workload{"nginx": {ExitAfter: 20 * time.Second, ExitCode: 1}}}
	c := running(t, cfg)
	require.NoError(t, c.Run(10*time.Minute))
	restarts := func(c *sim.Cluster) int32 {
		pod, err := sim.Get[*corev1.Pod](c, "default", "web-0")
		require.NoError(t, err)
		return pod.Status.ContainerStatuses[0].RestartCount
	}
	next, _, err := sim.Resume(sim.Config{Provision: true, Workloads: cfg.Workloads}, sim.Snapshot{Objects: everything(t, c), Time: c.Now()})
	require.NoError(t, err)
	assert.Equal(t, restarts(c), restarts(next))
	for range 12 {
		require.NoError(t, c.Run(5*time.Minute))
		require.NoError(t, next.Run(5*time.Minute))
		assert.InDelta(t, restarts(c), restarts(next), 1)
	}
	assert.Greater(t, restarts(c), int32(10))
}

// What is no state of a cluster is refused in words, and what cannot go on is
// named.
func TestResumeSays(t *testing.T) {
	node := func(name string, ready corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "u-" + "node" + "-" + "1", ResourceVersion: "7",
			CreationTimestamp: metav1.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}
	}
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db-0", UID: "u-2", ResourceVersion: "8"},
			Spec: corev1.PodSpec{NodeName: "far", Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
		change(p)
		return p
	}
	keep := func(*corev1.Pod) {}
	for _, test := range []struct {
		name    string
		cfg     sim.Config
		objects []sim.Object
		at      time.Time
		want    string
	}{
		{"nodes of the Config", sim.Config{Nodes: []sim.Node{{Name: "a"}}}, nil, time.Time{}, "Config.Nodes: a snapshot has its own nodes"},
		{"a wrong Config", sim.Config{MissingImages: []string{"A B"}}, nil, time.Time{}, "Config.MissingImages[0]: "},
		{"nil", sim.Config{}, []sim.Object{(*corev1.Pod)(nil)}, time.Time{}, "snapshot: Objects[0] is nil"},
		{"no nodes", sim.Config{}, []sim.Object{pod(keep)}, time.Time{}, "snapshot: there is no Node in it: add the output of `kubectl get nodes -o yaml`"},
		{"no times", sim.Config{}, []sim.Object{&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}, time.Time{},
			"snapshot: no object in it says when it was created, so it is not the state of a cluster"},
		{"no UID", sim.Config{}, []sim.Object{node("a", "True"), pod(func(p *corev1.Pod) { p.UID = "" })}, time.Time{},
			"snapshot: Pod shop/db-0: metadata.uid: it has none, so it is not the state of a cluster"},
		{"a UID twice", sim.Config{}, []sim.Object{node("a", "True"), node("b", "True")}, time.Time{}, `snapshot: Node b: metadata.uid: another object has "u-node-1", too`},
		{"twice", sim.Config{}, []sim.Object{node("a", "True"), node("a", "True")}, time.Time{}, "snapshot: Node a: there are two of them"},
		{"a version", sim.Config{}, []sim.Object{node("a", "True"), pod(func(p *corev1.Pod) { p.ResourceVersion = "new" })}, time.Time{},
			`snapshot: Pod shop/db-0: metadata.resourceVersion: "new" is not a number`},
		{"too old", sim.Config{}, []sim.Object{node("a", "True")}, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
			"snapshot: it was taken at 2020-01-01T00:00:00Z: the virtual clock begins at 2026-01-01T00:00:00Z"},
	} {
		_, _, err := sim.Resume(test.cfg, sim.Snapshot{Objects: test.objects, Time: test.at})
		assert.ErrorContains(t, err, test.want, test.name)
	}
	c, lost, err := sim.Resume(sim.Config{}, sim.Snapshot{Objects: []sim.Object{node("near", "Unknown"), pod(keep)}})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"Node near is not Ready: its kubelet is taken to be silent, and its processes to run on",
		"Pod shop/db-0 is on node far, which is not in the snapshot: nothing runs it",
	}, []string{lost[0].String(), lost[1].String()})
	assert.True(t, c.IsDown("near"))
	_, err = sim.Get[*corev1.Namespace](c, "", "shop")
	assert.NoError(t, err)
}
