package collecting

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// collector is the author of our collector's writes. On the other side they go
// by apiserver.User, whose writes the server compares with what is stored, as
// the real one does with all.
const collector = "generic-garbage-collector"

// world is a server of ours that upstream's collector sees through client-go.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	began   time.Time
	diary   *diary
	records []*apiserver.Record
	watches []*watching
	faults  []fault
	ambush  *ambush
	sent    map[string]int // how often each request was sent
	seed    uint64         // of their lags
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 4096

func newWorld(d *diary, seed uint64) *world {
	return &world{server: apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), began: time.Now(), diary: d, sent: map[string]int{}, seed: seed}
}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.serve(by, req)
}

func (w *world) serve(by string, req apiserver.Request) apiserver.Result {
	author := by
	if by == collector {
		author = apiserver.User
	}
	res := w.server.Do(engine.Time(time.Since(w.began)), author, req)
	for _, rec := range w.server.Drain() {
		rec := *rec
		rec.By = by
		w.records = append(w.records, &rec)
		w.diary.saw(&rec)
		for _, o := range w.watches {
			if o.kind == rec.Kind {
				o.watcher.Action(rec.Type, partial(rec.Kind, rec.Object))
			}
		}
	}
	return res
}

// maxLag bounds how long a request is under way.
const maxLag = 5 * time.Millisecond

// lag returns how long a request is under way: a time of its own, so that what
// upstream's goroutines do at one instant of the bubble does not depend on the
// scheduler of Go, which would let one of them be overtaken by all others.
func (w *world) lag(req *apiserver.Request) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := fmt.Sprint(req.Verb, req.Kind, req.Key)
	w.sent[what]++
	h := fnv.New64a()
	fmt.Fprint(h, what, w.sent[what], time.Since(w.began), w.seed)
	return 1 + time.Duration(h.Sum64()%uint64(maxLag))
}

// collect carries out a request of the collector: it may be made to fail, and a
// user may act right behind it.
func (w *world) collect(req apiserver.Request) apiserver.Result {
	time.Sleep(w.lag(&req))
	w.mu.Lock()
	defer w.mu.Unlock()
	var res apiserver.Result
	if i := slices.IndexFunc(w.faults, func(f fault) bool { return f.matches(&req) }); i >= 0 {
		res.Err = w.faults[i].err()
		if w.faults[i].count--; w.faults[i].count == 0 {
			w.faults = slices.Delete(w.faults, i, i+1)
		}
	} else {
		res = w.serve(collector, req)
	}
	w.diary.heard(&req, res.Err)
	if a := w.ambush; a != nil && a.matches(&req) {
		w.ambush = nil
		if req, ok := a.step.request(w.server, w.diary); ok {
			w.serve(apiserver.User, req)
		}
	}
	return res
}

// watch begins a watch with what happened after a version.
func (w *world) watch(kind apiserver.Kind, after string) watch.Interface {
	w.mu.Lock()
	defer w.mu.Unlock()
	version, _ := strconv.ParseUint(after, 10, 64)
	o := &watching{kind, watch.NewFakeWithChanSize(watchBuffer, false)}
	for _, rec := range w.records {
		if rec.Kind == kind && rec.Version > version {
			o.watcher.Action(rec.Type, partial(kind, rec.Object))
		}
	}
	w.watches = append(w.watches, o)
	return o.watcher
}

// end closes all watches.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.watches {
		o.watcher.Stop()
	}
}

// events is a clientset that takes Events and nothing else.
func (w *world) events() *fake.Clientset {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetResource().Resource != "events" {
			panic(fmt.Sprintf("collecting: upstream asks for %v", a))
		}
		req := apiserver.Request{Kind: apiserver.Event}
		switch a := a.(type) {
		case clienttesting.PatchAction:
			req.Verb, req.Key = apiserver.Patch, apiserver.Key{Namespace: a.GetNamespace(), Name: a.GetName()}
			req.Patch = apiserver.RawPatch{Type: a.GetPatchType(), Data: string(a.GetPatch())}
		case clienttesting.CreateAction:
			req.Verb, req.Object = apiserver.Create, a.GetObject().DeepCopyObject().(apiserver.Object)
			// Names hold the time in nanoseconds, which stands still in a bubble.
			w.mu.Lock()
			req.Object.SetName(fmt.Sprintf("%s.%d", req.Object.GetName(), w.server.Version()))
			w.mu.Unlock()
			req.Key = apiserver.KeyOf(req.Object)
		default:
			panic(fmt.Sprintf("collecting: upstream asks for %v", a))
		}
		res := w.do("events", req)
		if res.Err != nil {
			return true, nil, res.Err
		}
		return true, res.Object.DeepCopyObject(), nil
	})
	return c
}

// partial returns what a metadata client sees of an object.
func partial(kind apiserver.Kind, o apiserver.Object) *metav1.PartialObjectMetadata {
	p := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(), Generation: o.GetGeneration(),
		CreationTimestamp: o.GetCreationTimestamp(), DeletionTimestamp: o.GetDeletionTimestamp(), DeletionGracePeriodSeconds: o.GetDeletionGracePeriodSeconds(),
		Labels: o.GetLabels(), Annotations: o.GetAnnotations(), OwnerReferences: o.GetOwnerReferences(), Finalizers: o.GetFinalizers(),
	}}
	p.SetGroupVersionKind(kind.GroupVersionKind())
	return p.DeepCopy()
}

// fault has some of the collector's requests fail.
type fault struct {
	verb  apiserver.Verb
	kind  apiserver.Kind
	key   apiserver.Key
	class string
	count int
}

func (f fault) matches(req *apiserver.Request) bool {
	return f.verb == req.Verb && f.kind == req.Kind && f.key == req.Key
}

func (f fault) err() error {
	gr := f.kind.GroupResource()
	switch f.class {
	case "conflict":
		return apierrors.NewConflict(gr, f.key.Name, errors.New("the object has been modified"))
	case "notfound":
		return apierrors.NewNotFound(gr, f.key.Name)
	case "forbidden":
		return apierrors.NewForbidden(gr, f.key.Name, errors.New("no"))
	}
	return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
}

// ambush is a user's request that comes right behind one of the collector.
type ambush struct {
	verb apiserver.Verb
	kind apiserver.Kind
	key  apiserver.Key
	step step
}

func (a *ambush) matches(req *apiserver.Request) bool {
	return a.verb == req.Verb && a.kind == req.Kind && a.key == req.Key
}
