package volume_test

import (
	"fmt"
	"slices"
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
	"github.com/statefulsim/statefulsim/volume"
)

// bench is a cluster of storage controllers alone.
type bench struct {
	t    testing.TB
	host *controller.Host
	ids  []controller.ActorID
}

func newBench(t testing.TB, latency controller.Latency, seed uint64, actors ...controller.Actor) *bench {
	e := engine.New(engine.Strategy{Seed: seed})
	b := &bench{t: t, host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), latency, nil)}
	b.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	for _, a := range actors {
		b.ids = append(b.ids, b.host.Add(a))
	}
	return b
}

// storage is a bench with the three controllers of this package and no latency.
func storage(t testing.TB, cfg volume.Config) *bench {
	return newBench(t, controller.Latency{}, 1, volume.NewBinder(cfg), volume.NewClaimProtection(), volume.NewVolumeProtection())
}

// run runs all events up to a span from now and moves the clock there.
func (b *bench) run(d time.Duration) {
	b.t.Helper()
	until := b.host.Engine().Now().Add(d)
	for steps := 0; ; steps++ {
		require.Less(b.t, steps, 100_000, "no end of events")
		ev, ok := b.host.Engine().Peek()
		if !ok || ev.At > until {
			break
		}
		b.host.Step()
	}
	b.host.Engine().AdvanceTo(until)
}

func (b *bench) must(req apiserver.Request) apiserver.Object {
	b.t.Helper()
	res := b.host.Do("user", req)
	require.NoError(b.t, res.Err)
	return res.Object
}

func (b *bench) create(objs ...apiserver.Object) {
	b.t.Helper()
	for _, o := range objs {
		b.must(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
	}
}

func (b *bench) delete(kind apiserver.Kind, key apiserver.Key) {
	b.t.Helper()
	b.must(apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: key})
}

// edit writes an object as a user does, or its status as another component does.
func edit[T apiserver.Object](b *bench, old T, sub apiserver.Subresource, change func(T)) T {
	b.t.Helper()
	next := old.DeepCopyObject().(T)
	change(next)
	return b.must(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(old), Subresource: sub, Key: apiserver.KeyOf(old), Object: next}).(T)
}

func (b *bench) volume(name string) *corev1.PersistentVolume {
	v, _ := b.host.Server().Get(apiserver.PersistentVolume, apiserver.Key{Name: name}).(*corev1.PersistentVolume)
	return v
}

func (b *bench) claim(name string) *corev1.PersistentVolumeClaim {
	c, _ := b.host.Server().Get(apiserver.PersistentVolumeClaim, claimKey(name)).(*corev1.PersistentVolumeClaim)
	return c
}

func claimKey(name string) apiserver.Key { return apiserver.Key{Namespace: "default", Name: name} }

// writes returns what happened to volumes and claims since the last call, one
// line a write: "who MODIFIED pv/a Bound claim".
func (b *bench) writes() []string {
	var lines []string
	for _, rec := range b.host.Drain() {
		var what string
		switch o := rec.Object.(type) {
		case *corev1.PersistentVolume:
			what = fmt.Sprintf("pv/%s %s", o.Name, o.Status.Phase)
			if ref := o.Spec.ClaimRef; ref != nil {
				what += " " + ref.Name
				if ref.UID == "" {
					what += " (reserved)"
				}
			}
		case *corev1.PersistentVolumeClaim:
			what = fmt.Sprintf("pvc/%s %s", o.Name, o.Status.Phase)
			if o.Spec.VolumeName != "" {
				what += " " + o.Spec.VolumeName
			}
			for _, c := range o.Status.Conditions {
				what += fmt.Sprintf(" %s=%s", c.Type, c.Status)
			}
		default:
			continue
		}
		if rec.Object.GetDeletionTimestamp() != nil {
			what += " deleting"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", strings.TrimSuffix(rec.By, "-controller"), rec.Type, what))
	}
	return lines
}

func nfs(name string, edits ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "10.0.1.61", Path: "/data/" + name}},
		},
	}
	for _, e := range edits {
		e(v)
	}
	return v
}

func pvc(name string, edits ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	for _, e := range edits {
		e(c)
	}
	return c
}

func ofClass(class string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = &class }
}

func naming(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = name }
}

func class(name, provisioner string, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: provisioner, VolumeBindingMode: &mode}
}

func pod(name, node string, claims ...string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}},
	}
	for _, c := range claims {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: c, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: c},
		}})
	}
	return p
}

// events returns the Events recorded so far, "reason: message", each once.
func (b *bench) events() []string {
	var lines []string
	for _, o := range b.host.Server().List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if line := e.Type + " " + e.Reason + ": " + e.Message; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (b *bench) waiting() []string {
	var lines []string
	for _, w := range b.host.Waiting() {
		lines = append(lines, w.Kind.String()+" "+w.Key.String()+": "+w.Reason)
	}
	return lines
}

func sorted(lines []string) []string { slices.Sort(lines); return lines }

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
