package volume_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume"
)

// TestV8TheFourWrites: "PV spec.claimRef; PV status Bound; PVC spec.volumeName;
// PVC status Bound with access modes and capacity of the PV", and then V17's.
func TestV8TheFourWrites(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"))
	b.run(time.Second)
	b.writes()
	b.create(pvc("c"))
	b.run(time.Second)
	require.Equal(t, []string{
		"user ADDED pvc/c Pending",
		"persistentvolume MODIFIED pv/a Available c",
		"persistentvolume MODIFIED pv/a Bound c",
		"persistentvolume MODIFIED pvc/c Pending a",
		"persistentvolume MODIFIED pvc/c Bound a",
		"pvc-protection MODIFIED pvc/c Bound a Unused=True",
	}, b.writes())

	v, c := b.volume("a"), b.claim("c")
	require.Equal(t, map[string]string{volume.BoundByController: "yes"}, v.Annotations)
	require.Equal(t, map[string]string{volume.BoundByController: "yes", volume.BindCompleted: "yes"}, c.Annotations)
	require.Equal(t, c.UID, v.Spec.ClaimRef.UID)
	require.Equal(t, "PersistentVolumeClaim", v.Spec.ClaimRef.Kind)
	require.Equal(t, "v1", v.Spec.ClaimRef.APIVersion)
	require.NotEmpty(t, v.Spec.ClaimRef.ResourceVersion)
	require.Equal(t, v.Spec.AccessModes, c.Status.AccessModes)
	require.Equal(t, "5Gi", c.Status.Capacity.Storage().String())
	require.Zero(t, b.host.Engine().Len(), "a healthy cluster at rest has no events")
	require.Empty(t, b.waiting())
}

// TestV1ANewVolumeWakesNoClaim: "that claim is tried again at the next resync."
func TestV1ANewVolumeWakesNoClaim(t *testing.T) {
	b := storage(t, volume.Config{})
	b.run(2 * time.Second)
	b.create(pvc("c"))
	b.run(5 * time.Second)
	require.Equal(t, []string{"PersistentVolumeClaim default/c: no persistent volumes available for this claim and no storage class is set"}, b.waiting())
	b.create(nfs("a"))
	b.run(7999 * time.Millisecond) // 14.999 s
	require.Equal(t, corev1.ClaimPending, b.claim("c").Status.Phase)
	b.run(time.Millisecond)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
	require.Zero(t, b.host.Engine().Len())
}

// TestV9Phases: "claimRef without UID stays Available; claim gone: Released,
// claimRef kept; Retain never rebinds until somebody edits it."
func TestV9Phases(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a", func(v *corev1.PersistentVolume) {
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "c"}
	}), pvc("other"))
	b.run(time.Second)
	require.Equal(t, corev1.VolumeAvailable, b.volume("a").Status.Phase)
	require.Equal(t, corev1.ClaimPending, b.claim("other").Status.Phase)
	b.delete(apiserver.PersistentVolumeClaim, claimKey("other"))

	b.create(pvc("c"))
	b.run(time.Second)
	require.Equal(t, corev1.VolumeBound, b.volume("a").Status.Phase)
	require.NotContains(t, b.volume("a").Annotations, volume.BoundByController, "the user reserved it")
	require.Contains(t, b.claim("c").Annotations, volume.BoundByController)

	b.delete(apiserver.PersistentVolumeClaim, claimKey("c"))
	b.run(time.Second)
	require.Nil(t, b.claim("c"))
	require.Equal(t, corev1.VolumeReleased, b.volume("a").Status.Phase)
	require.NotNil(t, b.volume("a").Spec.ClaimRef)

	b.create(pvc("c"))
	b.run(time.Minute)
	require.Equal(t, corev1.VolumeReleased, b.volume("a").Status.Phase)
	require.Equal(t, corev1.ClaimPending, b.claim("c").Status.Phase)

	edit(b, b.volume("a"), apiserver.None, func(v *corev1.PersistentVolume) { v.Spec.ClaimRef = nil })
	b.run(15 * time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
}

// TestV4V5TheArticlesOrder: the first claim gets the only RWO volume, and over the
// seeds the second gets each of the four others (V4).
func TestV4V5TheArticlesOrder(t *testing.T) {
	seconds := map[string]bool{}
	for seed := range uint64(40) {
		b := newBench(t, controller.Realistic(), seed, volume.NewBinder(volume.Config{}))
		for i := range 5 {
			b.create(nfs("linuxea-"+string(rune('1'+i)), func(v *corev1.PersistentVolume) {
				if i != 2 {
					v.Spec.AccessModes = append(v.Spec.AccessModes, corev1.ReadWriteMany)
				}
			}))
		}
		b.run(time.Second)
		b.create(pvc("c-0"))
		b.run(time.Second)
		b.create(pvc("c-1"))
		b.run(time.Second)
		require.Equal(t, "linuxea-3", b.claim("c-0").Spec.VolumeName)
		seconds[b.claim("c-1").Spec.VolumeName] = true
	}
	require.Equal(t, map[string]bool{"linuxea-1": true, "linuxea-2": true, "linuxea-4": true, "linuxea-5": true}, seconds)
}

// TestV8ResumedAfterACrashBetweenAnyTwoWrites: a binder that dies after its nth
// write is replaced; the new one completes the binding with the writes that are
// missing and no others.
func TestV8ResumedAfterACrashBetweenAnyTwoWrites(t *testing.T) {
	for n := range 5 {
		b := newBench(t, controller.Realistic(), 7, volume.NewBinder(volume.Config{}))
		b.create(nfs("a"), nfs("b"))
		b.run(time.Second)
		b.create(pvc("c"))
		b.writes()
		var seen []string
		for len(seen) < n && b.host.Step() {
			seen = append(seen, b.writes()...)
		}
		b.host.Remove(b.ids[0])
		b.run(10 * time.Millisecond) // what was sent arrives
		b.host.Add(volume.NewBinder(volume.Config{}))
		b.run(10 * time.Second)
		seen = append(seen, b.writes()...)
		require.Len(t, seen, 4, "%d: %q", n, seen)
		c := b.claim("c")
		require.Equal(t, corev1.ClaimBound, c.Status.Phase)
		require.Equal(t, corev1.VolumeBound, b.volume(c.Spec.VolumeName).Status.Phase)
		require.Equal(t, c.UID, b.volume(c.Spec.VolumeName).Spec.ClaimRef.UID)
	}
}

// TestV8ResumedAfterAConflictBetweenAnyTwoWrites: somebody else writes the claim
// and the volume after the nth write (observed: the ownerRef that the StatefulSet
// controller adds), so that the next one fails with a conflict.
func TestV8ResumedAfterAConflictBetweenAnyTwoWrites(t *testing.T) {
	for n := range 4 {
		b := newBench(t, controller.Realistic(), 3, volume.NewBinder(volume.Config{}))
		b.create(nfs("a"), nfs("b"))
		b.run(time.Second)
		b.create(pvc("c"))
		b.writes()
		for seen := 0; seen < n && b.host.Step(); {
			seen += len(b.writes())
		}
		label := func(o metav1.Object) { o.SetLabels(map[string]string{"touched": "yes"}) }
		edit(b, b.claim("c"), apiserver.None, func(c *corev1.PersistentVolumeClaim) { label(c) })
		for _, name := range []string{"a", "b"} {
			edit(b, b.volume(name), apiserver.None, func(v *corev1.PersistentVolume) { label(v) })
		}
		b.run(10 * time.Second)
		c := b.claim("c")
		require.Equal(t, corev1.ClaimBound, c.Status.Phase)
		require.Equal(t, corev1.VolumeBound, b.volume(c.Spec.VolumeName).Status.Phase)
		require.Equal(t, "yes", c.Labels["touched"])
		require.Empty(t, b.waiting())
	}
}

// TestV8TheBinderTrustsItsOwnWrites: with a watch that hangs, nothing is written
// twice: the binder reads its own writes.
func TestV8TheBinderTrustsItsOwnWrites(t *testing.T) {
	b := newBench(t, controller.Realistic(), 3, volume.NewBinder(volume.Config{}))
	b.create(nfs("a"))
	b.run(time.Second)
	b.host.Hold(b.ids[0], apiserver.PersistentVolume, b.host.Engine().Now().Add(5*time.Second))
	b.create(pvc("c"))
	b.writes()
	b.run(10 * time.Second)
	require.Equal(t, []string{
		"persistentvolume MODIFIED pv/a Available c",
		"persistentvolume MODIFIED pv/a Bound c",
		"persistentvolume MODIFIED pvc/c Pending a",
		"persistentvolume MODIFIED pvc/c Bound a",
	}, b.writes())
}

// TestV6DefaultClass: "nil is the empty class for matching; the controller fills
// unbound nil-class claims later", with the newest default class, then by name.
func TestV6DefaultClass(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(pvc("c"), pvc("none", ofClass("")))
	b.run(20 * time.Second)
	require.Nil(t, b.claim("c").Spec.StorageClassName)
	for _, name := range []string{"b", "a", "old"} {
		sc := class(name, "example.com/disk", storagev1.VolumeBindingImmediate)
		sc.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		b.create(sc)
	}
	b.run(15 * time.Second)
	require.Equal(t, "a", *b.claim("c").Spec.StorageClassName)
	require.Empty(t, *b.claim("none").Spec.StorageClassName)
	require.Equal(t, []string{
		`PersistentVolumeClaim default/c: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
		`PersistentVolumeClaim default/none: no persistent volumes available for this claim and no storage class is set`,
	}, b.waiting())
}

// TestV11NamedVolumes: "PV missing: Pending; mismatch: VolumeMismatch; taken:
// FailedBinding."
func TestV11NamedVolumes(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(
		nfs("small", func(v *corev1.PersistentVolume) { v.Spec.Capacity[corev1.ResourceStorage] = resource.MustParse("1Mi") }),
		nfs("taken"), nfs("free"),
		pvc("owner", naming("taken")))
	b.run(time.Second)
	b.create(pvc("early", naming("later")), pvc("big", naming("small")), pvc("second", naming("taken")), pvc("user", naming("free")))
	b.run(time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("user").Status.Phase)
	require.NotContains(t, b.claim("user").Annotations, volume.BoundByController, "the user named the volume")
	require.Equal(t, []string{
		`PersistentVolumeClaim default/big: Cannot bind to requested volume "small": requested PV is too small`,
		`PersistentVolumeClaim default/early: persistentvolume "later" not found`,
		`PersistentVolumeClaim default/second: volume "taken" already bound to a different claim.`,
	}, b.waiting())
	require.ElementsMatch(t, []string{
		`Warning VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small`,
		`Warning FailedBinding: volume "taken" already bound to a different claim.`,
	}, b.events())
	b.create(nfs("later"))
	b.run(15 * time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("early").Status.Phase)
}

// TestV12LostClaims: "Bound claim whose PV is gone: Lost, ClaimLost. claimRef
// UID differs: ClaimMisbound."
func TestV12LostClaims(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("a"))
	b.run(time.Second)
	b.create(pvc("c"))
	b.run(time.Second)
	edit(b, b.volume("a"), apiserver.None, func(v *corev1.PersistentVolume) { v.Finalizers = nil })
	b.delete(apiserver.PersistentVolume, apiserver.Key{Name: "a"})
	b.run(time.Second)
	require.Equal(t, corev1.ClaimLost, b.claim("c").Status.Phase)
	require.Empty(t, b.claim("c").Status.Capacity)
	require.Zero(t, b.host.Engine().Len(), "lost is lost")

	b.create(nfs("a")) // whoever makes the volume again has the claim back at the next resync
	b.run(15 * time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)

	edit(b, b.volume("a"), apiserver.None, func(v *corev1.PersistentVolume) { v.Spec.ClaimRef.UID = "somebody" })
	b.run(15 * time.Second)
	require.Equal(t, corev1.ClaimLost, b.claim("c").Status.Phase)
	require.ElementsMatch(t, []string{
		"Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!",
		"Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly",
	}, b.events())
}

// TestV13NothingFits: the Event that everybody knows, with a count that grows at
// each resync.
func TestV13NothingFits(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(pvc("c"))
	b.run(31 * time.Second)
	require.Equal(t, []string{"Normal FailedBinding: no persistent volumes available for this claim and no storage class is set"}, b.events())
	e := b.host.Server().List(apiserver.Event, "")[0].(*corev1.Event)
	require.Equal(t, "persistentvolume-controller", e.Source.Component)
	require.EqualValues(t, 3, e.Count)
	require.Equal(t, 1, b.host.Engine().Pending(engine.Retry))
}

// TestV8ResumedAfterAFailureOfAnyWrite: a server that fails once.
func TestV8ResumedAfterAFailureOfAnyWrite(t *testing.T) {
	for n := range 4 {
		b := newBench(t, controller.Realistic(), 3, volume.NewBinder(volume.Config{}))
		b.create(nfs("a"), nfs("b"))
		b.run(time.Second)
		b.create(pvc("c"))
		b.writes()
		var seen []string
		for len(seen) < n && b.host.Step() {
			seen = append(seen, b.writes()...)
		}
		b.host.Fail(controller.Fault{By: volume.BinderName, Verb: apiserver.Update, Err: apierrors.NewInternalError(errors.New("etcdserver: request timed out"))})
		b.run(time.Second)
		require.Len(t, append(seen, b.writes()...), 4)
		require.Equal(t, corev1.ClaimBound, b.claim("c").Status.Phase)
		require.Empty(t, b.waiting())
		b.run(15 * time.Second)
		require.Zero(t, b.host.Engine().Len())
	}
}

// TestV1WaitingClaimsRaceForANewVolume: which of the waiting claims has the first
// pick at a resync is open; claims of another class shift nothing.
func TestV1WaitingClaimsRaceForANewVolume(t *testing.T) {
	winner := func(seed uint64, others int) string {
		b := newBench(t, controller.Latency{}, seed, volume.NewBinder(volume.Config{}))
		b.create(pvc("a"), pvc("b"), pvc("c"))
		for i := range others {
			b.create(pvc("b"+string(rune('0'+i)), ofClass("other")))
		}
		b.run(20 * time.Second)
		b.create(nfs("v"))
		b.run(15 * time.Second)
		return b.volume("v").Spec.ClaimRef.Name
	}
	winners := map[string]bool{}
	for seed := range uint64(20) {
		w := winner(seed, 0)
		winners[w] = true
		require.Equal(t, w, winner(seed, 4), "seed %d", seed)
	}
	require.Equal(t, map[string]bool{"a": true, "b": true, "c": true}, winners)
}

// TestV11AControllersClaimToATakenVolumeIsAnError, tried again and again: somebody
// has taken the claim's annotation away.
func TestV11AControllersClaimToATakenVolumeIsAnError(t *testing.T) {
	b := storage(t, volume.Config{})
	b.create(nfs("v"))
	b.run(time.Second)
	b.create(pvc("a", naming("v")))
	b.run(time.Second)
	b.create(pvc("b", naming("v"), func(c *corev1.PersistentVolumeClaim) {
		c.Annotations = map[string]string{volume.BoundByController: "yes"}
	}))
	b.run(time.Second)
	require.Equal(t, []string{`PersistentVolumeClaim default/b: volume "v" already bound to a different claim.`}, b.waiting())
	require.NotZero(t, b.host.Engine().Pending(engine.Retry))
	b.delete(apiserver.PersistentVolumeClaim, claimKey("a"))
	b.run(time.Second)
	edit(b, b.volume("v"), apiserver.None, func(v *corev1.PersistentVolume) { v.Spec.ClaimRef = nil })
	b.run(15 * time.Second)
	require.Equal(t, corev1.ClaimBound, b.claim("b").Status.Phase)
}

// TestV11ModesDisagree: a volume reserved for a claim of the other volume mode.
func TestV11ModesDisagree(t *testing.T) {
	b := storage(t, volume.Config{})
	block := corev1.PersistentVolumeBlock
	b.create(pvc("c"))
	b.create(nfs("v", func(v *corev1.PersistentVolume) {
		v.Spec.VolumeMode = &block
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "c", UID: b.claim("c").UID}
	}))
	b.run(time.Second)
	require.Subset(t, b.events(), []string{
		`Warning VolumeMismatch: Cannot bind PersistentVolume to requested PersistentVolumeClaim "c" due to incompatible volumeMode.`,
		`Warning VolumeMismatch: Cannot bind PersistentVolume "v" to requested PersistentVolumeClaim due to incompatible volumeMode.`,
	})
}
