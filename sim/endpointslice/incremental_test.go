package endpointslice

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/state"
)

// TestIncrementalEqualsFull drives a cluster at random, with slices of four, and
// checks the result against what the rules say about each pod; then a
// computation of everything must find nothing to change.
func TestIncrementalEqualsFull(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		latency := controller.Latency{}
		if rapid.Bool().Draw(rt, "latency") {
			latency = controller.Realistic()
		}
		c := newCluster(t, latency)
		c.controller().limit = 4
		for i := range 3 {
			c.create(newNode(fmt.Sprintf("n%d", i), fmt.Sprintf("z%d", i)))
		}
		c.create(newService("web", nil))
		c.create(newService("all", func(s *corev1.Service) {
			s.Spec.Selector = map[string]string{"tier": "x"}
			s.Spec.Ports[0].TargetPort = intstr.FromString("http")
		}))
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			c.disturb(rt)
		}
		c.run(time.Minute)
		for _, name := range []string{"web", "all"} { // what triggers nothing is seen by the next sync
			c.touch(name)
		}
		c.run(time.Minute)
		c.settle()
		for _, name := range []string{"web", "all"} {
			c.checkSlices(name)
		}
		c.checkFull()
		c.host.Server().CheckMutations()
	})
}

// disturb does one thing to the cluster.
func (c *cluster) disturb(rt *rapid.T) {
	name := fmt.Sprintf("web-%d", rapid.IntRange(0, 11).Draw(rt, "pod"))
	exists := c.pod(name) != nil
	switch action := rapid.IntRange(0, 10).Draw(rt, "action"); {
	case !exists:
		c.create(newPod(name, "web", fmt.Sprintf("n%d", rapid.IntRange(0, 2).Draw(rt, "node")), func(p *corev1.Pod) {
			p.Labels["tier"] = "x"
			p.Spec.Containers[0].Ports[0].ContainerPort = int32(rapid.IntRange(8080, 8081).Draw(rt, "port"))
		}))
		c.ready(name, fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 200).Draw(rt, "ip")))
	case action == 0:
		c.remove(apiserver.Pod, name, new(int64))
	case action == 1:
		c.remove(apiserver.Pod, name, nil)
	case action == 2:
		c.unready(name)
	case action == 3:
		c.change(name, func(p *corev1.Pod) { p.Labels["app"] = rapid.SampledFrom([]string{"web", "db"}).Draw(rt, "app") })
	case action == 4:
		c.change(name, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })
	case action == 5:
		if list := c.slices(); len(list) > 0 {
			s := rapid.SampledFrom(list).Draw(rt, "slice").DeepCopy()
			s.Endpoints = s.Endpoints[:len(s.Endpoints)/2]
			if rapid.Bool().Draw(rt, "delete") {
				c.remove(apiserver.EndpointSlice, s.Name, nil)
			} else {
				c.update(s)
			}
		}
	case action == 6:
		c.update(newNode("n1", rapid.SampledFrom([]string{"z1", "z9"}).Draw(rt, "zone")))
	case action == 7:
		c.touch("web")
	case action == 8:
		s := c.service("all").DeepCopy()
		s.Spec.TrafficDistribution = rapid.SampledFrom([]*string{nil, new(corev1.ServiceTrafficDistributionPreferSameNode)}).Draw(rt, "distribution")
		c.update(s)
	default:
		c.ready(name, fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 200).Draw(rt, "ip")))
	}
	if rapid.Bool().Draw(rt, "wait") {
		c.run(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "ms")) * time.Millisecond)
	}
}

func (c *cluster) service(name string) *corev1.Service {
	return c.host.Server().Get(apiserver.Service, apiserver.Key{Namespace: "default", Name: name}).(*corev1.Service)
}

// touch changes a Service without meaning.
func (c *cluster) touch(name string) {
	s := c.service(name).DeepCopy()
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	s.Annotations["touched"] += "x"
	c.update(s)
}

// checkSlices compares the slices of a Service with its pods.
func (c *cluster) checkSlices(name string) {
	service := c.service(name)
	want := map[string]string{}
	for _, o := range c.host.Server().List(apiserver.Pod, "default") {
		pod := o.(*corev1.Pod)
		if !matches(service.Spec.Selector, pod.Labels) || !hasEndpoint(pod) {
			continue
		}
		node, _ := c.host.Server().Get(apiserver.Node, apiserver.Key{Name: pod.Spec.NodeName}).(*corev1.Node)
		ep := newEndpoint(pod, node, service, discoveryv1.AddressTypeIPv4)
		want[pod.Name] = fmt.Sprint(identityOf(&ep), *ep.Conditions.Ready, *ep.Conditions.Terminating, *ep.Zone, portKeyOf(portsOf(pod, service)))
	}
	got := map[string]string{}
	for _, s := range c.slices() {
		if s.Labels[discoveryv1.LabelServiceName] != name {
			continue
		}
		require.LessOrEqual(c.t, len(s.Endpoints), 4)
		for i := range s.Endpoints {
			ep := &s.Endpoints[i]
			require.NotContains(c.t, got, targetOf(ep), "a pod has one endpoint")
			got[targetOf(ep)] = fmt.Sprint(identityOf(ep), *ep.Conditions.Ready, *ep.Conditions.Terminating, *ep.Zone, portKeyOf(s.Ports))
		}
	}
	require.Equal(c.t, want, got, "Service %s", name)
}

// checkFull lets the controller compute everything anew: it must write nothing,
// and its indices must be what a new look at the slices gives.
func (c *cluster) checkFull() {
	ctl := c.controller()
	for key, r := range ctl.rosters {
		fresh := newRoster()
		for name, s := range r.slices {
			fresh.setSlice(name, s)
		}
		require.Equal(c.t, fresh.family, r.family, "%s", key)
		for name := range maps.Keys(r.slices) {
			require.NotNil(c.t, c.host.Server().Get(apiserver.EndpointSlice, apiserver.Key{Namespace: key.Namespace, Name: name}))
		}
		require.Empty(c.t, r.writes.behind)
		counts := map[portKey]int{}
		for _, state := range r.synced {
			if state.counted {
				counts[state.ports]++
			}
		}
		require.Equal(c.t, counts, r.counts)
		r.full = true
	}
	before := versions(c.slices())
	for _, name := range []string{"web", "all"} {
		c.touch(name)
	}
	c.run(time.Minute)
	require.Equal(c.t, before, versions(c.slices()))
}

func versions(list []*discoveryv1.EndpointSlice) []string {
	var vs []string
	for _, s := range list {
		vs = append(vs, s.Name+"@"+s.ResourceVersion)
	}
	return slices.Sorted(slices.Values(vs))
}

// TestForkIsIndependent runs a fork of the controller's state on, and expects
// the original to be as it was.
func TestForkIsIndependent(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	fork := state.Copy(nil, c.controller())
	key := apiserver.Key{Namespace: "default", Name: "web"}
	before := state.Copy(nil, fork.rosters[key])
	c.remove(apiserver.Pod, "web-0", new(int64))
	c.settle()
	require.Equal(t, before, fork.rosters[key])
	require.NotEqual(t, before, c.controller().rosters[key])
}

// TestForksFillApart has two forks of a cluster append endpoints to a slice that
// they share.
func TestForksFillApart(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	join := func(c *cluster, i int) {
		name := fmt.Sprint("web-", i)
		c.create(newPod(name, "web", "n1", nil))
		c.ready(name, fmt.Sprint("10.0.0.", i+1))
		c.settle()
	}
	joined := func(c *cluster) []string {
		var names []string
		for _, s := range c.slices() {
			for i := range s.Endpoints {
				names = append(names, targetOf(&s.Endpoints[i]))
			}
		}
		return names
	}
	join(c, 0)
	join(c, 1)
	fork := &cluster{t: t, host: c.host.Fork(), id: c.id}
	for i := range 3 {
		join(c, 10+i)
		join(fork, 20+i)
	}
	require.Equal(t, []string{"web-0", "web-1", "web-10", "web-11", "web-12"}, joined(c))
	require.Equal(t, []string{"web-0", "web-1", "web-20", "web-21", "web-22"}, joined(fork))
	c.host.Server().CheckMutations()
	fork.host.Server().CheckMutations()
}

// TestForeignDuplicate has somebody list a pod in a second slice, whichever of
// both comes first: once that is put right, the pod's changes are still seen.
func TestForeignDuplicate(t *testing.T) {
	for _, first := range []int{0, 1} {
		c := newCluster(t, controller.Latency{})
		c.controller().limit = 4
		c.create(newNode("n0", "z"))
		c.create(newService("web", nil))
		for i := range 6 {
			name := fmt.Sprint("web-", i)
			c.create(newPod(name, "web", "n0", nil))
			c.ready(name, fmt.Sprint("10.0.0.", i+1))
		}
		c.settle()
		list := c.slices()
		from, to := list[first], list[1-first].DeepCopy()
		twice := from.Endpoints[0]
		to.Endpoints[0] = *twice.DeepCopy()
		c.update(to)
		c.run(time.Minute)
		c.checkSlices("web")
		c.unready(targetOf(&twice))
		c.run(time.Minute)
		c.checkSlices("web")
	}
}
