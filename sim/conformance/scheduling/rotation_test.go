package scheduling

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	upstream "k8s.io/kubernetes/pkg/scheduler"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// rotation is one cluster before both schedulers, for one cycle after another.
type rotation struct {
	rng      *rand.Rand
	host     *controller.Host
	ours     *scheduler.Scheduler
	real     *Real
	cordoned map[string]bool
	pods     int
}

func newRotation(t *testing.T, seed uint64, nodes, percent int) *rotation {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	e, percentage := engine.New(engine.Strategy{Seed: seed}), int32(percent)
	r := &rotation{
		rng:  rand.New(rand.NewPCG(seed, uint64(nodes))),
		host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "RuntimeClass", "TaintNodesByCondition"}}), controller.Latency{}, nil),
		ours: scheduler.New(scheduler.Config{PercentageOfNodesToScore: percent}),
		real: NewReal(ctx, upstream.WithPercentageOfNodesToScore(&percentage)), cordoned: map[string]bool{},
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	require.NoError(t, r.host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}).Err)
	id := r.host.Add(r.ours)
	r.ours = r.host.Actor(id).(*scheduler.Scheduler)
	for i := range nodes {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%d", i), Labels: map[string]string{}}}
		n.Labels[corev1.LabelHostname] = n.Name
		if zone := r.rng.IntN(4); zone > 0 {
			n.Labels[corev1.LabelTopologyZone] = fmt.Sprint("zone-", zone)
		}
		n.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		res := r.host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node, Key: apiserver.KeyOf(n), Object: n})
		require.NoError(t, res.Err)
		n = res.Object.DeepCopyObject().(*corev1.Node)
		n.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		res = r.host.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Node, Subresource: apiserver.Status, Key: apiserver.KeyOf(n), Object: n})
		require.NoError(t, res.Err)
		r.real.supply.of("Node").put(res.Object)
	}
	r.settle()
	return r
}

func (r *rotation) settle() {
	for r.host.Engine().Pending(engine.Progress) > 0 {
		r.host.Step()
	}
}

// cordon has a node take pods no more, or again.
func (r *rotation) cordon(t *testing.T, name string) {
	key := apiserver.Key{Name: name}
	n := r.host.Server().Get(apiserver.Node, key).DeepCopyObject().(*corev1.Node)
	n.Spec.Unschedulable = !n.Spec.Unschedulable
	r.cordoned[name] = n.Spec.Unschedulable
	res := r.host.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Node, Key: key, Object: n})
	require.NoError(t, res.Err)
	r.real.supply.of("Node").put(res.Object)
	r.settle()
}

// next returns where both schedulers begin their next cycle.
func (r *rotation) next() (ours, theirs int) {
	return int(reflect.ValueOf(r.ours).Elem().FieldByName("next").Int()), *r.theirNext()
}

// theirNext is upstream's field, which has no other way to it.
func (r *rotation) theirNext() *int {
	f := reflect.ValueOf(r.real.sched).Elem().FieldByName("nextStartNodeIndex")
	return (*int)(unsafe.Pointer(f.UnsafeAddr()))
}

// cycle has both schedule a pod.
func (r *rotation) cycle(t *testing.T) {
	r.pods++
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("p%d", r.pods), Labels: map[string]string{"app": "a"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	if r.rng.IntN(2) == 0 {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	}
	start, same := r.next()
	require.Equal(t, start, same)
	key := apiserver.KeyOf(pod)
	res := r.host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: key, Object: pod})
	require.NoError(t, res.Err)
	r.real.queue(res.Object.(*corev1.Pod))
	infos, err := r.real.snapshot.NodeInfos().List()
	require.NoError(t, err)
	r.real.feasible = 0
	r.real.Decide()
	r.settle()
	placed := r.host.Server().Get(apiserver.Pod, key).(*corev1.Pod)
	ours, theirs := r.next()

	// Upstream goes on looking until it finds one node too many, or another
	// worker does: it may count nodes that do not pass behind the last one that
	// is wanted. Ours stops at once, as with luck upstream does.
	behind := 0
	for i := ours; r.cordoned[infos[i%len(infos)].Node().Name] && behind < len(infos); i++ {
		behind++
	}
	allSeen := ours == start
	if !allSeen {
		ours = (ours + behind) % len(infos)
	}
	require.Equal(t, theirs, ours, "of %d nodes, from %d", len(infos), start)
	if placed.Spec.NodeName == "" {
		require.Zero(t, r.real.feasible)
		require.NoError(t, r.host.Do("user", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key}).Err)
		r.settle()
		return
	}
	window := map[string]bool{}
	for i := 0; len(window) < r.real.feasible; i++ {
		if name := infos[(start+i)%len(infos)].Node().Name; !r.cordoned[name] {
			window[name] = true
		}
	}
	require.True(t, window[placed.Spec.NodeName], "a node that upstream does not look at")
	ourNext, _ := r.next()
	*r.theirNext() = ourNext
	r.real.supply.of("Pod").put(placed)
}

// C4: as many nodes are looked at as upstream looks at, from where upstream
// begins, for many sizes of the cluster and percentages of it.
func TestRotation(t *testing.T) {
	for _, nodes := range []int{1, 2, 7, 99, 100, 101, 124, 125, 126, 199, 250, 333, 624, 625, 1000, 2499, 5000, 5624, 5625, 6001} {
		for _, percent := range []int{0, 1, 5, 33, 99, 100} {
			if nodes > 1000 && percent%33 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d nodes, %d %%", nodes, percent), func(t *testing.T) {
				r := newRotation(t, 1, nodes, percent)
				for range 8 {
					for range r.rng.IntN(1 + min(nodes, 40)) {
						r.cordon(t, fmt.Sprintf("n%d", r.rng.IntN(nodes)))
					}
					r.cycle(t)
				}
			})
		}
	}
}
