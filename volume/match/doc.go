// Package match answers which PersistentVolumes a claim could legally be given.
// It is the part of volume binding that the volume controller and the
// scheduler share, and it knows neither of them.
//
// An [Index] holds volumes by storage class, attributes class, volume mode and
// access modes, and orders each group by capacity. Upstream walks a list whose
// order is chance and takes the first of the best; the index returns all of the
// best as a [Legal] set, and whoever asks picks one. A lookup costs O(log n) in
// the number of volumes, and so does an update; a claim with a label selector,
// and a volume whose node affinity is more than one host name, cost a walk over
// the candidates.
//
// Rules held here, by their numbers in sim/RULES.md:
//
//   - V2: groups by exact access-mode set, fewest modes first ([Index.ForClaim])
//   - V3: what disqualifies a volume; volumes reserved for the claim come first
//   - V4: the smallest capacity wins, and equal ones are all legal
//   - V5: the article's five volumes (a test)
//   - V6: no class and the empty class are the same to a match ([ClassOfClaim])
//   - V7: with delayed binding only reserved volumes are returned to the
//     controller, and the scheduler asks for a node ([Index.ForNode])
//   - V11: the words for a named volume that does not fit ([Satisfies])
//
// Deviation: an access mode other than Kubernetes' four matches nothing. The
// API server refuses such objects, so none can be seen.
package match
