package deploying

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
	watches []*watching
	faults  []fault
	events  int // that were created
}

// fault is a step of failure with the object that it is about, if there is one.
type fault struct {
	step
	key apiserver.Key
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 16384

// newWorld returns a world in which the time is the bubble's.
func newWorld(s script) *world {
	w := &world{server: apiserver.New(engine.New(engine.Strategy{Mode: engine.First}), serverConfig)}
	for _, req := range s.before() {
		must(w.do("user", req))
	}
	return w
}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range w.faults {
		if f.name == by && f.fails == req.Verb && f.kind == req.Kind && (f.key == apiserver.Key{} || f.key == req.Key) {
			if w.faults[i].number--; w.faults[i].number == 0 {
				w.faults = append(w.faults[:i:i], w.faults[i+1:]...)
			}
			return apiserver.Result{Err: errFault}
		}
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

// fail has requests fail before the server sees them.
func (w *world) fail(st step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fault{st, st.victim(w.server)})
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
	"pods": apiserver.Pod, "events": apiserver.Event, "replicasets": apiserver.ReplicaSet, "deployments": apiserver.Deployment,
}

func (w *world) client(name string) *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) { return w.react(name, a) })
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		o := &watching{kindOf[a.GetResource().Resource], watch.NewFakeWithChanSize(watchBuffer, false)}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	return c
}

func (w *world) react(by string, a clienttesting.Action) (bool, runtime.Object, error) {
	kind, ok := kindOf[a.GetResource().Resource]
	if !ok {
		panic(fmt.Sprintf("deploying: upstream asks for %v", a))
	}
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a.GetVerb() {
	case "list":
		return true, w.list(a.GetResource().Resource, a.GetNamespace()), nil
	case "get":
		req.Verb, req.Key.Name = apiserver.Get, a.(clienttesting.GetAction).GetName()
	case "delete":
		req.Verb, req.Key.Name = apiserver.Delete, a.(clienttesting.DeleteAction).GetName()
	case "patch":
		p := a.(clienttesting.PatchAction)
		req.Verb, req.Key.Name = apiserver.Patch, p.GetName()
		req.Patch = apiserver.RawPatch{Type: p.GetPatchType(), Data: string(p.GetPatch())}
	case "create", "update":
		req.Verb, req.Object = apiserver.Create, overWire(a.(clienttesting.CreateAction).GetObject())
		if a.GetVerb() == "update" {
			req.Verb = apiserver.Update
		}
		if kind == apiserver.Event && a.GetVerb() == "create" { // two of one instant would have one name
			w.mu.Lock()
			w.events++
			req.Object.SetName(fmt.Sprint(req.Object.GetName(), "-", w.events))
			w.mu.Unlock()
		}
		req.Key.Name = req.Object.GetName()
		if req.Object.GetNamespace() == "" {
			req.Object.SetNamespace(a.GetNamespace())
		}
	default:
		panic(fmt.Sprintf("deploying: upstream asks for %v", a))
	}
	res := w.do(by, req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// overWire returns an object as it comes to the server: times have whole seconds.
func overWire(obj runtime.Object) apiserver.Object {
	text, err := json.Marshal(obj)
	if err != nil {
		panic(err)
	}
	c := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(apiserver.Object)
	if err := json.Unmarshal(text, c); err != nil {
		panic(err)
	}
	return c
}

// list answers the informers, which ask at the beginning.
func (w *world) list(resource, namespace string) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	objs, meta := w.server.List(kindOf[resource], namespace), metav1.ListMeta{ResourceVersion: fmt.Sprint(w.server.Version())}
	switch resource {
	case "pods":
		return &corev1.PodList{ListMeta: meta, Items: items[corev1.Pod](objs)}
	case "replicasets":
		return &appsv1.ReplicaSetList{ListMeta: meta, Items: items[appsv1.ReplicaSet](objs)}
	case "deployments":
		return &appsv1.DeploymentList{ListMeta: meta, Items: items[appsv1.Deployment](objs)}
	}
	panic("deploying: upstream lists " + resource)
}

func items[T any](objs []apiserver.Object) []T {
	var list []T
	for _, o := range objs {
		list = append(list, *(any(o.DeepCopyObject()).(*T)))
	}
	return list
}

func must(res apiserver.Result) {
	if res.Err != nil {
		panic(fmt.Sprintf("deploying: %v", res.Err))
	}
}
