package scheduler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// cluster is a host with a scheduler and nothing else.
type cluster struct {
	*controller.Host
	t  testing.TB
	id controller.ActorID
}

func newCluster(t testing.TB, cfg scheduler.Config, l controller.Latency, objs ...apiserver.Object) *cluster {
	e := engine.New(engine.Strategy{})
	c := &cluster{Host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}), l, nil), t: t}
	c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	c.create(objs...)
	c.id = c.Add(scheduler.New(cfg))
	return c
}

func (c *cluster) create(objs ...apiserver.Object) {
	c.t.Helper()
	for _, o := range objs {
		k := apiserver.KindOf(o)
		if k.Namespaced() && o.GetNamespace() == "" {
			o.SetNamespace("default")
		}
		given := o.DeepCopyObject().(apiserver.Object) // the server takes the object over
		res := c.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: k, Key: apiserver.KeyOf(o), Object: given})
		require.NoError(c.t, res.Err, "%v %v", k, o.GetName())
		if n, ok := o.(*corev1.Node); ok && n.Status.Allocatable != nil {
			c.status(o)
		} else if pv, ok := o.(*corev1.PersistentVolume); ok && pv.Status.Phase != "" {
			c.status(o)
		}
	}
}

// status writes the status of an object.
func (c *cluster) status(o apiserver.Object) {
	c.t.Helper()
	k := apiserver.KindOf(o)
	cur := c.get(k, o.GetName())
	next := o.DeepCopyObject().(apiserver.Object)
	next.SetResourceVersion(cur.GetResourceVersion())
	res := c.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: k, Subresource: apiserver.Status, Key: apiserver.KeyOf(cur), Object: next})
	require.NoError(c.t, res.Err)
}

// change updates an object.
func (c *cluster) change(o apiserver.Object) {
	c.t.Helper()
	res := c.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
	require.NoError(c.t, res.Err)
}

func (c *cluster) delete(k apiserver.Kind, name string) {
	c.t.Helper()
	zero := int64(0)
	res := c.Do("user", apiserver.Request{Verb: apiserver.Delete, Kind: k, Key: c.key(k, name), GracePeriodSeconds: &zero})
	require.NoError(c.t, res.Err)
}

func (c *cluster) key(k apiserver.Kind, name string) apiserver.Key {
	if k.Namespaced() {
		return apiserver.Key{Namespace: "default", Name: name}
	}
	return apiserver.Key{Name: name}
}

func (c *cluster) get(k apiserver.Kind, name string) apiserver.Object {
	return c.Server().Get(k, c.key(k, name))
}

func (c *cluster) pod(name string) *corev1.Pod {
	c.t.Helper()
	p, _ := c.get(apiserver.Pod, name).(*corev1.Pod)
	require.NotNil(c.t, p, name)
	return p
}

// settle runs until nothing but retries is pending.
func (c *cluster) settle() {
	c.t.Helper()
	for i := 0; c.Engine().Pending(engine.Progress)+c.Engine().Pending(engine.Background) > 0; i++ {
		require.Less(c.t, i, 1_000_000, "does not come to rest")
		c.Step()
	}
}

// run runs until a time.
func (c *cluster) run(until engine.Time) {
	for {
		ev, ok := c.Engine().Peek()
		if !ok || ev.At > until {
			c.Engine().AdvanceTo(until)
			return
		}
		c.Step()
	}
}

// message returns the message of the pod's condition PodScheduled.
func (c *cluster) message(name string) string {
	for _, cond := range c.pod(name).Status.Conditions {
		if cond.Type == corev1.PodScheduled {
			return cond.Message
		}
	}
	return ""
}

// events returns the Events about an object, in the order of their creation.
func (c *cluster) events(name string) []string {
	var lines []string
	for _, rec := range c.Server().Live(apiserver.Event) {
		e := rec.Object.(*corev1.Event)
		if e.InvolvedObject.Name == name {
			n := e.Count
			if e.Series != nil {
				n = e.Series.Count
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s ×%d: %s", e.Type, e.Reason, e.Action, max(n, 1), e.Message)))
		}
	}
	return lines
}

func quantity(s string) resource.Quantity { return resource.MustParse(s) }

func node(name string, edit ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU: quantity("4"), corev1.ResourceMemory: quantity("8Gi"), corev1.ResourcePods: quantity("110"),
		}},
	}
	for _, f := range edit {
		f(n)
	}
	n.Status.Capacity = n.Status.Allocatable
	return n
}

func nodes(n int) []apiserver.Object {
	var list []apiserver.Object
	for i := range n {
		list = append(list, node(fmt.Sprintf("node-%d", i+1)))
	}
	return list
}

func pod(name string, edit ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}},
	}
	for _, f := range edit {
		f(p)
	}
	return p
}

func requesting(cpu, memory string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: quantity(cpu), corev1.ResourceMemory: quantity(memory)}
	}
}

func using(claims ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for _, c := range claims {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "v-" + c, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: c},
			}})
		}
	}
}

func priorityClass(name string, value int32) *schedulingv1.PriorityClass {
	return &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
}
