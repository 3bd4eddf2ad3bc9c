package volumes

import (
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// world is a server of ours that upstream's controllers see through client-go,
// in a bubble of testing/synctest. Each request and each delivery of a watch
// takes a span of the bubble's clock that depends on the seed and on what it is
// about. So no two of them come at one time, and Go's scheduler does not decide
// what comes first.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	engine  *engine.Engine // for its spans alone
	began   time.Time
	watches []*watching
	writes  []*apiserver.Record // since the last rest
	asked   map[engine.Key]uint64
	life    int         // of the controllers: it ends with a crash
	arrived map[int]int // requests that a life sent and that are about to be served
	fault   fault
	struck  int // how many faults did
	crashed func()
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.RaceFreeFakeWatcher
	last    time.Time // of the latest delivery
	ended   bool
}

func newWorld(s script) *world {
	e := engine.New(engine.Strategy{Seed: s.seed})
	w := &world{server: apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), engine: e, began: time.Now(), asked: map[engine.Key]uint64{}, arrived: map[int]int{}}
	for _, req := range s.before() {
		must(w.do("user", req))
	}
	return w
}

func (w *world) now() engine.Time { return engine.Time(time.Since(w.began)) }

// do carries out a request at once and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.carryOut(by, req)
}

func (w *world) carryOut(by string, req apiserver.Request) apiserver.Result {
	res := w.server.Do(w.now(), by, req)
	for _, rec := range w.server.Drain() {
		w.writes = append(w.writes, rec)
		for _, o := range w.watches {
			if o.kind == rec.Kind {
				w.deliver(o, rec)
			}
		}
	}
	return res
}

// span returns how long the next thing of a sort takes about an object.
func (w *world) span(within controller.Range, parts ...string) time.Duration {
	key := engine.KeyOf(parts...)
	w.asked[key]++
	return w.engine.Span("latency", key, w.asked[key], within.Min, within.Max)
}

// deliver has a watcher see a record after a while, and after all before it.
func (w *world) deliver(o *watching, rec *apiserver.Record) {
	at := time.Now().Add(w.span(watchLag, "watch", fmt.Sprint(o.kind, w.life)))
	if !at.After(o.last) {
		at = o.last.Add(1)
	}
	o.last = at
	obj := rec.Object.DeepCopyObject()
	time.AfterFunc(time.Until(at), func() {
		w.mu.Lock()
		ended := o.ended
		w.mu.Unlock()
		if !ended {
			o.watcher.Action(rec.Type, obj)
		}
	})
}

// serve carries out a request of a controller, unless its life has ended or a
// fault strikes.
func (w *world) serve(by string, life int, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Kind == apiserver.PersistentVolume || req.Kind == apiserver.PersistentVolumeClaim {
		if w.arrived[life] == 0 {
			return ended
		}
		w.arrived[life]--
	} else if w.life != life {
		return ended
	}
	counts := isBinding(by, req.Kind) && w.fault.kind != noFault
	if counts && w.fault.kind == refusal && w.fault.after == 0 && req.Verb == apiserver.Update {
		w.fault = fault{}
		w.struck++
		return apiserver.Result{Err: errRefused}
	}
	written := len(w.writes)
	res := w.carryOut(by, req)
	if counts && len(w.writes) > written {
		w.fault.after--
		if w.fault.kind == crash && w.fault.after == 0 {
			w.fault = fault{}
			w.struck++
			w.end()
			w.crashed()
			return ended
		}
	}
	return res
}

// ended is what a process hears that is no more.
var ended = apiserver.Result{Err: apierrors.NewServiceUnavailable("the process has ended")}

// end ends a life: its watches see nothing more.
func (w *world) end() {
	w.life++
	for _, o := range w.watches {
		o.ended = true
		o.watcher.Stop()
	}
	w.watches = nil
}

// rest returns the writes since the last rest.
func (w *world) rest() []*apiserver.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	writes := w.writes
	w.writes = nil
	return writes
}

var kindOf = map[string]apiserver.Kind{
	"persistentvolumes": apiserver.PersistentVolume, "persistentvolumeclaims": apiserver.PersistentVolumeClaim,
	"storageclasses": apiserver.StorageClass, "pods": apiserver.Pod, "nodes": apiserver.Node, "events": apiserver.Event,
}

// client returns a controller's way to the server. The names are ours.
func (w *world) client(by string) client {
	c, life := &fake.Clientset{}, w.life
	c.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) { return w.react(by, life, a) })
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.life != life {
			return true, nil, ended.Err
		}
		o := &watching{kind: kindOf[a.GetResource().Resource], watcher: watch.NewRaceFreeFake()}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	return client{c, slow{w, by, life}}
}

func (w *world) react(by string, life int, a clienttesting.Action) (bool, runtime.Object, error) {
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
	if kind == apiserver.Event && req.Verb == apiserver.Create {
		req.Object = w.renamed(req.Object)
		req.Key.Name = req.Object.GetName()
	}
	res := w.serve(by, life, req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// renamed returns an Event with a name that is free. The recorder's names are an object's
// and the time in nanoseconds, of which a bubble's clock gives one to all that
// happens at once.
func (w *world) renamed(event apiserver.Object) apiserver.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	event = event.DeepCopyObject().(apiserver.Object)
	for w.server.Get(apiserver.Event, apiserver.KeyOf(event)) != nil {
		event.SetName(event.GetName() + "0")
	}
	return event
}

// list answers a list. The informers ask at the beginning; claim protection
// asks for pods at any time. The order is that in which ours learns what there
// is, by key. It is as good as any: a reflector that watches from the
// beginning takes what it has heard from a map (watchList).
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
