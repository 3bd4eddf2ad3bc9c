package conformance

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/history"
	upstream "k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/util/consistency"

	_ "k8s.io/kubernetes/pkg/apis/apps/install" // defaults, as in the real binary
	_ "k8s.io/kubernetes/pkg/apis/core/install"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/statefulset"
)

// Name is the component that both controllers write as.
const Name = statefulset.Name

func init() {
	// What upstream sleeps before it tries again is no decision (see doc.go).
	retry.DefaultRetry.Duration, retry.DefaultBackoff.Duration = 0, 0
	// Its log is of no interest, and its error handlers sleep.
	utilruntime.ErrorHandlers = nil
	klog.SetLogger(logr.Discard())
}

var setKind = appsv1.SchemeGroupVersion.WithKind("StatefulSet")

// reference is upstream's controller, on a server of its own. It lives for as
// long as its state: what it caches is held against ours too.
type reference struct {
	c       *cluster
	seen    *sight
	srv     *apiserver.Server
	client  *fakeClient
	stores  stores
	events  *recorder
	control upstream.StatefulSetControlInterface
}

func newReference(c *cluster) *reference {
	u := &reference{c: c, seen: &sight{}, client: &fakeClient{}, events: &recorder{}}
	l := &listers{u.seen}
	u.stores = newStores(u.seen)
	pods := upstream.NewStatefulPodControl(u.client, podLister{l}, claimLister{l}, u.events, u.stores)
	if c.state.Seed%8 == 7 {
		pods = upstream.NewStatefulPodControlFromManager(manager{u.client, u.seen, u.stores}, u.events)
	}
	u.control = upstream.NewDefaultStatefulSetControl(pods,
		upstream.NewRealStatefulSetStatusUpdater(u.client, setLister{l}, u.stores),
		history.NewHistory(u.client, revisionLister{l}, revisionIndex{seen: u.seen}))
	return u
}

// sync does one sync on a copy of the cluster's server, with the cluster's sight.
func (u *reference) sync() Outcome {
	at := u.c.engine.Now()
	*u.seen = u.c.seen
	// The writes of an earlier sync went to another copy.
	u.stores.Clear(types.NamespacedName{Namespace: namespace, Name: setName}, "")
	u.srv = u.c.host.Server().Fork()
	w := newWire(func(req apiserver.Request) apiserver.Result { return u.srv.Do(at, Name, req) }, u.c.state)
	u.client.w, u.events.events = w, nil
	s := &syncer{
		seen: u.seen, client: u.client, store: u.stores, clock: fixed(apiserver.WallTime(at)), control: u.control,
		pods: controller.RealPodControl{KubeClient: u.client, Recorder: u.events, OnWrite: func(pod *corev1.Pod, ref *metav1.OwnerReference) {
			if ref != nil { // as in NewStatefulSetController
				u.stores.WroteAt(types.NamespacedName{Namespace: pod.Namespace, Name: ref.Name}, ref.UID, apiserver.Pod.GroupResource(), pod.ResourceVersion)
			}
		}},
	}
	var o Outcome
	o.Err, o.After = s.sync(context.Background())
	o.Calls, o.Events = w.calls, u.events.events
	o.Again = u.stores.EnsureReady(types.NamespacedName{Namespace: namespace, Name: setName})
	return o
}

// syncer is StatefulSetController.sync with what it calls, as far as upstream
// does not export it (stateful_set.go): the parts that decide anything are
// upstream's own.
type syncer struct {
	seen    *sight
	client  *fakeClient
	store   consistency.ConsistencyStore
	clock   fixed
	control upstream.StatefulSetControlInterface
	pods    controller.RealPodControl
}

func (u *syncer) sync(ctx context.Context) (error, time.Duration) {
	set := u.seen.set
	if set == nil {
		u.store.Clear(types.NamespacedName{Namespace: namespace, Name: setName}, "")
		return nil, 0
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, 0
	}
	if err := u.adoptOrphanRevisions(ctx, set); err != nil {
		return err, 0
	}
	pods, err := u.claimPods(ctx, set, selector)
	if err != nil {
		return err, 0
	}
	now := u.clock.Now()
	status, err := u.control.UpdateStatefulSet(ctx, set, pods, now)
	if err != nil {
		return err, 0
	}
	if set.Spec.MinReadySeconds > 0 && status != nil && status.ReadyReplicas != status.AvailableReplicas {
		if next := controller.FindMinNextPodAvailabilityCheck(pods, set.Spec.MinReadySeconds, now, u.clock); next != nil {
			return nil, *next
		}
		return nil, time.Duration(set.Spec.MinReadySeconds) * time.Second
	}
	return nil, 0
}

func (u *syncer) canAdopt(set *appsv1.StatefulSet) func(context.Context) error {
	return controller.RecheckDeletionTimestamp(func(ctx context.Context) (metav1.Object, error) {
		fresh, err := u.client.AppsV1().StatefulSets(set.Namespace).Get(ctx, set.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if fresh.UID != set.UID {
			return nil, fmt.Errorf("original StatefulSet %v/%v is gone: got uid %v, wanted %v", set.Namespace, set.Name, fresh.UID, set.UID)
		}
		return fresh, nil
	})
}

func (u *syncer) adoptOrphanRevisions(ctx context.Context, set *appsv1.StatefulSet) error {
	revisions, err := u.control.ListRevisions(set)
	if err != nil {
		return err
	}
	history.SortControllerRevisions(revisions) // the informer's order is any
	var orphans []*appsv1.ControllerRevision
	for _, r := range revisions {
		if metav1.GetControllerOf(r) == nil {
			orphans = append(orphans, r)
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	if err := u.canAdopt(set)(ctx); err != nil {
		return fmt.Errorf("can't adopt ControllerRevisions: %v", err)
	}
	return u.control.AdoptOrphanRevisions(set, orphans)
}

func (u *syncer) claimPods(ctx context.Context, set *appsv1.StatefulSet, selector labels.Selector) ([]*corev1.Pod, error) {
	// controller.FilterPodsByOwner: first the owned, then the orphans, each in
	// any order; the order here is the one that ours takes.
	own := controller.PodControllerIndexKey(set.Namespace, &metav1.OwnerReference{Name: set.Name, Kind: "StatefulSet", UID: set.UID})
	orphan := controller.PodControllerIndexKey(set.Namespace, nil)
	var list []*corev1.Pod
	for _, want := range []string{own, orphan} {
		var part []*corev1.Pod
		for _, pod := range u.seen.pods {
			if controller.PodControllerIndexKey(pod.Namespace, metav1.GetControllerOfNoCopy(pod)) == want {
				part = append(part, pod)
			}
		}
		sort.SliceStable(part, func(i, j int) bool { return comesFirst(part[i].Name, part[j].Name) })
		list = append(list, part...)
	}
	cm := controller.NewPodControllerRefManager(u.pods, set, selector, setKind, u.canAdopt(set))
	return cm.ClaimPods(ctx, list, func(pod *corev1.Pod) bool { return isMemberOf(set, pod) })
}

// isOdd reports whether a pod's name is not one that the set would give.
func isOdd(name string) bool {
	return name != fmt.Sprintf("%s-%d", setName, ordinalIn(name))
}

// comesFirst is the order in which ours lists pods. Of two with one ordinal both
// take the later one for the replica (SSC, updateStatefulSet).
func comesFirst(a, b string) bool {
	switch {
	case isOdd(a) != isOdd(b):
		return isOdd(a)
	case isOdd(a):
		return a < b
	}
	return ordinalIn(a) < ordinalIn(b)
}

// recorder takes down Events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) Event(obj runtime.Object, typ, reason, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, Event{string(obj.(metav1.Object).GetUID()), typ, reason, message})
}

func (r *recorder) Eventf(obj runtime.Object, typ, reason, format string, args ...any) {
	r.Event(obj, typ, reason, fmt.Sprintf(format, args...))
}

func (r *recorder) AnnotatedEventf(obj runtime.Object, _ map[string]string, typ, reason, format string, args ...any) {
	r.Eventf(obj, typ, reason, format, args...)
}

// fixed is a clock that stands still.
type fixed time.Time

func (f fixed) Now() time.Time                  { return time.Time(f) }
func (f fixed) Since(t time.Time) time.Duration { return time.Time(f).Sub(t) }

// stores are upstream's consistency stores, one for each resource: a single one
// answers for any of them that is behind, as a map has it.
type stores []consistency.ConsistencyStore

func newStores(seen *sight) stores {
	var all stores
	for _, kind := range []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.StatefulSet} {
		all = append(all, consistency.NewConsistencyStore(map[schema.GroupResource]consistency.LastSyncRVGetter{
			kind.GroupResource(): version{seen, kind}}))
	}
	return all
}

func (s stores) WroteAt(owner types.NamespacedName, uid types.UID, resource schema.GroupResource, rv string) {
	for _, one := range s {
		one.WroteAt(owner, uid, resource, rv)
	}
}

func (s stores) Clear(owner types.NamespacedName, uid types.UID) {
	for _, one := range s {
		one.Clear(owner, uid)
	}
}

func (s stores) EnsureReady(owner types.NamespacedName) error {
	for _, one := range s {
		if err := one.EnsureReady(owner); err != nil {
			return err
		}
	}
	return nil
}

// version is how far an informer has read.
type version struct {
	seen *sight
	kind apiserver.Kind
}

// A list that was empty has a version too, which the host does not know.
func (v version) LastStoreSyncResourceVersion() string {
	return fmt.Sprint(max(v.seen.versions[v.kind], 1))
}
