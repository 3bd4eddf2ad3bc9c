package sim

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/volume/resize"
)

// announceResizes tells the kubelets of claims whose volumes have just been
// enlarged. A kubelet looks at each of its pods every 60 to 90 s; here those looks
// alone take place that find something, which somebody has to tell it (V16).
func (c *Cluster) announceResizes() {
	for _, rec := range c.latest {
		if rec.Kind != apiserver.PersistentVolumeClaim {
			continue
		}
		claim := rec.Object.(*corev1.PersistentVolumeClaim)
		old, _ := rec.Old.(*corev1.PersistentVolumeClaim)
		if resize.Status(claim) != corev1.PersistentVolumeClaimNodeResizePending || old != nil && resize.Status(old) == resize.Status(claim) {
			continue
		}
		kubelets := *c.kubelets.Read()
		for _, name := range slices.Sorted(maps.Keys(kubelets)) {
			id := kubelets[name]
			c.host.Change(id).(*kubelet.Kubelet).Resized(c.host.Env(id), rec.Key)
		}
	}
}
