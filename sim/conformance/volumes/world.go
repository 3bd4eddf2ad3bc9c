package volumes

import (
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// world is a server of ours that upstream's controllers see through client-go.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	began   time.Time
	watches []*watching
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 4096

func newWorld(s script) *world {
	w := &world{server: apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{}), began: time.Now()}
	for _, req := range s.before() {
		must(w.do("user", req))
	}
	return w
}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	res := w.server.Do(engine.Time(time.Since(w.began)), by, req)
	for _, rec := range w.server.Drain() {
		for _, o := range w.watches {
			if o.kind == rec.Kind {
				o.watcher.Action(rec.Type, rec.Object.DeepCopyObject())
			}
		}
	}
	return res
}

// end closes all watches.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.watches {
		o.watcher.Stop()
	}
}

var kindOf = map[string]apiserver.Kind{
	"persistentvolumes": apiserver.PersistentVolume, "persistentvolumeclaims": apiserver.PersistentVolumeClaim,
	"storageclasses": apiserver.StorageClass, "pods": apiserver.Pod, "nodes": apiserver.Node, "events": apiserver.Event,
}

func (w *world) client() *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", w.react)
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		o := &watching{kindOf[a.GetResource().Resource], watch.NewFakeWithChanSize(watchBuffer, false)}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	return c
}

func (w *world) react(a clienttesting.Action) (bool, runtime.Object, error) {
	kind, ok := kindOf[a.GetResource().Resource]
	if !ok {
		panic(fmt.Sprintf("volumes: upstream asks for %v", a))
	}
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a := a.(type) {
	case clienttesting.ListAction:
		return true, w.list(kind, a.GetNamespace()), nil
	case clienttesting.PatchAction:
		req.Verb, req.Key.Name = apiserver.Patch, a.GetName()
		req.Patch = apiserver.RawPatch{Type: a.GetPatchType(), Data: string(a.GetPatch())}
	case clienttesting.UpdateAction: // before Create, whose methods it has
		req.Object = a.GetObject().(apiserver.Object)
		req.Verb, req.Key.Name = apiserver.Update, req.Object.GetName()
		if a.GetVerb() == "create" {
			req.Verb = apiserver.Create
		}
	case clienttesting.DeleteAction:
		req.Verb, req.Key.Name = apiserver.Delete, a.GetName()
		if a.GetVerb() == "get" {
			req.Verb = apiserver.Get
		}
	case clienttesting.GetAction:
		req.Verb, req.Key.Name = apiserver.Get, a.GetName()
	default:
		panic(fmt.Sprintf("volumes: upstream asks for %v", a))
	}
	res := w.do("persistentvolume-controller", req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// list answers a list. The informers ask at the beginning; claim protection
// asks for pods at any time.
func (w *world) list(kind apiserver.Kind, namespace string) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	objs, meta := w.server.List(kind, namespace), metav1.ListMeta{ResourceVersion: fmt.Sprint(w.server.Version())}
	switch kind {
	case apiserver.PersistentVolume:
		return &corev1.PersistentVolumeList{ListMeta: meta, Items: items[corev1.PersistentVolume](objs)}
	case apiserver.PersistentVolumeClaim:
		return &corev1.PersistentVolumeClaimList{ListMeta: meta, Items: items[corev1.PersistentVolumeClaim](objs)}
	case apiserver.StorageClass:
		return &storagev1.StorageClassList{ListMeta: meta, Items: items[storagev1.StorageClass](objs)}
	case apiserver.Pod:
		return &corev1.PodList{ListMeta: meta, Items: items[corev1.Pod](objs)}
	case apiserver.Node:
		return &corev1.NodeList{ListMeta: meta, Items: items[corev1.Node](objs)}
	}
	panic(fmt.Sprintf("volumes: upstream lists %s", kind))
}

func items[T any](objs []apiserver.Object) []T {
	var list []T
	for _, o := range objs {
		list = append(list, *(any(o.DeepCopyObject()).(*T)))
	}
	return list
}
