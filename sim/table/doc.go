// Package table prints API objects as kubectl v1.37 prints them: the tables of
// `kubectl get` with -o wide, -A, several kinds and -w, `kubectl describe`,
// `kubectl rollout status`, -o yaml and -o json, and the one-line answers of
// its other verbs. All functions are pure: an object and the time of looking
// in, text out. Objects are only read, so shared ones may be passed.
//
// Rules of Kubernetes held here (sim/RULES.md):
//
//   - K8: a watch prints one row for every event, deletions too: [Watcher]
//   - K23, §0.9: READY, STATUS and RESTARTS of a pod: [Summarize]
//   - K24–K26: columns of every kind: [New]
//   - K27: ages: k8s.io/apimachinery/pkg/util/duration
//   - K28: texts of rollout status: [RolloutStatus]
//   - A10: counted and aggregated events: [New], [Describe]
//
// In a real cluster the API server makes the rows and kubectl lays them out;
// so it is here: [New] makes a [Table], [Get] and [Watcher] lay it out.
//
// Left out, each of them a difference from Kubernetes:
//
//   - Deviation: kinds that are not listed at [New] have the columns NAME and
//     AGE, and [Describe] writes them field by field, as custom resources are
//     printed.
//   - Deviation: of several StorageClasses the default one is marked; kubectl
//     does not mark a class that it gets by name.
//   - Deviation: a tab inside a cell is printed as it is; kubectl's tabwriter
//     would start a new column there.
//   - Deviation: describe shows the volume sources hostPath, emptyDir, nfs,
//     persistentVolumeClaim, configMap, secret, projected, downwardAPI,
//     ephemeral, local and CSI; others are `<unknown>`, as kubectl shows
//     sources that it does not know.
//   - Deviation: the QoS class in a pod's description is the one in its
//     status; kubectl computes it if it is not there.
//   - Deviation: describe of a Node knows no ResourceSlices.
package table
