package apiserver

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Object is any API object: metadata and a type.
type Object interface {
	metav1.Object
	runtime.Object
}

// Kind numbers the kinds of objects. The constants are the kinds with
// behaviour; the other built-in kinds of k8s.io/api follow, in the order of
// their group, kind and version. The zero Kind is invalid.
type Kind uint8

// The kinds with behaviour.
const (
	Pod Kind = iota + 1
	StatefulSet
	ControllerRevision
	PersistentVolume
	PersistentVolumeClaim
	StorageClass
	Service
	EndpointSlice
	Node
	PodDisruptionBudget
	Event
	Namespace
	PriorityClass
	ServiceAccount
	ConfigMap
	VolumeAttachment
	CSINode
	CSIDriver
	ResourceQuota
	ReplicaSet
	Deployment
	Lease
	HorizontalPodAutoscaler
	DaemonSet
	Job
	CronJob
	// CustomResource is every kind that a CustomResourceDefinition defines: its
	// objects are *unstructured.Unstructured, and their Key says of which kind they
	// are (CustomKey). A server serves them with Config.CustomResources.
	CustomResource

	// Behaving is the first Kind without behaviour; kinds from here on are
	// stored and listed, and nothing acts on them.
	Behaving
)

// kindInfo is what the server knows of a kind.
type kindInfo struct {
	gvk        schema.GroupVersionKind
	apiVersion string // of gvk
	resource   string // plural, lower case
	typ        reflect.Type
	namespaced bool
	stored     Kind // as which objects are kept, 0 if as this one
}

var (
	scheme    = newScheme()
	kinds     = newKinds()
	kindByGVK = func() map[schema.GroupVersionKind]Kind {
		m := make(map[schema.GroupVersionKind]Kind, len(kinds))
		for i := range kinds {
			m[kinds[i].gvk] = Kind(i)
		}
		delete(m, kinds[CustomResource].gvk) // nobody sends such a thing
		return m
	}()
	kindByType = func() map[reflect.Type]Kind {
		m := make(map[reflect.Type]Kind, len(kinds))
		for i := range kinds {
			m[kinds[i].typ] = Kind(i)
		}
		return m
	}()
)

// Scheme returns the runtime scheme with all built-in kinds that the server
// stores. It must not be changed.
func Scheme() *runtime.Scheme { return scheme }

// Kinds returns every built-in kind as which the server keeps objects, ascending.
func Kinds() []Kind {
	return slices.DeleteFunc(Served(), func(k Kind) bool { return k.Stored() != k })
}

// Served returns every built-in kind that the server has, ascending: Kinds, and the
// second versions of what is served in two.
func Served() []Kind {
	ks := make([]Kind, 0, len(kinds)-1)
	for k := Kind(1); int(k) < len(kinds); k++ {
		if k != CustomResource {
			ks = append(ks, k)
		}
	}
	return ks
}

// KindFor returns the kind with a group, version and kind, or 0.
func KindFor(gvk schema.GroupVersionKind) Kind { return kindByGVK[gvk] }

// Serves reports whether the server stores any kind of a group and version.
func Serves(gv schema.GroupVersion) bool {
	return slices.ContainsFunc(kinds[1:], func(k kindInfo) bool { return k.gvk.GroupVersion() == gv })
}

// KindOf returns the kind of obj by its Go type, or 0 if the server does not
// store such objects.
func KindOf(obj runtime.Object) Kind {
	switch obj.(type) {
	case *corev1.Pod:
		return Pod
	case *corev1.Event:
		return Event
	}
	return kindByType[reflect.TypeOf(obj)]
}

// KindNamed finds a kind by what kubectl accepts: a kind, its plural or
// singular resource name, or a short name, in any case, and behind it perhaps
// its group, or its version and group: "statefulsets.v1.apps". Of several
// versions the one that the server prefers is meant. It returns 0 if nothing
// matches.
func KindNamed(name string) Kind {
	name = strings.ToLower(name)
	name, rest, qualified := strings.Cut(name, ".")
	if long, ok := shortNames[name]; ok {
		name = long
	}
	best := Kind(0)
	for i := range kinds {
		k := &kinds[i]
		if i == 0 || Kind(i) == CustomResource || k.resource != name && strings.ToLower(k.gvk.Kind) != name {
			continue
		}
		if qualified && rest != k.gvk.Group && rest != k.gvk.Version+"."+k.gvk.Group && (k.gvk.Group != "" || rest != k.gvk.Version) {
			continue
		}
		if best == 0 || k.gvk.Group == kinds[best].gvk.Group && version.CompareKubeAwareVersionStrings(k.gvk.Version, kinds[best].gvk.Version) > 0 {
			best = Kind(i)
		}
	}
	return best
}

// shortNames are the abbreviations of resources, as the server's discovery lists
// them.
var shortNames = map[string]string{
	"cm": "configmaps", "cs": "componentstatuses", "ep": "endpoints", "ev": "events", "limits": "limitranges", "ns": "namespaces",
	"no": "nodes", "pvc": "persistentvolumeclaims", "pv": "persistentvolumes", "po": "pods", "rc": "replicationcontrollers",
	"quota": "resourcequotas", "sa": "serviceaccounts", "svc": "services", "crd": "customresourcedefinitions", "crds": "customresourcedefinitions",
	"ds": "daemonsets", "deploy": "deployments", "rs": "replicasets", "sts": "statefulsets", "hpa": "horizontalpodautoscalers",
	"cj": "cronjobs", "csr": "certificatesigningrequests", "ing": "ingresses", "ip": "ipaddresses", "netpol": "networkpolicies",
	"pdb": "poddisruptionbudgets", "pc": "priorityclasses", "sc": "storageclasses", "vac": "volumeattributesclasses",
}

// ShortNames returns the kind's abbreviations, sorted.
func (k Kind) ShortNames() []string {
	var names []string
	for short, resource := range shortNames { // sorted below
		if resource == k.Resource() {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	return names
}

func (k Kind) info() *kindInfo {
	if int(k) >= len(kinds) {
		panic(fmt.Sprintf("apiserver: no kind %d", k))
	}
	return &kinds[k]
}

// Exists reports whether the server has the kind: its other methods, but for
// String, panic if not.
func (k Kind) Exists() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's name, "StatefulSet", or "Kind(200)" where there is
// none.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return k.info().gvk.Kind
}

// GroupVersionKind returns the kind's full name in the API.
func (k Kind) GroupVersionKind() schema.GroupVersionKind { return k.info().gvk }

// APIVersion returns the kind's group and version as objects state them,
// "apps/v1".
func (k Kind) APIVersion() string { return k.info().apiVersion }

// Resource returns the plural name in URLs, "statefulsets".
func (k Kind) Resource() string { return k.info().resource }

// Qualified returns what kubectl prints before a name: "statefulset.apps",
// "pod".
func (k Kind) Qualified() string {
	s := strings.ToLower(k.String())
	if g := k.info().gvk.Group; g != "" {
		s += "." + g
	}
	return s
}

// GroupResource returns the kind's group and plural name.
func (k Kind) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: k.info().gvk.Group, Resource: k.info().resource}
}

// Namespaced reports whether objects of the kind live in a namespace.
func (k Kind) Namespaced() bool { return k.info().namespaced }

// New returns an empty object of the kind, without apiVersion and kind.
func (k Kind) New() Object { return reflect.New(k.info().typ.Elem()).Interface().(Object) }

// Key names an object of a kind. Namespace is empty for cluster-wide kinds.
type Key struct{ Namespace, Name string }

// KeyOf returns the key of an object; of an *unstructured.Unstructured, its CustomKey.
func KeyOf(obj metav1.Object) Key {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		return CustomKey(u.GroupVersionKind().GroupKind(), u.GetNamespace(), u.GetName())
	}
	return Key{obj.GetNamespace(), obj.GetName()}
}

// String returns "namespace/name", or the name alone without a namespace.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// Compare orders keys by namespace, then name.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(k.Namespace, o.Namespace); c != 0 {
		return c
	}
	return strings.Compare(k.Name, o.Name)
}

func newKinds() []kindInfo {
	behaving := []Object{
		nil, &corev1.Pod{}, &appsv1.StatefulSet{}, &appsv1.ControllerRevision{},
		&corev1.PersistentVolume{}, &corev1.PersistentVolumeClaim{}, &storagev1.StorageClass{},
		&corev1.Service{}, &discoveryv1.EndpointSlice{}, &corev1.Node{},
		&policyv1.PodDisruptionBudget{}, &corev1.Event{}, &corev1.Namespace{},
		&schedulingv1.PriorityClass{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&storagev1.VolumeAttachment{}, &storagev1.CSINode{}, &storagev1.CSIDriver{},
		&corev1.ResourceQuota{},
		&appsv1.ReplicaSet{}, &appsv1.Deployment{},
		&coordinationv1.Lease{}, &autoscalingv2.HorizontalPodAutoscaler{},
		&appsv1.DaemonSet{},
		&batchv1.Job{},
		&batchv1.CronJob{},
		&unstructured.Unstructured{},
	}
	list := make([]kindInfo, 1, 80)
	seen := map[schema.GroupVersionKind]bool{}
	add := func(gvk schema.GroupVersionKind, typ reflect.Type) {
		seen[gvk] = true
		list = append(list, kindInfo{gvk: gvk, apiVersion: gvk.GroupVersion().String(), typ: typ, resource: plural(gvk.Kind), namespaced: !clusterWide[gvk.Kind]})
	}
	for _, obj := range behaving[1:] {
		if _, ok := obj.(*unstructured.Unstructured); ok {
			add(schema.GroupVersionKind{Kind: "CustomResource"}, reflect.TypeOf(obj))
			continue
		}
		gvks, _, err := scheme.ObjectKinds(obj)
		if err != nil {
			panic(err)
		}
		add(gvks[0], reflect.TypeOf(obj))
	}
	var rest []schema.GroupVersionKind
	for gvk, typ := range scheme.AllKnownTypes() { // order is restored below
		_, isObject := reflect.New(typ).Interface().(Object)
		if isObject && !seen[gvk] && !internalKinds[gvk.Kind] {
			rest = append(rest, gvk)
		}
	}
	slices.SortFunc(rest, func(a, b schema.GroupVersionKind) int {
		return strings.Compare(a.Group+"/"+a.Kind+"/"+a.Version, b.Group+"/"+b.Kind+"/"+b.Version)
	})
	for _, gvk := range rest {
		add(gvk, reflect.PointerTo(scheme.AllKnownTypes()[gvk]))
	}
	return list
}

// plural derives the resource name as the API's conventions do.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case s == "endpoints":
		return s
	case strings.HasSuffix(s, "s"):
		return s + "es"
	case strings.HasSuffix(s, "y"):
		return strings.TrimSuffix(s, "y") + "ies"
	}
	return s + "s"
}
