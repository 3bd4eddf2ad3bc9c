package sim

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Hash returns a number that is equal for two clusters in the same state,
// however they came to it. It covers
//
//   - every object of the API but Events, and what it refers to. Versions, UIDs,
//     generations, the numbers of revisions (but not their order), the random
//     ends of generated names, addresses of pods and container IDs do not
//     count; stored times count as set or not, restarts as some or none;
//   - the nodes' world: processes, files, images, file servers (kubelet.World);
//   - what is pending: events relative to now, requests under way, what each
//     watch has still to deliver (controller.Host).
//
// Deviation from a full state: what controllers remember (back-offs, the
// scheduler's queue, a kubelet's timers but for when they are due) does not
// count, and neither do past choices, which future answers depend on. Two
// clusters of equal Hash can therefore still go different ways.
//
// A Hash costs what has changed since the last one of the same cluster or of
// the one that it was forked from, and a look at every object.
func (c *Cluster) Hash() uint64 {
	defer c.end(c.look("Hash"))
	server := c.host.Server()
	census := server.Census()
	sum := apiserver.Blend(census.Name("world"), c.readWorld().Hash(census)) + apiserver.Blend(census.Name("pending"), c.host.PendingHash(census))
	digests := c.digests.Write()
	digests.prune(2*census.Len() + 64)
	server.EachLive(func(rec *apiserver.Record) { // a sum: order cannot matter
		sum += census.Resolve(rec, digests.of(rec))
	})
	return sum
}

// digests remembers the digests of records, by version.
type digests struct {
	known map[uint64]apiserver.Digest `state:"elements"`
}

// of returns the digest of a record.
func (d *digests) of(rec *apiserver.Record) apiserver.Digest {
	if known, ok := d.known[rec.Version]; ok {
		return known
	}
	if d.known == nil {
		d.known = map[uint64]apiserver.Digest{}
	}
	fresh := apiserver.DigestOf(rec.Kind, rec.Object)
	d.known[rec.Version] = fresh
	return fresh
}

// prune forgets everything once more than a number of digests are known: most
// of those are of records that are history.
func (d *digests) prune(limit int) {
	if len(d.known) > limit {
		*d = digests{}
	}
}
