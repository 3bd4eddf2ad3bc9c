package scaling

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/scale"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// init takes away upstream's global brake on errors, which sleeps until a time
// of the last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }

// upstream plays a script to upstream's controller.
func upstream(t *testing.T, s script) string {
	var d diary
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := &world{server: apiserver.New(engine.New(engine.Strategy{Mode: engine.First}), serverConfig), load: 10}
		if res := w.do("user", before()); res.Err != nil {
			panic(res.Err)
		}
		ctx, stop := context.WithCancel(context.Background())
		w.start(ctx)
		time.Sleep(beginning)
		for i, st := range s.steps {
			var answer error
			w.mu.Lock()
			req, ok := apiserver.Request{}, false
			switch st.verb {
			case "load":
				w.load = load(st.number)
			case "fail":
				w.faults = append(w.faults, st)
			default:
				req, ok = st.request(w.server, apiserver.VirtualTime(time.Now()))
			}
			w.mu.Unlock()
			if ok {
				answer = w.do(apiserver.User, req).Err
			}
			time.Sleep(st.pause)
			synctest.Wait()
			d.rest(i, answer, w.server)
		}
		stop()
		for _, o := range w.watches {
			o.watcher.Stop()
		}
		time.Sleep(time.Minute)
	})
	return d.String()
}

// start starts the controller as the controller manager does.
func (w *world) start(ctx context.Context) {
	c := &fake.Clientset{}
	c.AddReactor("*", "*", w.react)
	c.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		o := &watching{kindOf[a.GetResource().Resource], watch.NewFakeWithChanSize(16384, false)}
		w.watches = append(w.watches, o)
		return true, o.watcher, nil
	})
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{appsv1.SchemeGroupVersion})
	mapper.Add(appsv1.SchemeGroupVersion.WithKind("StatefulSet"), meta.RESTScopeNamespace)
	// As the one that the controller manager fills from discovery.
	manifold := meta.MultiRESTMapper{mapper}
	factory := informers.NewSharedInformerFactory(c, 0)
	hpas, pods := factory.Autoscaling().V2().HorizontalPodAutoscalers(), factory.Core().V1().Pods()
	ctrl := podautoscaler.NewHorizontalController(ctx, c.CoreV1(), scales{w: w}, c.AutoscalingV2(), manifold, client{w}, hpas, pods,
		15*time.Second, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go ctrl.Run(ctx, 5)
}

// world is a server of ours that upstream's controller sees through client-go.
type world struct {
	mu      sync.Mutex
	server  *apiserver.Server
	watches []*watching
	events  int
	load    load
	faults  []step
}

type watching struct {
	kind    apiserver.Kind
	watcher *watch.FakeWatcher
}

var kindOf = map[string]apiserver.Kind{"pods": apiserver.Pod, "events": apiserver.Event, "horizontalpodautoscalers": apiserver.HorizontalPodAutoscaler}

// do carries out a request and tells the watches.
func (w *world) do(by string, req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range w.faults {
		if by == autoscaling.Name && f.fails == req.Verb && f.kind == req.Kind {
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

func (w *world) react(a clienttesting.Action) (bool, runtime.Object, error) {
	kind := kindOf[a.GetResource().Resource]
	req := apiserver.Request{Kind: kind, Key: apiserver.Key{Namespace: a.GetNamespace()}}
	if a.GetSubresource() == "status" {
		req.Subresource = apiserver.Status
	}
	switch a.GetVerb() {
	case "list":
		return true, w.list(kind), nil
	case "patch":
		p := a.(clienttesting.PatchAction)
		req.Verb, req.Key.Name = apiserver.Patch, p.GetName()
		req.Patch = apiserver.RawPatch{Type: p.GetPatchType(), Data: string(p.GetPatch())}
	case "create", "update":
		req.Verb, req.Object = apiserver.Create, overWire(a.(clienttesting.CreateAction).GetObject())
		if a.GetVerb() == "update" {
			req.Verb = apiserver.Update
		}
		if kind == apiserver.Event && req.Verb == apiserver.Create { // two of one instant would have one name
			w.mu.Lock()
			w.events++
			req.Object.SetName(fmt.Sprint(req.Object.GetName(), "-", w.events))
			w.mu.Unlock()
		}
		req.Key.Name = req.Object.GetName()
	default:
		panic(fmt.Sprintf("scaling: upstream asks for %v", a))
	}
	res := w.do(autoscaling.Name, req)
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

// list answers the informers, which ask at the beginning, when there is nothing.
func (w *world) list(kind apiserver.Kind) runtime.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := metav1.ListMeta{ResourceVersion: fmt.Sprint(w.server.Version())}
	if kind == apiserver.Pod {
		return &corev1.PodList{ListMeta: at}
	}
	return &autoscalingv2.HorizontalPodAutoscalerList{ListMeta: at}
}

// scales is the client of the scale subresource.
type scales struct {
	w         *world
	namespace string
}

func (s scales) Scales(namespace string) scale.ScaleInterface { return scales{s.w, namespace} }

func (s scales) Get(_ context.Context, _ schema.GroupResource, name string, _ metav1.GetOptions) (*autoscalingv1.Scale, error) {
	return s.answer(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.StatefulSet, Key: apiserver.Key{Namespace: s.namespace, Name: name}})
}

func (s scales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	return s.answer(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Scale, Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(scale), Object: scale.DeepCopy()})
}

func (scales) Patch(context.Context, schema.GroupVersionResource, string, types.PatchType, []byte, metav1.PatchOptions) (*autoscalingv1.Scale, error) {
	panic("scaling: upstream patches a scale")
}

func (s scales) answer(req apiserver.Request) (*autoscalingv1.Scale, error) {
	res := s.w.do(autoscaling.Name, req)
	if res.Err != nil {
		return nil, res.Err
	}
	return apiserver.ScaleOf(res.Object).DeepCopy(), nil
}

// client answers upstream what the function answers ours.
type client struct{ w *world }

func (c client) byPod(metric, namespace string, selector labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	info := metrics.PodMetricsInfo{}
	at, window := c.w.load.taken(time.Now())
	for _, obj := range c.w.server.List(apiserver.Pod, namespace) {
		if v, known := c.w.load.of(metric, obj.GetName()); known && selector.Matches(labels.Set(obj.GetLabels())) {
			info[obj.GetName()] = metrics.PodMetric{Timestamp: at, Window: window, Value: v}
		}
	}
	return info, at, c.w.load.err()
}

// fail is how upstream's clients wrap what the APIs answer.
func fail(api string, n int, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("unable to fetch metrics from %s metrics API: %w", api, err)
	case n == 0:
		return fmt.Errorf("no metrics returned from %s metrics API", api)
	}
	return nil
}

func (c client) GetResourceMetric(_ context.Context, resource corev1.ResourceName, namespace string, selector labels.Selector, container string) (metrics.PodMetricsInfo, time.Time, error) {
	info, at, err := c.byPod(string(resource)+container, namespace, selector)
	return info, at, fail("resource", len(info), err)
}

func (c client) GetRawMetric(name, namespace string, selector, _ labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	info, at, err := c.byPod(name, namespace, selector)
	return info, at, fail("custom", len(info), err)
}

func (c client) GetObjectMetric(name, _ string, ref *autoscalingv2.CrossVersionObjectReference, _ labels.Selector) (int64, time.Time, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	v, known := c.w.load.of(name, ref.Name)
	err := c.w.load.err()
	if err == nil && !known {
		err = fmt.Errorf("the server could not find the metric %s for %s %s", name, ref.Kind, ref.Name)
	}
	return v, time.Now(), fail("custom", 1, err)
}

func (c client) GetExternalMetric(name, _ string, _ labels.Selector) (list []int64, at time.Time, err error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for _, of := range []string{"one", "two"} {
		if v, known := c.w.load.of(name, of); known {
			list = append(list, v)
		}
	}
	return list, time.Now(), fail("external", len(list), c.w.load.err())
}
