package sim

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// renew has the copy of a node's Lease show the renewals up to now, which are
// computed and not written while nobody misses them.
//
// Deviation: a watch of Leases does not show them, and the resourceVersion is that
// of the last one that was written.
func (c *Cluster) renew(obj Object) {
	lease, ok := obj.(*coordinationv1.Lease)
	if !ok || lease.Namespace != corev1.NamespaceNodeLease || lease.Spec.RenewTime == nil {
		return
	}
	world := c.host.ReadWorld().(*kubelet.World)
	if last, _, goesOn := world.LastRenewal(lease.Name, c.host.Engine().Now()); goesOn {
		lease.Spec.RenewTime.Time = apiserver.WallTime(last).Truncate(time.Microsecond)
	}
}
