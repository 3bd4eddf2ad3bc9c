package sim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/rootca"
	"github.com/statefulsim/statefulsim/sim/serviceaccount"
)

// Snapshot is the state of a cluster at a moment: every object of every kind, as
// `kubectl get --all-namespaces -o yaml` shows them, with UIDs, versions and
// statuses.
type Snapshot struct {
	Objects []Object
	// Time is when it was taken; zero means the latest time that one of the objects
	// names. It must not be before 2026, when the virtual clock begins.
	Time time.Time
}

// Discontinued is what cannot go on in a simulated cluster as it would have in
// the one from which a snapshot was taken, and why.
type Discontinued struct {
	Kind   apiserver.Kind
	Key    apiserver.Key
	Reason string
}

func (d Discontinued) String() string { return fmt.Sprintf("%s %s %s", d.Kind, d.Key, d.Reason) }

// Resume returns a cluster that goes on from a snapshot of another: objects keep
// their UIDs, versions, ages and revisions, pods that run have processes, and the
// clock shows the time of the snapshot. Nothing has happened since then, and the
// history is empty. The objects belong to the cluster from now on.
//
// Machines are those of the snapshot's Nodes, so that Config.Nodes must be nil. A
// node that is not Ready has a kubelet that is silent, and its processes run on.
//
// The list names what cannot be continued, by kind and key; Cluster.Unmodelled
// says what is stored and not acted on. The error names the object that makes the
// snapshot none, or the field of the Config. What is not in a snapshot is taken to
// be as in a new cluster: what files hold, which images nodes have beside those
// of their containers and of status.images, what controllers and kubelets
// remember. Deviation: managedFields are dropped.
func Resume(cfg Config, snapshot Snapshot) (*Cluster, []Discontinued, error) {
	if cfg.Nodes != nil {
		return nil, nil, errors.New("Config.Nodes: a snapshot has its own nodes")
	}
	cfg.Nodes = []Node{}
	if err := cfg.Validate(); err != nil {
		return nil, nil, fmt.Errorf("Config.%w", err)
	}
	if err := checkSnapshot(&snapshot); err != nil {
		return nil, nil, err
	}
	c := newCluster(cfg)
	e := c.host.Engine()
	e.AdvanceTo(apiserver.VirtualTime(snapshot.Time))
	if err := c.host.Restore("kube-apiserver", snapshot.Objects); err != nil {
		return nil, nil, fmt.Errorf("snapshot: %w", err)
	}
	c.complete()
	c.collect()
	c.history = history{limit: cfg.History} // what was there before is none
	l := c.start()
	lost := c.adopt(l.Kubelet)
	c.watchNodes(c.readyNodes())
	c.collect()
	return c, lost, nil
}

// checkSnapshot finds what a server would not store as the state of a cluster,
// and the time of the snapshot.
func checkSnapshot(s *Snapshot) error {
	nodes := 0
	latest := time.Time{}
	for i, obj := range s.Objects {
		if obj == nil || reflect.ValueOf(obj).IsNil() {
			return fmt.Errorf("snapshot: Objects[%d] is nil", i)
		}
		kind := apiserver.KindOf(obj)
		if !kind.Exists() {
			return fmt.Errorf("snapshot: Objects[%d]: the server has no kind for %T", i, obj)
		}
		if _, ok := obj.(*corev1.Node); ok {
			nodes++
		}
		latest = latestTime(reflect.ValueOf(obj), latest)
	}
	if nodes == 0 {
		return errors.New("snapshot: there is no Node in it: add the output of `kubectl get nodes -o yaml`")
	}
	if s.Time.IsZero() {
		s.Time = latest
	}
	if s.Time.IsZero() {
		return errors.New("snapshot: no object in it says when it was created, so it is not the state of a cluster")
	}
	if apiserver.VirtualTime(s.Time) < 0 {
		return fmt.Errorf("snapshot: it was taken at %s: the virtual clock begins at %s",
			s.Time.UTC().Format(time.RFC3339), apiserver.WallTime(0).Format(time.RFC3339))
	}
	return nil
}

// latestTime returns the latest time that stands in an object, but for those at
// which something will be over: the deletion of what is being deleted.
func latestTime(v reflect.Value, latest time.Time) time.Time {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return latestTime(v.Elem(), latest)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return latest
		}
		for i := range v.Len() {
			latest = latestTime(v.Index(i), latest)
		}
	case reflect.Struct:
		var at time.Time
		switch t := v.Interface().(type) {
		case metav1.Time:
			at = t.Time
		case metav1.MicroTime:
			at = t.Time
		default:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && f.Name != "DeletionTimestamp" {
					latest = latestTime(v.Field(i), latest)
				}
			}
			return latest
		}
		if at.After(latest) {
			return at
		}
	}
	return latest
}

// complete adds what every cluster has, where the snapshot does not show it.
func (c *Cluster) complete() {
	namespaces := map[string]bool{}
	for _, kind := range apiserver.Kinds() {
		if kind.Namespaced() {
			for _, obj := range c.host.Server().List(kind, "") {
				namespaces[obj.GetNamespace()] = true
			}
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		if c.host.Server().Get(apiserver.Namespace, apiserver.Key{Name: ns}) == nil {
			c.install(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
			c.install(serviceaccount.Account(ns))
			c.install(rootca.ConfigMap(ns))
		}
	}
	c.bootstrap()
	c.leases()
}

// adopt starts the kubelets, which go on with their pods.
func (c *Cluster) adopt(l kubelet.Latency) (lost []Discontinued) {
	server := c.host.Server()
	byNode := map[string][]*corev1.Pod{}
	for _, obj := range server.List(apiserver.Pod, "") {
		if pod := obj.(*corev1.Pod); pod.Spec.NodeName != "" {
			byNode[pod.Spec.NodeName] = append(byNode[pod.Spec.NodeName], pod)
		}
	}
	for _, obj := range server.List(apiserver.Node, "") {
		node := obj.(*corev1.Node)
		id := c.addKubelet(Node{Name: node.Name, Address: internalIP(node), PodCIDR: ipv4(node.Spec.PodCIDR)}, registered(node), l)
		for i := range node.Status.Images {
			for _, name := range node.Status.Images[i].Names {
				if kubelet.CheckImage(name) == nil {
					c.world().AddImage(node.Name, name)
				}
			}
		}
		pods := byNode[node.Name]
		slices.SortStableFunc(pods, func(a, b *corev1.Pod) int {
			return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(string(a.UID), string(b.UID)))
		})
		k, env := c.host.Change(id).(*kubelet.Kubelet), c.host.Env(id)
		k.Adopt(env, pods, server.Get)
		delete(byNode, node.Name)
		if ready := nodeReady(node); ready != corev1.ConditionTrue {
			k.Stop(env)
			lost = append(lost, Discontinued{apiserver.Node, apiserver.KeyOf(node),
				"is not Ready: its kubelet is taken to be silent, and its processes to run on"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byNode)) {
		for _, pod := range byNode[name] {
			lost = append(lost, Discontinued{apiserver.Pod, apiserver.KeyOf(pod),
				fmt.Sprintf("is on node %s, which is not in the snapshot: nothing runs it", name)})
		}
	}
	return lost
}

// registered returns a Node as its kubelet would register it again.
func registered(node *corev1.Node) *corev1.Node {
	next := node.DeepCopy()
	next.CreationTimestamp = metav1.Time{}
	next.Spec.Unschedulable = false
	next.Spec.Taints = slices.DeleteFunc(next.Spec.Taints, func(t corev1.Taint) bool { return strings.HasPrefix(t.Key, "node.kubernetes.io/") })
	return next
}

func (c *Cluster) readyNodes() (names []string) {
	for _, obj := range c.host.Server().List(apiserver.Node, "") {
		if nodeReady(obj.(*corev1.Node)) == corev1.ConditionTrue {
			names = append(names, obj.GetName())
		}
	}
	return names
}

func nodeReady(node *corev1.Node) corev1.ConditionStatus {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == corev1.NodeReady {
			return node.Status.Conditions[i].Status
		}
	}
	return corev1.ConditionUnknown
}

func internalIP(node *corev1.Node) string {
	for i := range node.Status.Addresses {
		if a := &node.Status.Addresses[i]; a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// ipv4 returns a range of addresses that a kubelet can use, or "".
func ipv4(cidr string) string {
	if p, err := netip.ParsePrefix(cidr); err != nil || !p.Addr().Is4() || p.Bits() > 29 {
		return ""
	}
	return cidr
}
