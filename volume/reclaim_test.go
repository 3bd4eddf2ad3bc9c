package volume_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume"
)

func policy(p corev1.PersistentVolumeReclaimPolicy) func(*corev1.PersistentVolume) {
	return func(v *corev1.PersistentVolume) { v.Spec.PersistentVolumeReclaimPolicy = p }
}

func hostPath(path string) func(*corev1.PersistentVolume) {
	return func(v *corev1.PersistentVolume) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}}
	}
}

// released binds the one volume to a claim and deletes the claim.
func released(t *testing.T, v *corev1.PersistentVolume) *bench {
	b := storage(t, volume.Config{})
	b.create(v)
	b.run(time.Second)
	b.create(pvc("c"))
	b.run(time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
	b.writes()
	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.run(time.Second)
	return b
}

// TestV10DeleteOnNFS: "Failed + VolumeFailedDelete."
func TestV10DeleteOnNFS(t *testing.T) {
	b := released(t, nfs("a", policy(corev1.PersistentVolumeReclaimDelete)))
	const message = `error getting deleter volume plugin for volume "a": no deletable volume plugin matched`
	require.Equal(t, corev1.VolumeFailed, b.volume("a").Status.Phase)
	require.Equal(t, message, b.volume("a").Status.Message)
	require.Equal(t, []string{"Warning VolumeFailedDelete: " + message}, b.events())
	b.run(time.Minute)
	require.Zero(t, b.host.Engine().Len())
	require.Len(t, b.host.Server().List(apiserver.Event, ""), 1)
}

// TestV10RecycleOnNFS: "recycler, then Available + VolumeRecycled."
func TestV10RecycleOnNFS(t *testing.T) {
	b := released(t, nfs("a", policy(corev1.PersistentVolumeReclaimRecycle)))
	require.Equal(t, corev1.VolumeAvailable, b.volume("a").Status.Phase)
	require.Nil(t, b.volume("a").Spec.ClaimRef)
	require.Nil(t, b.volume("a").Annotations)
	require.Equal(t, []string{"Normal VolumeRecycled: Volume recycled"}, b.events())
	require.Equal(t, []string{
		"user MODIFIED pvc/c Bound a Unused=True deleting",
		"pvc-protection DELETED pvc/c Bound a Unused=True deleting",
		"persistentvolume MODIFIED pv/a Released c",
		"persistentvolume MODIFIED pv/a Released",
		"persistentvolume MODIFIED pv/a Available",
	}, b.writes())
	b.run(15 * time.Second)
	require.Zero(t, b.host.Engine().Len())
}

// TestV10RecycleWaitsForPods: a volume in use is not scrubbed.
func TestV10RecycleWaitsForPods(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a", policy(corev1.PersistentVolumeReclaimRecycle)))
	b.run(time.Second)
	b.create(pvc("c"), pod("p", "", "c"))
	b.run(time.Second)
	edit(b, b.claim("c"), apiserver.None, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.run(time.Second)
	require.Equal(t, corev1.VolumeReleased, b.volume("a").Status.Phase)
	require.Equal(t, []string{"Normal VolumeFailedRecycle: Volume is used by pods: default/p"}, b.events())
	require.Equal(t, []string{"PersistentVolume a: waiting for reclaim policy Recycle"}, b.waiting())
	b.delete(apiserver.Pod, claimKey("p"))
	b.run(15 * time.Second)
	require.Equal(t, corev1.VolumeAvailable, b.volume("a").Status.Phase)
}

// TestV10FailedRecycleIsTriedAgain: who uses a volume is asked before whether it
// can be scrubbed (recycleVolumeOperation), at each resync.
func TestV10FailedRecycleIsTriedAgain(t *testing.T) {
	local := func(v *corev1.PersistentVolume) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/data/a"}}
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpExists}},
		}}}}
	}
	b := released(t, nfs("a", policy(corev1.PersistentVolumeReclaimRecycle), local))
	require.Equal(t, corev1.VolumeFailed, b.volume("a").Status.Phase)
	before := b.events()
	require.Len(t, before, 1)
	b.run(time.Minute)
	require.Equal(t, before, b.events())
	b.create(pod("p", "", "c"))
	b.run(15 * time.Second)
	require.Equal(t, append(before, "Normal VolumeFailedRecycle: Volume is used by pods: default/p"), b.events())
	b.delete(apiserver.Pod, claimKey("p"))
	b.run(time.Minute)
	require.Zero(t, b.host.Engine().Len(), "at rest again")
}

// TestV10HostPath: the one plugin that deletes, and only below /tmp.
func TestV10HostPath(t *testing.T) {
	b := released(t, nfs("a", policy(corev1.PersistentVolumeReclaimDelete), hostPath("/tmp/a")))
	require.Nil(t, b.volume("a"))

	b = released(t, nfs("a", policy(corev1.PersistentVolumeReclaimDelete), hostPath("/data/a")))
	require.Equal(t, corev1.VolumeFailed, b.volume("a").Status.Phase)
	require.Equal(t, []string{"Warning VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /data/a"}, b.events())
}

// TestV10NobodyScrubsACSIVolume, and nobody here deletes it: that is its
// driver's.
func TestV10NobodyScrubsACSIVolume(t *testing.T) {
	csi := func(v *corev1.PersistentVolume) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "example.com", VolumeHandle: "h"}}
	}
	b := released(t, nfs("a", csi, policy(corev1.PersistentVolumeReclaimRecycle)))
	require.Equal(t, corev1.VolumeFailed, b.volume("a").Status.Phase)
	require.Equal(t, []string{"Warning VolumeFailedRecycle: No recycler plugin found for the volume!"}, b.events())

	b = released(t, nfs("a", csi, policy(corev1.PersistentVolumeReclaimDelete)))
	require.Equal(t, corev1.VolumeReleased, b.volume("a").Status.Phase)
	require.Empty(t, b.events())
	require.Zero(t, b.host.Engine().Len())
}

// TestV9AVolumeWhoseClaimIsBoundElsewhere is given back: wholly if a controller
// made the link, up to its reservation if a user did.
func TestV9AVolumeWhoseClaimIsBoundElsewhere(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"))
	b.run(time.Second)
	b.create(pvc("c"))
	b.run(time.Second)
	to := func(v *corev1.PersistentVolume) {
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "c", UID: b.claim("c").UID}
	}
	b.create(nfs("user", to), nfs("controller", to, func(v *corev1.PersistentVolume) {
		v.Annotations = map[string]string{volume.BoundByController: "yes", "note": "kept"}
	}))
	b.run(time.Second)
	require.Equal(t, "a", b.claim("c").Spec.VolumeName)
	require.Equal(t, corev1.VolumeAvailable, b.volume("user").Status.Phase)
	require.Equal(t, "c", b.volume("user").Spec.ClaimRef.Name)
	require.Empty(t, b.volume("user").Spec.ClaimRef.UID)
	require.Equal(t, corev1.VolumeAvailable, b.volume("controller").Status.Phase)
	require.Nil(t, b.volume("controller").Spec.ClaimRef)
	require.Equal(t, map[string]string{"note": "kept"}, b.volume("controller").Annotations)
}

// TestV15EphemeralClaims: the claim of an ephemeral volume is its pod's alone, and
// is free as soon as the pod has shut down.
func TestV15EphemeralClaims(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"), &corev1.Node{ObjectMeta: named("n")})
	b.run(time.Second)
	p := pod("p", "n")
	p.Finalizers = []string{"example.com/hold"}
	p.Spec.Volumes = []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
		VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: pvc("").Spec},
	}}}}
	b.create(p)
	owner := b.host.Server().Get(apiserver.Pod, claimKey("p"))
	isController := true
	b.create(pvc("p-tmp", func(c *corev1.PersistentVolumeClaim) {
		c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "p", UID: owner.GetUID(), Controller: &isController}}
	}))
	b.run(time.Second)
	require.Equal(t, corev1.ConditionFalse, b.claim("p-tmp").Status.Conditions[0].Status)
	b.delete(apiserver.PersistentVolumeClaim, claimKey("p-tmp"))
	b.run(time.Second)
	require.NotNil(t, b.claim("p-tmp"))
	var now int64
	b.must(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: claimKey("p"), GracePeriodSeconds: &now})
	b.run(time.Second)
	require.NotNil(t, b.host.Server().Get(apiserver.Pod, claimKey("p")), "its finalizer holds it")
	require.Nil(t, b.claim("p-tmp"))
}

// TestV15AClaimStaysWhileAPodUsesIt: "a claim stays Terminating while any
// scheduled pod refers to it".
func TestV15AClaimStaysWhileAPodUsesIt(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"), nfs("b"), &corev1.Node{ObjectMeta: named("n")})
	b.run(time.Second)
	b.create(pvc("c"), pvc("d"), pod("scheduled", "n", "c"), pod("pending", "", "d"))
	b.run(time.Second)
	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.delete(apiserver.PersistentVolumeClaim, claimKey("d"))
	b.run(time.Second)
	require.Nil(t, b.claim("d"), "a pod that is not scheduled holds nothing")
	require.NotNil(t, b.claim("c").DeletionTimestamp)

	p := b.host.Server().Get(apiserver.Pod, claimKey("scheduled")).(*corev1.Pod)
	edit(b, p, apiserver.Status, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
	b.run(time.Second)
	require.NotNil(t, b.claim("c"), "an ended pod holds it too")

	var now int64
	b.must(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: claimKey("scheduled"), GracePeriodSeconds: &now})
	b.run(time.Second)
	require.Nil(t, b.claim("c"))
	require.Equal(t, corev1.VolumeReleased, b.volume("a").Status.Phase)
}

// TestV15AVolumeStaysWhileBound: "a PV stays while Bound".
func TestV15AVolumeStaysWhileBound(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"), nfs("free", policy(corev1.PersistentVolumeReclaimRetain)))
	b.run(time.Second)
	b.create(pvc("c", naming("a")))
	b.run(time.Second)
	b.delete(apiserver.PersistentVolume, apiserver.Key{Name: "a"})
	b.delete(apiserver.PersistentVolume, apiserver.Key{Name: "free"})
	b.run(time.Second)
	require.Nil(t, b.volume("free"))
	require.NotNil(t, b.volume("a").DeletionTimestamp)
	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.run(time.Second)
	require.Nil(t, b.volume("a"))
}

// TestV15OldObjectsGetTheFinalizer: what admission did not give is given later.
func TestV15OldObjectsGetTheFinalizer(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"), pvc("c"))
	b.run(time.Second)
	edit(b, b.volume("a"), apiserver.None, func(v *corev1.PersistentVolume) { v.Finalizers = nil })
	edit(b, b.claim("c"), apiserver.None, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
	b.run(time.Second)
	require.Equal(t, []string{volume.VolumeFinalizer}, b.volume("a").Finalizers)
	require.Equal(t, []string{volume.ClaimFinalizer}, b.claim("c").Finalizers)
}

// TestV17Unused: "False/PodUsingPVC while a pod uses it, True/NoPodsUsingPVC
// after: one more MODIFIED each time".
func TestV17Unused(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"))
	b.run(time.Second)
	b.create(pvc("c"), pod("p", "", "c"))
	b.run(time.Second)
	condition := b.claim("c").Status.Conditions[0]
	require.Equal(t, corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimUnused, Status: corev1.ConditionFalse, LastTransitionTime: condition.LastTransitionTime,
		Reason: "PodUsingPVC", Message: "A pod is currently referencing this PVC",
	}, condition)
	b.writes()

	b.delete(apiserver.Pod, claimKey("p"))
	b.run(2 * time.Second)
	require.Equal(t, []string{"pvc-protection MODIFIED pvc/c Bound a Unused=True"}, b.writes())
	require.Equal(t, "NoPodsUsingPVC", b.claim("c").Status.Conditions[0].Reason)
	b.create(pod("p", "", "c"))
	b.run(time.Second)
	require.Equal(t, []string{"pvc-protection MODIFIED pvc/c Bound a Unused=False"}, b.writes())
}

// TestV16Expansion holds the server's words where a claim is expanded.
func TestV16Expansion(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"))
	b.run(time.Second)
	b.create(pvc("c"))
	b.run(time.Second)
	next := b.claim("c").DeepCopy()
	next.Spec.Resources.Requests[corev1.ResourceStorage] = b.volume("a").Spec.Capacity[corev1.ResourceStorage]
	res := b.host.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Key: claimKey("c"), Object: next})
	require.ErrorContains(t, res.Err, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
}

// TestV16WhoExpands: a claim that has grown waits for an external controller, and
// an Event says so each time.
func TestV16WhoExpands(t *testing.T) {
	b := storage(t, volume.Config{})
	b.host.Add(volume.NewExpander())
	grows := true
	c := class("grows", "x", storagev1.VolumeBindingImmediate)
	c.AllowVolumeExpansion = &grows
	b.create(c)
	b.create(nfs("a", func(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "grows" }))
	b.run(time.Second)
	b.create(pvc("c", ofClass("grows")))
	b.run(time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
	b.events()
	grow := func(size string) {
		next := b.claim("c").DeepCopy()
		next.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(size)
		require.NoError(t, b.host.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Key: claimKey("c"), Object: next}).Err)
		b.run(time.Second)
	}
	grow("2Gi") // within what the volume has: nothing is missing
	require.Empty(t, b.events())
	grow("50Gi")
	require.Equal(t, []string{"Normal ExternalExpanding: waiting for an external controller to expand this PVC"}, b.events())
}
