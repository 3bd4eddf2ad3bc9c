package volume_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume"
	"github.com/statefulsim/statefulsim/volume/match"
)

func ofLocal(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "local" }

// TestV7WaitForFirstConsumer: "the controller skips unbound PVs, but completes
// pre-bound ones."
func TestV7WaitForFirstConsumer(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(class("local", "kubernetes.io/no-provisioner", storagev1.VolumeBindingWaitForFirstConsumer), nfs("a", ofLocal))
	b.run(time.Second)
	b.create(pvc("c", ofClass("local")))
	b.run(time.Second)
	require.Equal(t, corev1.ClaimPending, b.claim("c").Status.Phase)
	b.create(pod("p", "", "c"))
	b.run(15 * time.Second)
	b.create(pod("q", "", "c"))
	b.run(15 * time.Second)
	require.Equal(t, []string{
		"Normal WaitForFirstConsumer: waiting for first consumer to be created before binding",
		"Normal WaitForPodScheduled: waiting for pod p to be scheduled",
		"Normal WaitForPodScheduled: waiting for pods p,q to be scheduled",
	}, sorted(b.events()))
	b.writes()

	edit(b, b.volume("a"), apiserver.None, func(v *corev1.PersistentVolume) { // what the scheduler does (observed)
		c := b.claim("c")
		v.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: c.Namespace, Name: c.Name, UID: c.UID}
		v.Annotations = map[string]string{volume.BoundByController: "yes"}
	})
	b.run(time.Second)
	require.Equal(t, []string{
		"user MODIFIED pv/a Available c",
		"persistentvolume MODIFIED pv/a Bound c",
		"persistentvolume MODIFIED pvc/c Pending a",
		"persistentvolume MODIFIED pvc/c Bound a",
		"pvc-protection MODIFIED pvc/c Bound a Unused=False",
	}, b.writes())
}

// TestV14WaitsForAProvisioner: the annotations, and the Event again and again.
func TestV14WaitsForAProvisioner(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(class("fast", "example.com/disk", storagev1.VolumeBindingImmediate))
	b.run(time.Second)
	b.create(pvc("c", ofClass("fast")))
	b.run(time.Second)
	require.Equal(t, map[string]string{volume.StorageProvisioner: "example.com/disk", volume.BetaStorageProvisioner: "example.com/disk"}, b.claim("c").Annotations)
	require.Equal(t, []string{"Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."}, b.events())
	require.Len(t, b.waiting(), 1)
}

// TestV14AbsentClass: without Config.Provision a class that does not exist is an
// error; with it, that class and none at all have volumes made, and only "" not.
func TestV14AbsentClass(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(pvc("c", ofClass("missing")))
	b.run(time.Second)
	require.Equal(t, []string{`Warning ProvisioningFailed: storageclass.storage.k8s.io "missing" not found`}, b.events())

	b = storage(t, volume.Config{Provision: true})
	b.create(nfs("own"), pvc("a", ofClass("missing")), pvc("b"), pvc("c"), pvc("d", ofClass("")))
	b.run(time.Minute)
	made, kept := 0, 0
	for _, name := range []string{"a", "b", "c", "d"} {
		c := b.claim(name)
		switch c.Spec.VolumeName {
		case "":
			require.Equal(t, "d", name, "%q", b.events())
			continue
		case "own":
			kept++
			continue
		}
		made++
		require.Equal(t, corev1.ClaimBound, c.Status.Phase)
		v := b.volume(c.Spec.VolumeName)
		require.Equal(t, match.ClassOfClaim(c), v.Spec.StorageClassName)
		require.Equal(t, corev1.PersistentVolumeReclaimDelete, v.Spec.PersistentVolumeReclaimPolicy)
	}
	require.Equal(t, 2, made)
	require.Equal(t, 1, kept, "a volume that fits comes first")
	require.Len(t, b.waiting(), 1)
	b.delete(apiserver.PersistentVolumeClaim, claimKey("a"))
	b.run(time.Minute)
	require.Nil(t, b.claim("a"))
	require.Equal(t, 2, len(b.host.Server().List(apiserver.PersistentVolume, "")), "it goes with its claim")
}

// TestV14NobodyProvisions: plugins that are gone.
func TestV14NobodyProvisions(t *testing.T) {
	b := storage(t, volume.Config{Provision: true})
	b.create(class("local", "kubernetes.io/no-provisioner", storagev1.VolumeBindingImmediate), class("host", "kubernetes.io/host-path", storagev1.VolumeBindingImmediate))
	b.run(time.Second)
	b.create(pvc("b", ofClass("local")), pvc("c", ofClass("host")))
	b.run(time.Second)
	require.ElementsMatch(t, []string{
		`Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner`,
		`Warning ProvisioningFailed: Failed to create provisioner: provisioning in volume plugin "kubernetes.io/host-path" is disabled`,
	}, b.events())
}

// TestV14Provision: volumes on demand, and gone with their claims.
func TestV14Provision(t *testing.T) {
	b := storage(t, volume.Config{Provision: true})
	b.create(class("fast", "example.com/disk", storagev1.VolumeBindingImmediate))
	b.run(time.Second)
	b.create(pvc("c", ofClass("fast")))
	b.run(time.Second)
	c := b.claim("c")
	name := "pvc-" + string(c.UID)
	require.Equal(t, corev1.ClaimBound, c.Status.Phase, "%q %q", b.events(), b.writes())
	require.Equal(t, name, c.Spec.VolumeName)
	v := b.volume(name)
	require.Equal(t, corev1.VolumeBound, v.Status.Phase)
	require.Equal(t, "fast", v.Spec.StorageClassName)
	require.Equal(t, corev1.PersistentVolumeReclaimDelete, v.Spec.PersistentVolumeReclaimPolicy)
	require.Equal(t, "1Gi", c.Status.Capacity.Storage().String())
	require.Contains(t, b.events(), "Normal ProvisioningSucceeded: Successfully provisioned volume "+name)

	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.run(time.Second)
	require.Nil(t, b.claim("c"))
	require.Nil(t, b.volume(name))
	b.run(15 * time.Second)
	require.Zero(t, b.host.Engine().Len())
}

// TestV14ProvisionForAConsumer: with delayed binding nothing is made until the
// scheduler has named a node.
func TestV14ProvisionForAConsumer(t *testing.T) {
	b := storage(t, volume.Config{Provision: true})
	b.create(class("fast", "example.com/disk", storagev1.VolumeBindingWaitForFirstConsumer))
	b.run(time.Second)
	b.create(pvc("c", ofClass("fast")))
	b.run(time.Minute)
	require.Equal(t, corev1.ClaimPending, b.claim("c").Status.Phase)
	edit(b, b.claim("c"), apiserver.None, func(c *corev1.PersistentVolumeClaim) {
		c.Annotations = map[string]string{volume.SelectedNode: "node-1"}
	})
	b.run(time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
}

// TestV14AFailedOperationPauses: a claim that cannot be marked is told so, and the
// operation is not begun again at once.
func TestV14AFailedOperationPauses(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(class("fast", "kubernetes.io/gce-pd", storagev1.VolumeBindingImmediate))
	b.run(time.Second)
	b.host.Fail(controller.Fault{By: volume.BinderName, Verb: apiserver.Update, Err: apierrors.NewInternalError(errors.New("no leader"))})
	b.create(pvc("c", ofClass("fast")))
	b.run(time.Second)
	require.Equal(t, []string{"Warning ProvisioningFailed: Error saving claim: Internal error occurred: no leader"}, b.events())
	edit(b, b.claim("c"), apiserver.None, func(c *corev1.PersistentVolumeClaim) { c.Labels = map[string]string{"a": "b"} })
	b.run(0)
	require.Equal(t, "pd.csi.storage.gke.io", b.claim("c").Annotations[volume.StorageProvisioner], "the pause of 500 ms is over")
	require.Len(t, b.waiting(), 1)
	require.Contains(t, b.waiting()[0], "'pd.csi.storage.gke.io'")
}

// TestV14ProvisionersWithASlash get a driver's name that the server accepts.
func TestV14ProvisionersWithASlash(t *testing.T) {
	b := storage(t, volume.Config{Provision: true, Provisioning: controller.Range{Min: 3 * time.Second, Max: 4 * time.Second}})
	const long = "cluster.local/A-very-long-name-of-a-provisioner-that-is-sixty-three.or.more"
	b.create(class("fast", long, storagev1.VolumeBindingImmediate))
	b.run(time.Second)
	b.create(pvc("c", ofClass("fast")))
	b.run(2900 * time.Millisecond)
	require.Equal(t, corev1.ClaimPending, b.claim("c").Status.Phase)
	b.run(2 * time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
	require.LessOrEqual(t, len(b.volume(b.claim("c").Spec.VolumeName).Spec.CSI.Driver), 63)
}
