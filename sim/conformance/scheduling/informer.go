package scheduling

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// informer is a shared informer without a watch: what put gives it is in its
// store, and its handlers have seen it, when put returns. So a whole cluster
// reaches upstream's scheduler in microseconds, and in one goroutine.
type informer struct {
	cache.Indexer
	handlers []cache.ResourceEventHandler
}

var _ cache.SharedIndexInformer = (*informer)(nil)

func newInformer() *informer {
	by := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	return &informer{Indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, by)}
}

// put adds an object.
func (i *informer) put(obj runtime.Object) {
	if err := i.Add(obj); err != nil {
		panic(err)
	}
	for _, h := range i.handlers {
		h.OnAdd(obj, true)
	}
}

// drop removes an object.
func (i *informer) drop(obj runtime.Object) {
	if err := i.Delete(obj); err != nil {
		panic(err)
	}
	for _, h := range i.handlers {
		h.OnDelete(obj)
	}
}

func (i *informer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	i.handlers = append(i.handlers, h)
	return synced{}, nil
}

func (i *informer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, _ time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

func (i *informer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, _ cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

func (i *informer) RemoveEventHandler(cache.ResourceEventHandlerRegistration) error { return nil }
func (i *informer) GetStore() cache.Store                                           { return i.Indexer }
func (i *informer) GetIndexer() cache.Indexer                                       { return i.Indexer }
func (i *informer) GetController() cache.Controller                                 { return nil }
func (i *informer) Run(<-chan struct{})                                             {}
func (i *informer) RunWithContext(context.Context)                                  {}
func (i *informer) HasSynced() bool                                                 { return true }
func (i *informer) HasSyncedChecker() cache.DoneChecker                             { return synced{} }
func (i *informer) LastSyncResourceVersion() string                                 { return "" }
func (i *informer) SetWatchErrorHandler(cache.WatchErrorHandler) error              { return nil }
func (i *informer) SetTransform(cache.TransformFunc) error                          { return nil }
func (i *informer) IsStopped() bool                                                 { return false }
func (i *informer) SetWatchErrorHandlerWithContext(cache.WatchErrorHandlerWithContext) error {
	return nil
}

// synced is the registration of a handler that has seen everything.
type synced struct{}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (synced) HasSynced() bool                     { return true }
func (synced) HasSyncedChecker() cache.DoneChecker { return synced{} }
func (synced) Name() string                        { return "synced" }
func (synced) Done() <-chan struct{}               { return closed }

// supply is a factory whose informers of the kinds in a State are of ours. All
// others stay empty.
type supply struct {
	informers.SharedInformerFactory
	kinds []kind
}

// kind is one kind's informer. The order is that of delivery.
type kind struct {
	name string
	*informer
}

func newSupply(client kubernetes.Interface) *supply {
	s := &supply{SharedInformerFactory: informers.NewSharedInformerFactory(client, 0)}
	for _, k := range []struct {
		name   string
		sample runtime.Object
	}{
		{"Namespace", &corev1.Namespace{}}, {"StorageClass", &storagev1.StorageClass{}},
		{"PersistentVolume", &corev1.PersistentVolume{}}, {"PersistentVolumeClaim", &corev1.PersistentVolumeClaim{}},
		{"Service", &corev1.Service{}}, {"StatefulSet", &appsv1.StatefulSet{}},
		{"PodDisruptionBudget", &policyv1.PodDisruptionBudget{}}, {"CSINode", &storagev1.CSINode{}},
		{"CSIDriver", &storagev1.CSIDriver{}}, {"VolumeAttachment", &storagev1.VolumeAttachment{}}, {"Node", &corev1.Node{}}, {"Pod", &corev1.Pod{}},
	} {
		i := newInformer()
		s.InformerFor(k.sample, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer { return i })
		s.kinds = append(s.kinds, kind{k.name, i})
	}
	return s
}

// of returns the informer of a kind.
func (s *supply) of(name string) *informer {
	for _, k := range s.kinds {
		if k.name == name {
			return k.informer
		}
	}
	panic("no informer of " + name)
}

// clear removes everything, the last kind first.
func (s *supply) clear() {
	for i := len(s.kinds) - 1; i >= 0; i-- {
		k := s.kinds[i].informer
		for _, obj := range k.List() {
			k.drop(obj.(runtime.Object))
		}
	}
}
