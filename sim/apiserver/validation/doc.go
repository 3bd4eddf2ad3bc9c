// Package validation says what the API server of Kubernetes v1.37.2 says about
// an object: which errors it has, by type, path, bad value and detail to the
// letter; what is taken from it or kept when it is created or updated; and what
// kubectl warns of. All functions are pure.
//
// The server calls, in this order, defaults.Set, one of PrepareCreate,
// PrepareUpdate and PrepareStatusUpdate, Disable, its admission, then Create,
// Update or UpdateStatus, and Warnings. The errors become an answer by
// apierrors.NewInvalid.
//
// It holds A1 to A5, A7, V16 (the part that is no admission) §0.2, §0.3
// and §0.11. The tests hold it to 44 recorded answers of a real API
// server and to upstream's own code.
//
// Complete, as far as StatefulSets use it: metadata, StatefulSet,
// ControllerRevision, Pod and its templates, PersistentVolumeClaim,
// PersistentVolume, Service, StorageClass, PodDisruptionBudget, Namespace,
// Node, ConfigMap, Secret, PriorityClass, EndpointSlice, Event, LimitRange,
// ResourceQuota.
//
// Passed through without a look:
//
//   - volume sources other than emptyDir, hostPath, gitRepo, secret, configMap,
//     downwardAPI, projected, persistentVolumeClaim, ephemeral, nfs, csi, local
//     and image: that there is one is checked, not what it says;
//   - trust bundles and certificates in projected volumes, Windows options;
//   - annotations about seccomp and AppArmor, which have fields now;
//   - what only ephemeral containers must not have;
//   - hints of EndpointSlices, device and claim reports in a pod's status;
//   - kinds without behaviour, apart from their metadata.
//
// Fields behind alpha gates are emptied, as the server does with the gates off.
// Upstream lets an object keep what an older version accepted; nothing here is
// older, so those relaxations are left out. Warnings about deprecated labels,
// annotations, volume plugins and overlapping paths are left out.
//
// Deviation: whether an update carries a resourceVersion is not checked here.
//
// Deviation: where upstream reports errors in the order of a map, they come by
// key; where that order is drawn anew (claim volumes of a template), in the
// order of the manifest.
package validation
