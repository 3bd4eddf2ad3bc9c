package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// CrashNode cuts a machine's power: its kubelet and every process on it are
// gone at once. What is on its disks and on the network stays. The API learns of
// it by the node's silence: 50 to 55 s after the last renewal of its Lease the
// node is Unknown and its pods are not ready (N1, N2).
func (c *Cluster) CrashNode(name string) error {
	return c.onKubelet("CrashNode", name, (*kubelet.Kubelet).Crash)
}

// StopKubelet ends a node's kubelet alone: its processes run on, and nobody
// starts, stops or reports any (N5). For the API the node is silent, as after
// CrashNode.
func (c *Cluster) StopKubelet(name string) error {
	return c.onKubelet("StopKubelet", name, (*kubelet.Kubelet).Stop)
}

// RestartNode brings a machine and its kubelet back after CrashNode or
// StopKubelet. The pods that are still meant to run there are started again,
// the others are ended (N6). On a node that runs it does nothing.
func (c *Cluster) RestartNode(name string) error {
	return c.onKubelet("RestartNode", name, (*kubelet.Kubelet).Restart)
}

// PartitionNode cuts a node off from the API server: its kubelet and its processes
// run on, what fails is restarted, and neither side learns of the other. For the
// API the node is silent, as after CrashNode.
func (c *Cluster) PartitionNode(name string) error {
	return c.onKubelet("PartitionNode", name, func(k *kubelet.Kubelet, env *controller.Env) {
		k.Disconnect(env)
		c.host.Cut((*c.kubelets.Read())[name], true)
	})
}

// ReconnectNode ends PartitionNode: within seconds the kubelet renews its Lease,
// says how its pods fare and ends those that are to end (N6). On a node that is
// not cut off it does nothing.
func (c *Cluster) ReconnectNode(name string) error {
	return c.onKubelet("ReconnectNode", name, c.reconnect(name))
}

func (c *Cluster) reconnect(name string) func(*kubelet.Kubelet, *controller.Env) {
	return func(k *kubelet.Kubelet, env *controller.Env) {
		c.host.Cut((*c.kubelets.Read())[name], false)
		k.Reconnect(env)
	}
}

// IsCutOff reports whether a node is cut off from the API server.
func (c *Cluster) IsCutOff(node string) bool {
	defer c.end(c.look("IsCutOff"))
	return c.isCutOff(node)
}

func (c *Cluster) isCutOff(node string) bool {
	id, ok := (*c.kubelets.Read())[node]
	return ok && c.host.Actor(id).(*kubelet.Kubelet).Cut()
}

// IsDown reports whether a node's kubelet does not run. It panics if no machine
// of that name belongs to the cluster.
func (c *Cluster) IsDown(node string) bool {
	defer c.end(c.look("IsDown"))
	if _, ok := (*c.kubelets.Read())[node]; !ok {
		panic(fmt.Sprintf("sim: IsDown: node: there is no machine %q", node))
	}
	return c.isDown(node)
}

func (c *Cluster) isDown(node string) bool {
	id, ok := (*c.kubelets.Read())[node]
	return ok && c.host.Actor(id).(*kubelet.Kubelet).Down()
}

func (c *Cluster) onKubelet(call, node string, do func(*kubelet.Kubelet, *controller.Env)) error {
	c.drive(call)
	defer c.done()
	return c.atKubelet(node, do)
}

func (c *Cluster) atKubelet(node string, do func(*kubelet.Kubelet, *controller.Env)) error {
	id, ok := (*c.kubelets.Read())[node]
	if !ok {
		return apierrors.NewNotFound(apiserver.Node.GroupResource(), node)
	}
	k := c.host.Change(id).(*kubelet.Kubelet)
	last, renewed := k.LastLease(c.host.Env(id))
	do(k, c.host.Env(id))
	if renewed && (k.Down() || k.Cut()) { // what was computed until now is missed from now on
		c.host.Do(k.Name(), last)
	}
	c.collect()
	return nil
}

// RestartController ends the process of one of the control plane's components,
// "statefulset-controller", and starts another in its place, which remembers nothing
// and lists everything anew. The requests that were under way arrive, and nobody hears
// the answers. Kubelets have RestartNode; a Config's own Actors cannot be restarted.
func (c *Cluster) RestartController(name string) error {
	c.drive("RestartController")
	defer c.done()
	ids, err := c.component(name)
	if err != nil {
		return err
	}
	for _, list := range [][]controller.Actor{c.controllers(), c.lateControllers(nil)} {
		for _, a := range list {
			if a.Name() == name && c.host.Actor(ids[0]).Name() == name {
				c.host.Restart(ids[0], a)
				c.collect()
				return nil
			}
		}
	}
	return fmt.Errorf("component %q is no controller that can be restarted", name)
}

// Cordon marks a node unschedulable, or schedulable again, as `kubectl cordon`
// and `uncordon` do. Pods that are there stay.
func (c *Cluster) Cordon(name string, unschedulable bool) error {
	c.drive("Cordon")
	defer c.done()
	return c.cordon(name, unschedulable)
}

func (c *Cluster) cordon(name string, unschedulable bool) error {
	obj, err := c.read(apiserver.Node, "", name)
	if err != nil {
		return err
	}
	obj.(*corev1.Node).Spec.Unschedulable = unschedulable
	_, err = c.update(obj, apiserver.None)
	return err
}

// Components lists the names of everything that watches the API, sorted. Of the
// kubelets each node's has its own, "kubelet/node-1"; "kubelet" means all.
func (c *Cluster) Components() []string {
	defer c.end(c.look("Components"))
	return c.host.Components()
}

// Hold makes a component's view of a kind late: for a span from now it sees no
// change of these objects, and decides by what it knew. Requests of its own are
// answered as usual. A second Hold replaces the first, whether its end comes
// later or earlier: 0 ends a Hold.
func (c *Cluster) Hold(component string, kind apiserver.Kind, d time.Duration) error {
	c.drive("Hold")
	defer c.done()
	if !kind.Exists() {
		return fmt.Errorf("cannot hold the view of %q: the server has no kind %d", component, uint8(kind))
	}
	ids, err := c.component(component)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id controller.ActorID) bool { return !c.host.HasWatch(id, kind) })
	if len(ids) == 0 {
		return fmt.Errorf("component %q does not watch %s", component, kind)
	}
	if d < 0 {
		return fmt.Errorf("cannot hold the view of %q for %v", component, d)
	}
	for _, id := range ids {
		c.host.Hold(id, kind, c.after(d))
	}
	return nil
}

// FailRequests has the next n requests fail that a component sends with a verb
// for a kind (0 means any kind); the server does not see them. The error is
// what the component gets: one of k8s.io/apimachinery/pkg/api/errors, or any
// other for a connection that breaks.
func (c *Cluster) FailRequests(component string, verb apiserver.Verb, kind apiserver.Kind, n int, err error) error {
	c.drive("FailRequests")
	defer c.done()
	return c.fail(component, verb, kind, n, err, false)
}

func (c *Cluster) fail(component string, verb apiserver.Verb, kind apiserver.Kind, n int, err error, lost bool) error {
	ids, unknown := c.component(component)
	switch {
	case unknown != nil:
		return unknown
	case c.host.Actor(ids[0]).Name() != component:
		return fmt.Errorf("requests of %q fail on every node: name the component alone", component)
	case !verb.Exists():
		return fmt.Errorf("cannot fail requests of %q: there is no verb %d", component, uint8(verb))
	case kind != 0 && !kind.Exists():
		return fmt.Errorf("cannot fail requests of %q: the server has no kind %d", component, uint8(kind))
	case n <= 0:
		return fmt.Errorf("cannot fail %d requests of %q", n, component)
	case err == nil:
		return fmt.Errorf("requests of %q cannot fail without an error", component)
	}
	c.host.Fail(controller.Fault{By: c.host.Actor(ids[0]).Name(), Verb: verb, Kind: kind, Err: err, Lost: lost, Count: n})
	return nil
}

// LoseAnswers has the answers to the next n requests be lost that a component sends
// with a verb for a kind (0 means any kind): the server carries them out, and the
// component is told that the connection broke.
func (c *Cluster) LoseAnswers(component string, verb apiserver.Verb, kind apiserver.Kind, n int) error {
	c.drive("LoseAnswers")
	defer c.done()
	return c.fail(component, verb, kind, n, errLost, true)
}

// errLost is what client-go makes of a connection that ends before the answer.
var errLost = errors.New("http2: client connection lost")

// Heal ends all faults: nodes that are down or cut off return, cordoned ones become
// schedulable, views catch up, and no request fails any more.
func (c *Cluster) Heal() error {
	c.drive("Heal")
	defer c.done()
	for _, name := range slices.Sorted(maps.Keys(*c.kubelets.Read())) {
		if c.isCutOff(name) {
			if err := c.atKubelet(name, c.reconnect(name)); err != nil {
				return err
			}
		}
	}
	c.host.Relent()
	for _, node := range c.host.Server().List(apiserver.Node, "") {
		if node.(*corev1.Node).Spec.Unschedulable {
			if err := c.cordon(node.GetName(), false); err != nil {
				return err
			}
		}
		if c.isDown(node.GetName()) {
			if err := c.atKubelet(node.GetName(), (*kubelet.Kubelet).Restart); err != nil {
				return err
			}
		}
	}
	return nil
}

// Seen returns the resourceVersion up to which a component has seen a kind: what
// it cannot know lies beyond. Of several components of one name it is the
// least. It is 0 if none of that name watches the kind. It panics if there is no
// such kind.
func (c *Cluster) Seen(component string, kind apiserver.Kind) uint64 {
	defer c.end(c.look("Seen"))
	if !kind.Exists() {
		panic(fmt.Sprintf("sim: Seen: kind: the server has no kind %d", uint8(kind)))
	}
	var least uint64
	found := false
	for _, id := range c.host.Named(component) {
		if !c.host.HasWatch(id, kind) {
			continue
		}
		if seen := c.host.HasSeen(id, kind); !found || seen < least {
			least, found = seen, true
		}
	}
	return least
}

func (c *Cluster) component(name string) ([]controller.ActorID, error) {
	ids := c.host.Named(name)
	if len(ids) == 0 {
		return nil, fmt.Errorf("no component %q; there are %s", name, strings.Join(c.host.Components(), ", "))
	}
	return ids, nil
}
