package statefulset

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// The bugs of Kubernetes that v1.37.2 still has, each reproduced and not
// repaired, by the number of its issue or pull request. kubernetes#59848, which
// takes nodes, is in bugs_cluster_test.go.

// TestBug67250 (kubernetes#67250, S29): a bad pod that never becomes ready stops
// an OrderedReady rollout for good; going back does not help until somebody
// deletes it. Parallel heals itself.
func TestBug67250(t *testing.T) {
	stuck := func(edits ...func(*appsv1.StatefulSet)) *cluster {
		c := newCluster(t)
		c.create(web(3, append(edits, noClaims)...))
		c.settle()
		c.auto = false
		c.image("web", "bad")
		c.settle()
		c.deletePod("web-2", 0)
		c.settle()
		require.Equal(t, "web-0=a web-1=a web-2=bad", c.pods())
		c.image("web", "a")
		c.settle()
		return c
	}
	c := stuck()
	require.Equal(t, "web-0=a web-1=a web-2=bad", c.pods())
	c.deletePod("web-2", 0)
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=a", c.pods())
	require.Equal(t, "web-0=a web-1=a web-2=a", stuck(parallel).pods())
}

// TestBug121534 (kubernetes#121534): partition 2, update, scale to 0 and back to
// 2: below the partition too, pods come at the new revision, because a set with
// no replicas counts as completely updated (S31).
func TestBug121534(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims, rolling(2, 1)))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a", c.pods())
	c.scale("web", 0)
	c.settle()
	c.scale("web", 2)
	c.settle()
	require.Equal(t, "web-0=b web-1=b", c.pods())
}

// TestBug136831 (kubernetes#136831): an update counts as complete before its
// pods have been ready for minReadySeconds.
func TestBug136831(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims, func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = 60 }))
	c.settle()
	c.image("web", "b")
	c.run(10 * time.Second)
	s := c.set("web").Status
	require.Equal(t, int32(0), s.AvailableReplicas)
	require.Equal(t, s.UpdateRevision, s.CurrentRevision)
}

// TestBug140858 (kubernetes#140858): a Parallel set scales up and the quota is
// used up by pods with higher ordinals; scaled down again it cannot create the
// lower one that is missing, and that failure ends every sync before the pods
// are deleted that would give the quota back.
func TestBug140858(t *testing.T) {
	c := newCluster(t)
	quota := func(n int) {
		c.host.Fail(controller.Fault{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: "web-1"}, Count: n,
			Err: apierrors.NewForbidden(apiserver.Pod.GroupResource(), "web-1", errQuota{})})
	}
	quota(1 << 20)
	c.create(web(3, noClaims, parallel))
	c.settle()
	require.Equal(t, "web-0=a web-2=a", c.pods())
	c.scale("web", 2)
	c.run(24 * time.Hour)
	require.Equal(t, "web-0=a web-2=a", c.pods(), "web-2 is not deleted")
	require.Contains(t, c.host.Waiting()[0].Reason, "exceeded quota")
	require.Equal(t, int32(2), c.set("web").Status.Replicas)
}

type errQuota struct{}

func (errQuota) Error() string { return "exceeded quota: pods" }

// TestBug75498 (kubernetes PR 75498): an update is superseded under a partition.
// Deleting a pod of the update in between counts currentReplicas down, although
// that pod was not among them.
func TestBug75498(t *testing.T) {
	c := newCluster(t)
	c.create(web(4, noClaims, rolling(2, 1)))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=b web-3=b", c.pods())
	current := c.set("web").Status.CurrentRevision
	require.Equal(t, int32(2), c.set("web").Status.CurrentReplicas)
	c.log = nil
	c.image("web", "c")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=c web-3=c", c.pods(), "the pods of the current revision were left alone")
	wrong := false
	for _, l := range c.log {
		f := strings.Fields(l)
		if f[1] == "modified" && f[2] == "StatefulSet" && f[0] == Name {
			require.Equal(t, current, f[9])
			wrong = wrong || f[7] == "1"
		}
	}
	require.True(t, wrong, "currentReplicas said 1 although web-0 and web-1 were there")
}

// TestBug142130 (kubernetes PR 142130): under whenDeleted=Delete a claim that
// the cache does not show yet gets no owner. If the set is deleted before, the
// claim outlives it for ever.
func TestBug142130(t *testing.T) {
	owners := func(late bool) []metav1.OwnerReference {
		c := newCluster(t)
		if late {
			c.host.Hold(0, apiserver.PersistentVolumeClaim, c.host.Engine().Now().Add(time.Hour))
		}
		c.create(web(1, retain("Retain", "Delete")))
		c.run(time.Minute)
		require.Equal(t, corev1.PodRunning, c.pod("web-0").Status.Phase)
		c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet, Key: apiserver.Key{Namespace: "default", Name: "web"}})
		c.run(24 * time.Hour)
		require.Nil(t, c.set("web"))
		return c.claim("www-web-0").OwnerReferences
	}
	require.Len(t, owners(false), 1, "in time the set is the owner, and the collector deletes the claim with it")
	require.Empty(t, owners(true))
}
