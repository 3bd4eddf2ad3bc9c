package disrupting

import (
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
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
	watches []*watching
}

// watching is a watch of a kind.
type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

// watchBuffer is more than the events of a history.
const watchBuffer = 4096

// newWorld returns a world in which the time is the bubble's.
func newWorld(s script) *world {
	w := &world{server: apiserver.New(engine.New(engine.Strategy{Mode: engine.First}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})}
	for _, req := range s.before() {
		must(w.do("user", req))
	}
	return w
}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
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

// end closes all watches.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.watches {
		o.watcher.Stop()
	}
}

var kindOf = map[string]apiserver.Kind{
	"pods": apiserver.Pod, "poddisruptionbudgets": apiserver.PodDisruptionBudget, "events": apiserver.Event,
	"statefulsets": apiserver.StatefulSet, "replicasets": apiserver.KindOf(&appsv1.ReplicaSet{}),
	"deployments": apiserver.KindOf(&appsv1.Deployment{}), "replicationcontrollers": apiserver.KindOf(&corev1.ReplicationController{}),
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
		panic(fmt.Sprintf("disrupting: upstream asks for %v", a))
	}
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a := a.(type) {
	case clienttesting.ListAction:
		return true, w.list(a.GetResource().Resource, a.GetNamespace()), nil
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
		panic(fmt.Sprintf("disrupting: upstream asks for %v", a))
	}
	res := w.do("disruption-controller", req)
	if res.Err != nil {
		return true, nil, res.Err
	}
	return true, res.Object.DeepCopyObject(), nil
}

// list answers the informers, which ask at the beginning.
func (w *world) list(resource, namespace string) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	objs, meta := w.server.List(kindOf[resource], namespace), metav1.ListMeta{ResourceVersion: fmt.Sprint(w.server.Version())}
	switch resource {
	case "pods":
		return &corev1.PodList{ListMeta: meta, Items: items[corev1.Pod](objs)}
	case "poddisruptionbudgets":
		return &policyv1.PodDisruptionBudgetList{ListMeta: meta, Items: items[policyv1.PodDisruptionBudget](objs)}
	case "statefulsets":
		return &appsv1.StatefulSetList{ListMeta: meta, Items: items[appsv1.StatefulSet](objs)}
	case "replicasets":
		return &appsv1.ReplicaSetList{ListMeta: meta, Items: items[appsv1.ReplicaSet](objs)}
	case "deployments":
		return &appsv1.DeploymentList{ListMeta: meta, Items: items[appsv1.Deployment](objs)}
	case "replicationcontrollers":
		return &corev1.ReplicationControllerList{ListMeta: meta, Items: items[corev1.ReplicationController](objs)}
	}
	panic("disrupting: upstream lists " + resource)
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
		panic(fmt.Sprintf("disrupting: %v", res.Err))
	}
}
