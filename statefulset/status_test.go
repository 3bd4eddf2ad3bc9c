package statefulset

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// S13: unavailable is not ready, ready for too short, or terminating; the phase
// plays no part.
func TestS13Unavailable(t *testing.T) {
	now := apiserver.WallTime(0)
	ready := func(ago time.Duration) *corev1.Pod {
		var p corev1.Pod
		setReady(&p.Status, corev1.ConditionTrue, metav1.NewTime(now.Add(-ago)))
		return &p
	}
	terminating, unknown := ready(time.Hour), ready(0)
	terminating.DeletionTimestamp = &metav1.Time{Time: now}
	unknown.Status.Conditions[0].LastTransitionTime = metav1.Time{}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		min  int32
		want bool
	}{
		"no condition": {&corev1.Pod{}, 0, true}, "ready": {ready(0), 0, false}, "too short": {ready(9 * time.Second), 10, true},
		"long enough": {ready(10 * time.Second), 10, false}, "terminating": {terminating, 0, true},
		"since nobody knows when": {unknown, 1, true}, "and without minReadySeconds": {unknown, 0, false},
	} {
		assert.Equal(t, c.want, isUnavailable(c.pod, c.min, now), name)
	}
}

// S30: what is counted.
func TestS30Tally(t *testing.T) {
	pod := func(phase corev1.PodPhase, revision string, terminating bool) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{appsv1.StatefulSetRevisionLabel: revision}}}
		setPhase(&p.Status, phase, metav1.Time{})
		if terminating {
			p.DeletionTimestamp = &metav1.Time{}
		}
		return p
	}
	d := &draft{set: web(5), current: "o", update: "n"}
	got := count(d, []*corev1.Pod{
		pod("", "o", false), pod(corev1.PodPending, "o", false), pod(corev1.PodRunning, "o", true),
		pod(corev1.PodRunning, "n", false), pod(corev1.PodRunning, "other", false), nil,
	})
	require.Equal(t, tally{replicas: 4, ready: 3, available: 3, current: 1, updated: 1}, got)
}

// S31: every replica updated and ready completes the update.
func TestS31Completion(t *testing.T) {
	s := appsv1.StatefulSetStatus{Replicas: 2, ReadyReplicas: 2, UpdatedReplicas: 2, CurrentRevision: "o", UpdateRevision: "n"}
	done := completed(web(2), s, false, metav1.Time{})
	require.Equal(t, "n", done.CurrentRevision)
	require.Equal(t, int32(2), done.CurrentReplicas)
	require.Equal(t, s, completed(web(3), s, false, metav1.Time{}))
}

// S32: the collision count alone is no reason to write.
func TestS32Differences(t *testing.T) {
	one, two := int32(1), int32(2)
	base := appsv1.StatefulSetStatus{ObservedGeneration: 2, CollisionCount: &one}
	same := base
	same.CollisionCount = &two
	require.False(t, statusDiffers(&base, &same))
	older := base
	older.ObservedGeneration = 1
	require.False(t, statusDiffers(&base, &older))
	for _, f := range []func(*appsv1.StatefulSetStatus){
		func(s *appsv1.StatefulSetStatus) { s.ObservedGeneration++ },
		func(s *appsv1.StatefulSetStatus) { s.AvailableReplicas++ },
		func(s *appsv1.StatefulSetStatus) { s.UpdateRevision = "x" },
		func(s *appsv1.StatefulSetStatus) {
			s.Conditions = withProgressing(nil, corev1.ConditionTrue, "r", "m", metav1.Time{})
		},
	} {
		changed := base
		f(&changed)
		require.True(t, statusDiffers(&base, &changed))
	}
}

// S18, S33: with minReadySeconds an ordered set takes its time, looks again when
// the time has come, and follows edits of it.
func TestS33MinReadySeconds(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims, func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = 30 }))
	c.run(29 * time.Second)
	require.Equal(t, "+web-0", c.order(apiserver.Pod))
	s := c.set("web").Status
	require.Equal(t, []int32{1, 1, 0}, []int32{s.Replicas, s.ReadyReplicas, s.AvailableReplicas})
	c.run(2 * time.Second)
	require.Equal(t, "+web-1", c.order(apiserver.Pod))
	c.run(time.Minute)
	require.Equal(t, int32(2), c.set("web").Status.AvailableReplicas)
	c.edit("web", func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = 3600 })
	c.run(time.Second)
	require.Equal(t, int32(0), c.set("web").Status.AvailableReplicas)
	c.run(time.Hour)
	require.Equal(t, int32(2), c.set("web").Status.AvailableReplicas)
}

// Two copies of a cluster go on alike, and independently.
func TestFork(t *testing.T) {
	c := newCluster(t, realistic, byHand)
	c.create(web(5, parallel))
	for range 40 {
		c.host.Step()
	}
	f := state.Copy(nil, c.ctl)
	require.Equal(t, len(c.ctl.rosters), len(f.rosters))
	before := dump(c.ctl.rosters[ownerOf(c.set("web"))])
	for o, r := range f.rosters { // each is changed
		r.owned.put(o.name, "web-77", true)
		r.ready.add(77)
		r.cohort("x").put(77, true, false, false)
	}
	f.placeSet(c.set("web"), nil)
	require.Equal(t, before, dump(c.ctl.rosters[ownerOf(c.set("web"))]))
	c.settle()
	require.Len(t, c.ctl.sets["default"], 1)
	require.Empty(t, f.sets["default"])
}

// serverCopies reports whether the server leaves the object that it is sent as
// it is.
var serverCopies = func() bool {
	e := engine.New(engine.Strategy{})
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
	set := web(0)
	set.Namespace = "n"
	s := apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})
	for _, obj := range []apiserver.Object{ns, set} {
		s.Do(0, "user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
	}
	return set.UID == ""
}()

// A whole cluster forked in the middle of its work has, from there on, the
// history of the original.
func TestForkedHistory(t *testing.T) {
	if !serverCopies {
		t.Skip("apiserver.Server changes the object of a request in place, and a forked host shares the requests under way")
	}
	for steps := 1; steps < 60; steps += 7 {
		c := newCluster(t, realistic)
		c.create(web(4, parallel))
		for range steps {
			c.host.Step()
			c.note()
		}
		f := &cluster{t: t, auto: true, host: c.host.Fork(), log: append([]string(nil), c.log...)}
		c.settle()
		f.settle()
		require.Equal(t, c.log, f.log)
		require.Equal(t, c.host.Server().Version(), f.host.Server().Version())
	}
}
