package garbagecollector

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// cluster is an API server with a collector and nothing else.
type cluster struct {
	t    testing.TB
	host *controller.Host
	id   controller.ActorID
	recs []*apiserver.Record // everything written
}

func newCluster(t testing.TB, s engine.Strategy, l controller.Latency) *cluster {
	t.Helper()
	e := engine.New(s)
	c := &cluster{t: t, host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), l, nil)}
	c.id = c.host.Add(New(nil))
	for _, ns := range []string{"default", "other"} {
		c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	}
	c.settle()
	return c
}

func (c *cluster) collector() *Collector { return c.host.Actor(c.id).(*Collector) }

func (c *cluster) do(req apiserver.Request) apiserver.Object {
	c.t.Helper()
	res := c.host.Do("user", req)
	require.NoError(c.t, res.Err)
	return res.Object
}

func (c *cluster) create(obj apiserver.Object) apiserver.Object {
	c.t.Helper()
	return c.do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
}

func (c *cluster) delete(obj apiserver.Object, p metav1.DeletionPropagation) {
	c.t.Helper()
	c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Propagation: p})
}

// change patches an object as a user would.
func (c *cluster) change(obj apiserver.Object, p apiserver.Patcher) {
	c.t.Helper()
	c.do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Patch: p})
}

// step runs one event and reports whether anything but retries was pending.
func (c *cluster) step() bool {
	if c.host.Engine().Pending(engine.Progress)+c.host.Engine().Pending(engine.Background) == 0 {
		return false
	}
	more := c.host.Step()
	c.recs = append(c.recs, c.host.Drain()...)
	return more
}

// settle runs until only retries are pending.
func (c *cluster) settle() {
	c.t.Helper()
	for n := 0; c.step(); n++ {
		require.Less(c.t, n, 100_000, "the collector does not come to rest")
	}
	c.recs = append(c.recs, c.host.Drain()...)
}

// run runs everything that is due within a span, retries too.
func (c *cluster) run(d time.Duration) {
	c.t.Helper()
	end := c.host.Engine().Now().Add(d)
	for n := 0; ; n++ {
		require.Less(c.t, n, 100_000, "the collector does not come to rest")
		if ev, ok := c.host.Engine().Peek(); !ok || ev.At > end {
			break
		}
		c.host.Step()
	}
	c.recs = append(c.recs, c.host.Drain()...)
}

// live returns the newest state of an object, or nil.
func (c *cluster) live(obj apiserver.Object) apiserver.Object {
	return c.host.Server().Get(apiserver.KindOf(obj), apiserver.KeyOf(obj))
}

func (c *cluster) exists(obj apiserver.Object) bool {
	now := c.live(obj)
	return now != nil && now.GetUID() == obj.GetUID()
}

// deleted returns the names of the deleted objects of a kind, in order.
func (c *cluster) deleted(kind apiserver.Kind) []string {
	var names []string
	for _, rec := range c.recs {
		if rec.Kind == kind && rec.Type == watch.Deleted {
			names = append(names, rec.Key.Name)
		}
	}
	return names
}

func meta(namespace, name string, owners ...metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, OwnerReferences: owners}
}

// aSet returns a valid StatefulSet.
func aSet(namespace, name string, owners ...metav1.OwnerReference) *appsv1.StatefulSet {
	labels := map[string]string{"app": name}
	return &appsv1.StatefulSet{
		ObjectMeta: meta(namespace, name, owners...),
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec()},
		},
	}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}}
}

// aPod returns a pod; without a node its deletion does not wait (K14).
func aPod(namespace, name, node string, owners ...metav1.OwnerReference) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: meta(namespace, name, owners...), Spec: podSpec()}
	p.Spec.NodeName = node
	return p
}

// aRevision returns a ControllerRevision: the plainest object that there is.
func aRevision(namespace, name string, owners ...metav1.OwnerReference) *appsv1.ControllerRevision {
	return &appsv1.ControllerRevision{
		ObjectMeta: meta(namespace, name, owners...),
		Data:       runtime.RawExtension{Raw: []byte(`{"a":1}`)},
		Revision:   1,
	}
}

// owned returns a reference to an object that blocks its deletion.
func owned(by apiserver.Object) metav1.OwnerReference {
	yes := true
	o := loosely(by)
	o.BlockOwnerDeletion = &yes
	return o
}

// loosely returns a reference that does not block.
func loosely(by apiserver.Object) metav1.OwnerReference {
	gvk := apiserver.KindOf(by).GroupVersionKind()
	return metav1.OwnerReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: by.GetName(), UID: by.GetUID()}
}

// nobody is a reference to a set that never existed.
func nobody(uid types.UID) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "nobody", UID: uid}
}

// setOwners replaces an object's references.
type setOwners struct{ Owners []metav1.OwnerReference }

func (p setOwners) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := apiserver.ShallowCopy(obj)
	next.SetOwnerReferences(p.Owners)
	return next, nil
}

// setLabel is a change that has nothing to do with owners.
type setLabel struct{ Value string }

func (p setLabel) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := apiserver.ShallowCopy(obj)
	next.SetLabels(map[string]string{"label": p.Value})
	return next, nil
}

// setFinalizers replaces an object's finalizers.
type setFinalizers struct{ Finalizers []string }

func (p setFinalizers) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := apiserver.ShallowCopy(obj)
	next.SetFinalizers(p.Finalizers)
	return next, nil
}

// kill ends a pod as its kubelet does.
func (c *cluster) kill(pod apiserver.Object) {
	c.t.Helper()
	c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), GracePeriodSeconds: new(int64)})
}

// family creates a set with pods on a node and a revision.
func (c *cluster) family(name, node string, pods int) (set apiserver.Object, children []apiserver.Object) {
	c.t.Helper()
	set = c.create(aSet("default", name))
	for i := range pods {
		children = append(children, c.create(aPod("default", fmt.Sprintf("%s-%d", name, i), node, owned(set))))
	}
	return set, append(children, c.create(aRevision("default", name+"-rev", owned(set))))
}
