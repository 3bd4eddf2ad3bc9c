package disruption

import (
	"cmp"
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// timers is a delaying queue: a key waits in it once, until the earliest of the
// times that were asked for (workqueue, delayingType).
type timers struct {
	id     uint8
	due    map[apiserver.Key]engine.Time
	wanted []timer // by a sync, which has no way to set them itself
}

type timer struct {
	key   apiserver.Key
	after time.Duration
}

func (t *timers) owns(arg uint64) bool { return uint8(arg>>56) == t.id }

// want has a timer set when the sync is over.
func (t *timers) want(key apiserver.Key, after time.Duration) {
	t.wanted = append(t.wanted, timer{key, after})
}

// arm sets the wanted timers. It returns the keys whose time has come already.
func (t *timers) arm(env *controller.Env) []apiserver.Key {
	var now []apiserver.Key
	for _, w := range t.wanted {
		if !t.set(env, w.key, w.after) {
			now = append(now, w.key)
		}
	}
	t.wanted = nil
	return now
}

// set has take return a key after a span. It reports false if that is now.
func (t *timers) set(env *controller.Env, key apiserver.Key, after time.Duration) bool {
	if after <= 0 {
		return false
	}
	at := env.Now().Add(after)
	if due, ok := t.due[key]; ok && due <= at {
		return true
	}
	if t.due == nil {
		t.due = map[apiserver.Key]engine.Time{}
	}
	t.due[key] = at
	env.WakeAt(at, engine.Background, uint64(t.id)<<56)
	return true
}

// take returns the keys whose time has come, the earliest first.
func (t *timers) take(now engine.Time) []apiserver.Key {
	var list []timer
	for key, at := range t.due { // sorted below
		if at <= now {
			list = append(list, timer{key, time.Duration(at)})
		}
	}
	slices.SortFunc(list, func(a, b timer) int { return cmp.Or(cmp.Compare(a.after, b.after), a.key.Compare(b.key)) })
	keys := make([]apiserver.Key, len(list))
	for i, due := range list {
		keys[i] = due.key
		delete(t.due, due.key)
	}
	return keys
}
