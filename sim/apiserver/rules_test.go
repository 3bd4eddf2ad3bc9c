package apiserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// TestA11WholeSeconds: "Stored times have whole seconds", those of creations,
// of conditions and of deletions.
func TestA11WholeSeconds(t *testing.T) {
	s := newServer(t)
	at := engine.Time(1700 * time.Millisecond)
	p := pod("a")
	p.Spec.NodeName = "node-1"
	do := func(req apiserver.Request) *corev1.Pod {
		req.Kind, req.Key = apiserver.Pod, apiserver.KeyOf(p)
		res := s.Do(at, "test", req)
		require.NoError(t, res.Err)
		return res.Object.(*corev1.Pod)
	}
	created := do(apiserver.Request{Verb: apiserver.Create, Object: p})
	assert.Equal(t, apiserver.WallTime(engine.Time(time.Second)), created.CreationTimestamp.Time)
	assert.Equal(t, apiserver.WallTime(engine.Time(time.Second)), apiserver.Stamp(at).Time)
	deleted := do(apiserver.Request{Verb: apiserver.Delete})
	assert.Equal(t, apiserver.WallTime(engine.Time(31*time.Second)), deleted.DeletionTimestamp.Time)
}

// TestA11AsOnTheWire: "Writes are normalised as by a round trip over the wire":
// what differs in its notation only is not written.
func TestA11AsOnTheWire(t *testing.T) {
	s := newServer(t)
	given := pod("a")
	given.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: quantity("1Gi")}
	stored := create(t, s, given).(*corev1.Pod)
	same := stored.DeepCopy()
	same.Labels, same.Annotations = map[string]string{}, map[string]string{}
	same.Spec.Containers[0].Resources.Limits[corev1.ResourceMemory] = quantity("1024Mi")
	do := func(obj *corev1.Pod) *corev1.Pod {
		res := s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Pod, Key: apiserver.KeyOf(obj), Object: obj})
		require.NoError(t, res.Err)
		return res.Object.(*corev1.Pod)
	}
	before := s.Version()
	assert.Same(t, stored, do(same))
	assert.Equal(t, before, s.Version())
	other := stored.DeepCopy()
	other.Labels = map[string]string{"a": "b"}
	do(other)
	assert.Equal(t, before+1, s.Version())
}

// TestA2A3StoredDefaults: a claim, a Service and a pod are stored with what
// nobody wrote, the part of admission included.
func TestA2A3StoredDefaults(t *testing.T) {
	s := newServer(t)
	claim := create(t, s, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c"},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}}},
	}).(*corev1.PersistentVolumeClaim)
	assert.Equal(t, corev1.ClaimPending, claim.Status.Phase)
	assert.Equal(t, corev1.PersistentVolumeFilesystem, *claim.Spec.VolumeMode)

	svc := create(t, s, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}).(*corev1.Service)
	assert.Equal(t, corev1.ServiceTypeClusterIP, svc.Spec.Type)
	assert.Equal(t, corev1.ServiceAffinityNone, svc.Spec.SessionAffinity)
	assert.Equal(t, corev1.ServicePort{Protocol: corev1.ProtocolTCP, Port: 80, TargetPort: intstr.FromInt32(80)}, svc.Spec.Ports[0])

	given := pod("a")
	given.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: quantity("1")}
	p := create(t, s, given).(*corev1.Pod)
	assert.Equal(t, corev1.RestartPolicyAlways, p.Spec.RestartPolicy)
	assert.Equal(t, corev1.DNSClusterFirst, p.Spec.DNSPolicy)
	assert.Equal(t, int64(30), *p.Spec.TerminationGracePeriodSeconds)
	assert.Equal(t, "default-scheduler", p.Spec.SchedulerName)
	assert.Equal(t, corev1.PullAlways, p.Spec.Containers[0].ImagePullPolicy)
	assert.Equal(t, "1", p.Spec.Containers[0].Resources.Requests.Cpu().String())
	assert.Equal(t, corev1.PodQOSBurstable, p.Status.QOSClass)
	var tolerated []string
	for _, tol := range p.Spec.Tolerations {
		tolerated = append(tolerated, tol.Key)
		assert.Equal(t, int64(300), *tol.TolerationSeconds)
	}
	assert.ElementsMatch(t, []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}, tolerated)
}

// TestV16Expansion: "Expansion needs a Bound claim and a class with
// allowVolumeExpansion, else 403".
func TestV16Expansion(t *testing.T) {
	s := newServer(t)
	yes := true
	create(t, s, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "grows"}, Provisioner: "x", AllowVolumeExpansion: &yes})
	create(t, s, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fixed"}, Provisioner: "x"})
	expand := func(class string, phase corev1.PersistentVolumeClaimPhase) error {
		claim := create(t, s, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: class + "-" + strings.ToLower(string(phase))},
			Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: &class,
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}}},
		}).(*corev1.PersistentVolumeClaim).DeepCopy()
		update := func(sub apiserver.Subresource) error {
			res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Subresource: sub, Key: apiserver.KeyOf(claim), Object: claim})
			if res.Err == nil {
				claim = res.Object.(*corev1.PersistentVolumeClaim).DeepCopy()
			}
			return res.Err
		}
		claim.Status.Phase = phase
		require.NoError(t, update(apiserver.Status))
		claim.Spec.Resources.Requests[corev1.ResourceStorage] = quantity("2Gi")
		return update(apiserver.None)
	}
	require.NoError(t, expand("grows", corev1.ClaimBound))
	err := expand("grows", corev1.ClaimPending)
	require.True(t, apierrors.IsInvalid(err), "%v", err) // validation comes before the admission plugin's own check
	require.ErrorContains(t, err, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
	err = expand("fixed", corev1.ClaimBound)
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
}
