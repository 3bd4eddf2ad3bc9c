// Package registry holds what requests do to stored objects, one after another,
// against the real API server of Kubernetes.
//
// The real server runs in the test's process, without network and etcd: the
// handlers of k8s.io/apiserver (patches, decoding, field validation, warnings),
// the registries and strategies of k8s.io/kubernetes with their subresources,
// and admission plugins, over a disk in memory that keeps objects as the real
// one stores them, in protobuf. A sequence sets up a few namespaces, classes and
// a node, then draws calls about one kind: creations (with given and generated
// names, again under a name that is taken, dying or gone), updates of the whole
// and of subresources with fresh and stale versions, patches of all three types
// by hand and by upstream's own differ, scale, bindings, deletions with grace,
// propagation and preconditions, deletions of collections; of objects that are
// changed in any field (package api), and in their metadata in ways that matter
// (finalizers, owners, names, versions, UIDs, what only the server may say). Time
// passes between the calls.
//
// Both servers serve each call. Equal must be: the code; the Status of a refusal
// with reason, message, kind, and causes; the object; the warnings; the number
// and order of writes with the object in each; and the version. Nothing is
// renamed for that: the clock of the test's bubble (testing/synctest) is the
// virtual clock, and upstream draws the UIDs, the ends of names, the addresses and
// ports that ours has drawn before it.
//
// Normalised:
//
//   - Managed fields are not stored.
//   - The causes of a refusal are a set, and its message counts if there is none
//     or they differ: upstream walks maps, and looks at some places twice. Where
//     even the paths depend on the order of a map (claim templates), upstream is
//     asked again, up to 32 times.
//   - The finalizers of a Namespace are sorted: its deletion puts them into a map.
//     No patch depends on their order.
//   - The internalTrafficPolicy of an ExternalName Service, which upstream may
//     store and never shows, is not stored.
//   - The answer to a deletion that took an object away is its UID and name where
//     upstream says no more; to that of a collection, to a binding and to an
//     eviction, the code.
//   - Ours answers a scale with the set; it is shown as a Scale here.
//   - A scheme is called by where the real server makes it.
//   - Warnings of overlapping paths in volumes and of deprecated plugins (package
//     validation leaves them out).
//
// The admission plugins are those of the defaults that ours models: Namespace-
// Lifecycle, LimitRanger, ServiceAccount, TaintNodesByCondition, PodSecurity, Priority, DefaultToleration-
// Seconds, DefaultStorageClass, StorageObjectInUseProtection, PersistentVolume-
// ClaimResize, RuntimeClass, PodTopologyLabels. A pod's token volume is called as ours
// is. Left out are ResourceQuota, the webhooks and policies, and those for kinds without
// behaviour. Left out too: apply (server-side), dry runs, lists, watches, ephemeral
// containers, resize, what changes in the spec and status of a Node,
// EndpointSlices, and the time that an Event lives.
//
// Evictions are held to EvictionREST in sequences of their own, among budgets in
// all states; there dry runs count, too.
//
// Rules: A1 to A9, A11, K14, V6, V15, V16, N4, N7.
package registry
