package endpoints

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var (
	serviceNames = []string{"s0", "s1"}
	nodeNames    = []string{"n0", "n1"}
)

// manyPods is how many pods a history can have, when its slices are small.
const manyPods = 9

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// oneIn reports one time in n that something rare is to happen.
func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(0, n-1).Draw(t, label) == n-1 }

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// mood is what goes wrong in a history.
type mood int

const (
	calm   mood = iota // nothing
	shaky              // nodes are missing, and syncs fail until they come
	faulty             // requests fail, of the one Service that there is, of one family
)

// drawScript draws a short history of two Services and some pods.
func drawScript(t *rapid.T) script {
	m := pick(t, "mood", calm, shaky, faulty)
	s := script{limit: pick(t, "limit", 1, 2, 3, 3, 4, 100), before: []step{
		{do: "create", kind: apiserver.Namespace, name: namespace, object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}},
	}}
	for _, name := range nodeNames {
		if m != shaky || !oneIn(t, 4, "absent") {
			s.before = append(s.before, drawNode(t, name))
		}
	}
	service := drawService(t, serviceNames[0], m)
	s.before = append(s.before, service)
	if o := service.object.(*corev1.Service); m != faulty && slices.Contains(o.Spec.IPFamilies, corev1.IPv6Protocol) {
		// A cluster of IPv4 alone lets only a headless Service without a selector
		// have addresses of the other family. It may get one later.
		o.Spec.IPFamilies, o.Spec.IPFamilyPolicy = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}, new(corev1.IPFamilyPolicyPreferDualStack)
		o.Spec.Selector = nil
		s.before = append(s.before, step{do: "selector", kind: apiserver.Service, name: service.name,
			object: &corev1.Service{Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "a"}}}})
	}
	for i := range rapid.IntRange(0, manyPods).Draw(t, "pods") {
		s.before = append(s.before, drawPod(t, i, m))
	}
	many := s.limit == 100 && m != shaky && oneIn(t, 4, "many")
	if many { // of one slice's size and more
		clone := drawPod(t, 0, m)
		for i := range rapid.IntRange(95, 230).Draw(t, "many pods") {
			s.before = append(s.before, clonePod(clone, manyPods+i))
		}
	}
	for range rapid.IntRange(1, 5).Draw(t, "groups") {
		s.groups = append(s.groups, drawGroup(t, m, s.limit == 100 && !many))
	}
	return s
}

// drawGroup draws what happens between two rests. Several steps are for slices
// that hold everything: what becomes of small ones after the first step would
// depend on what upstream leaves open. After a shaky group the Services are
// touched: when a sync that failed comes again depends on how often it failed.
func drawGroup(t *rapid.T, m mood, several bool) (g group) {
	n := 1
	if several {
		n = pick(t, "steps", 1, 1, 2, 3, 4)
	}
	for range n {
		g.steps = append(g.steps, drawStep(t, m))
	}
	if m == shaky {
		for _, name := range serviceNames {
			g.steps = append(g.steps, step{do: "touch", kind: apiserver.Service, name: name, value: fmt.Sprint(rapid.Uint16().Draw(t, "touch"))})
		}
	} else if m == faulty && rapid.Bool().Draw(t, "fault") {
		g.faults = append(g.faults, fault{verb: pick(t, "verb", apiserver.Create, apiserver.Update, apiserver.Update, apiserver.Delete),
			class: pick(t, "class", "internal", "conflict", "terminating"), count: pick(t, "count", 1, 1, 2, 4)})
	}
	return g
}

func drawNode(t *rapid.T, name string) step {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if zone := pick(t, "zone", "", "z0", "z1"); zone != "" {
		n.Labels = map[string]string{corev1.LabelTopologyZone: zone}
	}
	return step{do: "create", kind: apiserver.Node, name: name, object: n}
}

func drawService(t *rapid.T, name string, m mood) step {
	o := &corev1.Service{ObjectMeta: meta(name)}
	o.Spec.Selector = drawSelector(t)
	o.Spec.TrafficDistribution = drawTraffic(t)
	o.Spec.PublishNotReadyAddresses = oneIn(t, 4, "publish")
	o.Spec.Ports = drawPorts(t)
	if rapid.Bool().Draw(t, "headless") {
		o.Spec.ClusterIP = corev1.ClusterIPNone
		o.Spec.IPFamilies = pick(t, "families", nil, []corev1.IPFamily{corev1.IPv4Protocol}, []corev1.IPFamily{corev1.IPv6Protocol},
			[]corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol})
		if len(o.Spec.IPFamilies) == 2 && m == faulty {
			o.Spec.IPFamilies = o.Spec.IPFamilies[:1]
		}
		if len(o.Spec.IPFamilies) == 2 {
			o.Spec.IPFamilyPolicy = pick(t, "policy", new(corev1.IPFamilyPolicyRequireDualStack), new(corev1.IPFamilyPolicyPreferDualStack))
		}
		if oneIn(t, 4, "no ports") {
			o.Spec.Ports = nil
		}
	}
	if oneIn(t, 12, "external") {
		o.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "example.com", Selector: o.Spec.Selector}
	}
	if oneIn(t, 3, "labelled") {
		o.Labels = map[string]string{"team": pick(t, "team", "a", "b")}
	}
	return step{do: "create", kind: apiserver.Service, name: name, object: o}
}

func drawSelector(t *rapid.T) map[string]string {
	return pick(t, "selector", map[string]string{"app": "a"}, map[string]string{"app": "a"}, map[string]string{"app": "a"}, map[string]string{"app": "b"}, nil)
}

func drawTraffic(t *rapid.T) *string {
	return pick(t, "traffic", nil, nil, new("PreferClose"), new("PreferSameZone"), new("PreferSameNode"))
}

func drawPorts(t *rapid.T) []corev1.ServicePort {
	list := []corev1.ServicePort{drawPort(t, "", 80)}
	if oneIn(t, 3, "two ports") {
		list[0].Name = "web"
		list = append(list, drawPort(t, "more", 81))
	}
	return list
}

func drawPort(t *rapid.T, name string, number int32) corev1.ServicePort {
	p := corev1.ServicePort{Name: name, Port: number, Protocol: pick(t, "protocol", corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP)}
	p.TargetPort = pick(t, "target", intstr.FromInt32(number), intstr.FromInt32(8080), intstr.FromString("http"), intstr.FromString("alt"))
	p.AppProtocol = pick(t, "app protocol", nil, nil, new("http"))
	return p
}

func podName(i int) string { return fmt.Sprintf("p-%d", i) }

func drawPod(t *rapid.T, i int, m mood) step {
	p := &corev1.Pod{ObjectMeta: meta(podName(i))}
	p.Labels = map[string]string{"app": pick(t, "app", "a", "a", "a", "b")}
	c := corev1.Container{Name: "c", Image: "nginx:1"}
	if number := pick(t, "http", 8080, 8080, 9090, 0); number != 0 {
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "http", ContainerPort: int32(number), Protocol: pick(t, "protocol", corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP)})
	}
	p.Spec.Containers = []corev1.Container{c}
	if oneIn(t, 4, "sidecar") {
		p.Spec.InitContainers = []corev1.Container{{Name: "s", Image: "nginx:1", RestartPolicy: pick(t, "restarts", nil, new(corev1.ContainerRestartPolicyAlways)),
			Ports: []corev1.ContainerPort{{Name: "alt", ContainerPort: 7070, Protocol: corev1.ProtocolTCP}}}}
	}
	p.Spec.NodeName = pick(t, "node", nodeNames...)
	if m == shaky && oneIn(t, 6, "nowhere") {
		p.Spec.NodeName = "nowhere"
	}
	if rapid.Bool().Draw(t, "named") {
		p.Spec.Hostname, p.Spec.Subdomain = pick(t, "hostname", p.Name, p.Name, "other"), pick(t, "subdomain", serviceNames[0], serviceNames[0], serviceNames[1], "")
	}
	p.Status.Phase = pick(t, "phase", corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodPending, corev1.PodSucceeded)
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: pick(t, "ready", corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse)}}
	if oneIn(t, 8, "no conditions") {
		p.Status.Conditions = nil
	}
	drawIPs(t, p, i)
	return step{do: "create", kind: apiserver.Pod, name: p.Name, object: p}
}

func drawIPs(t *rapid.T, p *corev1.Pod, i int) {
	setIPs(p, i, pick(t, "ips", "4", "4", "46", "46", "6", "64", ""))
}

func setIPs(p *corev1.Pod, i int, families string) {
	p.Status.PodIP, p.Status.PodIPs = "", nil
	for _, f := range families {
		ip := fmt.Sprintf("10.0.%d.%d", i/200, i%200+1)
		if f == '6' {
			ip = fmt.Sprintf("fd00::%x", i+1)
		}
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
	}
	if len(p.Status.PodIPs) > 0 {
		p.Status.PodIP = p.Status.PodIPs[0].IP
	}
}

// clonePod is a creation of the same pod by another name.
func clonePod(st step, i int) step {
	p := st.object.(*corev1.Pod).DeepCopy()
	p.Name, p.Labels = podName(i), map[string]string{"app": "a"}
	if p.Spec.Hostname != "" {
		p.Spec.Hostname = p.Name
	}
	p.Spec.NodeName, p.Status.Phase = nodeNames[i%2], corev1.PodRunning
	setIPs(p, i, "4")
	return step{do: "create", kind: apiserver.Pod, name: p.Name, object: p}
}

func drawStep(t *rapid.T, m mood) step {
	i := rapid.IntRange(0, manyPods-1).Draw(t, "pod")
	pod := step{kind: apiserver.Pod, name: podName(i)}
	service := step{kind: apiserver.Service, name: pick(t, "service", serviceNames[0], serviceNames[0], serviceNames[1])}
	if m == faulty {
		service.name = serviceNames[0]
	}
	switch pick(t, "on", "pod", "pod", "pod", "pod", "pod", "service", "service", "node", "slice", "slice") {
	case "pod":
		switch pod.do = pick(t, "do", "create", "create", "create", "ready", "ready", "delete", "finish", "label", "phase", "ips"); pod.do {
		case "create":
			return drawPod(t, i, m)
		case "label":
			pod.value = pick(t, "app", "a", "a", "b")
		case "phase":
			pod.value = pick(t, "phase", "Running", "Failed", "Succeeded")
		case "ips":
			p := &corev1.Pod{}
			drawIPs(t, p, i)
			pod.object = p
		}
		return pod
	case "service":
		switch service.do = pick(t, "do", "create", "delete", "ports", "ports", "selector", "traffic", "publish", "labels"); service.do {
		case "create":
			return drawService(t, service.name, m)
		case "ports":
			service.object = &corev1.Service{Spec: corev1.ServiceSpec{Ports: drawPorts(t)}}
		case "selector":
			service.object = &corev1.Service{Spec: corev1.ServiceSpec{Selector: drawSelector(t)}}
		case "traffic":
			service.object = &corev1.Service{Spec: corev1.ServiceSpec{TrafficDistribution: drawTraffic(t)}}
		case "labels":
			service.value = pick(t, "team", "a", "b")
		}
		return service
	case "node":
		name := pick(t, "node", nodeNames...)
		if m != shaky {
			return step{do: "zone", kind: apiserver.Node, name: name, value: pick(t, "zone", "z0", "z1")}
		}
		if do := pick(t, "do", "create", "zone", "delete"); do != "create" {
			return step{do: do, kind: apiserver.Node, name: name, value: pick(t, "zone", "z0", "z1")}
		}
		return drawNode(t, name)
	}
	return drawSliceStep(t)
}

func drawSliceStep(t *rapid.T) step {
	st := step{kind: apiserver.EndpointSlice, n: rapid.IntRange(0, 5).Draw(t, "slice")}
	switch st.do = pick(t, "do", "create", "delete", "strip", "strip", "unready", "unhint", "take", "give", "move", "label", "hold", "release", "disown"); st.do {
	case "create":
		st.name = fmt.Sprintf("mine-%d", st.n)
		st.object = &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: st.name, Labels: map[string]string{
			discoveryv1.LabelServiceName: pick(t, "of", serviceNames...), discoveryv1.LabelManagedBy: pick(t, "by", "endpointslice-controller.k8s.io", "somebody-else")}},
			AddressType: pick(t, "type", discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6),
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.9.9.9"}}}}
		if st.object.(*discoveryv1.EndpointSlice).AddressType == discoveryv1.AddressTypeIPv6 {
			st.object.(*discoveryv1.EndpointSlice).Endpoints[0].Addresses[0] = "fd09::9"
		}
	case "move":
		st.value = pick(t, "to", serviceNames...)
	case "label":
		st.value = pick(t, "team", "a", "b", "c")
	}
	return st
}
