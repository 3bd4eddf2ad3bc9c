// Package volume is what Kubernetes does about PersistentVolumes and claims:
// the controller that binds them ([Binder]), the two that hold back deletions
// ([ClaimProtection], [VolumeProtection]), the one that sees claims grow
// ([Expander], [Resizer]), and a constructor for pools of NFS volumes ([NFSPool]).
// Which volumes a claim may have is decided one package below, in volume/match,
// which the scheduler shares; [Offers] says so without a cluster, and why not the
// others.
//
// Each controller is a [controller.Actor]: it observes by its watches, decides
// by functions that only read (syncClaim, syncVolume, operate), and acts by
// requests. A sync holds its place as plain data, so that anything can happen
// between two of its writes. The binder decides from a cache of its own, which
// its own writes update at once, and which is otherwise as late as its queues.
//
// Rules held here, by their numbers in sim/RULES.md:
//
//   - V1: one worker each for volumes and claims, and a walk over everything at
//     each multiple of 15 s. Here that tick exists only while somebody is
//     restless, that is while a sync would do something, and visits only those
//   - V4: the choice among equal volumes is "volume-tie"; the order in which
//     waiting claims are tried again is "resync-order"
//   - V6: a claim without class gets the default class when no volume fits
//   - V7, V14: delayed binding, and volumes on demand ([Config.Provision])
//   - V8: the four writes of a binding, resumed by any later sync
//   - V9, V10: phases of volumes and what becomes of released ones
//   - V11–V13: volumes named by the user, lost claims, no volume at all
//   - V15, V17: finalizers and the Unused condition
//   - V16: whether a claim may grow is the API server's to say; who is waited for
//     then is said here. With [Config.Provision] there is the one that is waited
//     for, too ([Resizer]); the kubelet then enlarges the file system. Package
//     resize says what the claim's status is meanwhile
//
// Deviations from Kubernetes:
//
//   - Deviation: the recycler is no pod. A volume is scrubbed after
//     [Config.Recycling] without a trace on the nodes, and the Event RecyclerPod
//     is left out.
//   - Deviation: with [Config.Provision] the binder itself acts as the external
//     provisioner, so its Events and writes carry the binder's name. The volume
//     is a CSI volume, whatever its provisioner makes in truth, without node
//     affinity and without the provisioner's finalizer. Claims whose class does
//     not exist, or that name none, get volumes too.
//   - Deviation: before it lets a claim go or calls it unused, upstream's claim
//     protection lists the pods live. The API here has no list, so that a pod
//     which the watch has not shown yet does not count.
//   - Deviation: claim protection queues the claims of a pod only when the pod's
//     event can change an answer; upstream does so at each event of the pod. The
//     difference shows only in a claim that is bound for a second time, whose
//     condition waits for the next such event.
//   - Deviation: migrated plugins count as external provisioners under their
//     drivers' names; the annotation and finalizers of the migration itself are
//     not written, nor is the finalizer kubernetes.io/pv-controller.
//   - Deviation: a volume with the annotation of a resize before its binding
//     (volume.alpha.kubernetes.io/pre-resize-capacity) counts at its capacity.
//   - Deviation: the expander counts migrated and FlexVolumes among those that an
//     external controller expands, in the same words.
//   - Deviation: the driver behind the Resizer never fails, and its Events name
//     one driver for all. A claim that asks for more while its file system grows
//     is looked at again as soon as that is done; upstream's resync is.
//   - Deviation: at most 32 operations run beside the workers at a time.
package volume
