package statefulset

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// writes are the newest versions that were written for one set: until the view
// has seen them, the set is not looked at (S2, read your writes).
type writes struct {
	uid               types.UID
	pod, claim, owner uint64 `state:"version"`
}

// wrote remembers the version of an object that was created or changed for set.
// Deletions and ControllerRevisions do not count.
func (c *Controller) wrote(set *appsv1.StatefulSet, obj apiserver.Object) {
	version, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	key := apiserver.KeyOf(set)
	w := c.writes[key]
	if w.uid != set.UID {
		w = writes{uid: set.UID}
	}
	switch apiserver.KindOf(obj) {
	case apiserver.Pod:
		w.pod = max(w.pod, version)
	case apiserver.PersistentVolumeClaim:
		w.claim = max(w.claim, version)
	case apiserver.StatefulSet:
		w.owner = max(w.owner, version)
	}
	c.writes[key] = w
}

// seesOwnWrites returns an error while the view is behind what was written for
// the set, and forgets the versions once it is not.
func (c *Controller) seesOwnWrites(l lister, key apiserver.Key) error {
	w, ok := c.writes[key]
	if !ok {
		return nil
	}
	for _, k := range []struct {
		kind  apiserver.Kind
		wrote uint64
	}{{apiserver.Pod, w.pod}, {apiserver.PersistentVolumeClaim, w.claim}, {apiserver.StatefulSet, w.owner}} {
		if read := l.Version(k.kind); k.wrote > read {
			return staleRead{k.kind, read, k.wrote}
		}
	}
	delete(c.writes, key)
	return nil
}

// staleRead is the error of a view that is behind what was written. Most syncs
// that follow a write meet it.
type staleRead struct {
	kind        apiserver.Kind
	read, wrote uint64
}

func (e staleRead) Error() string {
	return "read version: " + strconv.FormatUint(e.read, 10) + " is not as new as written version: " +
		strconv.FormatUint(e.wrote, 10) + " for group resource " + e.kind.GroupResource().String()
}
