package tenants

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// world is a server of ours that upstream's controllers see through client-go.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	watches []*watching
	failing map[string]int // how many of the next writes of a controller fail
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 4096

func newServer(e *engine.Engine) *apiserver.Server {
	return apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})
}

// newWorld returns a world in which the time is the bubble's.
func newWorld() *world {
	w := &world{server: newServer(engine.New(engine.Strategy{Mode: engine.First})), failing: map[string]int{}}
	w.do(apiserver.User, defaultNamespace)
	return w
}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Verb != apiserver.Get && w.failing[by] > 0 {
		w.failing[by]--
		return apiserver.Result{Err: errFault}
	}
	res := w.server.Do(apiserver.VirtualTime(time.Now()), by, req)
	for _, rec := range w.server.Drain() {
		for _, o := range w.watches {
			if o.kind == rec.Kind {
				o.watcher.Action(rec.Type, rec.Object.DeepCopyObject())
			}
		}
	}
	return res
}

// fail has the next write of a controller fail.
func (w *world) fail(by string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing[by]++
}

// end closes all watches.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.watches {
		o.watcher.Stop()
	}
}

// client is how a controller asks the server.
func (w *world) client(by string) *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) { return w.react(by, a) })
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		o := &watching{kindOf(a), watch.NewFakeWithChanSize(watchBuffer, false)}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	return c
}

func kindOf(a clienttesting.Action) apiserver.Kind {
	r := a.GetResource()
	kind := apiserver.KindNamed(r.Resource + "." + r.Version + "." + r.Group)
	if r.Group == "" {
		kind = apiserver.KindNamed(r.Resource)
	}
	if kind == 0 {
		panic(fmt.Sprintf("tenants: upstream asks for %v", a))
	}
	return kind
}

func (w *world) react(by string, a clienttesting.Action) (bool, runtime.Object, error) {
	req := apiserver.Request{Kind: kindOf(a), Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a := a.(type) {
	case clienttesting.ListAction:
		return true, w.list(req.Kind, a.GetNamespace()), nil
	case clienttesting.PatchAction:
		req.Verb, req.Key.Name = apiserver.Patch, a.GetName()
		req.Patch = apiserver.RawPatch{Type: a.GetPatchType(), Data: string(a.GetPatch())}
	case clienttesting.UpdateAction: // before Create, whose methods it has
		req.Object = a.GetObject().(apiserver.Object)
		req.Verb, req.Key.Name = apiserver.Update, req.Object.GetName()
		if a.GetVerb() == "create" {
			req.Verb = apiserver.Create
		}
	default:
		panic(fmt.Sprintf("tenants: upstream asks for %v", a))
	}
	res := w.do(by, req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// list answers the informers, which ask at the beginning.
func (w *world) list(kind apiserver.Kind, namespace string) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	gvk := kind.GroupVersionKind()
	gvk.Kind += "List"
	list, err := scheme.Scheme.New(gvk)
	if err != nil {
		panic(fmt.Sprintf("tenants: %v", err))
	}
	var objs []runtime.Object
	for _, o := range w.server.List(kind, namespace) {
		objs = append(objs, o.DeepCopyObject())
	}
	if err := meta.SetList(list, objs); err != nil {
		panic(fmt.Sprintf("tenants: %v", err))
	}
	list.(metav1.ListInterface).SetResourceVersion(fmt.Sprint(w.server.Version()))
	return list
}
