package sim

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/why"
)

// Why says in plain sentences why an object is not what it is meant to be, or
// why it does not exist, following the chain to its root, and what would end it.
// The zero Reason means that it waits for nothing. It looks at many objects, and
// changes none.
func (c *Cluster) Why(kind apiserver.Kind, namespace, name string) why.Reason {
	defer c.end(c.look("Why"))
	return why.Why(lookout{c}, kind, keyFor(kind, namespace, name))
}

// lookout is what an explanation sees of a cluster.
type lookout struct{ *Cluster }

func (l lookout) Get(kind apiserver.Kind, key apiserver.Key) apiserver.Object {
	return l.host.Server().Get(kind, key)
}

// IsDown is false for a node that is no machine of the cluster.
func (l lookout) IsDown(node string) bool { return l.isDown(node) }

func (l lookout) List(kind apiserver.Kind, namespace string) []apiserver.Object {
	return l.host.Server().List(kind, namespace)
}
