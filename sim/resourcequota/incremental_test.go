package resourcequota

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var (
	firstSeed = flag.Uint64("quota.seed", 1, "seed of the first random cluster")
	seeds     = flag.Int("quota.seeds", 30, "how many random clusters")
)

// cluster is a host with the quota controller alone.
type cluster struct {
	t     *testing.T
	host  *controller.Host
	id    controller.ActorID
	rng   *rand.Rand
	marks map[string]int
}

func newCluster(t *testing.T, seed uint64, marks map[string]int) *cluster {
	e := engine.New(engine.Strategy{Seed: seed})
	s := apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, DetectMutation: true, Seed: seed})
	c := &cluster{t: t, host: controller.NewHost(e, s, controller.Realistic(), nil), rng: rand.New(rand.NewPCG(seed, 0)), marks: marks}
	c.id = c.host.Add(New())
	for _, name := range []string{"default", "other"} {
		require.NoError(t, c.do(apiserver.Create, apiserver.None, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}).Err)
	}
	return c
}

func (c *cluster) do(verb apiserver.Verb, sub apiserver.Subresource, obj apiserver.Object) apiserver.Result {
	req := apiserver.Request{Verb: verb, Subresource: sub, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}
	if verb == apiserver.Delete {
		req.Object = nil
	}
	return c.host.Do("test", req)
}

func (c *cluster) controller() *Controller { return c.host.Actor(c.id).(*Controller) }

// run lets time pass, and holds the sums to a walk over the view after every event.
func (c *cluster) run(d time.Duration) {
	end := c.host.Engine().Now().Add(d)
	for {
		next, ok := c.host.Engine().Peek()
		if !ok || next.At > end {
			break
		}
		c.host.Step()
		c.checkSums()
	}
	c.host.Engine().AdvanceTo(end)
}

// checkSums: what the roster says is used is what a walk over the controller's view
// finds.
func (c *cluster) checkSums() {
	env := c.host.Env(c.id)
	ours := c.controller()
	for namespace, s := range ours.roster.spaces {
		for name := range s.tallies {
			q := find(env.View, apiserver.Key{Namespace: namespace, Name: name})
			require.NotNil(c.t, q, "%s/%s is counted and does not exist", namespace, name)
			used := ours.used(q)
			walked := walk(q, func(kind apiserver.Kind) []apiserver.Object {
				if !slices.Contains(ours.watched, kind) {
					return nil
				}
				return env.List(kind, namespace)
			}, func(what thing) bool { // a pod that is overdue is found at the next wake-up
				_, pending := s.due[what]
				return pending
			}, apiserver.WallTime(c.host.Engine().Now()))
			require.True(c.t, quota.Equal(walked, quota.Mask(used, quota.Names(walked))), "%s/%s: walked %s, counted %s", namespace, name, quota.Format(walked), quota.Format(used))
		}
	}
}

// walk counts what is used of a quota by looking at everything.
func walk(q *corev1.ResourceQuota, list func(apiserver.Kind) []apiserver.Object, alive func(thing) bool, now time.Time) corev1.ResourceList {
	used := corev1.ResourceList{}
	for _, m := range New().measured {
		names := m.Matching(q.Spec.Hard)
		for _, name := range names {
			used = quota.Add(used, corev1.ResourceList{name: {}})
		}
		if len(names) == 0 {
			continue
		}
		for _, obj := range list(m.kind) {
			at := now
			if alive(thing{m.kind, obj.GetName()}) {
				at = time.Time{}
			}
			if m.InScope(&q.Spec, obj) {
				used = quota.Add(used, quota.Mask(m.Usage(obj, at), names))
			}
		}
	}
	return used
}

// Whatever happens, the sums are those of a walk over what the controller has seen,
// and in the end, after two counts of everything, every status is that of a walk
// over what there is (Q5, Q6).
func TestQ5Q6IncrementalEqualsFull(t *testing.T) {
	marks := map[string]int{}
	for i := range *seeds {
		runRandom(t, *firstSeed+uint64(i), marks)
	}
	for _, mark := range []string{"quota", "quota changed", "quota rescoped", "quota deleted", "pod", "refused", "pod ended", "pod deleted",
		"pod overdue", "deadline", "claim", "claim grew", "claim deleted", "service", "service changed", "secret", "secret deleted", "in vain", "held", "failed", "used"} {
		if marks[mark] == 0 {
			t.Errorf("never happened: %s", mark)
		}
	}
}

func runRandom(t *testing.T, seed uint64, marks map[string]int) {
	defer func() {
		if t.Failed() {
			t.Logf("go test ./sim/resourcequota -run Incremental -quota.seed=%d -quota.seeds=1", seed)
		}
	}()
	c := newCluster(t, seed, marks)
	for range 80 {
		c.disturb()
		if c.rng.IntN(2) == 0 {
			c.run(time.Duration(c.rng.IntN(1500)) * time.Millisecond)
		}
	}
	c.run(12 * time.Minute)
	now := apiserver.WallTime(c.host.Engine().Now())
	for _, o := range c.host.Server().List(apiserver.ResourceQuota, "") {
		q := o.(*corev1.ResourceQuota)
		walked := walk(q, func(kind apiserver.Kind) []apiserver.Object { return c.host.Server().List(kind, q.Namespace) }, func(thing) bool { return false }, now)
		require.True(t, quota.Equal(q.Spec.Hard, q.Status.Hard), "%s: hard", q.Name)
		require.True(t, quota.Equal(walked, q.Status.Used), "%s: walked %s, status %s", q.Name, quota.Format(walked), quota.Format(q.Status.Used))
		if len(walked) > 0 && quota.Format(walked) != "" {
			marks["used"]++
		}
	}
	require.Empty(t, c.controller().Waiting(nil))
}

// hards are amounts that a quota may have.
var hards = []corev1.ResourceList{
	{"pods": resource.MustParse("3"), "requests.cpu": resource.MustParse("1"), "limits.memory": resource.MustParse("2Gi")},
	{"pods": resource.MustParse("4"), "count/pods": resource.MustParse("5")},
	{"requests.storage": resource.MustParse("3Gi"), "persistentvolumeclaims": resource.MustParse("3"), "gold.storageclass.storage.k8s.io/requests.storage": resource.MustParse("2Gi")},
	{"services.nodeports": resource.MustParse("2"), "services": resource.MustParse("3"), "count/secrets": resource.MustParse("2"), "resourcequotas": resource.MustParse("4")},
	{"secrets": resource.MustParse("3"), "count/resourcequotas": resource.MustParse("3"), "example.com/unknown": resource.MustParse("3")},
}

func (c *cluster) newQuota(namespace string) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("q%d", c.rng.IntN(4))}}
	q.Spec.Hard = hards[c.rng.IntN(len(hards))]
	if c.rng.IntN(4) == 0 {
		q.Spec.Hard = hards[0]
		q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: []corev1.ResourceQuotaScope{"Terminating", "NotBestEffort"}[c.rng.IntN(2)], Operator: corev1.ScopeSelectorOpExists}}}
	}
	return q
}

// mark counts what happened, if it did.
func (c *cluster) mark(what string, res apiserver.Result) {
	if res.Err == nil {
		c.marks[what]++
	}
}

// pick returns one of the objects of a kind, to be changed, or nil.
func (c *cluster) pick(kind apiserver.Kind) apiserver.Object {
	list := c.host.Server().List(kind, "")
	if len(list) == 0 {
		return nil
	}
	return list[c.rng.IntN(len(list))].DeepCopyObject().(apiserver.Object)
}

// disturb does one thing to the cluster.
func (c *cluster) disturb() {
	namespace := []string{"default", "default", "other"}[c.rng.IntN(3)]
	name := fmt.Sprintf("x%d", c.rng.IntN(5))
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	switch c.rng.IntN(12) {
	case 0, 1:
		c.mark("quota", c.do(apiserver.Create, apiserver.None, c.newQuota(namespace)))
	case 2:
		c.changeQuota()
	case 3, 4:
		res := c.do(apiserver.Create, apiserver.None, c.newPod(meta))
		c.mark("pod", res)
		if res.Err != nil {
			c.marks["refused"]++
		}
	case 5, 6:
		c.changePod()
	case 7:
		class := "gold"
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class,
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{"storage": resource.MustParse([]string{"1Gi", "500M", "1000000001m"}[c.rng.IntN(3)])}}}}
		c.mark("claim", c.do(apiserver.Create, apiserver.None, claim))
	case 8:
		c.changeClaim()
	case 9:
		svc := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Name: "a", Port: 1}, {Name: "b", Port: 2}}}}
		c.mark("service", c.do(apiserver.Create, apiserver.None, svc))
	case 10:
		if c.rng.IntN(3) == 0 { // charged, and then refused: an object with a version
			meta.ResourceVersion = "1"
			if c.do(apiserver.Create, apiserver.None, &corev1.Secret{ObjectMeta: meta}).Err != nil {
				c.marks["in vain"]++
			}
			return
		}
		c.mark("secret", c.do(apiserver.Create, apiserver.None, &corev1.Secret{ObjectMeta: meta}))
		if s := c.pick(apiserver.KindNamed("secrets")); s != nil && c.rng.IntN(3) == 0 {
			c.mark("secret deleted", c.do(apiserver.Delete, apiserver.None, s))
		}
	default:
		c.misfortune()
	}
}

// misfortune delays a watch, fails a write, or changes a Service.
func (c *cluster) misfortune() {
	switch c.rng.IntN(3) {
	case 0:
		kind := []apiserver.Kind{apiserver.Pod, apiserver.ResourceQuota, apiserver.PersistentVolumeClaim}[c.rng.IntN(3)]
		c.host.Hold(c.id, kind, c.host.Engine().Now().Add(time.Duration(c.rng.IntN(4000))*time.Millisecond))
		c.marks["held"]++
	case 1:
		c.host.Fail(controller.Fault{By: c.controller().Name(), Any: true, Err: fmt.Errorf("unavailable")})
		c.marks["failed"]++
	default:
		if svc, ok := c.pick(apiserver.Service).(*corev1.Service); ok {
			svc.Spec.Ports = svc.Spec.Ports[:1]
			if c.rng.IntN(2) == 0 {
				svc.Spec.Type = corev1.ServiceTypeLoadBalancer
			}
			c.mark("service changed", c.do(apiserver.Update, apiserver.None, svc))
		}
	}
}

func (c *cluster) changeQuota() {
	q, ok := c.pick(apiserver.ResourceQuota).(*corev1.ResourceQuota)
	if !ok {
		return
	}
	switch c.rng.IntN(4) {
	case 0:
		c.mark("quota deleted", c.do(apiserver.Delete, apiserver.None, q))
	case 1:
		q.Spec.ScopeSelector = nil
		c.mark("quota rescoped", c.do(apiserver.Update, apiserver.None, q))
	default:
		q.Spec.Hard, q.Spec.ScopeSelector = hards[c.rng.IntN(len(hards))], nil
		c.mark("quota changed", c.do(apiserver.Update, apiserver.None, q))
	}
}

func (c *cluster) newPod(meta metav1.ObjectMeta) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}}
	if c.rng.IntN(4) > 0 {
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("200m")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse([]string{"300Mi", "300M"}[c.rng.IntN(2)])}}
	}
	return pod
}

func (c *cluster) changePod() {
	pod, ok := c.pick(apiserver.Pod).(*corev1.Pod)
	if !ok {
		return
	}
	switch c.rng.IntN(5) {
	case 0:
		pod.Status.Phase = []corev1.PodPhase{corev1.PodFailed, corev1.PodSucceeded, corev1.PodRunning}[c.rng.IntN(3)]
		c.mark("pod ended", c.do(apiserver.Update, apiserver.Status, pod))
	case 1:
		pod.Spec.ActiveDeadlineSeconds = new(int64(c.rng.IntN(3) + 1))
		c.mark("deadline", c.do(apiserver.Update, apiserver.None, pod))
	case 2: // nobody ends it: it will be overdue
		c.mark("pod overdue", c.host.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), GracePeriodSeconds: new(int64(c.rng.IntN(20) + 1))}))
	default:
		c.mark("pod deleted", c.host.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), GracePeriodSeconds: new(int64(0))}))
	}
}

func (c *cluster) changeClaim() {
	claim, ok := c.pick(apiserver.PersistentVolumeClaim).(*corev1.PersistentVolumeClaim)
	if !ok {
		return
	}
	if c.rng.IntN(2) == 0 {
		claim.Status.Capacity = corev1.ResourceList{"storage": resource.MustParse("1Gi")}
		claim.Status.AllocatedResources = corev1.ResourceList{"storage": resource.MustParse([]string{"2Gi", "1Gi"}[c.rng.IntN(2)])}
		c.mark("claim grew", c.do(apiserver.Update, apiserver.Status, claim))
		return
	}
	claim.Finalizers = nil
	if c.do(apiserver.Update, apiserver.None, claim).Err == nil {
		c.mark("claim deleted", c.do(apiserver.Delete, apiserver.None, claim))
	}
}
