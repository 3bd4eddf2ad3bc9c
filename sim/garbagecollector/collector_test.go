package garbagecollector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

const (
	background = metav1.DeletePropagationBackground
	foreground = metav1.DeletePropagationForeground
	orphan     = metav1.DeletePropagationOrphan
)

// S38: the owner vanishes at once, then all that it alone owned; pods on a node
// terminate gracefully, and what it does not own stays.
func TestS38BackgroundDeletesDependents(t *testing.T) {
	for _, l := range []controller.Latency{{}, controller.Realistic()} {
		c := newCluster(t, engine.Strategy{}, l)
		set, children := c.family("web", "", 3)
		running := c.create(aPod("default", "web-9", "node-1", owned(set)))
		stranger := c.create(aPod("default", "stranger", ""))
		c.settle()
		c.delete(set, background)
		require.False(t, c.exists(set))
		c.settle()
		for _, child := range children {
			require.False(t, c.exists(child), child.GetName())
		}
		require.NotNil(t, c.live(running).GetDeletionTimestamp())
		require.Equal(t, int64(30), *c.live(running).GetDeletionGracePeriodSeconds())
		require.True(t, c.exists(stranger))
		require.Empty(t, c.host.Waiting())
		for _, rec := range c.recs {
			if rec.Type == watch.Deleted && rec.Kind != apiserver.StatefulSet {
				require.Equal(t, "generic-garbage-collector", rec.By)
			}
		}
		c.kill(running)
		c.settle()
		require.Len(t, c.collector().graph.nodes, 3, "two namespaces and a stranger are left")
	}
}

// S38: there is no ordinal order among dependents; any of them can be first.
func TestS38DependentsHaveNoOrder(t *testing.T) {
	firsts := map[string]int{}
	for seed := range uint64(40) {
		c := newCluster(t, engine.Strategy{Seed: seed}, controller.Latency{})
		set, _ := c.family("web", "", 4)
		c.settle()
		c.delete(set, background)
		c.settle()
		firsts[c.deleted(apiserver.Pod)[0]]++
	}
	require.Len(t, firsts, 4, "%v", firsts)

	c := newCluster(t, engine.Strategy{Mode: engine.First}, controller.Latency{})
	set, _ := c.family("web", "", 4)
	c.settle()
	c.delete(set, background)
	c.settle()
	require.Equal(t, []string{"web-0", "web-1", "web-2", "web-3"}, c.deleted(apiserver.Pod))
}

// A chain of owners is deleted down to its end.
func TestS38DeletesChains(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	top := c.create(aSet("default", "top"))
	parent := top
	for i := range 5 {
		parent = c.create(aRevision("default", fmt.Sprint("r", i), owned(parent)))
	}
	c.settle()
	c.delete(top, background)
	c.settle()
	require.Equal(t, []string{"r0", "r1", "r2", "r3", "r4"}, c.deleted(apiserver.ControllerRevision))
}

// An object whose owner never existed, or exists under another UID, is deleted
// after a live look; with one solid owner it stays and loses the dead
// references.
func TestAbsentOwners(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	set := c.create(aSet("default", "web"))
	impostor := owned(set)
	impostor.UID = "another"
	alone := c.create(aRevision("default", "alone", nobody("u1")))
	fooled := c.create(aRevision("default", "fooled", impostor))
	kept := c.create(aRevision("default", "kept", nobody("u1"), owned(set)))
	c.settle()
	require.False(t, c.exists(alone))
	require.False(t, c.exists(fooled))
	require.Equal(t, []metav1.OwnerReference{owned(set)}, c.live(kept).GetOwnerReferences())
}

// An owner that the collector has not seen, because its watch is late, is a
// virtual node: it is looked up, found, and nothing is deleted.
func TestVirtualOwnerIsVerified(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Latency{})
	c.host.Hold(c.id, apiserver.StatefulSet, engine.Time(time.Minute))
	set := c.create(aSet("default", "web"))
	pod := c.create(aPod("default", "web-0", "", owned(set)))
	c.run(30 * time.Second)
	require.True(t, c.exists(pod))
	require.True(t, c.collector().graph.nodes[set.GetUID()].virtual)
	require.Equal(t, []controller.Wait{{Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(set), Reason: errUnobserved.Error()}}, c.host.Waiting())
	c.run(10 * time.Minute)
	require.False(t, c.collector().graph.nodes[set.GetUID()].virtual)
	require.Empty(t, c.host.Waiting())
	c.delete(set, background)
	c.settle()
	require.False(t, c.exists(pod))
}

// An owner of a kind that is not watched is looked up once.
func TestUnwatchedOwner(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Latency{})
	config := c.create(&corev1.ConfigMap{ObjectMeta: meta("default", "config")})
	pod := c.create(aPod("default", "p", "", owned(config)))
	late := owned(config)
	late.UID, late.Name = "gone", "gone"
	lost := c.create(aPod("default", "q", "", late))
	c.run(time.Hour)
	require.True(t, c.exists(pod))
	require.False(t, c.exists(lost))
	require.Empty(t, c.host.Waiting())
}

// References cannot reach into another namespace: such a dependent is deleted,
// with a warning if its owner was seen.
func TestOwnerInAnotherNamespace(t *testing.T) {
	for _, parentFirst := range []bool{true, false} {
		c := newCluster(t, engine.Strategy{}, controller.Latency{})
		if !parentFirst {
			c.host.Hold(c.id, apiserver.StatefulSet, engine.Time(time.Second))
		}
		set := c.create(aSet("default", "web"))
		good := c.create(aRevision("default", "good", owned(set)))
		bad := c.create(aRevision("other", "bad", owned(set)))
		c.run(time.Minute)
		require.True(t, c.exists(good))
		require.False(t, c.exists(bad))
		events := c.host.Server().List(apiserver.Event, "other")
		if !parentFirst {
			require.Empty(t, events)
			continue
		}
		require.Len(t, events, 1)
		ev := events[0].(*corev1.Event)
		require.Equal(t, "OwnerRefInvalidNamespace", ev.Reason)
		require.Equal(t, fmt.Sprintf(`ownerRef [apps/v1/StatefulSet, namespace: other, name: web, uid: %s] does not exist in namespace "other"`, set.GetUID()), ev.Message)
	}
}

// A cluster-wide object cannot have an owner in a namespace: it is left alone,
// and not looked at for ever.
func TestClusterWideDependents(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Latency{})
	set := c.create(aSet("default", "web"))
	odd := c.create(&corev1.Node{ObjectMeta: meta("", "odd", owned(set))})
	node := c.create(&corev1.Node{ObjectMeta: meta("", "node-1")})
	child := c.create(&corev1.Node{ObjectMeta: meta("", "child", owned(node))})
	pod := c.create(aPod("default", "p", "", owned(node)))
	c.settle()
	c.delete(set, background)
	c.delete(node, background)
	c.settle()
	require.True(t, c.exists(odd))
	require.False(t, c.exists(child))
	require.False(t, c.exists(pod))
	require.Empty(t, c.host.Waiting())
}

// A kind that nobody knows is tried again and again, and named.
func TestUnknownOwnerKind(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Latency{})
	unknown := metav1.OwnerReference{APIVersion: "example.com/v1", Kind: "Widget", Name: "w", UID: "u"}
	pod := c.create(aPod("default", "p", "", unknown))
	c.run(time.Hour)
	require.True(t, c.exists(pod))
	ws := c.host.Waiting()
	require.Len(t, ws, 1)
	require.Equal(t, "unable to get REST mapping for example.com/v1/Widget.", ws[0].Reason)
}

// A delete has UID and version as preconditions: an object that changed is
// looked at again, and deleted if its owners are what they were; one that got a
// new owner, or its name a new object, is spared.
func TestDeletePreconditions(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(c *cluster, pod, heir apiserver.Object)
		deleted bool
	}{
		"label": {func(c *cluster, pod, _ apiserver.Object) { c.change(pod, setLabel{"x"}) }, true},
		"adopted": {func(c *cluster, pod, heir apiserver.Object) {
			c.change(pod, setOwners{[]metav1.OwnerReference{owned(heir)}})
		}, false},
		"replaced": {func(c *cluster, pod, heir apiserver.Object) {
			c.delete(pod, "")
			c.create(aPod("default", "web-0", ""))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, engine.Strategy{}, controller.Realistic())
			heir := c.create(aSet("default", "heir"))
			set := c.create(aSet("default", "web"))
			pod := c.create(aPod("default", "web-0", "", owned(set)))
			c.settle()
			c.delete(set, background)
			for c.collector().attempts(deleting) == 0 {
				require.True(t, c.step())
			}
			tc.change(c, pod, heir)
			c.run(time.Minute)
			require.Equal(t, tc.deleted, c.live(pod) == nil)
			require.Empty(t, c.host.Waiting())
		})
	}
}

// attempts counts the attempts to delete that are at a stage. It steps a copy
// of nothing: the stages are read from the memos.
func (c *Collector) attempts(s stage) int {
	n := 0
	for _, at := range stages(c) {
		if at == s {
			n++
		}
	}
	return n
}

// Two runs of a seed give the same history, and another seed another one.
func TestDeterminism(t *testing.T) {
	history := func(seed uint64) string {
		c := newCluster(t, engine.Strategy{Seed: seed}, controller.Realistic())
		for i, p := range []metav1.DeletionPropagation{background, foreground, orphan} {
			set, _ := c.family(fmt.Sprint("s", i), "", 6)
			c.delete(set, p)
		}
		c.run(time.Minute)
		var b strings.Builder
		for _, rec := range c.recs {
			fmt.Fprintln(&b, rec.Version, rec.Time, rec.Type, rec.Kind, rec.Key, rec.By)
		}
		return b.String()
	}
	require.Equal(t, history(1), history(1))
	require.NotEqual(t, history(1), history(2))
}

// A fork is independent: what the original does afterwards does not show.
func TestFork(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	set, _ := c.family("web", "node-1", 5)
	c.settle()
	c.delete(set, foreground)
	for c.collector().attempts(deleting) == 0 {
		require.True(t, c.step())
	}
	fork := state.Copy(nil, c.collector())
	require.Equal(t, c.collector(), fork)
	before := state.Copy(nil, fork)
	c.run(time.Minute)
	require.NotEqual(t, before, c.collector())
	require.Equal(t, before, fork)
}

// The memory of absent owners is bounded, and forgets the one used least
// recently.
func TestAbsentIsBounded(t *testing.T) {
	var a absent
	name := func(i int) ref { return ref{name: fmt.Sprint(i)} }
	for i := range absentMax {
		a.add(name(i))
	}
	require.True(t, a.has(name(0)))
	a.add(name(absentMax))
	require.Len(t, a.used, absentMax)
	require.True(t, a.has(name(0)))
	require.False(t, a.has(name(1)))
}

// Watches leaves out what cannot be watched or has no owners.
func TestWatches(t *testing.T) {
	require.Equal(t, []apiserver.Kind{apiserver.Pod, apiserver.Node}, New([]apiserver.Kind{apiserver.Pod, apiserver.Event, apiserver.Behaving, apiserver.Node}).Watches())
	all := New(nil).Watches()
	require.Len(t, all, int(apiserver.Behaving)-3)
	require.False(t, slices.Contains(all, apiserver.CustomResource), "where nobody serves them")
	require.False(t, slices.Contains(all, apiserver.Event))
}
