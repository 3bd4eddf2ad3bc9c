package kubelet

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/nfs"
)

// WorldConfig is what does not change while a cluster runs. The zero value is
// a world of well-behaved servers in which every image exists.
type WorldConfig struct {
	// Workloads say what containers do, by image: the exact name first, then
	// the name without its tag.
	Workloads map[string]Workload
	// StrictImages has only the images of Workloads exist.
	StrictImages bool
	// Private are registries and repositories that give images only to those whom
	// they know, by name: "registry.example.com", "docker.io/acme", "quay.io/a/app".
	Private map[string]Login
	// NFS says how the NFS servers behave.
	NFS nfs.Options
}

// World is the ground truth outside the API: machines with the processes on
// them, images, addresses, files. All kubelets of a cluster share one.
type World struct {
	// NFS is the servers on the network.
	NFS *nfs.Network

	cfg      *WorldConfig `state:"immutable,incidental" why:"configuration"` // configuration: shared between forks
	missing  map[string]bool
	machines []*machine                   `state:"set"`                       // in the order in which they came
	numbers  map[string]int32             `state:"incidental" why:"an index"` // of machines, by node
	byIP     map[netip.Addr]*room         `state:"incidental" why:"an index"`
	trees    map[string]map[string]string // volumes that are neither NFS nor a pod's own
	subnets  int                          `state:"incidental" why:"which addresses a node gets, and they are identifiers"`
	known    map[string]*image            `state:"incidental" why:"computed from the name"` // by name in the manifest: found out once
}

var _ controller.World = (*World)(nil)

// machine is one node's hardware.
type machine struct {
	number int32 `state:"incidental" why:"an index"` // its index in the World
	node   string
	images map[string]stored // by their full names
	rooms  []*room           `state:"set"` // by the kubelet's slots of their pods; nil: none
	ipam   ipam
	pulse  pulse
}

// HashScope returns what the handles of rooms are of.
func (m *machine) HashScope() string { return m.node }

// room is what a machine keeps of one pod: its sandbox, its processes, its
// volumes.
type room struct {
	at      *machine `state:"incidental" why:"what it is in"`
	slot    int32    `state:"handle"`
	pod     guest
	ip      netip.Addr // valid while the sandbox is up
	net     *hostnet   // nil before there was a sandbox
	procs   []process
	volumes []volume
}

// guest is what a room shows of its pod. None of it ever changes, and a whole
// state of the pod would be much larger.
type guest struct {
	apiserver.Key
	UID         types.UID
	first       string // container
	hostname    string
	subdomain   string
	aliases     []corev1.HostAlias `state:"immutable"`
	hostNetwork bool
	dnsPolicy   corev1.DNSPolicy
	dnsConfig   *corev1.PodDNSConfig
}

func guestOf(pod *corev1.Pod) guest {
	return guest{
		Key: apiserver.KeyOf(pod), UID: pod.UID, first: pod.Spec.Containers[0].Name,
		hostname: hostname(pod), subdomain: pod.Spec.Subdomain, aliases: pod.Spec.HostAliases,
		hostNetwork: pod.Spec.HostNetwork, dnsPolicy: pod.Spec.DNSPolicy, dnsConfig: pod.Spec.DNSConfig,
	}
}

// process is a container that runs.
type process struct {
	id    string            `state:"id"`
	since engine.Time       `state:"incidental" why:"it is shown; probes go by the kubelet's time"`
	spec  *corev1.Container // as it was started; shared, immutable
	env   []corev1.EnvVar   `state:"immutable"`
	files map[string]string // the container's own file system
}

// Process is a container that runs on a machine, whatever the API says.
type Process struct {
	Node        string
	Pod         apiserver.Key
	UID         types.UID
	Container   string
	ContainerID string
	Image       string
	IP          string
	Since       engine.Time
}

// NewWorld returns a world without machines; kubelets add theirs. It keeps cfg.
func NewWorld(cfg WorldConfig) *World {
	return &World{
		NFS: nfs.New(cfg.NFS), cfg: &cfg, missing: map[string]bool{},
		numbers: map[string]int32{}, byIP: map[netip.Addr]*room{},
		trees: map[string]map[string]string{}, known: map[string]*image{},
	}
}

// Processes lists what runs, by namespace, pod name, node, UID and container.
func (w *World) Processes() []Process {
	var list []Process
	for _, m := range w.machines {
		for _, r := range m.rooms {
			if r == nil {
				continue
			}
			for i := range r.procs {
				p := &r.procs[i]
				proc := Process{
					Node: m.node, Pod: r.pod.Key, UID: r.pod.UID, Container: p.spec.Name,
					ContainerID: p.id, Image: p.spec.Image, Since: p.since,
				}
				if r.ip.IsValid() {
					proc.IP = r.ip.String()
				}
				list = append(list, proc)
			}
		}
	}
	slices.SortFunc(list, func(a, b Process) int {
		return cmp.Or(a.Pod.Compare(b.Pod), cmp.Compare(a.Node, b.Node), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Container, b.Container))
	})
	return list
}

// Images lists the images that a node has, sorted.
func (w *World) Images(node string) []string {
	if i, ok := w.numbers[node]; ok {
		return slices.Sorted(maps.Keys(w.machines[i].images))
	}
	return nil
}

// AddImage puts an image on a node, as an earlier pull would have.
func (w *World) AddImage(node, image string) {
	load := w.workload(image)
	w.machine(node).images[qualified(image)] = stored{size: imageSize(image, &load)}
}

// SetImageMissing takes an image away from the registry, or puts it back. Nodes
// that have it keep it.
func (w *World) SetImageMissing(image string, missing bool) {
	if missing {
		w.missing[qualified(image)] = true
	} else {
		delete(w.missing, qualified(image))
	}
}

// IPs lists the pod addresses in use, sorted, with their pods.
func (w *World) IPs() []Address {
	list := make([]Address, 0, len(w.byIP))
	for ip, r := range w.byIP { // sorted below
		list = append(list, Address{ip, r.pod.Key, r.at.node})
	}
	slices.SortFunc(list, func(a, b Address) int { return a.IP.Compare(b.IP) })
	return list
}

// Address is a pod's address.
type Address struct {
	IP   netip.Addr
	Pod  apiserver.Key
	Node string
}

// inRegistry reports whether an image can be pulled.
func (w *World) inRegistry(image string) bool {
	if w.missing[qualified(image)] {
		return false
	}
	if !w.cfg.StrictImages {
		return true
	}
	_, ok := w.lookup(image)
	return ok
}

// workload returns what the containers of an image do.
func (w *World) workload(image string) Workload {
	load, _ := w.lookup(image)
	return load
}

func (w *World) lookup(image string) (Workload, bool) {
	load, ok := w.cfg.Workloads[image]
	if !ok {
		load, ok = w.cfg.Workloads[repository(image)]
	}
	return load, ok
}

// machine returns a node's machine, which it makes if need be.
func (w *World) machine(node string) *machine {
	i, ok := w.numbers[node]
	if !ok {
		i = int32(len(w.machines))
		w.numbers[node] = i
		w.machines = append(w.machines, &machine{number: i, node: node, images: map[string]stored{}})
	}
	return w.machines[i]
}

// machine returns the kubelet's own machine. It remembers its number: the machine
// itself is another in each fork.
func (k *Kubelet) machine(w *World) *machine {
	if !k.hasMachine {
		k.machineNumber, k.hasMachine = w.machine(k.cfg.Node).number, true
	}
	return w.machines[k.machineNumber]
}

// room returns a pod's room, or nil.
func (m *machine) room(p *pod) *room {
	if int(p.slot) < len(m.rooms) {
		return m.rooms[p.slot]
	}
	return nil
}

// enter returns a pod's room, which it makes if need be.
func (m *machine) enter(p *pod) *room {
	r := m.room(p)
	if r == nil {
		r = &room{at: m, slot: p.slot, pod: guestOf(p.api)}
		for len(m.rooms) <= int(p.slot) {
			m.rooms = append(m.rooms, nil)
		}
		m.rooms[p.slot] = r
	}
	return r
}

// leave gives up a pod's room on a machine.
func (w *World) leave(m *machine, p *pod) {
	if r := m.room(p); r != nil {
		if len(r.procs) > 0 {
			panic(fmt.Sprintf("kubelet: pod %s/%s leaves node %s with %d running processes", r.pod.Namespace, r.pod.Name, m.node, len(r.procs)))
		}
		w.releaseIP(r)
		m.rooms[p.slot] = nil
	}
}

// end removes a process.
func (r *room) end(container string) {
	r.procs = slices.DeleteFunc(r.procs, func(p process) bool { return p.spec.Name == container })
}

func (r *room) proc(container string) *process {
	for i := range r.procs {
		if r.procs[i].spec.Name == container {
			return &r.procs[i]
		}
	}
	return nil
}

// volume returns a mounted volume by its name in the pod's spec, or nil.
func (r *room) volume(name string) *volume {
	for i := range r.volumes {
		if r.volumes[i].name == name {
			return &r.volumes[i]
		}
	}
	return nil
}

// mount puts a volume in its place.
func (r *room) mount(v volume) {
	if at := r.volume(v.name); at != nil {
		*at = v
	} else {
		r.volumes = append(r.volumes, v)
	}
}
