// Package quota measures what objects take of a ResourceQuota: which names of a
// quota's resources count an object, how much of each it takes, and which quotas
// its scopes select it for. The server's admission plugin charges by it, and
// sim/resourcequota counts by it what there is.
//
// Upstream's pkg/quota/v1/evaluator/core and, for everything that is only
// counted, apiserver/pkg/quota/v1/generic.
//
//   - Q1: every object is counted as count/RESOURCE[.GROUP]; ConfigMaps, Secrets,
//     ReplicationControllers and ResourceQuotas have a shorter name beside it.
//   - Q2: a pod takes what its containers request and are limited to, as the
//     scheduler sums them, until it has ended or is overdue: deleted for longer
//     than its grace period once more. It is counted as count/pods as long as it
//     is stored, as pods only until then.
//   - Q3: a claim takes the larger of what it asks for and what is allocated to it,
//     in whole bytes, of its class's share, too. A Service takes node ports and a
//     load balancer by its type.
//
// Deviation: a ResourceClaim is counted by its device classes; the names by which a
// DeviceClass passes for an extended resource are not looked up.
package quota
