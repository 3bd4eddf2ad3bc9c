package sim_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// apply applies manifests and lets the cluster settle.
func apply(t testing.TB, c *sim.Cluster, manifests ...string) {
	t.Helper()
	_, err := c.Apply(manifests...)
	require.NoError(t, err)
	settle(t, c)
}

func history(t testing.TB, c *sim.Cluster) string {
	t.Helper()
	var out bytes.Buffer
	w := trace.NewWriter(&out)
	for _, rec := range c.History() {
		require.NoError(t, w.Write(rec))
	}
	return out.String()
}

// story drives a cluster through everything that users do.
func story(t testing.TB, c *sim.Cluster) {
	t.Helper()
	apply(t, c, web)
	require.NoError(t, c.Scale("default", "web", 5))
	settle(t, c)
	require.NoError(t, c.SetImage("default", "web", "nginx", "nginx:1.29"))
	settle(t, c)
	require.NoError(t, c.Delete(apiserver.Pod, "default", "web-1"))
	settle(t, c)
	require.NoError(t, c.Scale("default", "web", 2))
	settle(t, c)
}

func TestNewClusterWorks(t *testing.T) {
	c := sim.New(sim.Config{})
	nodes, err := sim.List[*corev1.Node](c, "", "")
	require.NoError(t, err)
	require.Len(t, nodes, 3)
	svc, err := sim.Get[*corev1.Service](c, "default", "kubernetes")
	require.NoError(t, err)
	assert.Equal(t, "10.96.0.1", svc.Spec.ClusterIP)
	assert.Equal(t, sim.KubernetesVersion, nodes[0].Status.NodeInfo.KubeletVersion)

	before := c.Now()
	require.NoError(t, c.Run(1000*time.Hour))
	assert.Equal(t, 1000*time.Hour, c.Now().Sub(before))
	assert.False(t, c.Step(), "a cluster at rest has no events")
}

func TestOneSeedOneHistory(t *testing.T) {
	tell := func(seed uint64) string {
		c := sim.New(sim.Config{Seed: seed, Provision: true})
		story(t, c)
		return history(t, c)
	}
	a, b := tell(7), tell(7)
	assert.True(t, a == b, "the same seed gave two histories")
	assert.False(t, a == tell(8), "another seed gave the same history")
}

func TestForkRunsAlike(t *testing.T) {
	c := sim.New(sim.Config{Seed: 3, Provision: true})
	_, err := c.Apply(web)
	require.NoError(t, err)
	for n := 0; c.Step(); n++ {
		if n%40 != 0 {
			continue
		}
		f, g := c.Fork(), c.Fork()
		before := history(t, c)
		settle(t, f)
		require.NoError(t, f.Scale("default", "web", 1))
		settle(t, f)
		assert.True(t, before == history(t, c), "the fork at event %d is seen by the original", n)
		settle(t, g)
		require.NoError(t, g.Scale("default", "web", 1))
		settle(t, g)
		assert.True(t, history(t, f) == history(t, g), "two forks at event %d differ", n)
	}
}

// TestUnrelated: another namespace with a life of its own, and another order
// of manifests, change nothing of a set's story.
func TestUnrelated(t *testing.T) {
	const others = `
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: m, namespace: other}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
spec: {selector: {app: other}, ports: [{port: 80}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: waits, namespace: other}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: idle, namespace: other}
spec:
  replicas: 0
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: c, image: c}]}}
`
	of := func(c *sim.Cluster) (rows []string) {
		for _, rec := range c.History() {
			if rec.Key.Namespace == "default" && rec.Kind != apiserver.Event {
				rows = append(rows, fmt.Sprint(rec.Time, rec.Type, rec.Kind, rec.Key, rec.By))
			}
		}
		return rows
	}
	tell := func(disturb bool, manifests ...string) []string {
		atOnce := sim.Realistic()
		atOnce.Apply = controller.Range{} // else the clock would be another's at the end
		c := sim.New(sim.Config{Seed: 5, Provision: true, Latency: &atOnce})
		require.NoError(t, c.Run(time.Second))
		_, err := c.Apply(manifests...)
		require.NoError(t, err)
		require.NoError(t, c.Run(300*time.Millisecond))
		if disturb {
			_, err := c.Apply(others)
			require.NoError(t, err)
		}
		require.NoError(t, c.Run(30*time.Second))
		if disturb {
			require.NoError(t, c.Scale("other", "idle", 0))
		}
		require.NoError(t, c.SetImage("default", "web", "nginx", "nginx:1.29"))
		require.NoError(t, c.Run(time.Minute))
		return of(c)
	}
	usual := tell(false, web)
	assert.Empty(t, cmp.Diff(usual, tell(true, web)))

	service, set, _ := strings.Cut(web, "\n---\n")
	sorted := func(rows []string) map[string]int {
		m := map[string]int{}
		for _, r := range rows {
			m[r]++
		}
		return m
	}
	assert.Empty(t, cmp.Diff(sorted(usual), sorted(tell(false, set, service))), "the order of manifests")
}

func TestWatchedOrNotTheSame(t *testing.T) {
	plain := sim.New(sim.Config{Seed: 9, Provision: true})
	story(t, plain)
	traced := sim.New(sim.Config{Seed: 9, Provision: true})
	n := 0
	defer traced.OnRecord(func(*apiserver.Record) { n++ })()
	w := traced.Watch(0, "")
	story(t, traced)
	recs, err := w.Next()
	require.NoError(t, err)
	assert.Len(t, recs, n)
	assert.True(t, history(t, plain) == history(t, traced))

	short := sim.New(sim.Config{Seed: 9, Provision: true, History: 50})
	w = short.Watch(apiserver.Pod, "")
	story(t, short)
	_, err = w.Next()
	assert.True(t, apierrors.IsResourceExpired(err), "a watch that is too far behind: %v", err)
	assert.Less(t, len(short.History()), 101)
	assert.Equal(t, plain.Now(), short.Now())
}

func TestWhatIsReturnedIsTheCallersOwn(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, web)
	set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	set.Spec.Template.Spec.Containers[0].Image = "broken"
	set.Labels = map[string]string{"x": "y"}
	again, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	assert.Equal(t, "nginx:1.28", again.Spec.Template.Spec.Containers[0].Image)

	mine := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}, Data: map[string]string{"k": "v"}}
	_, err = c.Create(mine)
	require.NoError(t, err)
	mine.Data["k"] = "changed"
	stored, err := sim.Get[*corev1.ConfigMap](c, "", "m")
	require.NoError(t, err)
	assert.Equal(t, "v", stored.Data["k"])
	assert.Empty(t, mine.UID)
}

func TestSettleSaysWhatItWaitsFor(t *testing.T) {
	c := sim.New(sim.Config{}) // no volumes, nobody to provide any
	_, err := c.Apply(strings.ReplaceAll(web, "storageClassName: fast", `storageClassName: ""`))
	require.NoError(t, err)
	s, err := c.Settle()
	require.NoError(t, err)
	assert.Equal(t, sim.Retrying, s.Outcome)
	var all []string
	for _, w := range s.Waiting {
		all = append(all, fmt.Sprint(w.Kind, " ", w.Key, ": ", w.Reason))
	}
	text := strings.Join(all, "\n")
	assert.Contains(t, text, "no persistent volumes available for this claim and no storage class is set")
	assert.Contains(t, text, "default/web-0")

	err = c.RunUntil(func() bool { return false })
	var stuck *sim.StuckError
	require.ErrorAs(t, err, &stuck)
	assert.NotEmpty(t, stuck.Waiting)
}

func TestNothingHalfApplied(t *testing.T) {
	c := sim.New(sim.Config{})
	before := len(c.History())
	_, err := c.Apply(web + "\n---\n" + `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: bad}
spec:
  replicas: -1
  selector: {matchLabels: {app: bad}}
  template: {metadata: {labels: {app: bad}}, spec: {containers: [{name: c, image: c}]}}
`)
	assert.ErrorContains(t, err, `document 3: StatefulSet "bad": `)
	assert.ErrorContains(t, err, `spec.replicas: Invalid value: -1: must be greater than or equal to 0`)
	assert.Len(t, c.History(), before)
}

func TestApplyThreeWay(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	action := func(text string) string {
		done, err := c.Apply(text)
		require.NoError(t, err)
		return done[len(done)-1].Action
	}
	assert.Equal(t, "created", action(web))
	// A claim template is compared as a whole, without its defaults: kubectl has
	// answered so each time (recorded).
	assert.Equal(t, "configured", action(web))
	service, _, _ := strings.Cut(web, "\n---\n")
	assert.Equal(t, "unchanged", action(service))
	require.NoError(t, c.Scale("default", "web", 5))
	labelled := strings.Replace(web, "metadata: {name: web}\nspec:\n  serviceName", "metadata: {name: web, labels: {a: b}}\nspec:\n  serviceName", 1)
	assert.Equal(t, "configured", action(labelled), "replicas and a label")
	set, err := sim.Get[*appsv1.StatefulSet](c, "default", "web")
	require.NoError(t, err)
	assert.Equal(t, int32(3), *set.Spec.Replicas, "the manifest owns replicas")
	assert.Equal(t, map[string]string{"a": "b"}, set.Labels)
	assert.Equal(t, "configured", action(web))
	set, err = sim.Get[*appsv1.StatefulSet](c, "default", "web")
	require.NoError(t, err)
	assert.Empty(t, set.Labels, "what the manifest had and has not any more is removed")
}

func TestDeleteManifest(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	const two = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n"
	apply(t, c, web)
	err := c.DeleteManifest(two + web)
	assert.EqualError(t, err, "configmaps \"a\" not found\nconfigmaps \"b\" not found")
	settle(t, c)
	_, err = c.Get(apiserver.StatefulSet, "default", "web")
	assert.True(t, apierrors.IsNotFound(err), "what exists is deleted all the same")
}

func TestPatches(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, web)
	for _, p := range []struct {
		typ   types.PatchType
		patch string
	}{
		{types.StrategicMergePatchType, `{"spec":{"replicas":4}}`},
		{types.MergePatchType, `{"spec":{"replicas":5}}`},
		{types.JSONPatchType, `[{"op":"replace","path":"/spec/replicas","value":6}]`},
	} {
		obj, warnings, err := c.Patch(apiserver.StatefulSet, "default", "web", p.typ, p.patch)
		require.NoError(t, err)
		assert.Empty(t, warnings)
		assert.Contains(t, p.patch, fmt.Sprint(*obj.(*appsv1.StatefulSet).Spec.Replicas))
	}
	_, _, err := c.Patch(apiserver.StatefulSet, "default", "web", types.MergePatchType, `{"spec":{"serviceName":"other"}}`)
	assert.EqualError(t, err, `StatefulSet.apps "web" is invalid: spec.serviceName: Invalid value: "other": field is immutable`)
	for _, bad := range []string{"", "{", "[]", `"x"`, "nul"} {
		_, _, err := c.Patch(apiserver.StatefulSet, "default", "web", types.MergePatchType, bad)
		assert.Error(t, err, "patch %q", bad)
	}
}

// TestDeletePropagation: S38, S39, S40.
func TestDeletePropagation(t *testing.T) {
	for _, p := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		t.Run(string(p), func(t *testing.T) {
			c := sim.New(sim.Config{Provision: true})
			apply(t, c, web)
			require.NoError(t, c.Delete(apiserver.StatefulSet, "default", "web", sim.DeleteOptions{Propagation: p}))
			_, err := c.Get(apiserver.StatefulSet, "default", "web")
			assert.Equal(t, p == metav1.DeletePropagationBackground, apierrors.IsNotFound(err), "gone at once")
			settle(t, c)
			_, err = c.Get(apiserver.StatefulSet, "default", "web")
			assert.True(t, apierrors.IsNotFound(err))
			pods, err := sim.List[*corev1.Pod](c, "default", "")
			require.NoError(t, err)
			claims, err := sim.List[*corev1.PersistentVolumeClaim](c, "default", "")
			require.NoError(t, err)
			assert.Len(t, claims, 3)
			if p != metav1.DeletePropagationOrphan {
				assert.Empty(t, pods)
				return
			}
			require.Len(t, pods, 3)
			assert.Empty(t, pods[0].OwnerReferences)
			apply(t, c, web)
			adopted, err := sim.List[*corev1.Pod](c, "default", "")
			require.NoError(t, err)
			assert.Equal(t, pods[0].UID, adopted[0].UID)
			assert.Len(t, adopted[0].OwnerReferences, 1)
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []struct {
		cfg  sim.Config
		want string
	}{
		{sim.Config{Nodes: []sim.Node{{Name: "Node"}}}, "Nodes[0].Name"},
		{sim.Config{Nodes: []sim.Node{{Name: "a"}, {Name: "a"}}}, "Nodes[1].Name"},
		{sim.Config{Nodes: []sim.Node{{Name: "a", CPU: "x"}}}, "Nodes[0].CPU"},
		{sim.Config{Nodes: []sim.Node{{Name: "a", PodCIDR: "10.0.0.0"}}}, "Nodes[0].PodCIDR"},
		{sim.Config{Limits: sim.Limits{Time: -1}}, "Limits.Time"},
		{sim.Config{Nodes: make([]sim.Node, 61_440)}, "Nodes: 61440 are more than 61439"},
	} {
		assert.ErrorContains(t, cfg.cfg.Validate(), cfg.want)
		assert.Panics(t, func() { sim.New(cfg.cfg) })
	}
}

// The nodes of the largest cluster have networks of their own, and none of them
// is that of the cluster IPs.
func TestPodNetworks(t *testing.T) {
	nodes := make([]sim.Node, 5000)
	for i := range nodes {
		nodes[i].Name = fmt.Sprintf("node-%d", i)
	}
	c := sim.New(sim.Config{Nodes: nodes})
	services := netip.MustParsePrefix("10.96.0.0/12")
	seen := map[netip.Prefix]bool{services: true}
	list, err := sim.List[*corev1.Node](c, "", "")
	require.NoError(t, err)
	require.Len(t, list, len(nodes))
	for _, n := range list {
		p, err := netip.ParsePrefix(n.Spec.PodCIDR)
		require.NoError(t, err)
		assert.False(t, seen[p], p)
		assert.False(t, services.Overlaps(p), p)
		seen[p] = true
	}
}
