package scheduling

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// pod draws what placed and waiting pods share.
func (d *dice) pod(name string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: d.labels()}}
	if d.topics[onPods] && d.chance(4, "elsewhere") {
		p.Namespace = "there"
	}
	p.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
	if d.topics[onResources] || d.topics[onPriority] {
		d.drawResources(p)
	}
	if d.topics[onPriority] || d.topics[onNominated] {
		p.Spec.PriorityClassName = pick(d, "priority", "", "low", "mid", "high")
		if name == "x" && d.chance(2, "important") {
			p.Spec.PriorityClassName = "high"
		}
	}
	if d.topics[onPorts] {
		p.Spec.Containers[0].Ports = d.drawPorts()
	}
	if d.topics[onPods] {
		d.drawPodAffinity(p)
	}
	if d.topics[onDefault] && p.Namespace == namespace && d.chance(3, "owned") {
		p.OwnerReferences = controllerOf("set")
	}
	if d.topics[onVolumes] && p.Namespace == namespace {
		d.drawVolumes(p)
	}
	return p
}

func (d *dice) drawPlaced(i int) {
	p := d.pod(fmt.Sprintf("p%d", i))
	if len(d.nodes) == 0 {
		return
	}
	p.Spec.NodeName = pick(d, "node", append(d.nodes, d.nodes[0])...)
	if d.chance(30, "node gone") {
		p.Spec.NodeName = "gone"
	}
	p.Status.Phase = pick(d, "phase", corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodPending, corev1.PodSucceeded)
	// No two start together, and none has yet to start: upstream would order
	// them by the wall clock (GetPodStartTime) and the order on their node.
	minutes := 1 + i
	if d.chance(2, "younger") {
		minutes = 20 - i
	}
	at := apiserver.Stamp(engine.Time(0).Add(-time.Duration(minutes) * time.Minute))
	p.Status.StartTime = &at
	if d.chance(10, "terminating") {
		d.doomed = append(d.doomed, p.Name)
	}
	d.dropPorts(p)
	d.add(p)
}

// dropPorts takes the ports from a pod whose node has them already: upstream
// forgets such a port with the first of the two pods (HostPortInfo.Remove), so
// that what it decides depends on the history. No scheduler makes this state.
func (d *dice) dropPorts(p *corev1.Pod) {
	if isTerminal(p) {
		return
	}
	ports := p.Spec.Containers[0].Ports
	p.Spec.Containers[0].Ports = nil
	for _, port := range ports {
		ip := port.HostIP
		if ip == "" {
			ip = "0.0.0.0"
		}
		if id := fmt.Sprint(p.Spec.NodeName, ip, port.Protocol, port.HostPort); !d.ports[id] {
			d.ports[id] = true
			p.Spec.Containers[0].Ports = append(p.Spec.Containers[0].Ports, port)
		}
	}
}

// drawPromised draws a pod that is nominated for a node. It is gated, so that
// neither scheduler tries it.
func (d *dice) drawPromised(i int) {
	p := d.pod(fmt.Sprintf("q%d", i))
	p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/gate"}}
	if len(d.nodes) > 0 {
		p.Status.NominatedNodeName = pick(d, "node", d.nodes...)
	}
	d.add(p)
}

func (d *dice) drawIncoming() {
	p := d.pod("x")
	if d.topics[onTaints] {
		p.Spec.Tolerations = d.tolerations()
	}
	if d.topics[onNodes] {
		d.drawNodeAffinity(p)
	}
	if d.topics[onSpread] {
		d.drawSpread(p)
	}
	if d.topics[onImages] {
		d.drawImages(p)
	}
	if d.topics[onNominated] && d.chance(2, "nominated") {
		p.Status.NominatedNodeName = pick(d, "node", append(d.nodes, "gone")...)
	}
	d.add(p)
}

func (d *dice) requests(r *corev1.ResourceRequirements) {
	set := func(name corev1.ResourceName, values ...string) {
		v := pick(d, string(name), values...)
		if v == "" {
			return
		}
		if r.Requests == nil {
			r.Requests, r.Limits = corev1.ResourceList{}, corev1.ResourceList{}
		}
		r.Requests[name] = resource.MustParse(v)
		if name == gpu || name == "hugepages-2Mi" || d.chance(3, "limited") {
			r.Limits[name] = r.Requests[name]
		}
	}
	set(corev1.ResourceCPU, "", "", "500m", "1", "2", "0", "1100m")
	set(corev1.ResourceMemory, "", "", "256Mi", "1Gi", "0", "2Gi", "500M")
	if d.chance(8, "more") {
		_, hasCPU := r.Requests[corev1.ResourceCPU]
		_, hasMemory := r.Requests[corev1.ResourceMemory]
		set(corev1.ResourceEphemeralStorage, "", "1Gi", "6Gi")
		set(gpu, "", "1", "0")
		if hasCPU || hasMemory { // huge pages require others
			set("hugepages-2Mi", "", "2Mi")
		}
	}
}

func (d *dice) drawResources(p *corev1.Pod) {
	d.requests(&p.Spec.Containers[0].Resources)
	if d.chance(4, "second") {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "d", Image: "j:1"})
		d.requests(&p.Spec.Containers[1].Resources)
	}
	if d.chance(3, "inits") {
		for i := range 1 + d.upTo(2, "init") {
			c := corev1.Container{Name: fmt.Sprintf("i%d", i), Image: "i"}
			d.requests(&c.Resources)
			if d.chance(2, "sidecar") {
				always := corev1.ContainerRestartPolicyAlways
				c.RestartPolicy = &always
			}
			p.Spec.InitContainers = append(p.Spec.InitContainers, c)
		}
	}
	if d.chance(8, "of the pod") {
		list := corev1.ResourceList{}
		if d.chance(2, "cpu") {
			list[corev1.ResourceCPU] = resource.MustParse("6")
		}
		if d.chance(2, "memory") {
			list[corev1.ResourceMemory] = resource.MustParse(pick(d, "bytes", "7Gi", "20Gi"))
		}
		p.Spec.Resources = &corev1.ResourceRequirements{Requests: list}
	}
	if d.chance(6, "overhead") {
		p.Spec.Overhead = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	}
}

func (d *dice) drawPorts() []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for i := range d.upTo(2, "ports") {
		port := int32(8080 + i)
		ports = append(ports, corev1.ContainerPort{
			ContainerPort: port, HostPort: port, HostIP: pick(d, "ip", "", "0.0.0.0", "127.0.0.1", "10.0.0.1"),
			Protocol: pick(d, "protocol", corev1.ProtocolTCP, corev1.ProtocolUDP),
		})
	}
	return ports
}

func (d *dice) drawNodeAffinity(p *corev1.Pod) {
	if d.chance(3, "node selector") {
		p.Spec.NodeSelector = map[string]string{"disk": pick(d, "disk", "ssd", "hdd")}
	}
	a := &corev1.NodeAffinity{}
	if d.chance(2, "required") {
		a.RequiredDuringSchedulingIgnoredDuringExecution = d.nodeSelector()
	}
	for range d.upTo(2, "preferred") {
		a.PreferredDuringSchedulingIgnoredDuringExecution = append(a.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.PreferredSchedulingTerm{Weight: int32(1 + d.upTo(99, "weight")), Preference: d.nodeTerm()})
	}
	affinityOf(p).NodeAffinity = a
}

func affinityOf(p *corev1.Pod) *corev1.Affinity {
	if p.Spec.Affinity == nil {
		p.Spec.Affinity = &corev1.Affinity{}
	}
	return p.Spec.Affinity
}

var topologyKeys = []string{corev1.LabelHostname, corev1.LabelTopologyZone, "disk"}

func (d *dice) podTerm(p *corev1.Pod) corev1.PodAffinityTerm {
	t := corev1.PodAffinityTerm{TopologyKey: pick(d, "topology", topologyKeys...), LabelSelector: d.selector()}
	switch d.upTo(5, "namespaces") {
	case 0:
		t.Namespaces = []string{"there"}
	case 1:
		t.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "red"}}
	case 2:
		t.NamespaceSelector = &metav1.LabelSelector{}
	case 3:
		t.Namespaces, t.NamespaceSelector = []string{namespace}, &metav1.LabelSelector{MatchLabels: map[string]string{"team": "blue"}}
	}
	if d.chance(6, "match keys") && p.Labels["tier"] != "" && t.LabelSelector.MatchLabels["tier"] == "" && len(t.LabelSelector.MatchExpressions) == 0 {
		t.MatchLabelKeys = []string{"tier"}
	}
	if d.chance(20, "nil") {
		t.LabelSelector, t.MatchLabelKeys = nil, nil
	}
	return t
}

func (d *dice) drawPodAffinity(p *corev1.Pod) {
	weighted := func(label string) []corev1.WeightedPodAffinityTerm {
		var ts []corev1.WeightedPodAffinityTerm
		for range d.upTo(2, label) / 2 {
			ts = append(ts, corev1.WeightedPodAffinityTerm{Weight: int32(1 + d.upTo(99, "weight")), PodAffinityTerm: d.podTerm(p)})
		}
		return ts
	}
	required := func(label string) []corev1.PodAffinityTerm {
		var ts []corev1.PodAffinityTerm
		for range d.upTo(4, label) / 3 {
			ts = append(ts, d.podTerm(p))
		}
		return ts
	}
	if d.chance(2, "affinity") {
		affinityOf(p).PodAffinity = &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required("required"), PreferredDuringSchedulingIgnoredDuringExecution: weighted("preferred"),
		}
	}
	if d.chance(2, "anti-affinity") {
		affinityOf(p).PodAntiAffinity = &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required("required"), PreferredDuringSchedulingIgnoredDuringExecution: weighted("preferred"),
		}
	}
}

func (d *dice) drawSpread(p *corev1.Pod) {
	used := map[string]bool{}
	for range 1 + d.upTo(2, "constraints") {
		c := corev1.TopologySpreadConstraint{
			MaxSkew: int32(1 + d.upTo(2, "skew")), TopologyKey: pick(d, "topology", topologyKeys...), LabelSelector: d.selector(),
			WhenUnsatisfiable: pick(d, "when", corev1.DoNotSchedule, corev1.ScheduleAnyway),
		}
		if id := c.TopologyKey + string(c.WhenUnsatisfiable); used[id] {
			continue
		} else {
			used[id] = true
		}
		if c.WhenUnsatisfiable == corev1.DoNotSchedule && d.chance(4, "domains") {
			n := int32(1 + d.upTo(3, "least"))
			c.MinDomains = &n
		}
		if d.chance(4, "policies") {
			a, t := pick(d, "affinity", corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore), pick(d, "taints", corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore)
			c.NodeAffinityPolicy, c.NodeTaintsPolicy = &a, &t
		}
		if d.chance(6, "match keys") && p.Labels["tier"] != "" && c.LabelSelector.MatchLabels["tier"] == "" && len(c.LabelSelector.MatchExpressions) == 0 {
			c.MatchLabelKeys = []string{"tier"}
		}
		p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, c)
	}
}

func (d *dice) drawImages(p *corev1.Pod) {
	p.Spec.Containers[0].Image = pick(d, "image", "i", "i:latest", "docker.io/library/j:1", "k@sha256:0000000000000000000000000000000000000000000000000000000000000000")
	if d.chance(3, "image volume") {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "img", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "docker.io/library/j:1"}}})
	}
}
