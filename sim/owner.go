package sim

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// owned are the Actors that belong to a cluster, by what they point to. An Actor
// has state, and two clusters that share one have no history of their own. It
// is the only thing that clusters have in common, and all that can come of it
// is an error; an entry goes when its Actor is garbage.
var owned struct {
	sync.Mutex
	by map[weak.Pointer[byte]]bool
}

// pointerOf returns what an Actor points to. It is false for values, which have
// no state that they could share by themselves.
func pointerOf(a controller.Actor) (p *byte, ok bool) {
	v := reflect.ValueOf(a)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Size() == 0 {
		return nil, false
	}
	return (*byte)(v.UnsafePointer()), true
}

// isOwned reports whether an Actor belongs to a cluster.
func isOwned(a controller.Actor) bool {
	p, ok := pointerOf(a)
	if !ok {
		return false
	}
	owned.Lock()
	defer owned.Unlock()
	return owned.by[weak.Make(p)]
}

// claimActor makes an Actor a cluster's.
func claimActor(a controller.Actor) {
	p, ok := pointerOf(a)
	if !ok {
		return
	}
	key := weak.Make(p)
	owned.Lock()
	defer owned.Unlock()
	if owned.by == nil {
		owned.by = map[weak.Pointer[byte]]bool{}
	}
	owned.by[key] = true
	runtime.AddCleanup(p, func(key weak.Pointer[byte]) {
		owned.Lock()
		defer owned.Unlock()
		delete(owned.by, key)
	}, key)
}

// validateActors returns the first thing that is wrong with a Config's Actors.
func validateActors(actors []controller.Actor) error {
	for i, a := range actors {
		if v := reflect.ValueOf(a); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
			return fmt.Errorf("Actors[%d]: it is nil: %T", i, a)
		}
		if isOwned(a) {
			return fmt.Errorf("Actors[%d]: %q belongs to another cluster: each needs an Actor of its own", i, a.Name())
		}
		p, ok := pointerOf(a)
		for j := range i {
			if q, other := pointerOf(actors[j]); ok && other && p == q {
				return fmt.Errorf("Actors[%d]: %q is Actors[%d]", i, a.Name(), j)
			}
		}
		for _, kind := range a.Watches() {
			if kind == 0 || kind >= apiserver.Behaving {
				return fmt.Errorf("Actors[%d]: %q watches %v: watches are of kinds with behaviour; a request can read the others", i, a.Name(), kind)
			}
		}
	}
	return nil
}
