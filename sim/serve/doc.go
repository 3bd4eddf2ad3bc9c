// Package serve is a simulated cluster's API over HTTP: a http.Handler over a
// *sim.Cluster, for kubectl, client-go and whatever else speaks to Kubernetes.
//
//	s := serve.New(sim.New(sim.Config{}), serve.Config{})
//	defer s.Close()
//	http.Serve(listener, s)
//
// It serves every kind that the API server stores: get, list, watch, create,
// update, patch (JSON, merge, strategic, apply), delete, deletecollection; status, scale,
// eviction, binding, finalize, log and token below them; /version, /livez,
// /readyz; discovery, aggregated and plain; OpenAPI v2 and v3. JSON, YAML and protobuf go in and out;
// lists come as Tables and as PartialObjectMetadata, too, in pages with limit and
// continue. Watches begin where their resourceVersion says, send initial events
// and the bookmark at their end, and end with 410 Gone when they are too far
// behind. dryRun is a request to a fork of the cluster. What is generic (media
// types, options and their validation, selectors, Status errors) is
// k8s.io/apimachinery's.
//
// A Server owns its cluster: one request after the other reads or writes it, and
// between them a goroutine moves its clock as Config.Pace says.
//
// # What is deterministic
//
// The cluster is: the same requests at the same virtual times give the same
// history. When a request arrives is up to its client and the machine. In a bubble
// of testing/synctest requests arrive at exact times, too, since the clock stands
// still while anybody works; of several clients that work at one time, any can be
// first.
//
// # Left out
//
//   - Deviation: nobody is asked for credentials, and everybody may do everything.
//   - Server-side apply and managedFields need sim.Config.FieldManager; a cluster
//     without one refuses it in words.
//   - Custom resources need sim.Config.CustomResources (package customresource); they
//     come as JSON and YAML, and their schemas in OpenAPI v3 alone.
//   - Deviation: proxies, attach, ephemeralcontainers and resize are not served. What
//     goes through a forwarded port is HTTP (GET), over SPDY. A command in a
//     container is answered by Config.Exec.
//   - Deviation: the columns of a Table are all of type string, without
//     descriptions; kinds that package table does not know have name and age.
//   - Deviation: OpenAPI documents are made of Go types: they lack what stands only in
//     comments of their source, list types, enums and defaults.
//   - Deviation: watches over WebSocket, CBOR and compression are not offered.
//   - Deviation: a list at an older version is told from the records that are kept
//     (Config.Window); a watch that is further behind gets 410.
//   - Deviation: when a line of a log was printed is not known (timestamps,
//     sinceSeconds).
package serve
