package garbagecollector

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// stages reads the stages of the attempts under way. Workers keep their memos
// to themselves; a test may look.
func stages(c *Collector) []stage {
	var list []stage
	slots := reflect.ValueOf(&c.deletes).Elem().FieldByName("slots")
	for i := range slots.Len() {
		if s := slots.Index(i); s.FieldByName("busy").Bool() {
			list = append(list, stage(s.FieldByName("memo").FieldByName("stage").Uint()))
		}
	}
	return list
}

// checkGraph holds the derived rosters of the graph against a count of
// everything. An owner that was found absent, and then referred to once more,
// has only its new dependents: the earlier ones are being looked at already.
func checkGraph(t require.TestingT, c *Collector) {
	g, returned := &c.graph, map[types.UID]bool{}
	for r := range c.absent.used {
		returned[r.uid] = true
	}
	dependents := map[types.UID]map[types.UID]bool{}
	for uid, n := range g.nodes {
		require.Equal(t, uid, n.ref.uid)
		for _, o := range n.owners {
			if dependents[o.UID] == nil {
				dependents[o.UID] = map[types.UID]bool{}
			}
			dependents[o.UID][uid] = dependents[o.UID][uid] || isBlocking(o)
		}
	}
	for uid, n := range g.nodes {
		blocking, resting := 0, 0
		for dep, blocks := range n.dependents {
			require.Contains(t, g.nodes, dep)
			require.Equal(t, dependents[uid][dep], blocks)
			if !blocks {
				continue
			}
			blocking++
			_, rests := n.resting[dep]
			require.Equal(t, !g.nodes[dep].beingDeleted, rests)
			if rests {
				resting++
			}
		}
		if !returned[uid] {
			require.Len(t, n.dependents, len(dependents[uid]), "%s", n.ref)
		}
		require.Equal(t, blocking, n.blocking)
		require.Len(t, n.resting, resting)
		_, waits := g.foreground[uid]
		require.Equal(t, n.deletingDependents, waits)
	}
}

// Whatever users do, in the end no object is left whose owners are all gone,
// none waits for nothing, and the graph is that of the store.
func TestEverythingConverges(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		latency := rapid.SampledFrom([]controller.Latency{{}, controller.Realistic()}).Draw(r, "latency")
		c := newCluster(t, engine.Strategy{Seed: rapid.Uint64().Draw(r, "seed")}, latency)
		var objs []apiserver.Object
		// Owners are older than what they own: a circle that waits for itself
		// waits for ever, as upstream.
		refs := func(older int) []metav1.OwnerReference {
			var list []metav1.OwnerReference
			for range rapid.IntRange(0, min(2, older)).Draw(r, "owners") {
				o := owned(objs[rapid.IntRange(0, older-1).Draw(r, "owner")])
				if rapid.Bool().Draw(r, "loose") {
					o.BlockOwnerDeletion = nil
				}
				if len(list) == 0 || list[0].UID != o.UID {
					list = append(list, o)
				}
			}
			return list
		}
		for i := range rapid.IntRange(1, 12).Draw(r, "operations") {
			switch op := rapid.SampledFrom([]string{"create", "create", "delete", "own", "run"}).Draw(r, "op"); op {
			case "create":
				objs = append(objs, c.create(aRevision("default", fmt.Sprint("r", i), refs(len(objs))...)))
			case "run":
				c.run(time.Duration(rapid.IntRange(0, 50).Draw(r, "ms")) * time.Millisecond)
			default:
				if len(objs) == 0 {
					continue
				}
				n := rapid.IntRange(0, len(objs)-1).Draw(r, "object")
				obj := objs[n]
				if !c.exists(obj) {
					continue
				}
				if op == "own" {
					c.change(obj, setOwners{refs(n)})
				} else {
					c.delete(obj, rapid.SampledFrom([]metav1.DeletionPropagation{background, foreground, orphan}).Draw(r, "propagation"))
				}
			}
			checkGraph(r, c.collector())
		}
		c.run(30 * time.Minute)
		checkGraph(r, c.collector())
		require.Empty(r, c.host.Waiting())
		for _, obj := range c.host.Server().List(apiserver.ControllerRevision, "") {
			require.Nil(r, obj.GetDeletionTimestamp(), obj.GetName())
			owners, solid := obj.GetOwnerReferences(), 0
			for _, o := range owners {
				if owner := c.host.Server().Get(apiserver.ControllerRevision, apiserver.Key{Namespace: "default", Name: o.Name}); owner != nil && owner.GetUID() == o.UID {
					solid++
				}
			}
			require.True(r, len(owners) == 0 || solid > 0, "%s is owned by the dead alone", obj.GetName())
			n := c.collector().graph.nodes[obj.GetUID()]
			require.NotNil(r, n)
			require.False(r, n.virtual)
		}
		require.Len(r, c.collector().graph.nodes, 2+c.host.Server().Count(apiserver.ControllerRevision))
	})
}

// Nothing that the collector does for one dependent walks all of them: the work
// for each grows by no more than the log of their number.
func TestForegroundWorkIsLinear(t *testing.T) {
	events := func(n int) uint64 {
		c := newCluster(t, engine.Strategy{}, controller.Latency{})
		set, children := c.family("web", "node-1", n)
		c.settle()
		c.delete(set, foreground)
		c.settle()
		before := c.host.Engine().Steps()
		for _, pod := range children[:n] {
			c.kill(pod)
			c.settle()
		}
		require.False(t, c.exists(set))
		return (c.host.Engine().Steps() - before) / uint64(n)
	}
	require.LessOrEqual(t, events(200), events(20)+1)
}

func BenchmarkBackground(b *testing.B) {
	for b.Loop() {
		c := newCluster(b, engine.Strategy{}, controller.Realistic())
		set, _ := c.family("web", "", 1000)
		c.settle()
		c.delete(set, background)
		c.settle()
	}
}

func BenchmarkForeground(b *testing.B) {
	for b.Loop() {
		c := newCluster(b, engine.Strategy{}, controller.Realistic())
		set, _ := c.family("web", "", 1000)
		c.settle()
		c.delete(set, foreground)
		c.settle()
	}
}
