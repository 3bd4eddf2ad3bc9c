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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// S3: which names are of a set, and with which ordinals.
func TestS3Names(t *testing.T) {
	for name, want := range map[string]struct {
		parent  string
		ordinal int
	}{
		"web-0": {"web", 0}, "web-12": {"web", 12}, "a-b-3": {"a-b", 3}, "web-007": {"web", 7},
		"web": {"", -1}, "web-": {"", -1}, "web-x": {"", -1}, "web-1x": {"", -1}, "web-99999999999": {"web", -1}, "-5": {"", 5},
	} {
		parent, o := splitName(name)
		assert.Equal(t, want.parent, parent, name)
		assert.Equal(t, want.ordinal, o, name)
	}
}

func loose(name string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "x"}}}}
}

// S3: an orphan is adopted if selector and name match.
func TestS3Adoption(t *testing.T) {
	c := newCluster(t)
	labels := map[string]string{"app": "web"}
	c.create(loose("web-0", labels))
	c.create(loose("other-0", labels))
	c.create(loose("web-1x", labels))
	c.create(web(1, noClaims, onDelete)) // a rollout would replace it: it has no revision
	c.settle()
	require.Equal(t, c.set("web").UID, controllerRef(c.pod("web-0")).UID)
	require.Nil(t, controllerRef(c.pod("other-0")))
	require.Nil(t, controllerRef(c.pod("web-1x")))
	require.NotContains(t, strings.Join(c.log, "\n"), "Create Pod web-0")
}

// S3: a pod whose labels no longer match is released, and its place filled when
// it is gone; with its labels back it is adopted again.
func TestS3ReleaseAndReadopt(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims))
	c.settle()
	c.meta("web-0", func(m *metav1.ObjectMeta) { m.Labels = map[string]string{"app": "other"} })
	c.run(time.Second)
	require.Empty(t, c.pod("web-0").OwnerReferences)
	require.Equal(t, `pods "web-0" already exists, the server was not able to generate a unique name for the object`, c.host.Waiting()[0].Reason)
	c.meta("web-0", func(m *metav1.ObjectMeta) { m.Labels = map[string]string{"app": "web"} })
	c.settle()
	require.Equal(t, c.set("web").UID, controllerRef(c.pod("web-0")).UID)
	require.Equal(t, c.pod("web-0").Name, c.pod("web-0").Labels[appsv1.StatefulSetPodNameLabel], "S19 after it")
}

// S38, S40: deleted with its pods orphaned, and created again, a set takes its
// pods and revisions back.
func TestS40OrphanAndReadopt(t *testing.T) {
	c := newCluster(t)
	c.create(web(3))
	c.settle()
	uid := c.pod("web-1").UID
	c.host.Do("user", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet,
		Key: apiserver.Key{Namespace: "default", Name: "web"}})
	c.settle()
	require.Nil(t, c.set("web"))
	for _, p := range []string{"web-0", "web-1", "web-2"} { // as the collector would
		c.meta(p, func(m *metav1.ObjectMeta) { m.OwnerReferences = nil })
	}
	r := c.revisions()[0].DeepCopy()
	r.OwnerReferences = nil
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r), Object: r})
	c.deletePod("web-2", 0)
	c.log = nil
	c.create(web(3))
	c.settle()
	require.Equal(t, "+web-2", c.order(apiserver.Pod))
	require.Equal(t, uid, c.pod("web-1").UID)
	require.Equal(t, c.set("web").UID, controllerRef(c.pod("web-1")).UID)
	require.Len(t, c.revisions(), 1)
	require.Equal(t, c.set("web").UID, controllerRef(c.revisions()[0]).UID)
}

// S3, S14, S39: a set that is being deleted computes its status, makes its
// revision again, and does nothing else.
func TestS14S39Deleting(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims))
	c.settle()
	c.host.Do("user", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet,
		Key: apiserver.Key{Namespace: "default", Name: "web"}, Propagation: metav1.DeletePropagationForeground})
	c.settle()
	require.NotNil(t, c.set("web").DeletionTimestamp)
	c.log = nil
	c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(c.revisions()[0])})
	c.create(loose("web-5", map[string]string{"app": "web"}))
	c.deletePod("web-0", 0)
	c.settle()
	require.Equal(t, int32(1), c.set("web").Status.Replicas)
	require.Equal(t, c.set("web").Generation, c.set("web").Status.ObservedGeneration)
	require.Nil(t, controllerRef(c.pod("web-5")))
	require.Len(t, c.revisions(), 1)
	require.Empty(t, c.order(apiserver.Pod))
}

// S2: a sync waits until the view has seen what the last one wrote.
func TestS2ReadYourWrites(t *testing.T) {
	c := newCluster(t, byHand, realistic)
	c.create(web(2, parallel, noClaims))
	c.host.Hold(0, apiserver.Pod, engine.Time(time.Minute))
	c.run(30 * time.Second)
	require.Equal(t, "+web-0 +web-1", c.order(apiserver.Pod))
	require.Contains(t, c.host.Waiting()[0].Reason, "for group resource pods")
	c.run(time.Hour)
	require.Empty(t, c.order(apiserver.Pod))
	require.NotContains(t, c.host.Waiting()[0].Reason, "group resource")
}

// A conflict is tried again after a pause, with what the view shows then.
func TestConflictPause(t *testing.T) {
	c := newCluster(t, realistic)
	c.create(web(1, noClaims))
	c.settle()
	c.host.Hold(0, apiserver.StatefulSet, c.host.Engine().Now().Add(25*time.Millisecond))
	c.deletePod("web-0", 0)
	s := c.set("web").DeepCopy()
	s.Annotations = map[string]string{"touched": "yes"}
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(s), Object: s})
	c.settle()
	require.Equal(t, int32(1), c.set("web").Status.ReadyReplicas)
	require.NotZero(t, c.ctl.pauses)
	require.Empty(t, c.host.Waiting())
}

// The update of a pod is tried four times, 10, 50 and 250 ms apart, and then by
// the next sync (SPC, UpdateStatefulPod); that of a status five times, 10 ms
// apart. After the last try there is no pause.
func TestConflictPauses(t *testing.T) {
	shortest := func(_ *cluster, s *setup) { s.strategy.Mode = engine.First }
	for _, tc := range []struct {
		kind      apiserver.Kind
		conflicts int
		want      time.Duration
	}{
		{apiserver.Pod, 1, 10 * time.Millisecond},
		{apiserver.Pod, 3, 310 * time.Millisecond},
		{apiserver.Pod, 4, 315 * time.Millisecond}, // S1: 5 ms
		{apiserver.StatefulSet, 4, 40 * time.Millisecond},
		{apiserver.StatefulSet, 5, 45 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%v %d", tc.kind, tc.conflicts), func(t *testing.T) {
			c := newCluster(t, shortest)
			c.create(web(1, noClaims))
			c.settle()
			since := c.host.Engine().Now()
			c.host.Fail(controller.Fault{By: Name, Verb: apiserver.Update, Kind: tc.kind, Count: tc.conflicts,
				Err: apierrors.NewConflict(tc.kind.GroupResource(), "web", errors.New("it has changed"))})
			pod := c.pod("web-0").DeepCopy()
			set := c.set("web").DeepCopy()
			var done func() bool
			if tc.kind == apiserver.Pod {
				delete(pod.Labels, appsv1.StatefulSetPodNameLabel)
				c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Object: pod})
				done = func() bool { return c.pod("web-0").Labels[appsv1.StatefulSetPodNameLabel] != "" }
			} else {
				set.Spec.MinReadySeconds = 1 // a new generation to be observed
				c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(set), Object: set})
				done = func() bool { return c.set("web").Status.ObservedGeneration == c.set("web").Generation }
			}
			for !done() {
				require.True(t, c.host.Step())
			}
			require.Equal(t, tc.want, c.host.Engine().Now().Sub(since))
		})
	}
}
