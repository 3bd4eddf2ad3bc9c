package endpointslice

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

func TestPlaceholderOfAServiceWithoutPods(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newService("web", func(s *corev1.Service) { s.Labels = map[string]string{"team": "a"} }))
	c.settle()
	s := c.slice()
	assert.Regexp(t, `^web-[a-z0-9]{5}$`, s.Name)
	assert.Empty(t, s.Endpoints)
	assert.Empty(t, s.Ports)
	assert.Equal(t, discoveryv1.AddressTypeIPv4, s.AddressType)
	assert.Equal(t, map[string]string{
		"team": "a", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
		"kubernetes.io/service-name": "web", "service.kubernetes.io/headless": "",
	}, s.Labels)
	require.Len(t, s.OwnerReferences, 1)
	assert.Equal(t, "Service", s.OwnerReferences[0].Kind)
	assert.True(t, *s.OwnerReferences[0].Controller)
	assert.Equal(t, "2026-01-01T00:00:00Z", s.Annotations[corev1.EndpointsLastChangeTriggerTime])
}

func TestD1Readiness(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", "z1"))
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.settle()
	assert.Empty(t, show(c.slice()), "no address yet")
	name := c.slice().Name

	c.ready("web-0", "10.0.0.1")
	c.settle()
	s := c.slice()
	assert.Equal(t, name, s.Name, "the placeholder becomes the slice")
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(s))
	assert.Equal(t, "z1", *s.Endpoints[0].Zone)
	assert.Equal(t, "n1", *s.Endpoints[0].NodeName)
	assert.Equal(t, "web-0", *s.Endpoints[0].Hostname)
	assert.Equal(t, int32(80), *s.Ports[0].Port)

	c.unready("web-0")
	c.settle()
	assert.Equal(t, []string{"web-0=10.0.0.1:---"}, show(c.slice()))

	c.ready("web-0", "10.0.0.1")
	c.remove(apiserver.Pod, "web-0", new(int64(30)))
	c.settle()
	assert.Equal(t, []string{"web-0=10.0.0.1:-ST"}, show(c.slice()), "terminating: serving, not ready")

	c.change("web-0", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
	c.settle()
	assert.Empty(t, show(c.slice()), "terminal")
}

func TestD1PublishNotReadyAddresses(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.unready("web-0")
	c.settle()
	assert.Equal(t, []string{"web-0=10.0.0.1:R--"}, show(c.slice()))
}

func TestD1HostnameOnlyIfTheSubdomainNamesTheService(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("other", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "web"} }))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	assert.Nil(t, c.slice().Endpoints[0].Hostname)
}

func TestNamedPortsSplitSlices(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("http") }))
	c.create(newPod("web-0", "web", "n1", nil))
	c.create(newPod("web-1", "web", "n1", func(p *corev1.Pod) { p.Spec.Containers[0].Ports[0].ContainerPort = 9090 }))
	c.ready("web-0", "10.0.0.1")
	c.ready("web-1", "10.0.0.2")
	c.settle()
	ports := map[int32]string{}
	for _, s := range c.slices() {
		require.Len(t, s.Endpoints, 1)
		ports[*s.Ports[0].Port] = targetOf(&s.Endpoints[0])
	}
	assert.Equal(t, map[int32]string{8080: "web-0", 9090: "web-1"}, ports)
}

func TestAtMostAHundredEndpointsInASlice(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	for i := range 250 {
		name := fmt.Sprintf("web-%d", i)
		c.create(newPod(name, "web", "n1", nil))
		c.ready(name, fmt.Sprintf("10.0.%d.%d", i/200, i%200+1))
	}
	c.settle()
	lengths := func() (list []int) {
		for _, s := range c.slices() {
			list = append(list, len(s.Endpoints))
		}
		return list
	}
	assert.ElementsMatch(t, []int{100, 100, 50}, lengths())

	before := map[string]string{}
	for _, s := range c.slices() {
		before[s.Name] = s.ResourceVersion
	}
	c.remove(apiserver.Pod, "web-7", new(int64))
	c.settle()
	written := 0
	for _, s := range c.slices() {
		if before[s.Name] != s.ResourceVersion {
			written++
		}
	}
	assert.Equal(t, 1, written, "only the slice that held the address is written")
	assert.ElementsMatch(t, []int{99, 100, 50}, lengths())

	c.create(newPod("web-300", "web", "n1", nil))
	c.ready("web-300", "10.0.9.1")
	c.settle()
	assert.ElementsMatch(t, []int{100, 100, 50}, lengths(), "the slice that comes closest to full takes it")
}

func TestServiceChangesReachEverySlice(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.create(newPod("db-0", "db", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.ready("db-0", "10.0.0.2")
	c.settle()
	name := c.slice().Name
	c.update(newService("web", func(s *corev1.Service) {
		s.Labels = map[string]string{"team": "b"}
		s.Spec.Ports[0].TargetPort = intstr.FromInt32(81)
		s.Spec.Selector = map[string]string{"app": "db"}
	}))
	c.settle()
	s := c.slice()
	assert.Equal(t, name, s.Name, "created in the place of the one to delete")
	assert.Equal(t, "b", s.Labels["team"])
	assert.Equal(t, int32(81), *s.Ports[0].Port)
	assert.Equal(t, []string{"db-0=10.0.0.2:RS-"}, show(s))
}

func TestForeignWritesAreRepairedAfterASecond(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	s := c.slice().DeepCopy()
	s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"6.6.6.6"}})
	c.update(s)
	c.run(900 * time.Millisecond)
	assert.Len(t, c.slice().Endpoints, 2)
	c.run(200 * time.Millisecond)
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(c.slice()))

	c.remove(apiserver.EndpointSlice, s.Name, nil)
	c.settle()
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(c.slice()))
}

func TestMissingNodeIsRetried(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	assert.Empty(t, show(c.slice()))
	require.Equal(t, []controller.Wait{{
		Kind: apiserver.Service, Key: apiserver.Key{Namespace: "default", Name: "web"},
		Reason: "skipping Pod web-0 for Service default/web: Node n1 Not Found",
	}}, c.host.Waiting())
	c.run(1500 * time.Millisecond)
	require.Len(t, c.host.Waiting(), 1, "the retry fails as well")
	c.create(newNode("n1", ""))
	c.run(5 * time.Second)
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(c.slice()))
	assert.Empty(t, c.host.Waiting())
}

func TestStaleViewOfItsOwnWritesFailsTheSync(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	c.settle()
	c.host.Hold(c.id, apiserver.EndpointSlice, c.host.Engine().Now().Add(500*time.Millisecond))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.run(time.Millisecond)
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(c.slice()))
	c.unready("web-0")
	c.run(time.Millisecond)
	assert.Equal(t, []string{"web-0=10.0.0.1:RS-"}, show(c.slice()), "the view is behind the controller's own write")
	c.run(time.Second)
	assert.Equal(t, []string{"web-0=10.0.0.1:---"}, show(c.slice()), "retried after a second")
}

func TestNoSlicesWithoutASelector(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newService("a", func(s *corev1.Service) { s.Spec.Selector = nil }))
	c.create(newService("b", func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
		s.Spec.ClusterIP, s.Spec.ClusterIPs, s.Spec.IPFamilies = "", nil, nil
	}))
	c.settle()
	assert.Empty(t, c.slices())
}

func TestDualStackHasSlicesForBothFamilies(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	// In a cluster of one stack: a headless Service without a selector may have
	// both families, and keeps them.
	prefer := corev1.IPFamilyPolicyPreferDualStack
	both := func(s *corev1.Service) {
		s.Spec.ClusterIP, s.Spec.IPFamilyPolicy = corev1.ClusterIPNone, &prefer
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	}
	c.create(newService("web", func(s *corev1.Service) {
		both(s)
		s.Spec.Selector = nil
	}))
	c.update(newService("web", both))
	c.create(newPod("web-0", "web", "n1", nil))
	c.change("web-0", func(p *corev1.Pod) {
		p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.1"
		p.Status.PodIPs = []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}
	})
	c.settle()
	got := map[discoveryv1.AddressType][]string{}
	for _, s := range c.slices() {
		got[s.AddressType] = append(got[s.AddressType], show(s)...)
	}
	assert.Equal(t, map[discoveryv1.AddressType][]string{
		"IPv4": {"web-0=10.0.0.1:---"}, "IPv6": {"web-0=fd00::1:---"},
	}, got)
}

func TestTrafficDistributionHints(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", "z1"))
	prefer := corev1.ServiceTrafficDistributionPreferSameNode
	c.create(newService("web", func(s *corev1.Service) { s.Spec.TrafficDistribution = &prefer }))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	assert.Equal(t, &discoveryv1.EndpointHints{
		ForZones: []discoveryv1.ForZone{{Name: "z1"}}, ForNodes: []discoveryv1.ForNode{{Name: "n1"}},
	}, c.slice().Endpoints[0].Hints)
	c.update(newService("web", nil))
	c.settle()
	assert.Nil(t, c.slice().Endpoints[0].Hints)
}

func TestBackoffAndItsEnd(t *testing.T) {
	b := backoff{failures: map[apiserver.Key]failure{}}
	var spans []time.Duration
	for {
		d, ok := b.next(0, apiserver.Key{Name: "web"}, "why")
		if !ok {
			break
		}
		spans = append(spans, d)
	}
	require.Len(t, spans, 15)
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, spans[:3])
	assert.Equal(t, 1000*time.Second, spans[14])
	assert.Empty(t, b.failures)
}

// An error that two address types have in the same words is told once (Aggregate.Error).
func TestErrorsOfTwoFamiliesAreTold(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newService("web", func(s *corev1.Service) {
		s.Spec.Selector = nil
		s.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicyPreferDualStack)
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	}))
	s := c.host.Server().Get(apiserver.Service, apiserver.Key{Namespace: "default", Name: "web"}).(*corev1.Service).DeepCopy()
	s.Spec.Selector = map[string]string{"app": "web"}
	c.update(s)
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.settle()
	require.Len(t, c.slices(), 2)
	require.Len(t, c.host.Waiting(), 1)
	assert.Equal(t, "skipping Pod web-0 for Service default/web: Node n1 Not Found", c.host.Waiting()[0].Reason)
}

// Whoever takes the owner off a slice triggers no sync, since its generation is
// what it was (ShouldSync); but the next sync replaces the slice.
func TestForeignChangeOfMetadataIsSeenByTheNextSync(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	c.create(newNode("n1", ""))
	c.create(newService("web", nil))
	c.create(newPod("web-0", "web", "n1", nil))
	c.ready("web-0", "10.0.0.1")
	c.run(time.Minute)
	s := c.slice().DeepCopy()
	s.OwnerReferences = nil
	c.update(s)
	c.run(time.Minute)
	assert.Empty(t, c.slice().OwnerReferences, "no sync")
	c.unready("web-0")
	c.run(time.Minute)
	assert.Len(t, c.slice().OwnerReferences, 1)
	assert.NotEqual(t, s.UID, c.slice().UID)
	assert.Equal(t, []string{"web-0=10.0.0.1:---"}, show(c.slice()))
}

// Small slices are filled as large ones are.
func TestLimited(t *testing.T) {
	assert.Equal(t, MaxEndpoints, New().limit)
	assert.Equal(t, 3, Limited(3).limit)
}
