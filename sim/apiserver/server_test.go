package apiserver_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Example stores a Namespace and a ConfigMap, and shows the watch log.
func Example() {
	s := apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})
	create := func(obj apiserver.Object) {
		kind := apiserver.KindOf(obj)
		s.Do(0, "example", apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj})
	}
	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "settings"}})
	for _, rec := range s.Drain() {
		fmt.Println(rec.Version, rec.Type, rec.Kind, rec.Key)
	}
	// Output:
	// 1 ADDED Namespace default
	// 2 ADDED ConfigMap default/settings
}

// newServer returns a server with the namespace "default".
func newServer(t *testing.T) *apiserver.Server {
	t.Helper()
	s := apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})
	create(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return s
}

func create(t *testing.T, s *apiserver.Server, obj apiserver.Object) apiserver.Object {
	t.Helper()
	kind := apiserver.KindOf(obj)
	res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj})
	require.NoError(t, res.Err)
	return res.Object
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx"}}},
	}
}

// TestGracefulDeletionOnlyShortens: A9.
func TestGracefulDeletionOnlyShortens(t *testing.T) {
	s := newServer(t)
	p := pod("a")
	p.Spec.NodeName = "node-1"
	create(t, s, p)
	del := func(at time.Duration, grace int64) *corev1.Pod {
		res := s.Do(engine.Time(at), "test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod,
			Key: apiserver.Key{Namespace: "default", Name: "a"}, GracePeriodSeconds: &grace})
		require.NoError(t, res.Err)
		return res.Object.(*corev1.Pod)
	}
	first := del(0, 30)
	assert.Equal(t, int64(30), *first.DeletionGracePeriodSeconds)
	assert.Equal(t, apiserver.Stamp(engine.Time(30*time.Second)), *first.DeletionTimestamp)
	assert.Equal(t, int64(2), first.Generation, "A7: a deletion that waits counts as a change")

	assert.Same(t, first, del(time.Second, 60), "a longer grace period changes nothing")

	shorter := del(2*time.Second, 10)
	assert.Equal(t, int64(10), *shorter.DeletionGracePeriodSeconds)
	assert.Equal(t, apiserver.Stamp(engine.Time(10*time.Second)), *shorter.DeletionTimestamp)
	assert.Equal(t, int64(2), shorter.Generation)

	del(3*time.Second, 0)
	assert.Nil(t, s.Get(apiserver.Pod, apiserver.Key{Namespace: "default", Name: "a"}))
}

// TestUnscheduledPodGoesAtOnce: K14.
func TestUnscheduledPodGoesAtOnce(t *testing.T) {
	s := newServer(t)
	create(t, s, pod("a"))
	res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: "a"}})
	require.NoError(t, res.Err)
	assert.Zero(t, s.Count(apiserver.Pod))
}

// TestFinalizersHoldAnObject: A9, V15.
func TestFinalizersHoldAnObject(t *testing.T) {
	s := newServer(t)
	create(t, s, &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}, Spec: corev1.PersistentVolumeSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Capacity:    corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")},
		PersistentVolumeSource: corev1.PersistentVolumeSource{
			NFS: &corev1.NFSVolumeSource{Server: "10.0.0.1", Path: "/data"}},
	}})
	key := apiserver.Key{Name: "pv"}
	res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.PersistentVolume, Key: key})
	require.NoError(t, res.Err)
	pv := res.Object.(*corev1.PersistentVolume)
	require.NotNil(t, pv.DeletionTimestamp)
	assert.Equal(t, []string{"kubernetes.io/pv-protection"}, pv.Finalizers)

	next := *pv
	next.Finalizers = nil
	res = s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolume, Key: key, Object: &next})
	require.NoError(t, res.Err)
	assert.Nil(t, s.Get(apiserver.PersistentVolume, key))
}

// TestStaleUpdateConflicts: A8.
func TestStaleUpdateConflicts(t *testing.T) {
	s := newServer(t)
	stale := create(t, s, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "m"}}).(*corev1.ConfigMap)
	update := func(data string) error {
		next := stale.DeepCopy()
		next.Data = map[string]string{"k": data}
		return s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(next), Key: apiserver.KeyOf(next), Object: next}).Err
	}
	require.NoError(t, update("1"))
	err := update("2")
	assert.True(t, apierrors.IsConflict(err))
	assert.EqualError(t, err, `Operation cannot be fulfilled on configmaps "m": the object has been modified; please apply your changes to the latest version and try again`)
}

func TestEqualUpdateIsNotWritten(t *testing.T) {
	s := newServer(t)
	m := create(t, s, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "m"}})
	before := s.Version()
	res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.KindOf(m), Key: apiserver.KeyOf(m), Object: m.DeepCopyObject().(apiserver.Object)})
	require.NoError(t, res.Err)
	assert.Equal(t, before, s.Version())
}

func TestOldStatesStayUntilTrimmed(t *testing.T) {
	s := newServer(t)
	key := apiserver.Key{Namespace: "default", Name: "a"}
	create(t, s, pod("a"))
	added := s.Version()
	label := func(v string) {
		res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Pod, Key: key,
			Patch: apiserver.RawPatch{Type: types.MergePatchType, Data: `{"metadata":{"labels":{"v":"` + v + `"}}}`}})
		require.NoError(t, res.Err)
	}
	label("1")
	label("2")
	label("3")
	at := func(version uint64) string {
		obj := s.At(apiserver.Pod, key, version)
		if obj == nil {
			return "gone"
		}
		return obj.GetLabels()["v"]
	}
	assert.Equal(t, []string{"gone", "", "1", "2", "3"}, []string{at(added - 1), at(added), at(added + 1), at(added + 2), at(added + 3)})
	s.Trim(apiserver.Pod, 3)
	assert.Equal(t, []string{"gone", "2", "3"}, []string{at(added + 1), at(added + 2), at(added + 3)})
	s.Trim(apiserver.Pod, 4)
	assert.Equal(t, []string{"gone", "3"}, []string{at(added + 2), at(added + 3)})
}

func TestForksAreIndependent(t *testing.T) {
	s := newServer(t)
	create(t, s, pod("a"))
	f := s.Fork()
	create(t, f, pod("b"))
	assert.Equal(t, 1, s.Count(apiserver.Pod))
	assert.Equal(t, 2, f.Count(apiserver.Pod))
}

func TestPatchWarnsOfUnknownFields(t *testing.T) {
	s := newServer(t)
	m := create(t, s, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "m"}})
	req := apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.KindOf(m), Key: apiserver.KeyOf(m),
		Patch: apiserver.RawPatch{Data: `{"dta":{"k":"v"}}`}}
	before := s.Version()
	res := s.Do(0, apiserver.User, req)
	require.NoError(t, res.Err)
	assert.Equal(t, []string{`unknown field "dta"`}, res.Warnings)
	assert.Equal(t, before, s.Version())

	req.Patch = apiserver.RawPatch{Data: `{"dta":{"k":"v"}}`, Strict: true}
	res = s.Do(0, apiserver.User, req)
	assert.ErrorContains(t, res.Err, `unknown field "dta"`)
}

// TestEventsExpire: A10. An Event lives for an hour after its last write, and so
// does the one that has its place after it.
func TestEventsExpire(t *testing.T) {
	for _, atRest := range []bool{false, true} {
		s := newServer(t)
		do := func(at time.Duration, req apiserver.Request) error {
			req.Kind, req.Key.Namespace = apiserver.Event, "default"
			err := s.Do(engine.Time(at), "test", req).Err
			if atRest {
				s.Trim(apiserver.Event, s.Log(apiserver.Event).End())
			}
			return err
		}
		event := func(name string) apiserver.Request {
			return apiserver.Request{Verb: apiserver.Create, Key: apiserver.Key{Name: name}, Object: &corev1.Event{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, InvolvedObject: corev1.ObjectReference{Namespace: "default"}}}
		}
		get := func(name string) apiserver.Request {
			return apiserver.Request{Verb: apiserver.Get, Key: apiserver.Key{Name: name}}
		}
		require.NoError(t, do(0, event("e.1")))
		require.NoError(t, do(0, event("e.2")))
		require.NoError(t, do(20*time.Minute, apiserver.Request{Verb: apiserver.Delete, Key: apiserver.Key{Name: "e.1"}}))
		require.NoError(t, do(30*time.Minute, event("e.3")))
		require.NoError(t, do(40*time.Minute, apiserver.Request{Verb: apiserver.Patch, Key: apiserver.Key{Name: "e.2"}, Patch: apiserver.RawPatch{
			Type: types.MergePatchType, Data: `{"count":2}`}}))
		assert.NoError(t, do(90*time.Minute-1, get("e.3")))
		assert.True(t, apierrors.IsNotFound(do(90*time.Minute, get("e.3"))))
		assert.NoError(t, do(100*time.Minute-1, get("e.2")))
		assert.True(t, apierrors.IsNotFound(do(100*time.Minute, get("e.2"))))
	}
}

func TestKindsByName(t *testing.T) {
	for name, want := range map[string]apiserver.Kind{
		"sts": apiserver.StatefulSet, "StatefulSet": apiserver.StatefulSet, "statefulsets": apiserver.StatefulSet,
		"statefulset.apps": apiserver.StatefulSet, "pvc": apiserver.PersistentVolumeClaim, "endpointslices": apiserver.EndpointSlice,
		"nonsense": 0,
	} {
		assert.Equal(t, want, apiserver.KindNamed(name), name)
	}
	seen := map[string]bool{}
	for _, k := range apiserver.Kinds() {
		id := k.GroupVersionKind().String()
		assert.False(t, seen[id], "%s twice", id)
		seen[id] = true
		assert.Equal(t, k, apiserver.KindOf(k.New()))
	}
	assert.Equal(t, "ConfigMap", apiserver.KindNamed("configmap").String())
}
