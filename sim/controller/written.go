package controller

import (
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Written are the newest versions that a controller has written for each owner:
// until its view has seen them, it does not look at the owner (read your writes;
// util/consistency, ConsistencyStore). The zero value has none.
type Written struct {
	of map[apiserver.Key]versions
}

// versions are those of one owner, by kind.
type versions struct {
	uid  types.UID
	kind [2]apiserver.Kind
	at   [2]uint64
}

// Wrote remembers the version of an object that was created or changed for an
// owner. An owner has objects of two kinds at most, itself among them.
func (w *Written) Wrote(owner apiserver.Key, uid types.UID, obj apiserver.Object) {
	version, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	if w.of == nil {
		w.of = map[apiserver.Key]versions{}
	}
	v := w.of[owner]
	if v.uid != uid {
		v = versions{uid: uid}
	}
	kind := apiserver.KindOf(obj)
	for i := range v.kind {
		if v.kind[i] == kind || v.kind[i] == 0 {
			v.kind[i], v.at[i] = kind, max(v.at[i], version)
			break
		}
	}
	w.of[owner] = v
}

// Behind returns an error while the view is behind what was written for an owner,
// and forgets the versions once it is not (EnsureReady).
func (w *Written) Behind(v View, owner apiserver.Key) error {
	wrote, ok := w.of[owner]
	if !ok {
		return nil
	}
	for i, kind := range wrote.kind {
		if kind == 0 {
			continue
		}
		if read := v.Version(kind); wrote.at[i] > read {
			return StaleRead{kind, read, wrote.at[i]}
		}
	}
	delete(w.of, owner)
	return nil
}

// Clear forgets an owner, if it has that UID, or whatever it has if the UID is "".
func (w *Written) Clear(owner apiserver.Key, uid types.UID) {
	if v, ok := w.of[owner]; ok && (uid == "" || v.uid == uid) {
		delete(w.of, owner)
	}
}

// StaleRead is the error of a view that is behind what was written. Most syncs
// that follow a write meet it.
type StaleRead struct {
	Kind        apiserver.Kind
	Read, Wrote uint64
}

func (e StaleRead) Error() string {
	return "read version: " + strconv.FormatUint(e.Read, 10) + " is not as new as written version: " +
		strconv.FormatUint(e.Wrote, 10) + " for group resource " + e.Kind.GroupResource().String()
}
