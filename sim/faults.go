package sim

import (
	"fmt"
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
// gone at once. What is on its disks and on the network stays.
//
// Deviation: there is no node lifecycle controller yet (N1–N4). The API goes on
// showing the node Ready and its pods Running until the node returns or
// somebody deletes them; the Scheduler still sends pods there.
func (c *Cluster) CrashNode(name string) error {
	return c.onKubelet(name, (*kubelet.Kubelet).Crash)
}

// StopKubelet ends a node's kubelet alone: its processes run on, and nobody
// starts, stops or reports any (N5). It says nothing to the API either.
func (c *Cluster) StopKubelet(name string) error {
	return c.onKubelet(name, (*kubelet.Kubelet).Stop)
}

// RestartNode brings a machine and its kubelet back after CrashNode or
// StopKubelet. The pods that are still meant to run there are started again,
// the others are ended (N6). On a node that runs it does nothing.
func (c *Cluster) RestartNode(name string) error {
	return c.onKubelet(name, (*kubelet.Kubelet).Restart)
}

// IsDown reports whether a node's kubelet does not run.
func (c *Cluster) IsDown(node string) bool {
	id, ok := (*c.kubelets.Read())[node]
	return ok && c.host.Actor(id).(*kubelet.Kubelet).Down()
}

func (c *Cluster) onKubelet(node string, do func(*kubelet.Kubelet, *controller.Env)) error {
	id, ok := (*c.kubelets.Read())[node]
	if !ok {
		return apierrors.NewNotFound(apiserver.Node.GroupResource(), node)
	}
	do(c.host.Change(id).(*kubelet.Kubelet), c.host.Env(id))
	c.collect()
	return nil
}

// Cordon marks a node unschedulable, or schedulable again, as `kubectl cordon`
// and `uncordon` do. Pods that are there stay.
func (c *Cluster) Cordon(name string, unschedulable bool) error {
	node, err := Get[*corev1.Node](c, "", name)
	if err != nil {
		return err
	}
	node.Spec.Unschedulable = unschedulable
	_, err = c.Update(node)
	return err
}

// Components lists the names of everything that watches the API, sorted. Of the
// kubelets each node's has its own, "kubelet/node-1"; "kubelet" means all.
func (c *Cluster) Components() []string { return c.host.Components() }

// Hold makes a component's view of a kind late: for a span from now it sees no
// change of these objects, and decides by what it knew. Requests of its own are
// answered as usual. A second Hold replaces the first.
func (c *Cluster) Hold(component string, kind apiserver.Kind, d time.Duration) error {
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
		c.host.Hold(id, kind, c.host.Engine().Now().Add(d))
	}
	return nil
}

// FailRequests has the next n requests fail that a component sends with a verb
// for a kind (0 means any kind); the server does not see them. The error is
// what the component gets: one of k8s.io/apimachinery/pkg/api/errors, or any
// other for a connection that breaks.
func (c *Cluster) FailRequests(component string, verb apiserver.Verb, kind apiserver.Kind, n int, err error) error {
	ids, unknown := c.component(component)
	switch {
	case unknown != nil:
		return unknown
	case c.host.Actor(ids[0]).Name() != component:
		return fmt.Errorf("requests of %q fail on every node: name the component alone", component)
	case n <= 0:
		return fmt.Errorf("cannot fail %d requests of %q", n, component)
	case err == nil:
		return fmt.Errorf("requests of %q cannot fail without an error", component)
	}
	c.host.Fail(controller.Fault{By: c.host.Actor(ids[0]).Name(), Verb: verb, Kind: kind, Err: err, Count: n})
	return nil
}

// Heal ends all faults: nodes that are down return, cordoned ones become
// schedulable, views catch up, and no request fails any more.
func (c *Cluster) Heal() error {
	c.host.Relent()
	nodes, err := List[*corev1.Node](c, "", "")
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Spec.Unschedulable {
			if err := c.Cordon(node.Name, false); err != nil {
				return err
			}
		}
		if c.IsDown(node.Name) {
			if err := c.RestartNode(node.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Seen returns the resourceVersion up to which a component has seen a kind: what
// it cannot know lies beyond. Of several components of one name it is the
// least. It is 0 if none of that name watches the kind.
func (c *Cluster) Seen(component string, kind apiserver.Kind) uint64 {
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
		return nil, fmt.Errorf("no component %q; there are %s", name, strings.Join(c.Components(), ", "))
	}
	return ids, nil
}
