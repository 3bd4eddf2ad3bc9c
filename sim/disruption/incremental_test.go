package disruption

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var (
	firstSeed = flag.Uint64("disruption.seed", 1, "seed of the first random cluster")
	seeds     = flag.Int("disruption.seeds", 20, "how many random clusters")
)

// cluster is a host with the disruption controller alone.
type cluster struct {
	t    *testing.T
	host *controller.Host
	id   controller.ActorID
	rng  *rand.Rand
}

func newCluster(t *testing.T, seed uint64) *cluster {
	e := engine.New(engine.Strategy{Seed: seed})
	h := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, DetectMutation: true, Seed: seed}), controller.Realistic(), nil)
	c := &cluster{t: t, host: h, rng: rand.New(rand.NewPCG(seed, 0))}
	c.id = h.Add(New())
	c.do(apiserver.Create, apiserver.None, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return c
}

// do sends a user's request, which may fail, and lets some time pass.
func (c *cluster) do(verb apiserver.Verb, sub apiserver.Subresource, obj apiserver.Object) apiserver.Result {
	req := apiserver.Request{Verb: verb, Subresource: sub, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}
	if verb == apiserver.Delete {
		req.Object = nil
	}
	return c.host.Do(apiserver.User, req)
}

func (c *cluster) run(d time.Duration, marks map[string]int) {
	end := c.host.Engine().Now().Add(d)
	for {
		next, ok := c.host.Engine().Peek()
		if !ok || next.At > end {
			break
		}
		c.host.Step()
		c.checkRoster()
		c.checkConflicts(marks)
	}
	c.host.Engine().AdvanceTo(end)
}

func (c *cluster) controller() *Controller { return c.host.Actor(c.id).(*Controller) }

// A roster is at any time what a walk over the pods that the controller knows of
// gives, and every status in the end what the rule says of the pods (N8).
func TestIncrementalEqualsFull(t *testing.T) {
	marks := map[string]int{}
	for i := range *seeds {
		runRandom(t, *firstSeed+uint64(i), marks)
	}
	for _, mark := range []string{"pod", "ready", "relabelled", "deleting", "deleted", "budget", "reselected", "budget deleted", "evicted", "allowed", "not allowed", "selects all", "conflict"} {
		if marks[mark] == 0 {
			t.Errorf("never happened: %s", mark)
		}
	}
}

func runRandom(t *testing.T, seed uint64, marks map[string]int) {
	defer func() {
		if t.Failed() {
			t.Logf("go test ./sim/disruption -run Incremental -disruption.seed=%d -disruption.seeds=1", seed)
		}
	}()
	c := newCluster(t, seed)
	require.NoError(t, c.do(apiserver.Create, apiserver.None, newSet("db", 5)).Err)
	for range 60 {
		c.disturb(marks)
		if c.rng.IntN(3) == 0 {
			c.run(time.Duration(c.rng.IntN(400))*time.Millisecond, marks)
		}
	}
	c.heal(marks)
	c.run(5*time.Minute, marks) // evictions that did not happen are over
	c.touch()
	c.run(time.Minute, marks)
	for _, o := range c.host.Server().List(apiserver.PodDisruptionBudget, "default") {
		c.checkStatus(o.(*policyv1.PodDisruptionBudget), marks)
	}
}

// heal has most pods be ready.
func (c *cluster) heal(marks map[string]int) {
	for _, o := range c.host.Server().List(apiserver.Pod, "default") {
		if c.rng.IntN(5) > 0 {
			c.change(o.DeepCopyObject().(*corev1.Pod), 0, func(string, apiserver.Result) { marks["healed"]++ })
		}
	}
}

func newSet(name string, replicas int32) *appsv1.StatefulSet {
	byApp := map[string]string{"app": name}
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: byApp},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: byApp}, Spec: podSpec()}}}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}
}

// disturb does one thing to the cluster.
func (c *cluster) disturb(marks map[string]int) {
	pods := c.host.Server().List(apiserver.Pod, "default")
	budgets := c.host.Server().List(apiserver.PodDisruptionBudget, "default")
	mark := func(what string, res apiserver.Result) {
		if res.Err == nil {
			marks[what]++
		}
	}
	switch action := c.rng.IntN(12); {
	case len(budgets) < 2 && action < 3:
		b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("b%d", c.rng.IntN(3))}}
		b.Spec.Selector = c.selector(marks)
		b.Spec.MinAvailable = new(intstr.FromInt32(c.rng.Int32N(4)))
		if c.rng.IntN(2) == 0 {
			b.Spec.MinAvailable, b.Spec.MaxUnavailable = nil, new(intstr.FromString("40%"))
		}
		mark("budget", c.do(apiserver.Create, apiserver.None, b))
	case len(budgets) > 0 && action == 3:
		mark("budget deleted", c.do(apiserver.Delete, apiserver.None, budgets[c.rng.IntN(len(budgets))]))
	case len(budgets) > 0 && action == 4:
		b := budgets[c.rng.IntN(len(budgets))].DeepCopyObject().(*policyv1.PodDisruptionBudget)
		b.Spec.Selector = c.selector(marks)
		mark("reselected", c.do(apiserver.Update, apiserver.None, b))
	case len(pods) < 4 || action == 5:
		mark("pod", c.do(apiserver.Create, apiserver.None, c.newPod()))
	default:
		pod := pods[c.rng.IntN(len(pods))].DeepCopyObject().(*corev1.Pod)
		c.change(pod, action, mark)
	}
}

// change does one thing to a pod.
func (c *cluster) change(pod *corev1.Pod, action int, mark func(string, apiserver.Result)) {
	switch action {
	case 0, 1, 2, 11:
		pod.Status.Phase = corev1.PodRunning
		status := []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse}[c.rng.IntN(3)]
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
		mark("ready", c.do(apiserver.Update, apiserver.Status, pod))
	case 6:
		pod.Labels = map[string]string{"app": []string{"db", "web"}[c.rng.IntN(2)]}
		mark("relabelled", c.do(apiserver.Update, apiserver.None, pod))
	case 7:
		mark("deleting", c.do(apiserver.Delete, apiserver.None, pod))
	case 8:
		mark("deleted", c.host.Do(apiserver.User, apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), GracePeriodSeconds: new(int64)}))
	default:
		eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
		mark("evicted", c.host.Do(apiserver.User, apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Eviction, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Object: eviction}))
	}
}

func (c *cluster) selector(marks map[string]int) *metav1.LabelSelector {
	switch c.rng.IntN(4) {
	case 0:
		marks["selects all"]++
		return &metav1.LabelSelector{}
	case 1:
		return nil
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": []string{"db", "web"}[c.rng.IntN(2)]}}
}

func (c *cluster) newPod() *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("p%d", c.rng.IntN(12)),
		Labels: map[string]string{"app": []string{"db", "web"}[c.rng.IntN(2)]}}, Spec: podSpec()}
	if c.rng.IntN(4) > 0 {
		set := c.host.Server().Get(apiserver.StatefulSet, apiserver.Key{Namespace: "default", Name: "db"}).(*appsv1.StatefulSet)
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
	}
	return pod
}

// touch changes the budgets without meaning: of two that select a pod one alone
// is synced for it, and the one that a pod has left is not told.
func (c *cluster) touch() {
	for _, o := range c.host.Server().List(apiserver.PodDisruptionBudget, "default") {
		b := o.DeepCopyObject().(*policyv1.PodDisruptionBudget)
		b.Annotations = map[string]string{"touched": "yes"}
		require.NoError(c.t, c.do(apiserver.Update, apiserver.None, b).Err)
	}
}

// checkRoster counts anew what the controller has observed.
func (c *cluster) checkRoster() {
	version := c.host.HasSeen(c.id, apiserver.Pod)
	seen := c.host.Server().ListAt(apiserver.Pod, "default", version)
	for key, b := range c.controller().roster.budgets {
		var full roster
		full.add(key, &policyv1.PodDisruptionBudget{Spec: policyv1.PodDisruptionBudgetSpec{Selector: b.of}}, seen)
		want := full.budgets[key]
		if want.healthy != b.healthy || want.unmanaged != b.unmanaged || !maps.Equal(want.pods, b.pods) || !maps.Equal(want.owners, b.owners) {
			require.Equal(c.t, want, b, "%s", key)
		}
	}
}

// checkConflicts holds that a sync which met a newer budget says nothing of it:
// nothing else fails here.
func (c *cluster) checkConflicts(marks map[string]int) {
	for _, err := range c.controller().budgets.Failing() { // each on its own
		if strings.Contains(err, "the object has been modified") {
			marks["conflict"]++
		}
	}
	for _, rec := range c.host.Drain() {
		if b, ok := rec.Object.(*policyv1.PodDisruptionBudget); ok {
			for _, cond := range b.Status.Conditions {
				require.NotEqual(c.t, policyv1.SyncFailedReason, cond.Reason, "%s", cond.Message)
			}
		}
	}
}

// checkStatus compares a status with the pods that there are.
func (c *cluster) checkStatus(b *policyv1.PodDisruptionBudget, marks map[string]int) {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	require.NoError(c.t, err)
	var pods, healthy, owned int32
	for _, o := range c.host.Server().List(apiserver.Pod, "default") {
		pod := o.(*corev1.Pod)
		if !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		pods++
		if metav1.GetControllerOf(pod) != nil {
			owned = 5 // the set's replicas
		}
		if pod.DeletionTimestamp == nil && isReady(pod) {
			healthy++
		}
	}
	expected, desired := pods, int32(0)
	if b.Spec.MaxUnavailable != nil {
		expected, desired = owned, owned*3/5 // 40 % of five may be missing
	} else {
		desired = b.Spec.MinAvailable.IntVal
	}
	allowed := max(healthy-desired, 0)
	if expected == 0 {
		allowed = 0
	}
	got := b.Status
	require.Equal(c.t, []int32{expected, desired, healthy, allowed},
		[]int32{got.ExpectedPods, got.DesiredHealthy, got.CurrentHealthy, got.DisruptionsAllowed}, "%s: %v", b.Name, b.Spec)
	require.Empty(c.t, got.DisruptedPods)
	require.Equal(c.t, b.Generation, got.ObservedGeneration)
	if marks["not allowed"]++; allowed > 0 {
		marks["not allowed"]--
		marks["allowed"]++
	}
}
