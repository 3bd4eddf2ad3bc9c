package endpointslice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// cluster is an API server with the controller, and nobody else.
type cluster struct {
	t    testing.TB
	host *controller.Host
	id   controller.ActorID
}

func newCluster(t testing.TB, l controller.Latency) *cluster {
	e := engine.New(engine.Strategy{Seed: 1})
	_, isMeasured := t.(*testing.B)
	c := &cluster{t: t, host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, DetectMutation: !isMeasured}), l, nil)}
	c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	c.id = c.host.Add(New())
	return c
}

func (c *cluster) controller() *Controller { return c.host.Actor(c.id).(*Controller) }

func (c *cluster) try(req apiserver.Request) apiserver.Result {
	if req.Object != nil {
		req.Kind, req.Key = apiserver.KindOf(req.Object), apiserver.KeyOf(req.Object)
	}
	return c.host.Do("test", req)
}

func (c *cluster) do(req apiserver.Request) apiserver.Object {
	res := c.try(req)
	require.NoError(c.t, res.Err)
	return res.Object
}

func (c *cluster) create(obj apiserver.Object) {
	c.do(apiserver.Request{Verb: apiserver.Create, Object: obj})
}

func (c *cluster) update(obj apiserver.Object) {
	c.do(apiserver.Request{Verb: apiserver.Update, Object: obj})
}

func (c *cluster) status(pod *corev1.Pod) {
	c.do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Object: pod})
}

func (c *cluster) remove(kind apiserver.Kind, name string, grace *int64) {
	key := apiserver.Key{Namespace: "default", Name: name}
	if !kind.Namespaced() {
		key.Namespace = ""
	}
	c.do(apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: key, GracePeriodSeconds: grace})
}

// settle runs until nothing is under way.
func (c *cluster) settle() {
	for n := 0; c.host.Engine().Pending(engine.Progress) > 0; n++ {
		require.Less(c.t, n, 1_000_000, "the cluster does not come to rest")
		c.host.Step()
	}
}

// run runs for a span of virtual time.
func (c *cluster) run(d time.Duration) {
	end := c.host.Engine().Now().Add(d)
	for {
		ev, ok := c.host.Engine().Peek()
		if !ok || ev.At > end {
			c.host.Engine().AdvanceTo(end)
			return
		}
		c.host.Step()
	}
}

func (c *cluster) pod(name string) *corev1.Pod {
	pod, _ := c.host.Server().Get(apiserver.Pod, apiserver.Key{Namespace: "default", Name: name}).(*corev1.Pod)
	return pod
}

// change writes a changed copy of a pod, its spec and metadata or its status.
func (c *cluster) change(name string, edit func(*corev1.Pod)) {
	pod := c.pod(name).DeepCopy()
	edit(pod)
	c.update(pod.DeepCopy())
	pod.ResourceVersion = ""
	c.status(pod)
}

func (c *cluster) ready(name, ip string) {
	c.change(name, func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodRunning
		p.Status.PodIP = ip
		p.Status.PodIPs = []corev1.PodIP{{IP: ip}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	})
}

func (c *cluster) unready(name string) {
	c.change(name, func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	})
}

// slices lists the stored slices by name.
func (c *cluster) slices() []*discoveryv1.EndpointSlice {
	var list []*discoveryv1.EndpointSlice
	for _, o := range c.host.Server().List(apiserver.EndpointSlice, "default") {
		list = append(list, o.(*discoveryv1.EndpointSlice))
	}
	return list
}

// slice returns the only slice.
func (c *cluster) slice() *discoveryv1.EndpointSlice {
	list := c.slices()
	require.Len(c.t, list, 1)
	return list[0]
}

// show renders endpoints as "web-0=10.0.0.1:RS-", the letters for ready, serving
// and terminating.
func show(s *discoveryv1.EndpointSlice) []string {
	var list []string
	for i := range s.Endpoints {
		ep := &s.Endpoints[i]
		flags := []byte("---")
		for j, b := range []*bool{ep.Conditions.Ready, ep.Conditions.Serving, ep.Conditions.Terminating} {
			if isTrue(b) {
				flags[j] = "RST"[j]
			}
		}
		list = append(list, fmt.Sprintf("%s=%s:%s", targetOf(ep), ep.Addresses[0], flags))
	}
	return list
}

func newService(name string, edit func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{
			ClusterIP:  corev1.ClusterIPNone,
			ClusterIPs: []string{corev1.ClusterIPNone},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Selector:   map[string]string{"app": name},
			Ports:      []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(80)}},
		},
	}
	if edit != nil {
		edit(s)
	}
	return s
}

func newNode(name, zone string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if zone != "" {
		n.Labels = map[string]string{corev1.LabelTopologyZone: zone}
	}
	return n
}

func newPod(name, app, node string, edit func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{
			Hostname: name, Subdomain: app, NodeName: node,
			Containers: []corev1.Container{{Name: "c", Image: "i", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}}},
		},
	}
	if edit != nil {
		edit(p)
	}
	return p
}

// identity is upstream's way to tell endpoints apart, by a hash of this
// (hashEndpoint).
type identity string

func identityOf(ep *discoveryv1.Endpoint) identity {
	var b strings.Builder
	if ep.TargetRef != nil {
		b.WriteString(ep.TargetRef.Namespace)
		b.WriteByte('/')
		b.WriteString(ep.TargetRef.Name)
	}
	b.WriteByte('|')
	if ep.Hostname != nil {
		b.WriteString(*ep.Hostname)
	}
	addresses := ep.Addresses
	if !slices.IsSorted(addresses) {
		addresses = slices.Sorted(slices.Values(addresses))
	}
	for _, a := range addresses {
		b.WriteByte('|')
		b.WriteString(a)
	}
	return identity(b.String())
}
