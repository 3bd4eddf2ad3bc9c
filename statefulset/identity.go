package statefulset

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// setKind and podKind are what ownerReferences say of their owners.
var (
	setKind = appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	podKind = corev1.SchemeGroupVersion.WithKind("Pod")
)

// splitName takes a pod's name apart (SSU, getParentNameAndOrdinal; S3). A name
// that does not end in a dash and digits has no parent and ordinal -1; digits
// beyond 32 bits give ordinal -1 too, but keep the parent.
func splitName(name string) (parent string, ordinal int) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || i == len(name)-1 {
		return "", -1
	}
	for _, c := range []byte(name[i+1:]) {
		if c < '0' || c > '9' {
			return "", -1
		}
	}
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	if err != nil {
		return name[:i], -1
	}
	return name[:i], int(n)
}

// ordinalOf returns the ordinal in a pod's name, or -1.
func ordinalOf(name string) int {
	_, o := splitName(name)
	return o
}

// canonical reports whether name is what parent calls its pod with ordinal o.
func canonical(name, parent string, o int) bool {
	return o >= 0 && len(name)-len(parent)-1 == digits(o)
}

func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}

func podName(set string, o int) string { return set + "-" + strconv.Itoa(o) }

func podKey(set *appsv1.StatefulSet, o int) apiserver.Key {
	return apiserver.Key{Namespace: set.Namespace, Name: podName(set.Name, o)}
}

// startOf returns the first ordinal of a set's replicas.
func startOf(set *appsv1.StatefulSet) int {
	if set.Spec.Ordinals != nil {
		return int(set.Spec.Ordinals.Start)
	}
	return 0
}

// endOf returns the last ordinal of a set's replicas: start-1 if there are none.
func endOf(set *appsv1.StatefulSet) int { return startOf(set) + replicasOf(set) - 1 }

func replicasOf(set *appsv1.StatefulSet) int {
	if set.Spec.Replicas == nil {
		return 1
	}
	return int(*set.Spec.Replicas)
}

// inRange reports whether a pod of that name is one of the set's replicas; if
// not it is condemned (S10).
func inRange(set *appsv1.StatefulSet, name string) bool {
	o := ordinalOf(name)
	return o >= startOf(set) && o <= endOf(set)
}

func isParallel(set *appsv1.StatefulSet) bool {
	return set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement
}

func isRecreate(set *appsv1.StatefulSet) bool {
	return set.Spec.UpdateStrategy.Type == appsv1.RecreateStatefulSetStrategyType
}

// isMember reports whether a pod bears a name of the set (SSU, isMemberOf).
func isMember(set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	parent, _ := splitName(pod.Name)
	return parent == set.Name
}

// identityMatches is S19's first part: name and name label are right. Hostname,
// subdomain and the index label are never looked at.
func identityMatches(set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	parent, o := splitName(pod.Name)
	return parent == set.Name && canonical(pod.Name, parent, o) && pod.Namespace == set.Namespace &&
		pod.Labels[appsv1.StatefulSetPodNameLabel] == pod.Name
}

// withIdentity returns the pod with its identity repaired (SSU, updateIdentity).
func withIdentity(set *appsv1.StatefulSet, pod *corev1.Pod) *corev1.Pod {
	o := ordinalOf(pod.Name)
	p := *pod
	p.Name, p.Namespace = podName(set.Name, o), set.Namespace
	p.Labels = make(map[string]string, len(pod.Labels)+3)
	for k, v := range pod.Labels { // a map from a map
		p.Labels[k] = v
	}
	p.Labels[appsv1.StatefulSetPodNameLabel] = p.Name
	p.Labels[appsv1.PodIndexLabel] = strconv.Itoa(o)
	return &p
}

// revisionOf returns the revision that a pod's label names, or "".
func revisionOf(pod *corev1.Pod) string { return pod.Labels[appsv1.StatefulSetRevisionLabel] }

// controllerRef returns the reference by which obj is controlled, or nil. It
// points into obj.
func controllerRef(obj metav1.Object) *metav1.OwnerReference {
	return metav1.GetControllerOfNoCopy(obj)
}

// owner names a StatefulSet as references do. It tells apart sets that bore one
// name at different times.
type owner struct {
	namespace, name string
	uid             types.UID
}

func ownerOf(set *appsv1.StatefulSet) owner { return owner{set.Namespace, set.Name, set.UID} }

// setOwner returns the StatefulSet that controls obj. free is true if nobody
// controls it; both are false or zero if somebody else does.
func setOwner(obj metav1.Object) (o owner, owned, free bool) {
	ref := controllerRef(obj)
	switch {
	case ref == nil:
		return owner{}, false, true
	case ref.Kind != setKind.Kind:
		return owner{}, false, false
	}
	return owner{obj.GetNamespace(), ref.Name, ref.UID}, true, false
}

// podMeta is the metadata that all pods of a set have in common.
func podMeta(set *appsv1.StatefulSet) *metav1.ObjectMeta {
	return &metav1.ObjectMeta{
		GenerateName:    podPrefix(set.Name),
		Namespace:       set.Namespace,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, setKind)},
	}
}

// newPod builds the pod with ordinal o from a revision's spec of the set (S12:
// GetPodFromTemplate, initIdentity, updateStorage). It shares all that it does
// not change with the edition.
func newPod(set *appsv1.StatefulSet, e *edition, o int, volumes []corev1.Volume) *corev1.Pod {
	t := &e.spec.Template
	name := podName(set.Name, o)
	labels := make(map[string]string, len(t.Labels)+3)
	for k, v := range t.Labels { // a map from a map
		labels[k] = v
	}
	labels[appsv1.StatefulSetPodNameLabel] = name
	labels[appsv1.PodIndexLabel] = strconv.Itoa(o)
	labels[appsv1.StatefulSetRevisionLabel] = e.revision
	pod := &corev1.Pod{ObjectMeta: *e.meta, Spec: t.Spec}
	pod.Name, pod.Labels, pod.Annotations, pod.Finalizers = name, labels, t.Annotations, t.Finalizers
	pod.Spec.Hostname, pod.Spec.Subdomain = name, e.spec.ServiceName
	pod.Spec.Volumes = volumes
	return pod
}

// podPrefix is the generateName of a controller's pods: with a dash, unless
// that makes the name too long.
func podPrefix(set string) string {
	if len(set)+1 > validation.DNS1123SubdomainMaxLength {
		return set
	}
	return set + "-"
}
