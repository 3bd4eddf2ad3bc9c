package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// lister is what decisions read of a controller.View.
type lister interface {
	Now() engine.Time
	Version(apiserver.Kind) uint64
	Choose(c engine.Concern, key string, n int) int
	Pod(apiserver.Key) *corev1.Pod
	Claim(apiserver.Key) *corev1.PersistentVolumeClaim
	StatefulSet(apiserver.Key) *appsv1.StatefulSet
}

// templateOrder returns the indices of the set's claim templates in the order
// in which upstream's walk over a map comes upon them: any order is legal.
func templateOrder(l lister, c engine.Concern, set *appsv1.StatefulSet, o int) []int {
	order := make([]int, len(set.Spec.VolumeClaimTemplates))
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		j := l.Choose(c, podKey(set, o).String(), i+1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
