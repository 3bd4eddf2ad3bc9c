package statefulset

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Situation is a StatefulSet with what its controller sees around it: objects as
// kubectl shows them, or made by hand. Namespaces that are empty are the set's, and a set
// without one is in "default". What has no UID gets one, and pods and revisions whose
// controller is a StatefulSet of the set's name without a UID belong to the set. The
// objects are not changed.
type Situation struct {
	Set       *appsv1.StatefulSet
	Pods      []*corev1.Pod
	Claims    []*corev1.PersistentVolumeClaim
	Revisions []*appsv1.ControllerRevision
	// Now is the moment at which availability is judged (minReadySeconds); zero
	// means long after everything that the objects tell of. It must not be before
	// 2026.
	Now   time.Time
	Gates apiserver.Gates
}

// Plan is what the controller does until it has to wait for somebody else.
type Plan struct {
	// Requests are what it sends, in order, as if each were answered at once; reads
	// are left out.
	Requests []apiserver.Request
	// Events are what it records, "Normal SuccessfulCreate: create Pod …".
	Events []string
	// Waits is what it waits for then, or "".
	Waits string
}

// Lines are the requests, each as a line: "create Pod default/web-1".
func (p Plan) Lines() []string {
	var lines []string
	for i := range p.Requests {
		r := &p.Requests[i]
		line := fmt.Sprintf("%s %s %s", strings.ToLower(r.Verb.String()), r.Kind, r.Key)
		if r.Subresource == apiserver.Status {
			line += " status"
		}
		lines = append(lines, line)
	}
	return lines
}

// maxNext bounds how many events a Plan may take.
const maxNext = 1_000_000

// Next says what the StatefulSet controller of v1.37.2 does next in a situation, and
// what it waits for after that. It needs no cluster: the controller runs on a server
// that holds these objects alone, and everything that it does takes no time. An
// error names the object that no server could hold, or says that there is no end to
// what the controller does.
func Next(s Situation) (Plan, error) {
	if s.Set == nil {
		return Plan{}, fmt.Errorf("statefulset: Situation.Set is nil")
	}
	now := s.Now
	if now.IsZero() {
		now = apiserver.WallTime(engine.Time(200 * 365 * 24 * time.Hour)) // nothing is later
	}
	if apiserver.VirtualTime(now) < 0 {
		return Plan{}, fmt.Errorf("statefulset: Situation.Now: the virtual clock begins at %s", apiserver.WallTime(0).Format(time.RFC3339))
	}
	e := engine.New(engine.Strategy{})
	e.AdvanceTo(apiserver.VirtualTime(now))
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{Gates: s.Gates, DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	if err := host.Restore("kube-apiserver", s.objects()); err != nil {
		return Plan{}, fmt.Errorf("statefulset: %w", err)
	}
	host.Drain()
	host.Listen(true)
	c := New(s.Gates)
	id := host.Add(c)
	var plan Plan
	for n := 0; ; n++ {
		if n == maxNext {
			return plan, fmt.Errorf("statefulset: there is no end to what the controller does: %d events", n)
		}
		if next, ok := e.Peek(); !ok || next.At > apiserver.VirtualTime(now) || !host.Step() {
			break
		}
		plan.take(host)
	}
	for _, w := range host.Actor(id).(*Controller).Waiting(host.Env(id)) {
		plan.Waits = w.Reason
	}
	for _, pod := range host.Server().List(apiserver.Pod, "") {
		if plan.Waits == "" && pod.GetDeletionTimestamp() != nil {
			plan.Waits = fmt.Sprintf("waiting for pod %s to be gone", apiserver.KeyOf(pod))
		}
	}
	return plan, nil
}

// take adds what has just happened.
func (p *Plan) take(host *controller.Host) {
	for _, call := range host.Calls() {
		if call.Req.Verb != apiserver.Get {
			p.Requests = append(p.Requests, call.Req)
		}
	}
	for _, rec := range host.Drain() {
		if ev, ok := rec.Object.(*corev1.Event); ok && rec.By == Name {
			p.Events = append(p.Events, fmt.Sprintf("%s %s: %s", ev.Type, ev.Reason, ev.Message))
		}
	}
}

// objects are those of a situation as a server holds them.
func (s Situation) objects() []apiserver.Object {
	set := s.Set.DeepCopy()
	set.Namespace = cmp.Or(set.Namespace, "default")
	list := []apiserver.Object{set}
	for _, pod := range s.Pods {
		list = append(list, pod.DeepCopy())
	}
	for _, claim := range s.Claims {
		list = append(list, claim.DeepCopy())
	}
	for _, revision := range s.Revisions {
		list = append(list, revision.DeepCopy())
	}
	for _, obj := range list {
		complete(obj, set)
	}
	return append(list, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: set.Namespace, UID: "namespace"}})
}

// complete fills in what an object of the caller's may leave out.
func complete(obj apiserver.Object, set *appsv1.StatefulSet) {
	obj.SetNamespace(cmp.Or(obj.GetNamespace(), set.Namespace))
	obj.SetUID(cmp.Or(obj.GetUID(), types.UID(fmt.Sprintf("%s/%s", apiserver.KindOf(obj), obj.GetName()))))
	refs := obj.GetOwnerReferences()
	for i := range refs {
		if o := &refs[i]; o.Kind == "StatefulSet" && o.Name == set.Name {
			o.UID = cmp.Or(o.UID, set.UID)
		}
	}
	obj.SetOwnerReferences(refs)
	defaults.Set(obj)
}
