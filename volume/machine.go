package volume

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// The machines join the decisions, which only read, to the binder's state: they
// take what was seen or written over into the cache, ask for a decision, and
// pass on what it says. One Step has at most one request under way.

type claimMachine struct {
	b   *Binder
	env *controller.Env
}

type volumeMachine struct {
	b   *Binder
	env *controller.Env
}

type operationMachine struct {
	b   *Binder
	env *controller.Env
}

// Step implements controller.Machine for the claim worker.
func (cm claimMachine) Step(v controller.View, key apiserver.Key, m claimMemo, results [][]apiserver.Result) (controller.Plan, claimMemo) {
	b, res := cm.b, answer(results)
	var t turn
	switch {
	case res != nil:
		m.claim, m.volume = b.takeOver(m.claim, m.volume, res)
		t, m = b.syncClaim(v, m, res)
	default:
		b.hands.claim = key
		delete(b.queued.claims, key)
		if m.claim = v.Claim(key); m.claim == nil {
			t = b.forgetClaim(key)
		} else if b.storeClaim(m.claim) {
			t, m = b.syncClaim(v, m, nil)
		} // else the watch is behind what we wrote: its own event will come
	}
	b.hands.binding = ""
	if m.volume != nil {
		b.hands.binding = m.volume.Name
	}
	b.enact(cm.env, t)
	if t.ended() {
		b.hands.claim, b.hands.binding = apiserver.Key{}, ""
		if isTransient(t.plan.Err) {
			delete(b.resync.claims, key) // its queue has it
		} else {
			b.judgeClaim(key)
		}
		if m.volume != nil {
			b.judgeVolume(m.volume.Name)
		}
	}
	return t.plan, m
}

// Step implements controller.Machine for the volume worker.
func (vm volumeMachine) Step(v controller.View, name string, m volumeMemo, results [][]apiserver.Result) (controller.Plan, volumeMemo) {
	b, res := vm.b, answer(results)
	var t turn
	switch {
	case res != nil:
		if m.stage.writes() {
			_, m.volume = b.takeOver(nil, m.volume, res)
		}
		t, m = b.syncVolume(v, m, res)
	default:
		b.hands.volume = name
		delete(b.queued.volumes, name)
		if m.volume = v.Volume(name); m.volume == nil {
			t = b.forgetVolume(name)
		} else if b.storeVolume(m.volume) {
			t, m = b.syncVolume(v, m, nil)
		}
	}
	b.enact(vm.env, t)
	if t.ended() {
		b.hands.volume = ""
		if isTransient(t.plan.Err) {
			delete(b.resync.volumes, name)
			b.unjudged = true
		} else {
			b.judgeVolume(name)
		}
	}
	return t.plan, m
}

// Step implements controller.Machine for the operations beside the workers.
func (om operationMachine) Step(v controller.View, op operation, m operationMemo, results [][]apiserver.Result) (controller.Plan, operationMemo) {
	b, res := om.b, answer(results)
	if res != nil && m.stage >= operationWrote {
		_, m.volume = b.takeOver(nil, m.volume, res)
	}
	t, m := b.operate(v, op, m, res)
	if t.ended() {
		delete(b.running, op)
		if t.plan.Err != nil {
			b.pauses[op] = b.pauses[op].after(om.env.Now())
			t.plan.Err = nil // a later sync begins it again, not the queue
		} else {
			delete(b.pauses, op)
		}
		b.judgeClaim(op.key)
		b.judgeVolume(op.key.Name)
	}
	b.enact(om.env, t)
	return t.plan, m
}

// answer returns the one result of a Step, or nil at the start of a sync.
func answer(results [][]apiserver.Result) *apiserver.Result {
	if results == nil {
		return nil
	}
	return &results[0][0]
}

// takeOver (storeVolumeUpdate, storeClaimUpdate) stores what was just written and returns the newer pair.
func (b *Binder) takeOver(claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume, res *apiserver.Result) (*corev1.PersistentVolumeClaim, *corev1.PersistentVolume) {
	if res.Err != nil {
		return claim, volume
	}
	switch obj := res.Object.(type) {
	case *corev1.PersistentVolumeClaim:
		b.storeClaim(obj)
		return obj, volume
	case *corev1.PersistentVolume:
		b.storeVolume(obj)
		return claim, obj
	}
	return claim, volume
}

// enact queues what a turn wants looked at.
func (b *Binder) enact(env *controller.Env, t turn) {
	for _, key := range t.claims {
		b.queueClaim(env, key)
	}
	for _, name := range t.volumes {
		b.queueVolume(env, name)
	}
	for _, op := range t.start {
		b.begin(env, op)
	}
}

func (b *Binder) queueClaim(env *controller.Env, key apiserver.Key) {
	b.queued.claims[key] = true
	delete(b.resync.claims, key)
	b.claims.Add(env, key)
}

func (b *Binder) queueVolume(env *controller.Env, name string) {
	b.queued.volumes[name] = true
	delete(b.resync.volumes, name)
	b.volumes.Add(env, name)
}
