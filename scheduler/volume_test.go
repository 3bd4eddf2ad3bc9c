package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

func claim(name, class string, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	if len(modes) == 0 {
		modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes, StorageClassName: &class,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}},
		},
	}
}

func volume(name, class string, hosts ...string) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}, StorageClassName: class,
			AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeSource: corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/"}},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable},
	}
	if len(hosts) > 0 {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: hosts}},
		}}}}
	}
	return v
}

func lateClass() *storagev1.StorageClass {
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "local"}, Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &wait}
}

// bind binds a claim to a volume, as the volume controller does.
func (c *cluster) bind(claim, volume string) {
	pvc := *c.get(apiserver.PersistentVolumeClaim, claim).(*corev1.PersistentVolumeClaim)
	pvc.Spec.VolumeName = volume
	pvc.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	c.change(&pvc)
}

// TestC10C11UnboundImmediateClaim: "0/3 nodes are available: pod has unbound
// immediate PersistentVolumeClaims. not found"; the pod is tried again when its
// claim is bound, and not before.
func TestC10C11UnboundImmediateClaim(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	c.create(volume("pv", ""), claim("www-a", ""), pod("a", using("www-a")))
	c.settle()
	const msg = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
	require.Equal(t, msg, c.message("a"))
	cond := c.pod("a").Status.Conditions[0]
	assert.Equal(t, corev1.ConditionFalse, cond.Status)
	assert.Equal(t, "Unschedulable", cond.Reason)
	assert.Equal(t, int64(1), cond.ObservedGeneration)
	assert.Equal(t, []controller.Wait{{Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: "a"}, Reason: msg}}, c.Waiting())

	c.bind("www-a", "pv")
	c.settle()
	node := c.pod("a").Spec.NodeName
	require.NotEmpty(t, node)
	assert.Equal(t, []string{
		"Warning FailedScheduling Scheduling ×1: " + msg,
		"Normal Scheduled Binding ×1: Successfully assigned default/a to " + node,
	}, c.events("a"))
	assert.Empty(t, c.Waiting())
}

// TestC10MissingClaim: `persistentvolumeclaim "x" not found`.
func TestC10MissingClaim(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	c.create(volume("pv", ""), pod("a", using("x")))
	c.settle()
	require.Equal(t, `0/1 nodes are available: persistentvolumeclaim "x" not found. not found`, c.message("a"))
	c.create(claim("x", ""))
	c.settle()
	assert.Equal(t, `0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found`, c.message("a"))
	c.bind("x", "pv")
	c.settle()
	assert.Equal(t, "node-1", c.pod("a").Spec.NodeName)
}

// TestC10VolumeElsewhere: "node(s) didn't match PersistentVolume's node
// affinity".
func TestC10VolumeElsewhere(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	c.create(volume("pv", "", "node-9"), claim("x", ""), pod("a", using("x")))
	c.bind("x", "pv")
	c.settle()
	require.Equal(t, "0/3 nodes are available: 3 node(s) didn't match PersistentVolume's node affinity. "+
		"preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", c.message("a"))
	c.create(node("node-9"))
	c.settle()
	assert.Equal(t, "node-9", c.pod("a").Spec.NodeName)
}

// TestC10DelayedBinding follows the recording wffc: nominatedNodeName, the
// volume's claimRef, a second later the binding; and the words when no volume is
// left.
func TestC10DelayedBinding(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	c.create(lateClass(), volume("lpv-2", "local", "node-2"), claim("x", "local"), claim("y", "local"))
	c.create(pod("a", using("x")))
	c.run(engine.Time(500e6))
	p := c.pod("a")
	assert.Equal(t, "node-2", p.Status.NominatedNodeName)
	assert.Empty(t, p.Spec.NodeName)
	pv := c.get(apiserver.PersistentVolume, "lpv-2").(*corev1.PersistentVolume)
	x := c.get(apiserver.PersistentVolumeClaim, "x")
	require.NotNil(t, pv.Spec.ClaimRef)
	assert.Equal(t, corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "default", Name: "x", UID: x.GetUID(), ResourceVersion: x.GetResourceVersion(),
	}, *pv.Spec.ClaimRef)
	assert.Equal(t, map[string]string{"pv.kubernetes.io/bound-by-controller": "yes"}, pv.Annotations)

	c.bind("x", "lpv-2")
	c.run(engine.Time(900e6))
	assert.Empty(t, c.pod("a").Spec.NodeName, "the claims are looked at once a second")
	c.settle()
	assert.Equal(t, "node-2", c.pod("a").Spec.NodeName)
	assert.Empty(t, c.pod("a").Status.NominatedNodeName)

	c.create(pod("b", using("y")))
	c.settle()
	require.Equal(t, "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind. "+
		"preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", c.message("b"))
	c.create(volume("lpv-3", "local", "node-3"))
	c.settle()
	assert.Equal(t, "node-3", c.pod("b").Status.NominatedNodeName)
	assert.Equal(t, "y", c.get(apiserver.PersistentVolume, "lpv-3").(*corev1.PersistentVolume).Spec.ClaimRef.Name)
}

// TestC10ProvisionedClaim: the scheduler annotates the claim with the node.
func TestC10ProvisionedClaim(t *testing.T) {
	class := lateClass()
	class.Provisioner = "example.com/x"
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	c.create(class, claim("x", "local"), pod("a", using("x")))
	c.run(engine.Time(500e6))
	assert.Equal(t, "node-1", c.get(apiserver.PersistentVolumeClaim, "x").GetAnnotations()["volume.kubernetes.io/selected-node"])
}

// TestBindingTimesOut: claims that are never bound give the pod back to the
// queue after ten minutes.
func TestBindingTimesOut(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	c.create(lateClass(), volume("v", "local"), claim("x", "local"), pod("a", using("x")))
	c.run(engine.Time(599e9))
	assert.Empty(t, c.message("a"))
	c.run(engine.Time(600e9 + 500e6))
	assert.Equal(t, `running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded`, c.message("a"))
	assert.Equal(t, "SchedulerError", c.pod("a").Status.Conditions[0].Reason)
	c.bind("x", "v")
	c.run(engine.Time(610e9))
	assert.Equal(t, "node-1", c.pod("a").Spec.NodeName)
}

// TestM3ReadWriteOncePod: a second pod with the claim waits until the first is
// gone.
func TestM3ReadWriteOncePod(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(2)...)
	v := volume("v", "")
	v.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	c.create(v, claim("x", "", corev1.ReadWriteOncePod))
	c.bind("x", "v")
	c.create(pod("a", using("x")), pod("b", using("x")))
	c.settle()
	require.NotEmpty(t, c.pod("a").Spec.NodeName)
	require.Equal(t, "0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod. "+
		"preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.", c.message("b"))
	c.delete(apiserver.Pod, "a")
	c.settle()
	assert.NotEmpty(t, c.pod("b").Spec.NodeName)
}
