// Package sim is a Kubernetes cluster that fits in a unit test: StatefulSets,
// their claims and volumes, DNS names and nodes on a virtual clock. It decides
// as Kubernetes v1.37.2 decides, and one seed gives one history, byte for byte.
//
//	c := sim.New(sim.Config{})
//	_, err := c.Apply(manifest)
//	settled, err := c.Settle()
//	pod, err := sim.Get[*corev1.Pod](c, "default", "web-0")
//
// A Cluster is driven from outside: requests such as Apply, Scale or Delete
// take effect at the present moment, and time passes only in Run, RunUntil,
// Settle and Step. All runs are bounded.
//
// Resume begins with the state of another cluster, a real one's, say, and goes on from
// there.
//
// What is returned is the caller's own: changing it changes nothing in the
// cluster. Errors of the API are those of k8s.io/apimachinery/pkg/api/errors,
// in the words of the real server.
//
// A Cluster is not safe for concurrent use; different clusters are independent.
//
// Config.FieldManager is for server-side apply, Config.CustomResources for custom
// resources: a cluster without them has neither.
//
// Deviation: authentication, authorisation and webhooks are not modelled. Kinds without behaviour are stored and listed, and nothing acts on
// them: package unmodelled lists them, and the fields that nothing reads, and
// Cluster.Unmodelled says which of them a cluster holds.
package sim
