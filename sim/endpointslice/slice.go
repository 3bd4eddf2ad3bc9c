package endpointslice

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// ManagedBy is the value of the label endpointslice.kubernetes.io/managed-by on
// the slices of this controller.
const ManagedBy = "endpointslice-controller.k8s.io"

// isManaged reports whether a slice is this controller's.
func isManaged(s *discoveryv1.EndpointSlice) bool {
	return s.Labels[discoveryv1.LabelManagedBy] == ManagedBy
}

// isOwnedBy reports whether a slice belongs to this incarnation of a Service.
func isOwnedBy(s *discoveryv1.EndpointSlice, uid types.UID) bool {
	return slices.ContainsFunc(s.OwnerReferences, func(o metav1.OwnerReference) bool {
		return o.UID == uid && o.Kind == "Service" && o.APIVersion == "v1"
	})
}

// serviceOf returns the key of the Service that a slice's label names.
func serviceOf(s *discoveryv1.EndpointSlice) (apiserver.Key, bool) {
	name := s.Labels[discoveryv1.LabelServiceName]
	return apiserver.Key{Namespace: s.Namespace, Name: name}, name != ""
}

// newSlice returns an empty slice of a Service (newEndpointSlice).
func newSlice(service *corev1.Service, typ discoveryv1.AddressType, ports []discoveryv1.EndpointPort) *discoveryv1.EndpointSlice {
	yes := true
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    service.Namespace,
			GenerateName: prefixOf(service.Name),
			Labels:       labelsOf(service),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Service", Name: service.Name, UID: service.UID,
				Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		AddressType: typ,
		Ports:       ports,
	}
}

// prefixOf is the generateName of a Service's slices: a dash is appended if
// that leaves a valid name.
func prefixOf(service string) string {
	if prefix := service + "-"; len(apivalidation.NameIsDNSSubdomain(prefix, true)) == 0 {
		return prefix
	}
	return service
}

// labelsOf returns the labels of a Service's slices: those of the Service, with
// the reserved ones replaced (setEndpointSliceLabels).
func labelsOf(service *corev1.Service) map[string]string {
	labels := make(map[string]string, len(service.Labels)+3)
	for k, v := range service.Labels { // into a map
		if !isReserved(k) {
			labels[k] = v
		}
	}
	if isHeadless(service) {
		labels[corev1.IsHeadlessService] = ""
	}
	labels[discoveryv1.LabelServiceName] = service.Name
	labels[discoveryv1.LabelManagedBy] = ManagedBy
	return labels
}

// isLabelled reports whether a slice mirrors the labels of its Service; the
// reserved ones do not count.
func isLabelled(s *discoveryv1.EndpointSlice, service *corev1.Service) bool {
	unreserved := func(m map[string]string) map[string]string {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(k, _ string) bool { return isReserved(k) })
		return m
	}
	return maps.Equal(unreserved(s.Labels), unreserved(service.Labels))
}

func isReserved(label string) bool {
	return label == discoveryv1.LabelServiceName || label == discoveryv1.LabelManagedBy || label == corev1.IsHeadlessService
}

func isHeadless(service *corev1.Service) bool {
	return service.Spec.ClusterIP == corev1.ClusterIPNone || service.Spec.ClusterIP == ""
}

// isPlaceholder reports whether a slice is what a Service without endpoints
// would get, so that it need not be replaced. Ownership does not count
// (placeholderSliceCompare).
func isPlaceholder(s *discoveryv1.EndpointSlice, service *corev1.Service, typ discoveryv1.AddressType) bool {
	return s.AddressType == typ && len(s.Endpoints) == 0 && len(s.Ports) == 0 &&
		s.Namespace == service.Namespace && maps.Equal(s.Labels, labelsOf(service))
}

// stampTrigger sets or clears the annotation that says which change a write
// follows. The slice must be a copy of the caller's; its annotations are
// replaced, not changed.
func stampTrigger(s *discoveryv1.EndpointSlice, trigger time.Time) {
	was, stamped := s.Annotations[corev1.EndpointsLastChangeTriggerTime]
	if trigger.IsZero() && !stamped {
		return
	}
	text := trigger.UTC().Format(time.RFC3339Nano)
	if !trigger.IsZero() && text == was {
		return
	}
	annotations := maps.Clone(s.Annotations)
	delete(annotations, corev1.EndpointsLastChangeTriggerTime)
	if !trigger.IsZero() {
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[corev1.EndpointsLastChangeTriggerTime] = text
	}
	s.Annotations = annotations
}

// families lists the address types that a Service's slices have, IPv4 first
// (getAddressTypesForService).
func families(service *corev1.Service) []discoveryv1.AddressType {
	four := slices.Contains(service.Spec.IPFamilies, corev1.IPv4Protocol)
	six := slices.Contains(service.Spec.IPFamilies, corev1.IPv6Protocol)
	if !four && !six {
		// Not defaulted: by the cluster IP, or both for a headless Service.
		isSix := isIPv6(service.Spec.ClusterIP)
		four, six = !isSix, isSix || isHeadless(service)
	}
	var list []discoveryv1.AddressType
	if four {
		list = append(list, discoveryv1.AddressTypeIPv4)
	}
	if six {
		list = append(list, discoveryv1.AddressTypeIPv6)
	}
	return list
}

func isIPv6(address string) bool {
	for i := range len(address) {
		if address[i] == ':' {
			return true
		}
	}
	return false
}
