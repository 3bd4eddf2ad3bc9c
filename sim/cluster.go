package sim

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/cronjob"
	"github.com/statefulsim/statefulsim/sim/daemonset"
	"github.com/statefulsim/statefulsim/sim/deployment"
	"github.com/statefulsim/statefulsim/sim/disruption"
	"github.com/statefulsim/statefulsim/sim/endpointslice"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/ephemeralvolume"
	"github.com/statefulsim/statefulsim/sim/garbagecollector"
	"github.com/statefulsim/statefulsim/sim/job"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/namespace"
	"github.com/statefulsim/statefulsim/sim/nodelifecycle"
	"github.com/statefulsim/statefulsim/sim/podgc"
	"github.com/statefulsim/statefulsim/sim/replicaset"
	"github.com/statefulsim/statefulsim/sim/resourcequota"
	"github.com/statefulsim/statefulsim/sim/rootca"
	"github.com/statefulsim/statefulsim/sim/serviceaccount"
	"github.com/statefulsim/statefulsim/sim/state"
	"github.com/statefulsim/statefulsim/sim/tainteviction"
	"github.com/statefulsim/statefulsim/statefulset"
	"github.com/statefulsim/statefulsim/volume"
	"github.com/statefulsim/statefulsim/volume/attach"
)

// KubernetesVersion is the version whose decisions the cluster reproduces.
const KubernetesVersion = "v1.37.2"

// Cluster is a simulated cluster. Use New.
type Cluster struct {
	cfg      Config `state:"immutable"`
	host     *controller.Host
	dns      controller.ActorID
	kubelets state.Box[map[string]controller.ActorID]
	history  history
	latest   []*apiserver.Record `state:"scratch"` // of the last step or request
	watchers []*watcher          `state:"scratch"`
	guard    guard               `state:"scratch"`
	progress progress            `state:"scratch"` // of the run, if one is under way
	crowds   crowds
}

// New returns a running cluster with its nodes, the namespaces of a new
// cluster and the Service "kubernetes", at rest, shortly after Config.Start. It
// panics if the Config is not valid; Config.Validate says so beforehand. From
// now on the Config's Actors belong to this cluster alone.
func New(cfg Config) *Cluster {
	if cfg.Nodes == nil {
		cfg.Nodes = defaultNodes()
	}
	if err := cfg.Validate(); err != nil {
		panic("sim: Config." + err.Error())
	}
	c := newCluster(cfg)
	c.bootstrap()
	l := c.start()
	for i, n := range cfg.Nodes {
		c.addNode(i, n.withDefaults(i), l.Kubelet)
	}
	c.cfg.Limits = Limits{} // the user's are for what comes after
	c.rest()
	// The nodes have been watched for long: who watches them has seen all there is.
	took := c.host.SetLatency(controller.Latency{})
	names := make([]string, len(cfg.Nodes))
	for i, n := range cfg.Nodes {
		names[i] = n.Name
	}
	c.leases()
	c.watchNodes(names)
	c.rest()
	c.host.SetLatency(took)
	c.cfg.Limits = cfg.Limits
	return c
}

// rest has a new cluster come to rest.
func (c *Cluster) rest() {
	if _, err := c.Settle(); err != nil {
		panic(fmt.Sprintf("sim: a new cluster does not come to rest: %v", err))
	}
}

// leases gives the nodes the Leases that they have renewed by now.
func (c *Cluster) leases() {
	for _, obj := range c.host.Server().List(apiserver.Node, "") {
		c.install(kubelet.NewLease(obj.(*corev1.Node), c.host.Engine().Now()))
	}
}

// watchNodes adds the components that act on bad nodes, which have known some nodes
// for long, and healthy, and what came to the project after them: a cluster that has
// nothing for these to do has the history that it had without.
func (c *Cluster) watchNodes(known []string) {
	for _, a := range c.lateControllers(known) {
		c.host.Add(a)
	}
}

// lateControllers returns new instances of what watchNodes adds.
func (c *Cluster) lateControllers(known []string) []controller.Actor {
	lifecycle := c.cfg.NodeLifecycle
	lifecycle.Known = known
	return []controller.Actor{
		nodelifecycle.New(lifecycle),
		tainteviction.New(),
		podgc.New(c.cfg.TerminatedPodGCThreshold),
		autoscaling.New(c.cfg.Metrics),
		daemonset.New(),
		attach.New(),
		attach.NewAttacher(c.cfg.latency().Drivers),
	}
}

// newCluster returns a cluster in which there is nothing yet but an API server
// and the world.
func newCluster(cfg Config) *Cluster {
	l := cfg.latency()
	e := engine.New(cfg.strategy())
	if !cfg.Start.IsZero() {
		e.AdvanceTo(apiserver.VirtualTime(cfg.Start.Truncate(time.Second)))
	}
	if cfg.Causes {
		e.KeepEvents()
	}
	world := kubelet.NewWorld(kubelet.WorldConfig{Workloads: cfg.Workloads, Private: cfg.PrivateImages, NFS: cfg.NFS})
	for _, image := range cfg.MissingImages {
		world.SetImageMissing(image, true)
	}
	c := &Cluster{
		cfg:      cfg,
		host:     controller.NewHost(e, apiserver.New(e, cfg.server()), l.ControlPlane, world),
		kubelets: state.NewBox(e.Owner(), map[string]controller.ActorID{}),
		history:  history{limit: cfg.History},
	}
	c.host.MuteEvents(cfg.NoEvents)
	return c
}

// start adds the components of the control plane.
func (c *Cluster) start() Latency {
	cfg, l := c.cfg, c.cfg.latency()
	for _, a := range c.controllers() {
		c.host.Add(a)
	}
	c.dns = c.host.Add(dns.New(dns.Config{Zone: cfg.domain()}))
	for _, a := range cfg.Actors {
		claimActor(a)
		c.host.Add(a)
	}
	return l
}

// controllers returns new instances of the components of the control plane.
func (c *Cluster) controllers() []controller.Actor {
	cfg, l := c.cfg, c.cfg.latency()
	sets, endpoints := statefulset.New(cfg.Gates), endpointslice.New()
	if cfg.Naive {
		sets.WalkAll()
		endpoints.WalkAll()
	}
	list := []controller.Actor{
		sets,
		volume.NewBinder(volume.Config{Provision: cfg.Provision}),
		volume.NewClaimProtection(),
		volume.NewVolumeProtection(),
		garbagecollector.New(cfg.collected()),
		namespace.New(cfg.CustomResources != nil),
		endpoints,
		scheduler.New(scheduler.Config{Cycle: l.Scheduling, NodeByNode: cfg.Naive}),
		disruption.New(),
		serviceaccount.New(),
		rootca.New(),
		ephemeralvolume.New(),
		resourcequota.New(),
		volume.NewExpander(),
		replicaset.New(),
		deployment.New(),
		job.New(),
		job.NewTTL(),
		cronjob.New(),
	}
	if cfg.Provision {
		list = append(list, volume.NewResizer())
	}
	return list
}

// collected are the kinds that the garbage collector watches: of a cluster with custom
// resources, those too, and what defines them.
func (cfg Config) collected() []apiserver.Kind {
	if cfg.CustomResources == nil {
		return nil
	}
	return append(apiserver.Kinds(), apiserver.CustomResource, definitionKind)
}

// bootstrap creates what a new cluster has before anyone uses it.
func (c *Cluster) bootstrap() {
	for _, name := range []string{"default", "kube-node-lease", "kube-public", "kube-system"} {
		c.install(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		c.install(serviceaccount.Account(name))
		c.install(rootca.ConfigMap(name))
	}
	for _, class := range []struct {
		name  string
		value int32
	}{{"system-cluster-critical", 2_000_000_000}, {"system-node-critical", 2_000_001_000}} {
		c.install(&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: class.name}, Value: class.value})
	}
	c.install(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: DefaultNamespace, Name: "kubernetes",
			Labels: map[string]string{"component": "apiserver", "provider": "kubernetes"}},
		Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.1", Ports: []corev1.ServicePort{
			{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(6443)}}},
	})
	c.install(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns",
			Labels: map[string]string{"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}},
		Spec: corev1.ServiceSpec{ClusterIP: DNSAddress, Ports: []corev1.ServicePort{
			{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53}, {Name: "dns-tcp", Protocol: corev1.ProtocolTCP, Port: 53}}},
	})
}

// DNSAddress is the cluster IP of the DNS server.
const DNSAddress = "10.96.0.10"

// install creates an object of the cluster's own, unless there is one: this
// cannot fail.
func (c *Cluster) install(obj Object) {
	if c.host.Server().Get(apiserver.KindOf(obj), apiserver.KeyOf(obj)) == nil {
		c.establish(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
	}
}

func (c *Cluster) establish(req apiserver.Request) {
	if res := c.host.Do("kube-apiserver", req); res.Err != nil {
		panic(fmt.Sprintf("sim: cannot install %s %s: %v", req.Kind, req.Key, res.Err))
	}
	c.collect()
}

// addNode registers a machine and starts its kubelet.
func (c *Cluster) addNode(index int, n Node, l kubelet.Latency) {
	object := nodeObject(n, c.host.Engine().Now())
	c.establish(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node, Key: apiserver.Key{Name: n.Name}, Object: object, Unadmitted: true, Manager: "kubelet"})
	if len(n.VolumeLimits) > 0 {
		c.install(csiNodeOf(n))
	}
	c.addKubelet(n, object, l)
}

// addKubelet starts a kubelet, which registers such a Node if it has to.
func (c *Cluster) addKubelet(n Node, registers *corev1.Node, l kubelet.Latency) controller.ActorID {
	id := c.host.Add(kubelet.New(kubelet.Config{
		Node: n.Name, HostIP: n.Address, PodCIDR: n.PodCIDR, FirstIP: n.FirstPodIP,
		ClusterDomain: c.cfg.domain(), ClusterDNS: DNSAddress, Latency: l, HostPaths: n.HostPaths, Registers: registers,
	}))
	(*c.kubelets.Write())[n.Name] = id
	return id
}

// collect moves what was just written to the history and to those who follow.
func (c *Cluster) collect() {
	c.latest = c.host.Drain()
	c.history.add(c.latest)
	c.announceResizes()
	c.crowds.see(c.latest, c.cfg.limits().Objects)
	if len(c.watchers) == 0 {
		return
	}
	for _, w := range c.watchers { // as they were: a callback may add and stop some
		c.guard.inside = w.name
		if w.step != nil {
			w.tell(nil)
			continue
		}
		for _, rec := range c.latest {
			w.tell(rec)
		}
	}
	c.guard.inside = ""
}

// watcher is somebody outside who is told of every record, or of every event.
type watcher struct {
	name    string // of the method that it was given to
	see     func(*apiserver.Record)
	step    func()
	stopped bool
}

// tell calls the watcher, unless it was stopped by one that came before it.
func (w *watcher) tell(rec *apiserver.Record) {
	switch {
	case w.stopped:
	case w.step != nil:
		w.step()
	default:
		w.see(rec)
	}
}

// OnRecord has see called with every record of the watch log from now on, when
// the event or the request that wrote it is over, in the order in which
// watchers came, until stop is called. Records are shared and must not be
// changed. In a callback the cluster can be read, forked, and given other
// callbacks, which begin with the next event; a call that changes it or moves
// its clock panics. It panics if see is nil.
func (c *Cluster) OnRecord(see func(*apiserver.Record)) (stop func()) {
	if see == nil {
		panic("sim: OnRecord: see is nil")
	}
	return c.follow(&watcher{name: "OnRecord", see: see})
}

// OnStep has look called after every event and every request from outside,
// until stop is called. What OnRecord says of callbacks holds here, too. It
// panics if look is nil.
func (c *Cluster) OnStep(look func()) (stop func()) {
	if look == nil {
		panic("sim: OnStep: look is nil")
	}
	return c.follow(&watcher{name: "OnStep", step: look})
}

func (c *Cluster) follow(w *watcher) (stop func()) {
	defer c.end(c.look(w.name))
	c.watchers = append(slices.Clip(c.watchers), w)
	return func() {
		w.stopped = true
		c.watchers = slices.DeleteFunc(slices.Clone(c.watchers), func(o *watcher) bool { return o == w })
	}
}

// CheckMutations panics if anybody has changed an object that the API server
// stores, with Config.DetectMutation; without, it does nothing.
func (c *Cluster) CheckMutations() {
	defer c.end(c.look("CheckMutations"))
	c.host.Server().CheckMutations()
}

// world returns what exists outside the API.
func (c *Cluster) world() *kubelet.World { return c.host.World().(*kubelet.World) }

// readWorld is world for reading alone.
func (c *Cluster) readWorld() *kubelet.World { return c.host.ReadWorld().(*kubelet.World) }
