package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Cluster is what an explanation reads. Objects are shared and not changed.
type Cluster interface {
	// Get returns an object, or nil.
	Get(kind apiserver.Kind, key apiserver.Key) apiserver.Object
	// List returns the objects of a kind in a namespace (empty means all), by
	// namespace and name.
	List(kind apiserver.Kind, namespace string) []apiserver.Object
	// Now is the virtual time.
	Now() time.Time
	// Waiting is what the components say that they wait for.
	Waiting() []controller.Wait
	// IsDown reports whether a node's kubelet does not run.
	IsDown(node string) bool
}

// Why says why an object is not what it is meant to be, or why it does not
// exist. The zero Reason means that it waits for nothing.
func Why(c Cluster, kind apiserver.Kind, key apiserver.Key) Reason {
	return (&explainer{c: c, now: c.Now(), home: key.Namespace, waits: c.Waiting()}).why(kind, key)
}

// explainer follows a chain.
type explainer struct {
	c     Cluster
	now   time.Time
	home  string // names of this namespace are written without it
	waits []controller.Wait
	path  []link // what is being explained, so that a circle ends
}

type link struct {
	kind apiserver.Kind
	key  apiserver.Key
}

func (x *explainer) why(kind apiserver.Kind, key apiserver.Key) Reason {
	at := link{kind, key}
	if slices.Contains(x.path, at) {
		return Reason{Kind: kind, Key: key, Text: x.name(key) + " waits for this in turn"}
	}
	x.path = append(x.path, at)
	r := x.about(kind, key)
	x.path = x.path[:len(x.path)-1]
	if r.IsZero() {
		r.Text = x.said(kind, key)
	}
	r.Kind, r.Key = kind, key
	if r.IsZero() {
		return Reason{}
	}
	return r
}

// about is what is known here of an object.
func (x *explainer) about(kind apiserver.Kind, key apiserver.Key) Reason {
	obj := x.c.Get(kind, key)
	if obj == nil {
		if kind == apiserver.Pod {
			return x.missingPod(key)
		}
		return Reason{Text: fmt.Sprintf("there is no %s %s", kind, x.name(key)), Ends: "create it"}
	}
	if r := x.behaviour(kind, obj); !r.IsZero() || obj.GetDeletionTimestamp() == nil {
		return r
	}
	return x.finalized(obj)
}

func (x *explainer) behaviour(kind apiserver.Kind, obj apiserver.Object) Reason {
	switch obj := obj.(type) {
	case *corev1.Pod:
		return x.pod(obj)
	case *corev1.PersistentVolumeClaim:
		return x.claim(obj)
	case *corev1.PersistentVolume:
		return x.volume(obj)
	case *corev1.Node:
		return x.node(obj)
	case *corev1.Service:
		return x.service(obj)
	case *corev1.Namespace:
		return x.namespace(obj)
	}
	return x.workload(kind, obj)
}

// said returns the words of the component that waits for an object, or "".
func (x *explainer) said(kind apiserver.Kind, key apiserver.Key) string {
	for _, w := range x.waits {
		if w.Kind == kind && w.Key == key {
			return x.name(key) + ": " + w.Reason
		}
	}
	return ""
}

// reported returns what the components say of an object, without its name.
func (x *explainer) reported(kind apiserver.Kind, key apiserver.Key) string {
	_, reason, _ := strings.Cut(x.said(kind, key), ": ")
	return reason
}

// name writes a key: without the namespace if it is the one asked about.
func (x *explainer) name(key apiserver.Key) string {
	if key.Namespace == "" || key.Namespace == x.home {
		return key.Name
	}
	return key.String()
}

func (x *explainer) nameOf(obj apiserver.Object) string { return x.name(apiserver.KeyOf(obj)) }

// clock writes a moment.
func (x *explainer) clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// warning returns the newest Event of type Warning about an object with one of
// the reasons, or nil.
func (x *explainer) warning(obj apiserver.Object, reasons ...string) *corev1.Event {
	var newest *corev1.Event
	for _, o := range x.c.List(apiserver.Event, obj.GetNamespace()) {
		e, ok := o.(*corev1.Event)
		if !ok || e.InvolvedObject.UID != obj.GetUID() || !slices.Contains(reasons, e.Reason) {
			continue
		}
		if newest == nil || !lastTime(e).Before(lastTime(newest)) {
			newest = e
		}
	}
	return newest
}

func lastTime(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case e.LastTimestamp.IsZero():
		return e.EventTime.Time
	}
	return e.LastTimestamp.Time
}

// finalized explains an object that is being deleted and still there.
func (x *explainer) finalized(obj apiserver.Object) Reason {
	f := obj.GetFinalizers()
	if len(f) == 0 {
		return Reason{Text: x.nameOf(obj) + " is being deleted"}
	}
	r := Reason{Text: fmt.Sprintf("%s is being deleted and has the %s %s", x.nameOf(obj), plural(len(f), "finalizer"), strings.Join(f, ", ")), Rules: []string{"A9"}}
	if slices.Contains(f, "foregroundDeletion") {
		r.Rules = []string{"S39"}
		r.Because = x.dependents(obj)
		return r
	}
	r.Ends = fmt.Sprintf("whoever set a finalizer takes it away when his work is done; by hand: kubectl patch %s %s --type merge -p '{\"metadata\":{\"finalizers\":null}}'",
		apiserver.KindOf(obj).Resource(), obj.GetName())
	return r
}

// dependents are the pods that a deletion in the foreground waits for.
func (x *explainer) dependents(obj apiserver.Object) []Reason {
	var rs []Reason
	for _, o := range x.c.List(apiserver.Pod, obj.GetNamespace()) {
		if !ownedBy(o, obj.GetUID()) {
			continue
		}
		r := x.why(apiserver.Pod, apiserver.KeyOf(o))
		if r.IsZero() {
			r = Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(o), Text: x.nameOf(o) + " is not gone"}
		}
		if rs = append(rs, r); len(rs) == most {
			break
		}
	}
	return rs
}

// most is how many causes of one kind are named.
const most = 3

func ownedBy(obj apiserver.Object, uid types.UID) bool {
	for _, ref := range obj.GetOwnerReferences() {
		if ref.UID == uid {
			return true
		}
	}
	return false
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// list writes names as a person would, and how many more there are.
func list(names []string) string {
	switch n := len(names); {
	case n <= 1:
		return strings.Join(names, "")
	case n > 2*most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:2*most], ", "), n-2*most)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
