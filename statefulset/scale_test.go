package statefulset

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// S16, S22, S26: the article's story, in the order of its pods.
func TestOrderedStory(t *testing.T) {
	c := newCluster(t, realistic)
	c.create(seedSet(t))
	c.settle()
	require.Equal(t, "+satefulset-0 +satefulset-1", c.order(apiserver.Pod))
	require.Equal(t, "satefulset-68cdbc9fd", c.set("satefulset").Status.CurrentRevision)
	c.scale("satefulset", 5)
	c.settle()
	require.Equal(t, "+satefulset-2 +satefulset-3 +satefulset-4", c.order(apiserver.Pod))
	c.scale("satefulset", 2)
	c.settle()
	require.Equal(t, "-satefulset-4 -satefulset-3 -satefulset-2", c.order(apiserver.Pod))
	c.image("satefulset", "marksugar/nginx:1.14.b")
	c.settle()
	require.Equal(t, "-satefulset-1 +satefulset-1 -satefulset-0 +satefulset-0", c.order(apiserver.Pod))
	s := c.set("satefulset").Status
	require.Equal(t, "satefulset-5b8bf6d897", s.CurrentRevision)
	require.Equal(t, []int32{2, 2, 2, 2, 2}, []int32{s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.CurrentReplicas, s.UpdatedReplicas})
	require.Empty(t, c.host.Waiting())
	for _, name := range []string{"satefulset-0", "satefulset-4"} {
		require.NotNil(t, c.claim("wwwdata-"+name), "claims outlive the scale-down (S38)")
	}
}

// S10: replicas are start … start+N−1; what is outside is condemned, and goes
// from the top.
func TestS10Ordinals(t *testing.T) {
	c := newCluster(t)
	c.create(web(3, noClaims, func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5} }))
	c.settle()
	require.Equal(t, "+web-5 +web-6 +web-7", c.order(apiserver.Pod))
	c.edit("web", func(s *appsv1.StatefulSet) { s.Spec.Ordinals.Start = 6 })
	c.settle()
	require.Equal(t, "+web-8 -web-5", c.order(apiserver.Pod))
	c.edit("web", func(s *appsv1.StatefulSet) { s.Spec.Ordinals = nil })
	c.settle()
	require.Equal(t, "+web-0 +web-1 +web-2 -web-8 -web-7 -web-6", c.order(apiserver.Pod))
}

// S15, §0.10: a pod that has Failed or Succeeded is deleted, and made anew later; no
// event speaks of anything but a deletion.
func TestS15TerminalPods(t *testing.T) {
	for _, phase := range []corev1.PodPhase{corev1.PodFailed, corev1.PodSucceeded} {
		c := newCluster(t)
		c.create(web(2))
		c.settle()
		c.log = nil
		c.phase("web-0", phase)
		c.settle()
		var events []string
		for _, l := range c.log {
			if _, event, ok := strings.Cut(l, " "+string(corev1.EventTypeNormal)+" "); ok || strings.Contains(l, corev1.EventTypeWarning) {
				events = append(events, event)
			}
		}
		assert.Equal(t, []string{"SuccessfulDelete Delete Pod web-0 in StatefulSet web successful",
			"SuccessfulCreate Create Pod web-0 in StatefulSet web successful"}, events)
		require.Equal(t, "-web-0 +web-0", c.order(apiserver.Pod))
	}
}

// S16, S18: one pod a sync, and none before its predecessor is ready; ordinal 0
// is re-created even while 1 is unhealthy.
func TestS16S18OneAtATime(t *testing.T) {
	c := newCluster(t, byHand)
	c.create(web(3))
	c.settle()
	require.Equal(t, "+web-0", c.order(apiserver.Pod))
	require.Equal(t, []controller.Wait{{Kind: apiserver.StatefulSet, Key: apiserver.Key{Namespace: "default", Name: "web"},
		Reason: "waiting for pod default/web-0 to be Ready"}}, c.host.Waiting())
	c.phase("web-0", corev1.PodRunning)
	c.settle()
	require.Equal(t, "+web-1", c.order(apiserver.Pod))
	c.deletePod("web-0", 0)
	c.settle()
	require.Equal(t, "+web-0", c.order(apiserver.Pod))
}

// S17: a Pending pod gets its missing claims again.
func TestS17MissingClaims(t *testing.T) {
	c := newCluster(t, byHand)
	c.create(web(1))
	c.settle()
	drop(c, "www-web-0")
	require.Nil(t, c.claim("www-web-0"))
	c.status("web-0", func(s *corev1.PodStatus) { s.Message = "stir" })
	c.settle()
	require.NotNil(t, c.claim("www-web-0"))
}

// drop deletes a claim, finalizer or not.
func drop(c *cluster, name string) {
	key := apiserver.Key{Namespace: "default", Name: name}
	c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.PersistentVolumeClaim, Key: key})
	if claim := c.claim(name); claim != nil {
		claim = claim.DeepCopy()
		claim.Finalizers = nil
		c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Key: key, Object: claim})
	}
}

// S19: labels are repaired; hostname and subdomain are not.
func TestS19Repair(t *testing.T) {
	c := newCluster(t)
	c.create(web(1))
	c.settle()
	c.log = nil
	c.meta("web-0", func(m *metav1.ObjectMeta) {
		delete(m.Labels, appsv1.StatefulSetPodNameLabel)
		delete(m.Labels, appsv1.PodIndexLabel)
	})
	c.settle()
	require.Equal(t, "web-0", c.pod("web-0").Labels[appsv1.StatefulSetPodNameLabel])
	require.Equal(t, "0", c.pod("web-0").Labels[appsv1.PodIndexLabel])
	require.Contains(t, strings.Join(c.log, "\n"), "Normal SuccessfulUpdate Update Pod web-0 in StatefulSet web successful")

	// The index label alone is never missed.
	c.log = nil
	c.meta("web-0", func(m *metav1.ObjectMeta) { delete(m.Labels, appsv1.PodIndexLabel) })
	c.settle()
	require.NotContains(t, strings.Join(c.log, "\n"), "SuccessfulUpdate")
}

// S20: batches of 1, 2, 4 … 256, then 500.
func TestS20BatchEnds(t *testing.T) {
	for i, want := range map[int]int{0: 1, 1: 3, 2: 3, 3: 7, 6: 7, 7: 15, 254: 255, 255: 511, 510: 511, 511: 1011, 1010: 1011, 1011: 1511} {
		assert.Equal(t, want, batchEnd(i), "batch of %d", i)
	}
}

// S20: an error stops the batches after its own.
func TestS20ErrorStopsLaterBatches(t *testing.T) {
	c := newCluster(t, byHand)
	foreign := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "default"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}
	c.create(foreign)
	c.create(web(7, parallel, noClaims))
	c.run(0)
	require.Equal(t, "+web-0 +web-2", c.order(apiserver.Pod), "3 … 6 are the next batch")
	require.Equal(t, `pods "web-1" already exists, the server was not able to generate a unique name for the object`, c.host.Waiting()[0].Reason)
}

// S4: a foreign pod that holds the name is no event, only a retry.
func TestS4NameTaken(t *testing.T) {
	c := newCluster(t)
	c.create(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "default"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}})
	c.create(web(1, noClaims))
	c.run(time.Second)
	for _, l := range c.log {
		require.NotContains(t, l, "Event")
	}
	c.deletePod("web-0", 0)
	c.settle()
	require.Equal(t, "+web-0", c.order(apiserver.Pod))
}

// S21, S22: with a replica unready nothing is deleted; then one at a time, and an
// unready condemned pod goes only if it is the lowest such.
func TestS22OrderedScaleDown(t *testing.T) {
	c := newCluster(t)
	c.create(web(5, noClaims))
	c.settle()
	c.auto = false
	c.status("web-0", func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	c.log = nil
	c.scale("web", 2)
	c.settle()
	require.Empty(t, c.order(apiserver.Pod), "S21: web-0 is not ready")
	c.phase("web-0", corev1.PodRunning)
	c.settle()
	require.Equal(t, "-web-4", c.order(apiserver.Pod), "one, and then wait for its end")
	for _, p := range []string{"web-2", "web-3"} {
		c.status(p, func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	}
	c.deletePod("web-4", 0)
	c.settle()
	require.Empty(t, c.order(apiserver.Pod), "web-3 is unready, and not the first unavailable pod")
	c.phase("web-2", corev1.PodRunning)
	c.settle()
	require.Equal(t, "-web-3", c.order(apiserver.Pod), "now it is the first")
}

// S23: Parallel deletes all condemned pods at once, unready replicas or not.
func TestS23ParallelScaleDown(t *testing.T) {
	c := newCluster(t)
	c.create(web(8, parallel, noClaims))
	c.settle()
	c.auto = false
	c.status("web-0", func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	c.log = nil
	c.scale("web", 2)
	c.settle()
	between := false
	for i, l := range c.log {
		between = between && !strings.HasPrefix(l, Name+" modified Pod web-2 ") || strings.HasPrefix(l, Name+" modified Pod web-7 ")
		require.False(t, between && strings.HasPrefix(l, Name+" modified StatefulSet"), "one sync deletes them all: %v", c.log[i])
	}
	require.Equal(t, "-web-7 -web-5 -web-6 -web-2 -web-3 -web-4", sorted(c.order(apiserver.Pod), 1, 2, 3))
	require.Equal(t, int32(8), c.set("web").Status.Replicas)
	require.Equal(t, int32(2), c.set("web").Status.CurrentReplicas, "S30: terminating pods are left out")
}

// sorted sorts the words within batches of given sizes, whose order is open.
func sorted(words string, batches ...int) string {
	list := strings.Fields(words)
	var out []string
	for _, n := range batches {
		n = min(n, len(list))
		batch := append([]string(nil), list[:n]...)
		for i := range batch {
			for j := i; j > 0 && batch[j] < batch[j-1]; j-- {
				batch[j], batch[j-1] = batch[j-1], batch[j]
			}
		}
		out, list = append(out, batch...), list[n:]
	}
	return strings.Join(append(out, list...), " ")
}

// S37, §0.4: the texts.
func TestS37Events(t *testing.T) {
	s := web(1)
	boom := errors.New("boom")
	for want, n := range map[string]controller.Note{
		"Normal SuccessfulCreate Create Pod web-0 in StatefulSet web successful":                          podNote(s, "Create", "web-0", nil),
		"Normal SuccessfulDelete Delete Pod web-0 in StatefulSet web successful":                          podNote(s, "Delete", "web-0", nil),
		"Warning FailedUpdate Update Pod web-0 in StatefulSet web failed error: boom":                     podNote(s, "Update", "web-0", boom),
		"Normal SuccessfulCreate Create Claim www-web-0 Pod web-0 in StatefulSet web success":             claimNote(s, "www-web-0", "web-0", nil),
		"Warning FailedCreate Create Claim www-web-0 for Pod web-0 in StatefulSet web failed error: boom": claimNote(s, "www-web-0", "web-0", boom),
	} {
		assert.Equal(t, want, fmt.Sprintf("%s %s %s", n.Type, n.Reason, n.Message))
	}
}

// S1: claims and revisions trigger nothing; pods and sets do.
func TestS1Triggers(t *testing.T) {
	c := newCluster(t, byHand)
	c.create(web(1))
	c.settle()
	c.log = nil
	drop(c, "www-web-0")
	for _, r := range c.revisions() {
		c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r)})
	}
	c.settle()
	require.Empty(t, c.order(apiserver.PersistentVolumeClaim)+c.order(apiserver.ControllerRevision))
	c.status("web-0", func(s *corev1.PodStatus) { s.Message = "stir" })
	c.settle()
	require.NotNil(t, c.claim("www-web-0"))
	require.Len(t, c.revisions(), 1)
}
