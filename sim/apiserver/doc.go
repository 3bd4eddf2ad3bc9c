// Package apiserver is an API server in memory: objects with versions, a watch
// log, defaults, admission, validation, patches, and deletion with grace and
// finalizers.
//
// A [Server] is called with a [Request], plain data shaped like a call of the
// real API (verb, kind, namespace, name, subresource, options), and answers with
// a [Result]. Every write appends a [Record] to the watch log of its kind. Older
// states are kept as long as a watch can still be behind them, so that a view
// of the past is a version number and not a copy.
//
// Stored objects are shared and immutable. A write stores a new object, which
// may share memory with its predecessor.
//
// A request is answered in the order, and with the words, of the real handlers,
// registries and storage, down to what they do by mistake: sim/conformance holds
// sequences of requests to them.
//
// Rules held here: A7 (generation), A8 (conflicts), A9 (graceful deletion), A10
// (lifetime of Events), A11 (whole seconds), V6 (default class), V15
// (protection finalizers), V16 (expansion), K14 (pods that go at once), N4
// (tolerations), N7 (evictions), Q4 (quotas), and by the packages defaults and validation A1–A5.
//
// Admission asks the plugins that are on by default (plugins.go). Those that ask who
// may do something (CertificateApproval, CertificateSigning), that belong to kinds or
// subresources which are not stored (ClusterTrustBundleAttest, PodGroupProtection,
// PodResizeValidator, NodeDeclaredFeatureValidator), and webhooks and policies are
// names without effect here.
//
// Config.FieldManager keeps managedFields and serves server-side apply; without one
// there is neither.
//
// Deviation: no authorisation and no webhooks; the network is IPv4 alone. Writes of
// components to pods, sets, volumes, claims, EndpointSlices and Events are not
// compared with what is stored: the components do so themselves. An ExternalName
// Service has no internalTrafficPolicy: upstream may store one, and never shows it.
// A pod that somebody outside creates in a new namespace does not wait for the
// account "default". Without a FieldManager, what is too large is refused by the size
// that an object has without managedFields, a few hundred bytes on a real server.
package apiserver
