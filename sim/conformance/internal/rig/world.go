package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// init takes away upstream's global brake on errors, which sleeps until a time of the
// last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }

// ErrFault is the error of requests that fail.
var ErrFault = errors.New("no luck")

// World is a server whose time is the bubble's. Use New.
type World struct {
	mu      sync.Mutex
	server  *apiserver.Server
	watches []*watching
	faults  []controller.Fault
	events  int // that were created
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 16384

// New returns a world in which some requests of a user have been done.
func New(config apiserver.Config, before ...apiserver.Request) *World {
	w := &World{server: apiserver.New(engine.New(engine.Strategy{Mode: engine.First}), config)}
	for _, req := range before {
		Must(w.Do(apiserver.User, req))
	}
	return w
}

// Look calls f with the server while nobody else does anything to it.
func (w *World) Look(f func(*apiserver.Server)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.server)
}

// Do carries out a request and tells the watches.
func (w *World) Do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Object != nil { // two times are one, wherever they come from
		req.Object = OverWire(req.Object)
	}
	var lost error
	for i, f := range w.faults {
		if f.By == by && f.Verb == req.Verb && f.Kind == req.Kind && (f.Key == apiserver.Key{} || f.Key == req.Key) {
			if w.faults[i].Count--; w.faults[i].Count == 0 {
				w.faults = append(w.faults[:i:i], w.faults[i+1:]...)
			}
			if f.Lost {
				lost = f.Err
				break
			}
			return apiserver.Result{Err: f.Err}
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
	if lost != nil {
		return apiserver.Result{Err: lost}
	}
	return res
}

// Fail has requests fail before the server sees them, or after.
func (w *World) Fail(f controller.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, f)
}

// End closes all watches.
func (w *World) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.watches {
		o.watcher.Stop()
	}
}

// Client returns a client whose requests are by somebody.
func (w *World) Client(name string) *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) { return w.react(name, a) })
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
	kind := apiserver.KindNamed(a.GetResource().Resource)
	if kind == 0 {
		panic(fmt.Sprintf("rig: upstream asks for %v", a))
	}
	return kind
}

func (w *World) react(by string, a clienttesting.Action) (bool, runtime.Object, error) {
	kind := kindOf(a)
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a.GetVerb() {
	case "list":
		return true, w.list(kind, a.GetNamespace()), nil
	case "get":
		req.Verb, req.Key.Name = apiserver.Get, a.(clienttesting.GetAction).GetName()
	case "delete":
		d := a.(clienttesting.DeleteActionImpl)
		req.Verb, req.Key.Name, req.GracePeriodSeconds = apiserver.Delete, d.GetName(), d.DeleteOptions.GracePeriodSeconds
	case "patch":
		p := a.(clienttesting.PatchAction)
		req.Verb, req.Key.Name = apiserver.Patch, p.GetName()
		req.Patch = apiserver.RawPatch{Type: p.GetPatchType(), Data: string(p.GetPatch())}
	case "create", "update":
		req.Verb, req.Object = apiserver.Create, a.(clienttesting.CreateAction).GetObject().DeepCopyObject().(apiserver.Object)
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
		panic(fmt.Sprintf("rig: upstream asks for %v", a))
	}
	res := w.Do(by, req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// OverWire returns an object as it comes to the server: times have whole seconds.
func OverWire(obj runtime.Object) apiserver.Object {
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
func (w *World) list(kind apiserver.Kind, namespace string) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	gvk := kind.GroupVersionKind()
	list, err := apiserver.Scheme().New(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err != nil {
		panic(err)
	}
	var items []runtime.Object
	for _, o := range w.server.List(kind, namespace) {
		items = append(items, o.DeepCopyObject())
	}
	if err := meta.SetList(list, items); err != nil {
		panic(err)
	}
	m, err := meta.ListAccessor(list)
	if err != nil {
		panic(err)
	}
	m.SetResourceVersion(fmt.Sprint(w.server.Version()))
	return list
}

// Must panics if a request has failed.
func Must(res apiserver.Result) {
	if res.Err != nil {
		panic(fmt.Sprintf("rig: %v", res.Err))
	}
}

// maxEvents bounds the events of a span.
const maxEvents = 200_000

// Run lets all events of ours happen up to a span from now.
func Run(h *controller.Host, d time.Duration) {
	until := h.Engine().Now().Add(d)
	for range maxEvents {
		if ev, ok := h.Engine().Peek(); !ok || ev.At > until {
			h.Engine().AdvanceTo(until)
			return
		}
		h.Step()
	}
	panic("rig: no end of events")
}
