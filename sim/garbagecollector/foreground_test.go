package garbagecollector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// S39: the owner waits, with finalizer, deletionTimestamp and a higher
// generation, until the last dependent that blocks it is gone.
func TestS39ForegroundDeletesDependentsFirst(t *testing.T) {
	for _, l := range []controller.Latency{{}, controller.Realistic()} {
		c := newCluster(t, engine.Strategy{}, l)
		set, children := c.family("web", "node-1", 3)
		generation := set.GetGeneration()
		c.settle()
		c.delete(set, foreground)
		now := c.live(set)
		require.NotNil(t, now.GetDeletionTimestamp())
		require.Equal(t, []string{metav1.FinalizerDeleteDependents}, now.GetFinalizers())
		if generation > 0 {
			require.Equal(t, generation+1, now.GetGeneration()) // A7
		}
		c.settle()
		require.False(t, c.exists(children[3]), "the revision")
		for i, pod := range children[:3] {
			require.True(t, c.exists(set), "%d pods are gone", i)
			require.Equal(t, "foreground deletion waits for "+string(rune('3'-i))+" dependents", c.host.Waiting()[0].Reason)
			require.NotNil(t, c.live(pod).GetDeletionTimestamp())
			c.kill(pod)
			c.settle()
		}
		require.False(t, c.exists(set))
		require.Empty(t, c.host.Waiting())
	}
}

// S39: without blockOwnerDeletion a dependent holds nothing up; it is deleted
// all the same.
func TestS39OnlyBlockingDependentsCount(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Latency{})
	set := c.create(aSet("default", "web"))
	pod := c.create(aPod("default", "web-0", "node-1", loosely(set)))
	c.settle()
	c.delete(set, foreground)
	c.settle()
	require.False(t, c.exists(set))
	require.NotNil(t, c.live(pod).GetDeletionTimestamp())
}

// S39: a reference that is taken off, or stops blocking, frees the owner.
func TestS39UnblockingFreesTheOwner(t *testing.T) {
	for name, refs := range map[string]func(set apiserver.Object) []metav1.OwnerReference{
		"removed":   func(apiserver.Object) []metav1.OwnerReference { return nil },
		"unblocked": func(set apiserver.Object) []metav1.OwnerReference { return []metav1.OwnerReference{loosely(set)} },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, engine.Strategy{}, controller.Latency{})
			set := c.create(aSet("default", "web"))
			pod := c.create(aPod("default", "web-0", "node-1", owned(set)))
			c.settle()
			c.delete(set, foreground)
			c.settle()
			require.True(t, c.exists(set))
			c.change(pod, setOwners{refs(set)})
			c.settle()
			require.False(t, c.exists(set))
		})
	}
}

// S39, observed (orphan.jsonl, versions 207 to 247): while the set waits for its
// pods, its controller re-creates the revision that the collector deletes, and
// the collector deletes it again whenever a pod is gone.
func TestS39RevisionIsDeletedAgainAndAgain(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	set, children := c.family("web", "node-1", 3)
	c.settle()
	c.delete(set, foreground)
	recreated := 0
	sync := func() { // the set's controller wakes up when a pod changes
		c.settle()
		if c.exists(set) && c.host.Server().Count(apiserver.ControllerRevision) == 0 {
			c.create(aRevision("default", "web-rev", owned(set)))
			recreated++
			c.settle()
			require.Equal(t, 1, c.host.Server().Count(apiserver.ControllerRevision), "it stays until a dependent goes")
		}
	}
	sync()
	for _, pod := range children[:3] {
		require.True(t, c.exists(set))
		c.kill(pod)
		sync()
	}
	require.False(t, c.exists(set))
	require.Equal(t, 3, recreated)
	require.Zero(t, c.host.Server().Count(apiserver.ControllerRevision))
}

// S39: a dependent with dependents of its own is deleted in the foreground too.
func TestS39Nested(t *testing.T) {
	c := newCluster(t, engine.Strategy{Mode: engine.First}, controller.Realistic())
	top := c.create(aSet("default", "top"))
	middle := c.create(aRevision("default", "middle", owned(top)))
	leaf := c.create(aPod("default", "leaf", "node-1", owned(middle)))
	c.settle()
	c.delete(top, foreground)
	c.settle()
	require.Equal(t, []string{metav1.FinalizerDeleteDependents}, c.live(middle).GetFinalizers())
	require.True(t, c.exists(top))
	c.kill(leaf)
	c.run(time.Minute)
	require.False(t, c.exists(middle))
	require.False(t, c.exists(top))
}

// A circle of owners is broken: the references are made not to block.
func TestS39Circle(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	a := c.create(aRevision("default", "a"))
	b := c.create(aRevision("default", "b", owned(a)))
	c.change(a, setOwners{[]metav1.OwnerReference{owned(b)}})
	c.settle()
	c.delete(a, foreground)
	c.run(time.Minute)
	require.False(t, c.exists(a))
	require.False(t, c.exists(b))
	require.Empty(t, c.host.Waiting())
}

// S39: one owner that waits and one that is solid: the object stays and lets go
// of the first.
func TestS39SolidOwnerKeepsTheDependent(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	waits, solid := c.create(aSet("default", "a")), c.create(aSet("default", "b"))
	shared := c.create(aRevision("default", "shared", owned(waits), owned(solid)))
	c.settle()
	c.delete(waits, foreground)
	c.run(time.Minute)
	require.False(t, c.exists(waits))
	require.True(t, c.exists(shared))
	require.Equal(t, []metav1.OwnerReference{owned(solid)}, c.live(shared).GetOwnerReferences())
}

// The finalizers of others keep an owner after its dependents are gone.
func TestForeignFinalizersAreKept(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	set := c.create(aSet("default", "web"))
	c.create(aRevision("default", "r", owned(set)))
	c.change(set, setFinalizers{[]string{"example.com/mine"}})
	c.settle()
	c.delete(set, foreground)
	c.run(time.Minute)
	require.Equal(t, []string{"example.com/mine"}, c.live(set).GetFinalizers())
	c.change(set, setFinalizers{nil})
	require.False(t, c.exists(set))
}

// S40: orphans lose their reference by a patch, then the owner goes; what else
// they own, and their UIDs, stay.
func TestS40Orphans(t *testing.T) {
	for _, l := range []controller.Latency{{}, controller.Realistic()} {
		c := newCluster(t, engine.Strategy{}, l)
		set, children := c.family("web", "node-1", 3)
		other := c.create(aSet("default", "other"))
		shared := c.create(aRevision("default", "shared", owned(other), loosely(set)))
		c.settle()
		c.delete(set, orphan)
		require.Equal(t, []string{metav1.FinalizerOrphanDependents}, c.live(set).GetFinalizers())
		seen := len(c.recs)
		c.settle()
		require.False(t, c.exists(set))
		for _, child := range children {
			require.True(t, c.exists(child))
			require.Empty(t, c.live(child).GetOwnerReferences())
			require.Nil(t, c.live(child).GetDeletionTimestamp())
		}
		require.Equal(t, []metav1.OwnerReference{owned(other)}, c.live(shared).GetOwnerReferences())
		// orphan.jsonl, versions 131 to 136: the set, the dependents, the set
		// without its finalizer gone.
		var order []string
		for _, rec := range c.recs[seen:] {
			order = append(order, string(rec.Type)+" "+rec.Kind.String())
		}
		require.Equal(t, "DELETED StatefulSet", order[len(order)-1])
		require.Equal(t, 4, len(children))
		require.Empty(t, c.host.Waiting())
	}
}

// S40: an owner without dependents goes at once; a dependent that is gone, or
// replaced, when its patch arrives holds nothing up.
func TestS40WithoutDependents(t *testing.T) {
	c := newCluster(t, engine.Strategy{}, controller.Realistic())
	set := c.create(aSet("default", "web"))
	c.settle()
	c.delete(set, orphan)
	c.settle()
	require.False(t, c.exists(set))

	set, children := c.family("db", "", 2)
	c.settle()
	c.delete(set, orphan)
	c.delete(children[0], "")
	c.delete(children[1], "")
	heir := c.create(aPod("default", "db-1", ""))
	c.run(time.Minute)
	require.False(t, c.exists(set))
	require.True(t, c.exists(heir))
	require.True(t, c.exists(children[2]))
}
