package endpointslice

import (
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// tracker remembers what the controller itself wrote to the slices of one
// Service, to notice that its view is behind (EndpointSliceTracker).
type tracker struct {
	generations map[types.UID]int64
	versions    map[types.UID]string   // resourceVersions of the last writes
	behind      map[types.UID]struct{} // written, and not yet seen in the view
}

// deletion is the generation of a slice that the controller deleted.
const deletion = -1

// versionOf is a slice's generation, or its resourceVersion where the server
// keeps no generations: either grows with every write that matters.
func versionOf(s *discoveryv1.EndpointSlice) int64 {
	if s.Generation > 0 {
		return s.Generation
	}
	v, _ := strconv.ParseInt(s.ResourceVersion, 10, 64)
	return v
}

func newTracker() tracker {
	return tracker{generations: map[types.UID]int64{}, versions: map[types.UID]string{}, behind: map[types.UID]struct{}{}}
}

// isStale reports whether the view lacks a write of the controller's own.
func (t *tracker) isStale() bool { return len(t.behind) > 0 }

// wrote records a write by its answer; seen is the slice in the view, or nil.
func (t *tracker) wrote(s, seen *discoveryv1.EndpointSlice) {
	t.generations[s.UID], t.versions[s.UID] = versionOf(s), s.ResourceVersion
	t.compare(s.UID, seen)
}

// deleted records a deletion of the controller's own; seen is as for wrote.
func (t *tracker) deleted(s, seen *discoveryv1.EndpointSlice) {
	t.generations[s.UID] = deletion
	delete(t.versions, s.UID)
	t.compare(s.UID, seen)
}

// compare brings behind up to date for one slice; seen is what the view has
// under its name, or nil.
func (t *tracker) compare(uid types.UID, seen *discoveryv1.EndpointSlice) {
	g, ok := t.generations[uid]
	present := seen != nil && seen.UID == uid
	isBehind := ok && (g == deletion && present || g != deletion && (!present || g > versionOf(seen)))
	if isBehind {
		t.behind[uid] = struct{}{}
	} else {
		delete(t.behind, uid)
	}
}

// isOwn reports whether a slice as observed is exactly what was written last.
// Who changes its labels or owners leaves the generation alone, and triggers no
// sync; but the next one looks at them.
func (t *tracker) isOwn(s *discoveryv1.EndpointSlice) bool {
	v, ok := t.versions[s.UID]
	return ok && v == s.ResourceVersion
}

// isNewer reports whether a slice as observed has changed since the
// controller's last write to it (ShouldSync).
func (t *tracker) isNewer(s *discoveryv1.EndpointSlice) bool {
	g, ok := t.generations[s.UID]
	return !ok || versionOf(s) > g
}

// gone forgets a slice that is deleted. It reports whether that comes as a
// surprise.
func (t *tracker) gone(uid types.UID) bool {
	g, ok := t.generations[uid]
	delete(t.generations, uid)
	delete(t.versions, uid)
	delete(t.behind, uid)
	return ok && g != deletion
}

// reset forgets everything, as when the Service is deleted.
func (t *tracker) reset() { *t = newTracker() }
