package conformance

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/controller/history"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// listers serve upstream from a sight, without indexers: what upstream calls is
// there, the rest of the interfaces is nil.
type listers struct{ seen *sight }

type podLister struct{ *listers }

func (podLister) List(labels.Selector) ([]*corev1.Pod, error)  { panic("not called") }
func (l podLister) Pods(string) corelisters.PodNamespaceLister { return podsIn{l.listers, nil} }

type podsIn struct {
	*listers
	corelisters.PodNamespaceLister
}

func (l podsIn) Get(name string) (*corev1.Pod, error) {
	for _, p := range l.seen.pods {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, apierrors.NewNotFound(apiserver.Pod.GroupResource(), name)
}

type claimLister struct{ *listers }

func (claimLister) List(labels.Selector) ([]*corev1.PersistentVolumeClaim, error) {
	panic("not called")
}
func (l claimLister) PersistentVolumeClaims(string) corelisters.PersistentVolumeClaimNamespaceLister {
	return claimsIn{l.listers, nil}
}

type claimsIn struct {
	*listers
	corelisters.PersistentVolumeClaimNamespaceLister
}

func (l claimsIn) Get(name string) (*corev1.PersistentVolumeClaim, error) {
	if c := l.seen.claims[name]; c != nil {
		return c, nil
	}
	return nil, apierrors.NewNotFound(apiserver.PersistentVolumeClaim.GroupResource(), name)
}

type setLister struct{ *listers }

func (setLister) List(labels.Selector) ([]*appsv1.StatefulSet, error)           { panic("not called") }
func (setLister) GetPodStatefulSets(*corev1.Pod) ([]*appsv1.StatefulSet, error) { panic("not called") }
func (l setLister) StatefulSets(string) appslisters.StatefulSetNamespaceLister {
	return setsIn{l.listers, nil}
}

type setsIn struct {
	*listers
	appslisters.StatefulSetNamespaceLister
}

func (l setsIn) Get(name string) (*appsv1.StatefulSet, error) {
	if l.seen.set != nil && name == setName {
		return l.seen.set, nil
	}
	return nil, apierrors.NewNotFound(apiserver.StatefulSet.GroupResource(), name)
}

type revisionLister struct{ *listers }

func (revisionLister) List(labels.Selector) ([]*appsv1.ControllerRevision, error) {
	panic("not called")
}
func (l revisionLister) ControllerRevisions(namespace string) appslisters.ControllerRevisionNamespaceLister {
	return revisionsIn{l.listers, namespace}
}

type revisionsIn struct {
	*listers
	namespace string
}

func (l revisionsIn) List(selector labels.Selector) ([]*appsv1.ControllerRevision, error) {
	var list []*appsv1.ControllerRevision
	for _, r := range l.seen.revisions {
		if r.Namespace == l.namespace && selector.Matches(labels.Set(r.Labels)) {
			list = append(list, r)
		}
	}
	return list, nil
}

func (l revisionsIn) Get(name string) (*appsv1.ControllerRevision, error) {
	for _, r := range l.seen.revisions {
		if r.Namespace == l.namespace && r.Name == name {
			return r, nil
		}
	}
	return nil, apierrors.NewNotFound(apiserver.ControllerRevision.GroupResource(), name)
}

// revisionIndex is the informer's index of revisions by their controllers, in
// an order of its own: by name.
type revisionIndex struct {
	cache.Indexer
	seen *sight
}

func (x revisionIndex) ByIndex(name, value string) ([]any, error) {
	if name != history.ControllerRevisionControllerIndex {
		panic("conformance: no index " + name)
	}
	var list []any
	for _, r := range x.seen.revisions {
		if history.ControllerRevisionControllerIndexKey(r.Namespace, metav1.GetControllerOfNoCopy(r)) == value {
			list = append(list, r)
		}
	}
	return list, nil
}
