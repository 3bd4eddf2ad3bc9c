package endpoints

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// world is a server of ours that upstream's controller sees through client-go.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	began   time.Time
	records []*apiserver.Record
	watches []*watching
	faults  []fault
	calls   []string
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 8192

func newWorld() *world {
	return &world{server: apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), began: time.Now()}
}

// do carries out a request and tells the watches. Whoever asks is a user to the
// server, which then leaves out writes that change nothing, as the real one does.
func (w *world) do(req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.serve(req)
}

func (w *world) serve(req apiserver.Request) apiserver.Result {
	res := w.server.Do(engine.Time(time.Since(w.began)), apiserver.User, req)
	for _, rec := range w.server.Drain() {
		w.records = append(w.records, rec)
		for _, o := range w.watches {
			if o.kind == rec.Kind {
				o.watcher.Action(rec.Type, rec.Object.DeepCopyObject())
			}
		}
	}
	return res
}

// control carries out a request of the controller, which may be made to fail.
func (w *world) control(req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	var res apiserver.Result
	if i := slices.IndexFunc(w.faults, func(f fault) bool { return f.verb == req.Verb }); i >= 0 && req.Kind == apiserver.EndpointSlice {
		res.Err = w.faults[i].err()
		if w.faults[i].count--; w.faults[i].count == 0 {
			w.faults = slices.Delete(w.faults, i, i+1)
		}
	} else {
		res = w.serve(req)
	}
	if req.Kind == apiserver.EndpointSlice {
		w.calls = append(w.calls, asked(&req, res.Err))
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

var kindOf = map[string]apiserver.Kind{"pods": apiserver.Pod, "services": apiserver.Service, "nodes": apiserver.Node,
	"endpointslices": apiserver.EndpointSlice, "events": apiserver.Event}

func (w *world) client() *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", w.react)
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		after, _ := strconv.ParseUint(a.(clienttesting.WatchActionImpl).WatchRestrictions.ResourceVersion, 10, 64)
		o := &watching{kindOf[a.GetResource().Resource], watch.NewFakeWithChanSize(watchBuffer, false)}
		for _, rec := range w.records {
			if rec.Kind == o.kind && rec.Version > after {
				o.watcher.Action(rec.Type, rec.Object.DeepCopyObject())
			}
		}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	return c
}

func (w *world) react(a clienttesting.Action) (bool, runtime.Object, error) {
	kind, ok := kindOf[a.GetResource().Resource]
	if !ok {
		panic(fmt.Sprintf("endpoints: upstream asks for %v", a))
	}
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	switch a := a.(type) {
	case clienttesting.ListAction:
		return true, w.list(kind), nil
	case clienttesting.PatchAction:
		req.Verb, req.Key.Name = apiserver.Patch, a.GetName()
		req.Patch = apiserver.RawPatch{Type: a.GetPatchType(), Data: string(a.GetPatch())}
	case clienttesting.UpdateAction: // before Create, whose methods it has
		req.Object = a.GetObject().DeepCopyObject().(apiserver.Object)
		req.Verb, req.Key.Name = apiserver.Update, req.Object.GetName()
		if a.GetVerb() == "create" {
			req.Verb = apiserver.Create
			if kind == apiserver.Event { // the time in its name stands still
				w.mu.Lock()
				req.Object.SetName(fmt.Sprintf("%s.%d", req.Object.GetName(), w.server.Version()))
				w.mu.Unlock()
			}
		}
	case clienttesting.DeleteAction:
		req.Verb, req.Key.Name = apiserver.Delete, a.GetName()
	default:
		panic(fmt.Sprintf("endpoints: upstream asks for %v", a))
	}
	res := w.control(req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// list answers the informers.
func (w *world) list(kind apiserver.Kind) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	objs, meta := w.server.List(kind, ""), metav1.ListMeta{ResourceVersion: fmt.Sprint(w.server.Version())}
	switch kind {
	case apiserver.Pod:
		return &corev1.PodList{ListMeta: meta, Items: items[corev1.Pod](objs)}
	case apiserver.Service:
		return &corev1.ServiceList{ListMeta: meta, Items: items[corev1.Service](objs)}
	case apiserver.Node:
		return &corev1.NodeList{ListMeta: meta, Items: items[corev1.Node](objs)}
	case apiserver.EndpointSlice:
		return &discoveryv1.EndpointSliceList{ListMeta: meta, Items: items[discoveryv1.EndpointSlice](objs)}
	}
	panic(fmt.Sprintf("endpoints: upstream lists %s", kind))
}

func items[T any](objs []apiserver.Object) []T {
	var list []T
	for _, o := range objs {
		list = append(list, *(any(o.DeepCopyObject()).(*T)))
	}
	return list
}
