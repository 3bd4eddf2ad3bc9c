package sim

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/nodelifecycle"
	"github.com/statefulsim/statefulsim/volume/attach"
	"github.com/statefulsim/statefulsim/volume/nfs"
)

// Config describes a cluster. The zero Config is a small healthy one: three
// nodes, realistic latencies, seed 0, the feature gates of v1.37.
type Config struct {
	// Seed picks one of the legal histories. One seed gives one history, byte
	// for byte.
	Seed uint64
	// Strategy, if its Mode is not Seeded, answers choices in place of Seed.
	Strategy engine.Strategy
	// Nodes are the machines; nil means three, node-1 to node-3. For a cluster
	// without nodes give an empty slice.
	Nodes []Node
	// Workloads says what containers do, by image: exactly as written in the
	// pod, or without tag. Other images are well-behaved servers.
	Workloads map[string]kubelet.Workload
	// MissingImages are images that no registry has, by name: exactly this tag or
	// digest, "latest" if there is none. See Cluster.SetImageMissing.
	MissingImages []string
	// PrivateImages are registries and repositories that give images only to those
	// whom they know, by name: "registry.example.com", "docker.io/acme",
	// "quay.io/a/app". A pod gets one of theirs by a pull secret (its own, or its
	// service account's) that says the Login; the zero Login is anybody's.
	PrivateImages map[string]kubelet.Login
	// NFS says how the NFS servers behave; the zero value is servers that are
	// up and have every export asked for.
	NFS nfs.Options
	// Gates are the feature gates.
	Gates apiserver.Gates
	// DisableAdmissionPlugins are admission plugins that are not asked, as with
	// kube-apiserver's flag of that name: without "ServiceAccount", say, pods get no
	// token. See apiserver.AdmissionPlugins.
	DisableAdmissionPlugins []string
	// NoLatency makes everything happen at one instant, in the order of
	// causes; delays that Kubernetes itself prescribes remain.
	NoLatency bool
	// Latency replaces the realistic latencies if it is not nil.
	Latency *Latency
	// Provision creates a volume for every claim that no existing volume fits
	// and whose class is not "": as if each class existed, had a provisioner and
	// bound immediately. Of classes that exist the binding mode and the reclaim
	// policy hold; kubernetes.io/no-provisioner makes nothing.
	Provision bool
	// History is how many records of the watch log are kept for History,
	// PodEvents and Watch: 0 means all, a negative number none.
	History int
	// Causes has the cluster remember every event, for Event and Causes. The
	// history is the same without.
	Causes bool
	// Actors are further controllers, such as the one under test. They belong
	// to the cluster once it is made: for another cluster make others. Each can
	// look at the cluster in which it is (through its View and Env, or with the
	// methods of Cluster that read) and acts through its Env alone.
	Actors []controller.Actor
	// Metrics answers HorizontalPodAutoscalers; nil is a cluster without metrics APIs,
	// in which only their minReplicas and maxReplicas hold. It must answer the same
	// question alike. Autoscalers ask it every 15 seconds, also when all is at rest:
	// Settle does not wait for that, Run does.
	Metrics autoscaling.Metrics
	// FieldManager keeps metadata.managedFields and serves server-side apply, as
	// package fieldmanager does; nil is a cluster without either.
	FieldManager apiserver.FieldManager
	// CustomResources serves what CustomResourceDefinitions define, as package
	// customresource does; nil is a cluster that stores definitions and nothing else of
	// theirs.
	CustomResources apiserver.CustomResources
	// NoEvents drops the Events that components record.
	NoEvents bool
	// Naive has components look at everything where they otherwise keep account
	// of what has changed: StatefulSets at all their pods, the scheduler at node
	// after node, EndpointSlices at all endpoints. The history is the same, only
	// slower: this is the oracle of the fast ways.
	Naive bool
	// DetectMutation is for tests of components: the API server keeps a copy of
	// every object that it stores and panics, naming object, author, seed and
	// time, when it finds that somebody has changed one, since all share them.
	// See CheckMutations. It makes everything several times slower.
	DetectMutation bool
	// Start is when the cluster begins, in whole seconds: 1 January 2026, which zero
	// means, or later. What goes by the clock falls otherwise in another one.
	Start time.Time
	// NodeLifecycle says when a node counts as silent, and how fast its pods are
	// evicted; zero values are upstream's defaults. Known is not for users.
	NodeLifecycle nodelifecycle.Config
	// TerminatedPodGCThreshold is how many pods that have ended are left alone;
	// 0 means 12500, and a negative number that all are.
	TerminatedPodGCThreshold int
	// ClusterDomain is the DNS zone; empty means "cluster.local".
	ClusterDomain string
	// Limits bound every run.
	Limits Limits
}

// Limits bound a run. One that reaches a limit ends with a *StuckError that says
// what it was waiting for; one of which nothing new comes ends earlier.
type Limits struct {
	// Steps is the most events of one run; 0 means 50 million.
	Steps uint64
	// Time is the longest virtual time of one run; 0 means 24 hours.
	Time time.Duration
	// Records is the most records that one run may add to the history where all
	// of it is kept (Config.History 0); 0 means a million.
	Records uint64
	// Endless has runs go on to their other limits where they otherwise end with
	// an error that says who writes what against whom: when objects come back,
	// again and again, to what they were, and nothing else happens.
	Endless bool
	// Objects is the most objects that the API server may hold at the end of an
	// event, Events left out; 0 means 600,000, which is the largest cluster that
	// Kubernetes supports (5,000 nodes, 150,000 pods), each pod with a claim and a
	// volume. A Parallel StatefulSet that asks for more pods than that ends a run
	// before it has made them. Limits.Objects and Limits.Bytes hold for Run, too.
	Objects int
	// Bytes is the most that these objects may take, as the API server encodes
	// them; 0 means 2 GiB, which is what etcd holds if nothing else is said.
	Bytes int64
}

// Latency says how long things take in a cluster.
type Latency struct {
	ControlPlane controller.Latency
	Kubelet      kubelet.Latency
	// Scheduling is the length of a scheduling cycle.
	Scheduling controller.Range
	// Drivers is how long CSI drivers take to attach and to detach.
	Drivers attach.AttacherConfig
	// Apply is what passes from one object of an Apply to the next, while the
	// client reads and writes it; the zero Range applies all at one moment.
	Apply controller.Range
}

// Realistic returns the latencies of a small healthy cluster, in which a pod
// runs one or two seconds after its creation.
func Realistic() Latency {
	return Latency{
		ControlPlane: controller.Realistic(),
		Kubelet:      kubelet.Realistic(),
		Scheduling:   controller.Range{Min: 500 * time.Microsecond, Max: 3 * time.Millisecond},
		Drivers: attach.AttacherConfig{
			Publish:   controller.Range{Min: 500 * time.Millisecond, Max: 2 * time.Second},
			Unpublish: controller.Range{Min: 500 * time.Millisecond, Max: 2 * time.Second},
		},
		Apply: controller.Range{Min: 4 * time.Millisecond, Max: 12 * time.Millisecond}, // two requests
	}
}

// Node describes a machine. Only Name is needed.
type Node struct {
	Name   string
	Labels map[string]string
	Taints []corev1.Taint
	// CPU, Memory, EphemeralStorage and Pods are the capacity; empty and 0 mean
	// "4", "8Gi", "100Gi", 110. A tenth of the EphemeralStorage is not for pods.
	CPU, Memory, EphemeralStorage string
	Pods                          int64
	// HostPaths are directories on its disk, beside those of every Linux machine,
	// for hostPath volumes that want theirs to exist.
	HostPaths []string
	// VolumeLimits are how many volumes of a CSI driver the machine takes, by the
	// driver's name; it then has a CSINode that says so.
	// Deviation: without limits it has none.
	VolumeLimits map[string]int32
	// PodCIDR is where the pods' addresses come from; empty means
	// 10.244.N.0/24 for the Nth node, and what follows from the 256th on.
	PodCIDR string
	// FirstPodIP is the first address given to a pod; empty means the second
	// of the CIDR.
	FirstPodIP string
	// Address is the node's own; empty means 192.168.0.N from 11.
	Address string
}

func defaultNodes() []Node { return []Node{{Name: "node-1"}, {Name: "node-2"}, {Name: "node-3"}} }

// withDefaults fills what is empty in the Nth node, counted from 0.
func (n Node) withDefaults(index int) Node {
	or := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	or(&n.CPU, "4")
	or(&n.Memory, "8Gi")
	or(&n.EphemeralStorage, "100Gi")
	or(&n.PodCIDR, podCIDR(index+1))
	or(&n.Address, fmt.Sprintf("192.168.%d.%d", (index+11)/256, (index+11)%256))
	if n.Pods == 0 {
		n.Pods = 110
	}
	return n
}

// maxNodes is for how many nodes there are addresses.
const maxNodes = (12+132+96)*256 - 1

// podCIDR returns the Nth network of 256 addresses within 10.0.0.0/8, from
// 10.244 upwards, then from below, around the cluster IPs in 10.96.0.0/12.
func podCIDR(n int) string {
	second := 244 + n/256
	if second > 255 {
		second += 112 - 256
	}
	if second > 243 && n >= 12*256 {
		second -= 244
	}
	return fmt.Sprintf("10.%d.%d.0/24", second, n%256)
}

// Validate returns the first thing that is wrong with the Config, by field: all
// that New would panic for.
func (cfg Config) Validate() error {
	for _, check := range []func() error{cfg.validateNodes, cfg.validateWorkloads, cfg.validateLatency} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := validateActors(cfg.Actors); err != nil {
		return err
	}
	if err := apiserver.CheckPlugins(cfg.DisableAdmissionPlugins); err != nil {
		return fmt.Errorf("DisableAdmissionPlugins: %w", err)
	}
	for i, image := range cfg.MissingImages {
		if err := kubelet.CheckImage(image); err != nil {
			return fmt.Errorf("MissingImages[%d]: %w", i, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.PrivateImages)) {
		if err := kubelet.CheckRepository(name); err != nil {
			return fmt.Errorf("PrivateImages: %w", err)
		}
	}
	if cfg.Strategy.Mode > engine.Replay {
		return fmt.Errorf("Strategy.Mode: there is no mode %d", cfg.Strategy.Mode)
	}
	if msgs := validation.IsDNS1123Subdomain(cfg.domain()); len(msgs) > 0 {
		return fmt.Errorf("ClusterDomain: %q: %s", cfg.ClusterDomain, msgs[0])
	}
	if t := apiserver.VirtualTime(cfg.Start); !cfg.Start.IsZero() && (t < 0 || cfg.Start.Year() > 2150) {
		return fmt.Errorf("Start: %s is not from 2026 to 2150", cfg.Start.UTC().Format(time.DateOnly))
	}
	switch l := cfg.Limits; {
	case l.Time < 0:
		return fmt.Errorf("Limits.Time: %v is negative", l.Time)
	case l.Objects < 0:
		return fmt.Errorf("Limits.Objects: %d is negative", l.Objects)
	case l.Bytes < 0:
		return fmt.Errorf("Limits.Bytes: %d is negative", l.Bytes)
	}
	return nil
}

func (cfg Config) validateWorkloads() error {
	for _, image := range slices.Sorted(maps.Keys(cfg.Workloads)) {
		w := cfg.Workloads[image]
		if err := w.Validate(); err != nil {
			return fmt.Errorf("Workloads[%q].%w", image, err)
		}
	}
	return nil
}

func (cfg Config) validateLatency() error {
	l := cfg.latency()
	if err := l.ControlPlane.Validate(); err != nil {
		return fmt.Errorf("Latency.ControlPlane.%w", err)
	}
	if err := l.Kubelet.Validate(); err != nil {
		return fmt.Errorf("Latency.Kubelet.%w", err)
	}
	if err := l.Scheduling.Validate(); err != nil {
		return fmt.Errorf("Latency.Scheduling.%w", err)
	}
	if err := l.Drivers.Validate(); err != nil {
		return fmt.Errorf("Latency.Drivers.%w", err)
	}
	if err := l.Apply.Validate(); err != nil {
		return fmt.Errorf("Latency.Apply.%w", err)
	}
	return nil
}

func (cfg Config) validateNodes() error {
	if len(cfg.Nodes) > maxNodes {
		return fmt.Errorf("Nodes: %d are more than %d", len(cfg.Nodes), maxNodes)
	}
	seen := map[string]bool{}
	for i, n := range cfg.Nodes {
		if err := n.validate(); err != nil {
			return fmt.Errorf("Nodes[%d].%w", i, err)
		}
		if seen[n.Name] {
			return fmt.Errorf("Nodes[%d].Name: %q is the name of another node", i, n.Name)
		}
		seen[n.Name] = true
		if len(n.Labels) == 0 && len(n.Taints) == 0 {
			continue
		}
		// The server's own words for what it would not store.
		e := engine.New(engine.Strategy{})
		node := nodeObject(n.withDefaults(i), 0)
		res := apiserver.New(e, apiserver.Config{}).Do(0, "kube-apiserver", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node, Key: apiserver.KeyOf(node), Object: node})
		if res.Err != nil {
			return fmt.Errorf("Nodes[%d]: %w", i, res.Err)
		}
	}
	return nil
}

func (n Node) validate() error {
	if msgs := validation.IsDNS1123Subdomain(n.Name); len(msgs) > 0 {
		return fmt.Errorf("Name: %q: %s", n.Name, msgs[0])
	}
	for _, q := range []struct{ field, value string }{{"CPU", n.CPU}, {"Memory", n.Memory}, {"EphemeralStorage", n.EphemeralStorage}} {
		if q.value == "" {
			continue
		}
		if v, err := apiserver.ParseQuantity(q.value); err != nil || v.Sign() < 0 {
			return fmt.Errorf("%s: %q is no quantity of a resource", q.field, q.value)
		}
	}
	for i, dir := range n.HostPaths {
		if !path.IsAbs(dir) {
			return fmt.Errorf("HostPaths[%d]: %q is no absolute path", i, dir)
		}
	}
	for _, driver := range slices.Sorted(maps.Keys(n.VolumeLimits)) {
		if n.VolumeLimits[driver] < 0 {
			return fmt.Errorf("VolumeLimits[%q]: %d is negative", driver, n.VolumeLimits[driver])
		}
		if msgs := validation.IsDNS1123Subdomain(strings.ToLower(driver)); len(msgs) > 0 || len(driver) > 63 {
			return fmt.Errorf("VolumeLimits[%q]: no name of a driver", driver)
		}
	}
	if n.Pods < 0 {
		return fmt.Errorf("Pods: %d is negative", n.Pods)
	}
	cidr, err := netip.ParsePrefix(n.PodCIDR)
	switch {
	case n.PodCIDR == "":
	case err != nil:
		return fmt.Errorf("PodCIDR: %w", err)
	case !cidr.Addr().Is4():
		return fmt.Errorf("PodCIDR: %q is not IPv4", n.PodCIDR)
	}
	for _, a := range []struct{ field, value string }{{"Address", n.Address}, {"FirstPodIP", n.FirstPodIP}} {
		if a.value == "" {
			continue
		}
		if _, err := netip.ParseAddr(a.value); err != nil {
			return fmt.Errorf("%s: %w", a.field, err)
		}
	}
	if n.FirstPodIP != "" && n.PodCIDR != "" && !cidr.Contains(netip.MustParseAddr(n.FirstPodIP)) {
		return fmt.Errorf("FirstPodIP: %s is not in PodCIDR, %s", n.FirstPodIP, n.PodCIDR)
	}
	return nil
}

// server is the part that concerns the API server.
func (cfg Config) server() apiserver.Config {
	return apiserver.Config{Gates: cfg.Gates, DisableAdmissionPlugins: cfg.DisableAdmissionPlugins,
		DetectMutation: cfg.DetectMutation, Seed: cfg.strategy().Seed, FieldManager: cfg.FieldManager,
		CustomResources: cfg.CustomResources}
}

func (cfg Config) limits() Limits {
	l := cfg.Limits
	if l.Steps == 0 {
		l.Steps = 50_000_000
	}
	if l.Records == 0 {
		l.Records = 1_000_000
	}
	if l.Time == 0 {
		l.Time = 24 * time.Hour
	}
	if l.Objects == 0 {
		l.Objects = 600_000
	}
	if l.Bytes == 0 {
		l.Bytes = 2 << 30
	}
	return l
}

func (cfg Config) latency() Latency {
	switch {
	case cfg.Latency != nil:
		return *cfg.Latency
	case cfg.NoLatency:
		return Latency{}
	}
	return Realistic()
}

func (cfg Config) strategy() engine.Strategy {
	s := cfg.Strategy
	if s.Mode == engine.Seeded {
		s.Seed = cfg.Seed
	}
	return s
}

func (cfg Config) domain() string {
	if cfg.ClusterDomain == "" {
		return "cluster.local"
	}
	return cfg.ClusterDomain
}
