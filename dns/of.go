package dns

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Of returns the index of a cluster that holds these Services, EndpointSlices and
// Namespaces: it answers as the cluster's name server would, and no cluster is needed. An
// object of another kind is an error.
func Of(cfg Config, objects ...apiserver.Object) (*Index, error) {
	x := NewIndex(cfg)
	for _, obj := range objects {
		switch obj.(type) {
		case *corev1.Service, *discoveryv1.EndpointSlice, *corev1.Namespace:
			x.Apply(&apiserver.Record{Type: watch.Added, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
		default:
			return nil, fmt.Errorf("dns: Of: a %T has no names", obj)
		}
	}
	return x, nil
}
