package replicaset

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// cluster is a host with the ReplicaSet controller alone: the test is the kubelet.
type cluster struct {
	t    *testing.T
	host *controller.Host
	id   controller.ActorID
}

func newCluster(t *testing.T, seed uint64) *cluster {
	e := engine.New(engine.Strategy{Seed: seed})
	h := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, DetectMutation: true, Seed: seed}), controller.Realistic(), nil)
	c := &cluster{t: t, host: h}
	c.id = h.Add(New())
	c.must(apiserver.Create, apiserver.None, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return c
}

func (c *cluster) do(verb apiserver.Verb, sub apiserver.Subresource, obj apiserver.Object) apiserver.Result {
	req := apiserver.Request{Verb: verb, Subresource: sub, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}
	if verb == apiserver.Delete {
		req.Object = nil
	}
	return c.host.Do(apiserver.User, req)
}

func (c *cluster) must(verb apiserver.Verb, sub apiserver.Subresource, obj apiserver.Object) {
	c.t.Helper()
	require.NoError(c.t, c.do(verb, sub, obj).Err)
}

func (c *cluster) run(d time.Duration) {
	end := c.host.Engine().Now().Add(d)
	for {
		next, ok := c.host.Engine().Peek()
		if !ok || next.At > end {
			break
		}
		c.host.Step()
	}
	c.host.Engine().AdvanceTo(end)
}

func (c *cluster) set() *appsv1.ReplicaSet {
	return c.host.Server().Get(apiserver.ReplicaSet, apiserver.Key{Namespace: "default", Name: "web"}).(*appsv1.ReplicaSet).DeepCopy()
}

func (c *cluster) pods() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, obj := range c.host.Server().List(apiserver.Pod, "default") {
		pods = append(pods, obj.DeepCopyObject().(*corev1.Pod))
	}
	return pods
}

func (c *cluster) ready(pod *corev1.Pod) {
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: apiserver.Stamp(c.host.Engine().Now())}}
	c.do(apiserver.Update, apiserver.Status, pod)
}

func newSet(replicas, minReady int32) *appsv1.ReplicaSet {
	app := map[string]string{"app": "web"}
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: appsv1.ReplicaSetSpec{
		Replicas: &replicas, MinReadySeconds: minReady, Selector: &metav1.LabelSelector{MatchLabels: app},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}}}}
}

// W4: pods that the view has not seen are not created again (syncReplicaSet,
// SatisfiedExpectations); and W2: all of them are, in batches.
func TestW4LateView(t *testing.T) {
	c := newCluster(t, 1)
	c.must(apiserver.Create, apiserver.None, newSet(5, 0))
	c.host.Hold(c.id, apiserver.Pod, c.host.Engine().Now().Add(time.Minute))
	c.run(30 * time.Second)
	require.Len(t, c.pods(), 5)
	set := c.set()
	set.Labels = map[string]string{"touched": "yes"}
	c.must(apiserver.Update, apiserver.None, set)
	c.run(20 * time.Second)
	require.Len(t, c.pods(), 5)
	c.run(time.Minute)
	require.Len(t, c.pods(), 5)
	require.EqualValues(t, 5, c.set().Status.Replicas)
}

// W4, W5: a creation that fails is told in the condition, and what was announced is
// not waited for (manageReplicas, calculateStatus).
func TestW4W5FailedCreate(t *testing.T) {
	c := newCluster(t, 1)
	c.host.Fail(controller.Fault{By: Name, Verb: apiserver.Create, Kind: apiserver.Pod, Count: 3, Err: errors.New("no room")})
	c.must(apiserver.Create, apiserver.None, newSet(4, 0))
	seen := false
	for range 200 {
		c.run(time.Millisecond)
		if conds := c.set().Status.Conditions; len(conds) == 1 {
			seen = true
			require.Equal(t, "FailedCreate", conds[0].Reason)
			require.Equal(t, "no room", conds[0].Message)
		}
	}
	c.run(time.Minute)
	require.True(t, seen)
	require.Empty(t, c.set().Status.Conditions)
	require.Len(t, c.pods(), 4)
}

// W5: pods count as available minReadySeconds after they are ready.
func TestW5Available(t *testing.T) {
	c := newCluster(t, 1)
	c.must(apiserver.Create, apiserver.None, newSet(2, 10))
	c.run(time.Second)
	for _, pod := range c.pods() {
		c.ready(pod)
	}
	c.run(5 * time.Second)
	require.EqualValues(t, 2, c.set().Status.ReadyReplicas)
	require.EqualValues(t, 0, c.set().Status.AvailableReplicas)
	c.run(7 * time.Second)
	require.EqualValues(t, 2, c.set().Status.AvailableReplicas)
}

// W1: in a random history every status is in the end what a walk over the pods
// gives, and at any time the rosters count what they hold.
func TestW1IncrementalEqualsFull(t *testing.T) {
	for seed := range uint64(15) {
		c := newCluster(t, seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		c.must(apiserver.Create, apiserver.None, newSet(4, int32(rng.IntN(3)*4)))
		for range 60 {
			c.disturb(rng)
			c.run(time.Duration(rng.IntN(400)) * time.Millisecond)
			c.checkRosters()
		}
		c.run(6 * time.Minute)
		set, n := c.set(), tally{}
		for _, pod := range c.pods() {
			if !metav1.IsControlledBy(pod, set) {
				require.NotEqual(t, "web", pod.Labels["app"], "%s is nobody's", pod.Name)
				continue
			}
			n.count(pod, set, c.host.Engine().Now())
		}
		s := set.Status
		require.Equal(t, n, tally{int(s.Replicas), int(s.FullyLabeledReplicas), int(s.ReadyReplicas), int(s.AvailableReplicas), int(*s.TerminatingReplicas)})
		require.Equal(t, *set.Spec.Replicas, s.Replicas)
	}
}

func (n *tally) count(pod *corev1.Pod, set *appsv1.ReplicaSet, now engine.Time) {
	active := podcontrol.IsActive(pod)
	add := func(to *int, yes bool) {
		if yes {
			*to++
		}
	}
	add(&n.active, active)
	add(&n.labelled, active && labels.Set(set.Spec.Template.Labels).AsSelector().Matches(labels.Set(pod.Labels)))
	add(&n.ready, active && podcontrol.IsReady(pod))
	add(&n.available, active && podcontrol.IsAvailable(pod, set.Spec.MinReadySeconds, apiserver.WallTime(now)))
	add(&n.terminating, podcontrol.IsTerminating(pod) && pod.Labels["app"] == "web")
}

func (c *cluster) checkRosters() {
	ctl := c.host.Actor(c.id).(*Controller)
	for o, r := range ctl.rosters {
		if r.set == nil {
			continue
		}
		fresh := roster{pods: r.pods}
		fresh.take(r.set)
		now := apiserver.WallTime(c.host.Engine().Now())
		r.ripen(now)
		fresh.ripen(now)
		require.Equal(c.t, fresh.tally, r.tally, "%v", o)
		require.Equal(c.t, len(fresh.misfits), len(r.misfits), "%v", o)
	}
}

func (c *cluster) disturb(rng *rand.Rand) {
	pods := c.pods()
	if len(pods) == 0 {
		return
	}
	pod := pods[rng.IntN(len(pods))]
	switch rng.IntN(9) {
	case 0:
		set := c.set()
		set.Spec.Replicas = new(int32(rng.IntN(7)))
		c.do(apiserver.Update, apiserver.None, set)
	case 1:
		pod.Labels = map[string]string{"app": []string{"web", "other"}[rng.IntN(2)]}
		c.do(apiserver.Update, apiserver.None, pod)
	case 2:
		pod.Status.Phase = corev1.PodFailed
		c.do(apiserver.Update, apiserver.Status, pod)
	case 3:
		c.do(apiserver.Delete, apiserver.None, pod)
	case 4:
		stray := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("stray-", rng.IntN(3)), Labels: map[string]string{"app": "web"}},
			Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
		c.do(apiserver.Create, apiserver.None, stray)
	case 5:
		c.host.Fail(controller.Fault{By: Name, Any: true, Err: errors.New("no luck")})
	case 6:
		c.host.Hold(c.id, []apiserver.Kind{apiserver.Pod, apiserver.ReplicaSet}[rng.IntN(2)], c.host.Engine().Now().Add(300*time.Millisecond))
	default:
		if slices.Contains([]corev1.PodPhase{corev1.PodPending, corev1.PodRunning}, pod.Status.Phase) {
			c.ready(pod)
		}
	}
}
