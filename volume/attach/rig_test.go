package attach_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/attach"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// rig is a cluster of the two controllers alone: what kubelets, binders and users
// do, the test does.
type rig struct {
	t    testing.TB
	host *controller.Host
	ids  []controller.ActorID
}

func newRig(t testing.TB, latency controller.Latency) *rig {
	e := engine.New(engine.Strategy{Seed: 1})
	server := apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, DetectMutation: true})
	r := &rig{t: t, host: controller.NewHost(e, server, latency, nil)}
	r.ids = append(r.ids, r.host.Add(attach.New()), r.host.Add(attach.NewAttacher(attach.AttacherConfig{Publish: controller.Range{Min: time.Second, Max: time.Second}})))
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	for _, name := range []string{"node-1", "node-2"} {
		r.create(&corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
		})
	}
	return r
}

// disk creates a volume of a driver, bound to a claim of the same name.
func (r *rig) disk(name string, mode corev1.PersistentVolumeAccessMode) {
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	claim := r.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{mode}, VolumeName: name,
			Resources: corev1.VolumeResourceRequirements{Requests: size}}}).(*corev1.PersistentVolumeClaim)
	r.create(&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
		Capacity: size, AccessModes: []corev1.PersistentVolumeAccessMode{mode},
		ClaimRef:               &corev1.ObjectReference{Namespace: "default", Name: name, UID: claim.UID},
		PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: name}},
	}})
	edit(r, claim, apiserver.Status, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimBound })
}

// pod creates a pod that runs on a node and uses a claim.
func (r *rig) pod(name, node, claim string) {
	r.create(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PodSpec{
		NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "c"}},
		Volumes: []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}},
	}})
}

func (r *rig) kill(pod string) {
	now := int64(0)
	r.must(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: pod}, GracePeriodSeconds: &now})
}

// uses has a node say which volumes it uses, as its kubelet does.
func (r *rig) uses(node string, volumes ...string) {
	r.node(node, apiserver.Status, func(n *corev1.Node) {
		n.Status.VolumesInUse = nil
		for _, v := range volumes {
			n.Status.VolumesInUse = append(n.Status.VolumesInUse, csi.Volume{Driver: "csi.example.com", Handle: v}.UniqueName())
		}
	})
}

func (r *rig) node(name string, sub apiserver.Subresource, change func(*corev1.Node)) {
	edit(r, r.host.Server().Get(apiserver.Node, apiserver.Key{Name: name}).(*corev1.Node), sub, change)
}

func edit[T apiserver.Object](r *rig, old T, sub apiserver.Subresource, change func(T)) {
	r.t.Helper()
	next := old.DeepCopyObject().(T)
	change(next)
	r.must(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(old), Subresource: sub, Key: apiserver.KeyOf(old), Object: next})
}

func (r *rig) must(req apiserver.Request) apiserver.Object {
	r.t.Helper()
	res := r.host.Do("user", req)
	require.NoError(r.t, res.Err)
	return res.Object
}

func (r *rig) create(obj apiserver.Object) apiserver.Object {
	r.t.Helper()
	return r.must(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
}

// run runs all events up to a span from now and moves the clock there.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	until := r.host.Engine().Now().Add(d)
	for steps := 0; ; steps++ {
		require.Less(r.t, steps, 100_000, "no end of events")
		ev, ok := r.host.Engine().Peek()
		if !ok || ev.At > until {
			break
		}
		r.host.Step()
	}
	r.host.Engine().AdvanceTo(until)
}

// told returns what the controllers wrote since the last call, a line each, with
// the second of its time.
func (r *rig) told() []string {
	var lines []string
	for _, rec := range r.host.Drain() {
		if rec.By == "user" {
			continue
		}
		what := fmt.Sprintf("%s %s/%s", rec.Type, strings.ToLower(rec.Kind.String()), rec.Key.Name)
		switch o := rec.Object.(type) {
		case *storagev1.VolumeAttachment:
			what = fmt.Sprintf("%s %s→%s attached=%t", rec.Type, *o.Spec.Source.PersistentVolumeName, o.Spec.NodeName, o.Status.Attached)
			if o.DeletionTimestamp != nil {
				what += " deleting"
			}
			if e := o.Status.AttachError; e != nil {
				what += ": " + e.Message
			}
		case *corev1.Node:
			what = fmt.Sprintf("%s has", rec.Key.Name)
			for _, v := range o.Status.VolumesAttached {
				vol, _ := csi.Named(v.Name)
				what += " " + vol.Handle
			}
		case *corev1.Event:
			what = fmt.Sprintf("%s: %s %s", o.InvolvedObject.Name, o.Reason, o.Message)
		}
		lines = append(lines, fmt.Sprintf("%3d %s", int64(time.Duration(rec.Time)/time.Second), what))
	}
	return lines
}
