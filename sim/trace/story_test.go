package trace

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run go test -update")
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; rewrite with go test -update):\n%s", path, d)
	}
}

// story writes records as an API server would.
type story struct {
	recs    []*apiserver.Record
	live    map[string]apiserver.Object
	at      engine.Time
	version uint64
	uids    int
	salt    string // makes UIDs, addresses and versions of their own
}

func newStory(salt string) *story {
	return &story{live: map[string]apiserver.Object{}, salt: salt, version: uint64(len(salt))}
}

func (s *story) after(d time.Duration) *story {
	s.at = s.at.Add(d)
	return s
}

func (s *story) put(by string, obj apiserver.Object) apiserver.Object {
	kind := apiserver.KindOf(obj)
	id := kind.String() + apiserver.KeyOf(obj).String()
	s.version++
	rec := &apiserver.Record{Version: s.version, Type: watch.Modified, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj, Old: s.live[id], Time: s.at, By: by}
	if rec.Old == nil {
		rec.Type = watch.Added
		s.uids++
		obj.SetUID(types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", len(s.salt), s.uids)))
		obj.SetCreationTimestamp(apiserver.Stamp(s.at))
	}
	obj.SetResourceVersion(strconv.FormatUint(s.version, 10))
	s.live[id] = obj
	s.recs = append(s.recs, rec)
	return obj
}

func (s *story) remove(by string, obj apiserver.Object) {
	last := apiserver.ShallowCopy(obj)
	s.put(by, last)
	s.recs[len(s.recs)-1].Type = watch.Deleted
	delete(s.live, apiserver.KindOf(obj).String()+apiserver.KeyOf(obj).String())
}

func (s *story) set(replicas int32, image string, generation int64) *appsv1.StatefulSet {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Generation: generation}}
	if old := s.live["StatefulSetdefault/web"]; old != nil {
		set.ObjectMeta = old.(*appsv1.StatefulSet).ObjectMeta
		set.Generation = generation
	}
	set.Spec.Replicas = &replicas
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "nginx", Image: image}}
	return s.put("user", set).(*appsv1.StatefulSet)
}

// pod begins a pod; stage brings it on.
func (s *story) pod(name, revision string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, GenerateName: "web-",
		Labels: map[string]string{"controller-revision-hash": revision},
	}}
	p.Spec.Containers = []corev1.Container{{Name: "nginx", Image: "nginx:" + revision}}
	p.Status.Phase = corev1.PodPending
	return s.put("statefulset-controller", p).(*corev1.Pod)
}

func (s *story) stage(p *corev1.Pod, by string, change func(p *corev1.Pod)) *corev1.Pod {
	next := p.DeepCopy()
	change(next)
	return s.put(by, next).(*corev1.Pod)
}

// run takes a new pod to readiness.
func (s *story) run(p *corev1.Pod, node string) *corev1.Pod {
	p = s.after(20*time.Millisecond).stage(p, "default-scheduler", func(p *corev1.Pod) { p.Spec.NodeName = node })
	started := apiserver.Stamp(s.at)
	p = s.after(300*time.Millisecond).stage(p, "kubelet", func(p *corev1.Pod) {
		p.Status.StartTime = &started
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "nginx", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	})
	p = s.after(1500*time.Millisecond).stage(p, "kubelet", func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodRunning
		p.Status.PodIP = fmt.Sprintf("10.244.%d.%d", len(s.salt), s.uids)
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "nginx", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}}}}
	})
	return s.after(700*time.Millisecond).stage(p, "kubelet", func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		p.Status.ContainerStatuses[0].Ready = true
	})
}

// end terminates a pod.
func (s *story) end(p *corev1.Pod) {
	p = s.stage(p, "statefulset-controller", func(p *corev1.Pod) {
		gone := apiserver.Stamp(s.at.Add(30 * time.Second))
		p.DeletionTimestamp = &gone
	})
	s.after(1200*time.Millisecond).remove("kubelet", p)
}

// theStory is a set of two pods that is updated to a bad image and back.
func theStory(salt string) *story {
	s := newStory(salt)
	s.set(2, "nginx:a", 1)
	p0 := s.run(s.after(30*time.Millisecond).pod("web-0", "web-a"), "node-1")
	p1 := s.run(s.after(30*time.Millisecond).pod("web-1", "web-a"), "node-2")
	s.after(3*time.Second).set(2, "nginx:bad", 2)
	s.after(20 * time.Millisecond).end(p1)
	p1 = s.after(30*time.Millisecond).pod("web-1", "web-b")
	p1 = s.after(20*time.Millisecond).stage(p1, "default-scheduler", func(p *corev1.Pod) { p.Spec.NodeName = "node-2" })
	p1 = s.after(time.Second).stage(p1, "kubelet", func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "nginx", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}}}}
	})
	s.put("kubelet", &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("web-1.18eac16efeb7c4%02x", len(salt))},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "default", Name: "web-1", UID: p1.UID},
		Type:           "Warning", Reason: "BackOff", Message: `Back-off pulling image "nginx:bad"`, Count: 1,
	})
	s.after(5*time.Second).set(2, "nginx:a", 3)
	s.after(4 * time.Second).end(p1)
	s.run(s.after(30*time.Millisecond).pod("web-1", "web-a"), "node-2")
	_ = p0
	return s
}
