package kubelet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// lab is a host with one node and what was written on it.
type lab struct {
	t     testing.TB
	host  *controller.Host
	world *kubelet.World
	node  *kubelet.Kubelet
	env   *controller.Env
	rows  []string
	notes []string
	spy   func(*apiserver.Record)
}

type options struct {
	engine  engine.Strategy
	api     controller.Latency
	kubelet kubelet.Config
	world   kubelet.WorldConfig
	node    *corev1.Node
}

func newLab(t testing.TB, o options) *lab {
	e := engine.New(o.engine)
	if o.kubelet.Node == "" {
		o.kubelet.Node = "n1"
	}
	if o.kubelet.PodCIDR == "" {
		o.kubelet.PodCIDR = "172.16.5.0/24"
	}
	w := kubelet.NewWorld(o.world)
	l := &lab{t: t, world: w, node: kubelet.New(o.kubelet)}
	l.host = controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), o.api, w)
	l.must(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "default"},
		Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}, "AlreadyExists")
	if o.node == nil {
		o.node = &corev1.Node{Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("110"),
		}, Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.1.63"}}}}
	}
	o.node.Name = o.kubelet.Node
	l.must(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node, Key: apiserver.Key{Name: o.node.Name}, Object: o.node}, "")
	l.env = l.host.Env(l.host.Add(l.node))
	l.drain()
	return l
}

func (l *lab) must(req apiserver.Request, allowed string) apiserver.Object {
	l.t.Helper()
	res := l.host.Do("user", req)
	if res.Err != nil && (allowed == "" || !strings.Contains(fmt.Sprintf("%#v", res.Err), allowed)) {
		require.NoError(l.t, res.Err)
	}
	l.drain()
	return res.Object
}

// create stores objects from YAML, which may leave apiVersion out of a Pod.
func (l *lab) create(doc string) {
	l.t.Helper()
	for _, d := range strings.Split(doc, "\n---\n") {
		var meta metav1.TypeMeta
		require.NoError(l.t, yaml.Unmarshal([]byte(d), &meta))
		if meta.Kind == "" {
			meta.Kind = "Pod"
		}
		kind := apiserver.KindNamed(meta.Kind)
		obj := kind.New()
		require.NoError(l.t, yaml.Unmarshal([]byte(d), obj))
		if kind.Namespaced() && obj.GetNamespace() == "" {
			obj.SetNamespace("default")
		}
		if pod, ok := obj.(*corev1.Pod); ok && pod.Spec.NodeName == "" {
			pod.Spec.NodeName = "n1"
		}
		l.must(apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj}, "")
	}
}

func (l *lab) delete(name string, grace *int64) {
	l.t.Helper()
	l.must(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key(name), GracePeriodSeconds: grace}, "")
}

func key(name string) apiserver.Key { return apiserver.Key{Namespace: "default", Name: name} }

// run steps until nothing is pending or the time is up, and drains.
func (l *lab) run(d time.Duration) {
	l.t.Helper()
	until := l.host.Engine().Now().Add(d)
	for range 1_000_000 {
		ev, ok := l.host.Engine().Peek()
		if !ok || ev.At > until {
			l.host.Engine().AdvanceTo(until)
			return
		}
		l.host.Step()
		l.drain()
	}
	l.t.Fatal("the run has no end")
}

func (l *lab) drain() {
	for _, rec := range l.host.Drain() {
		if l.spy != nil {
			l.spy(rec)
		}
		switch o := rec.Object.(type) {
		case *corev1.Pod:
			row := fmt.Sprintf("%s %s", o.Name, status(o))
			if rec.Type != watch.Modified {
				row += " " + string(rec.Type)
			}
			l.rows = append(l.rows, row)
		case *corev1.Event:
			if rec.Type == watch.Added {
				l.notes = append(l.notes, fmt.Sprintf("%s %s %s", o.Type, o.Reason, o.Message))
			}
		}
	}
}

// takeRows returns the rows since the last call.
func (l *lab) takeRows() string {
	s := strings.Join(l.rows, "\n")
	l.rows = nil
	return s
}

func (l *lab) takeNotes() string {
	s := strings.Join(l.notes, "\n")
	l.notes = nil
	return s
}

func (l *lab) pod(name string) *corev1.Pod {
	l.t.Helper()
	res := l.host.Do("user", apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Pod, Key: key(name)})
	require.NoError(l.t, res.Err)
	return res.Object.(*corev1.Pod)
}

func (l *lab) processes() string {
	var s []string
	for _, p := range l.world.Processes() {
		s = append(s, p.Pod.Name+"/"+p.Container)
	}
	return strings.Join(s, " ")
}

func (l *lab) waiting() string {
	var s []string
	for _, w := range l.host.Waiting() {
		s = append(s, w.Key.Name+": "+w.Reason)
	}
	return strings.Join(s, "\n")
}

// status is READY and STATUS as kubectl prints them, in a simplified form (K23).
func status(o *corev1.Pod) string {
	ready, restarts := 0, int32(0)
	text := string(o.Status.Phase)
	if o.Status.Reason != "" {
		text = o.Status.Reason
	}
	for i := len(o.Status.ContainerStatuses) - 1; i >= 0; i-- {
		s := &o.Status.ContainerStatuses[i]
		restarts += s.RestartCount
		switch {
		case s.State.Waiting != nil && s.State.Waiting.Reason != "":
			text = s.State.Waiting.Reason
		case s.State.Terminated != nil:
			text = s.State.Terminated.Reason
		case s.State.Running != nil && s.Ready:
			ready++
		}
	}
	for i := range o.Status.InitContainerStatuses {
		s := &o.Status.InitContainerStatuses[i]
		if s.State.Running != nil && s.Started != nil && *s.Started && s.Ready {
			ready++
			continue
		}
		if s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
			continue
		}
		switch {
		case s.State.Terminated != nil:
			text = "Init:" + s.State.Terminated.Reason
		case s.State.Waiting != nil && s.State.Waiting.Reason != "PodInitializing":
			text = "Init:" + s.State.Waiting.Reason
		default:
			text = fmt.Sprintf("Init:%d/%d", i, len(o.Status.InitContainerStatuses))
		}
		break
	}
	if o.DeletionTimestamp != nil && o.Status.Phase != corev1.PodSucceeded && o.Status.Phase != corev1.PodFailed {
		text = "Terminating"
	}
	total := len(o.Spec.Containers)
	for i := range o.Spec.InitContainers {
		if o.Spec.InitContainers[i].RestartPolicy != nil {
			total++
		}
	}
	s := fmt.Sprintf("%d/%d %s", ready, total, text)
	if restarts > 0 {
		s += fmt.Sprintf(" %d", restarts)
	}
	return s
}

func lines(s ...string) string { return strings.Join(s, "\n") }
