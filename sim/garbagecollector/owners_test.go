package garbagecollector

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Of two references with one UID upstream's graph knows the last (referencesDiffs):
// where that one does not block, taking both off does not free the owner.
func TestTwinReferencesAreKnownByTheLast(t *testing.T) {
	for name, frees := range map[string]bool{"blocking last": true, "loose last": false} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, engine.Strategy{}, controller.Latency{})
			set := c.create(aSet("default", "web"))
			twins := []metav1.OwnerReference{loosely(set), owned(set)}
			if !frees {
				twins = []metav1.OwnerReference{owned(set), loosely(set)}
			}
			pod := c.create(aPod("default", "web-0", "node-1", twins...))
			c.settle()
			c.delete(set, foreground)
			c.settle()
			require.True(t, c.exists(set), "one of the twins blocks")
			c.change(pod, setOwners{nil})
			c.settle()
			require.Equal(t, !frees, c.exists(set))
		})
	}
}

// A strategic merge puts references with one UID side by side.
func TestPatchesMergeTwins(t *testing.T) {
	ref := func(uid, name string, block bool) metav1.OwnerReference {
		return metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: name, UID: types.UID("uid-" + uid), BlockOwnerDeletion: &block}
	}
	obj := aRevision("default", "r", ref("a", "1", true), ref("b", "2", false), ref("c", "3", false), ref("a", "4", false))
	next, err := dropOwners{uids{"uid-c"}}.Apply(obj)
	require.NoError(t, err)
	require.Equal(t, []metav1.OwnerReference{ref("a", "1", true), ref("a", "4", false), ref("b", "2", false)}, next.GetOwnerReferences())

	single := aRevision("default", "r", ref("a", "1", true), ref("b", "2", false), ref("c", "3", false))
	next, err = dropOwners{uids{"uid-b"}}.Apply(single)
	require.NoError(t, err)
	require.Equal(t, []metav1.OwnerReference{ref("a", "1", true), ref("c", "3", false)}, next.GetOwnerReferences())
}

// Twins are taken for added whatever is written: the second of them is held
// against its owner again (referencesDiffs, addDependentToOwners). A reference
// without a twin is not.
func TestTwinReferencesComeWithEveryChange(t *testing.T) {
	for twins, want := range map[bool]int{true: 2, false: 1} {
		c := newCluster(t, engine.Strategy{}, controller.Latency{})
		first, second := c.create(aSet("default", "a")), c.create(aSet("default", "b"))
		refs := []metav1.OwnerReference{loosely(first), loosely(second)}
		if twins {
			refs = append(refs, owned(second)) // the server drops one that is equal
		}
		node := c.create(&corev1.Node{ObjectMeta: meta("", "node", refs...)})
		c.settle()
		require.Len(t, c.host.Server().List(apiserver.Event, ""), 1, "about the first alone: one is enough to look at the dependent")
		c.change(node, setLabel{"x"})
		c.settle()
		require.Len(t, c.host.Server().List(apiserver.Event, ""), want)
	}
}
