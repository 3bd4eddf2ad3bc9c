package statefulset

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// What Kubernetes' own tests say about StatefulSets (test/e2e/apps/statefulset.go
// and those beside the controller), case by case. Those that take nodes, claims
// that are bound, or the garbage collector are in upstream_cluster_test.go.

// "should adopt matching orphans and release non-matching pods" (S3).
func TestUpstreamAdoptReleaseReadopt(t *testing.T) {
	c := newCluster(t)
	c.create(loose("web-0", map[string]string{"app": "web"}))
	c.create(web(1, noClaims))
	c.settle()
	uid := c.pod("web-0").UID
	require.True(t, metav1.IsControlledBy(c.pod("web-0"), c.set("web")), "adopted")
	c.auto = false
	c.meta("web-0", func(m *metav1.ObjectMeta) { delete(m.Labels, "app") })
	c.settle()
	require.Empty(t, c.pod("web-0").OwnerReferences, "released")
	c.meta("web-0", func(m *metav1.ObjectMeta) { m.Labels["app"] = "web" })
	c.settle()
	require.True(t, metav1.IsControlledBy(c.pod("web-0"), c.set("web")), "adopted again")
	require.Equal(t, uid, c.pod("web-0").UID)
}

// "should not deadlock when a pod's predecessor fails": ordinal 0 is deleted
// while 1 is unhealthy, and created again (S16, S18).
func TestUpstreamNoDeadlockWhenThePredecessorFails(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims))
	c.settle()
	c.auto = false
	c.status("web-1", func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	c.deletePod("web-0", 0)
	c.log = nil
	c.settle()
	require.Equal(t, "+web-0", c.order(apiserver.Pod))
	c.phase("web-0", corev1.PodRunning)
	c.phase("web-1", corev1.PodRunning)
	c.settle()
	require.Equal(t, int32(2), c.set("web").Status.ReadyReplicas)
}

// "should perform rolling updates and roll backs of template modifications":
// both from the highest ordinal down; the template of before is the revision of
// before (S7, S26).
func TestUpstreamRollingUpdateAndRollBack(t *testing.T) {
	c := newCluster(t)
	c.create(web(3, noClaims))
	c.settle()
	first := c.set("web").Status.CurrentRevision
	const reverse = "-web-2 +web-2 -web-1 +web-1 -web-0 +web-0"
	c.log = nil
	c.image("web", "b")
	c.settle()
	require.Equal(t, reverse, c.order(apiserver.Pod))
	require.NotEqual(t, first, c.set("web").Status.CurrentRevision)
	c.image("web", "a")
	c.settle()
	require.Equal(t, reverse, c.order(apiserver.Pod))
	require.Equal(t, first, c.set("web").Status.CurrentRevision)
	require.Len(t, c.revisions(), 2)
}

// "should perform canary updates and phased rolling updates of template
// modifications": deleted pods come back on their side of the partition.
func TestUpstreamCanaryAndPhasedUpdate(t *testing.T) {
	c := newCluster(t)
	c.create(web(3, noClaims, rolling(3, 1)))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=a", c.pods(), "a partition beyond the replicas updates none")
	c.edit("web", rolling(2, 1))
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=b", c.pods(), "the canary")
	c.deletePod("web-0")
	c.deletePod("web-2")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=b", c.pods())
	c.edit("web", rolling(1, 1))
	c.settle()
	require.Equal(t, "web-0=a web-1=b web-2=b", c.pods())
	c.edit("web", rolling(0, 1))
	c.settle()
	require.Equal(t, "web-0=b web-1=b web-2=b", c.pods())
}

// "… for partition 1 and delete pod-0": it comes back at the old revision, with
// a template that fails above it or with one that does not.
func TestUpstreamPodBelowThePartitionComesBackOld(t *testing.T) {
	for _, failing := range []bool{false, true} {
		c := newCluster(t)
		c.create(web(3, noClaims, rolling(1, 1)))
		c.settle()
		c.auto = !failing
		c.image("web", "b")
		c.settle()
		c.deletePod("web-0", 0)
		c.settle()
		require.Contains(t, c.pods(), "web-0=a", "failing: %v", failing)
		require.Equal(t, c.set("web").Status.CurrentRevision, revisionOf(c.pod("web-0")))
	}
}

// "should perform rolling updates with maxUnavailable": of two it makes use, and
// more are never down (S25, S26).
func TestUpstreamMaxUnavailableIsKept(t *testing.T) {
	for _, policy := range []func(*appsv1.StatefulSet){noClaims, parallel} {
		c := newCluster(t, realistic)
		c.create(web(6, noClaims, policy, rolling(0, 2)))
		c.settle()
		c.log = nil
		c.image("web", "b")
		most := 0
		for range 100_000 {
			c.note()
			down := 0
			for i := range 6 {
				if p := c.pod(fmt.Sprintf("web-%d", i)); p == nil || isUnavailable(p, 0, time.Time{}) {
					down++
				}
			}
			most = max(most, down)
			if !c.host.Step() {
				break
			}
		}
		require.Equal(t, 2, most)
		require.NotContains(t, c.pods(), "=a")
	}
}

// "should implement legacy replacement when the update strategy is OnDelete"
// (S24).
func TestUpstreamOnDelete(t *testing.T) {
	c := newCluster(t)
	c.create(web(3, noClaims, onDelete))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=a", c.pods())
	for i := range 3 {
		c.deletePod(fmt.Sprintf("web-%d", i))
	}
	c.settle()
	require.Equal(t, "web-0=b web-1=b web-2=b", c.pods())
}

// "Scaling should happen in predictable order and halt if any stateful pod is
// unhealthy" (S16, S18, S21, S22).
func TestUpstreamScalingIsOrderedAndHalts(t *testing.T) {
	c := newCluster(t)
	sick := func(name string) {
		c.status(name, func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	}
	c.create(web(1, noClaims))
	c.settle()
	c.log = nil
	sick("web-0")
	c.scale("web", 3)
	c.settle()
	require.Empty(t, c.order(apiserver.Pod), "halted")
	c.phase("web-0", corev1.PodRunning)
	c.settle()
	require.Equal(t, "+web-1 +web-2", c.order(apiserver.Pod))
	sick("web-0")
	c.scale("web", 0)
	c.settle()
	require.Equal(t, "-web-2 -web-1 -web-0", c.order(apiserver.Pod), "condemned itself, it is no replica to wait for")
	c.scale("web", 3)
	c.settle()
	c.log = nil
	sick("web-0")
	c.scale("web", 1)
	c.settle()
	require.Empty(t, c.order(apiserver.Pod), "halted")
	c.phase("web-0", corev1.PodRunning)
	c.settle()
	require.Equal(t, "-web-2 -web-1", c.order(apiserver.Pod))
}

// "Burst scaling should run to completion even with unhealthy pods" (S20, S23).
func TestUpstreamBurstScaling(t *testing.T) {
	c := newCluster(t, byHand)
	c.create(web(1, noClaims, parallel))
	c.settle()
	c.scale("web", 3)
	c.settle()
	require.Equal(t, "+web-0 +web-1 +web-2", c.order(apiserver.Pod), "nobody is ready")
	c.scale("web", 0)
	c.settle()
	require.Empty(t, c.pods())
}

// "Should recreate evicted statefulset" (S15).
func TestUpstreamFailedPodIsRecreated(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims))
	c.settle()
	evicted := c.pod("web-0").UID
	c.phase("web-0", corev1.PodFailed)
	c.settle()
	require.NotEqual(t, evicted, c.pod("web-0").UID)
	require.Equal(t, corev1.PodRunning, c.pod("web-0").Status.Phase)
}

// "should validate Statefulset Status endpoints": a status that somebody writes
// is a status of its own, raises no generation, and is put right by the next
// sync (A7, S32).
func TestUpstreamStatusSubresource(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims))
	c.settle()
	s := c.set("web").DeepCopy()
	generation := s.Generation
	s.Status.Replicas, s.Status.ReadyReplicas, *s.Spec.Replicas = 7, 7, 7
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Subresource: apiserver.Status, Key: apiserver.KeyOf(s), Object: s})
	require.Equal(t, int32(7), c.set("web").Status.ReadyReplicas)
	require.Equal(t, int32(1), *c.set("web").Spec.Replicas)
	require.Equal(t, generation, c.set("web").Generation)
	c.settle()
	require.Equal(t, int32(1), c.set("web").Status.ReadyReplicas)
}

// "should recreate all pods when the update strategy is Recreate", "should
// recreate stuck pods with ImagePullBackOff" and "should preserve Parallel
// PodManagementPolicy when recreating pods" (S28).
func TestUpstreamRecreate(t *testing.T) {
	for name, edits := range map[string][]func(*appsv1.StatefulSet){ // each on its own
		"ordered": {noClaims, recreate}, "parallel": {noClaims, recreate, parallel},
	} {
		c := newCluster(t, withRecreate)
		c.create(web(3, edits...))
		c.settle()
		c.auto = false
		c.image("web", "bad")
		c.settle()
		for i := range 3 {
			c.deletePod(fmt.Sprintf("web-%d", i), 0)
		}
		c.log = nil
		c.settle()
		stuck := map[string]string{"ordered": "web-0=bad", "parallel": "web-0=bad web-1=bad web-2=bad"}[name]
		require.Equal(t, stuck, c.pods(), "they wait for an image that does not exist")
		c.auto = true
		c.image("web", "b")
		c.settle()
		require.Equal(t, "web-0=b web-1=b web-2=b", c.pods(), name)
	}
}

// "AvailableReplicas should get updated accordingly when MinReadySeconds is
// enabled" (S30, S33).
func TestUpstreamAvailableReplicasFollowMinReadySeconds(t *testing.T) {
	seconds := func(n int32) func(*appsv1.StatefulSet) {
		return func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = n }
	}
	c := newCluster(t)
	c.create(web(2, noClaims, parallel, seconds(0)))
	c.run(10 * time.Second)
	require.Equal(t, int32(2), c.set("web").Status.AvailableReplicas)
	c.edit("web", seconds(3600))
	c.run(10 * time.Second)
	require.Equal(t, int32(0), c.set("web").Status.AvailableReplicas)
	c.edit("web", seconds(0))
	c.run(10 * time.Second)
	require.Equal(t, int32(2), c.set("web").Status.AvailableReplicas)
}

// "PVC should be recreated when pod is pending due to missing PVC" (S17).
func TestUpstreamClaimOfAPendingPodIsRecreated(t *testing.T) {
	c := newCluster(t, byHand)
	c.create(web(1))
	c.settle()
	old := c.claim("www-web-0").UID
	drop(c, "www-web-0")
	c.status("web-0", func(s *corev1.PodStatus) { s.Message = `persistentvolumeclaim "www-web-0" not found` })
	c.settle()
	require.NotNil(t, c.claim("www-web-0"))
	require.NotEqual(t, old, c.claim("www-web-0").UID)
}

// "Setting .start.ordinal", "Increasing", "Decreasing" and "Removing" (S10).
func TestUpstreamStartOrdinal(t *testing.T) {
	from := func(n int32) func(*appsv1.StatefulSet) {
		return func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: n} }
	}
	c := newCluster(t)
	c.create(web(2, noClaims, from(2)))
	c.settle()
	assert.Equal(t, "web-2=a web-3=a", c.pods(), "set")
	c.edit("web", from(4))
	c.settle()
	assert.Equal(t, "web-4=a web-5=a", c.pods(), "raised")
	c.edit("web", from(3))
	c.settle()
	assert.Equal(t, "web-3=a web-4=a", c.pods(), "lowered")
	c.edit("web", func(s *appsv1.StatefulSet) { s.Spec.Ordinals = nil })
	c.settle()
	assert.Equal(t, "web-0=a web-1=a", c.pods(), "removed")
}
