package explore

import (
	"slices"

	"github.com/statefulsim/statefulsim/sim/model"
)

// attempts bounds how many histories a shrinking tries.
const attempts = 500

// shrink makes a history that breaks a property in a certain way as small as it can, in
// this order: fewer commands, fewer faults, fewer pauses, simpler values, shorter times.
func (t *table) shrink(h History, kind string) History {
	left := attempts
	fails := func(s History) bool {
		if left == 0 {
			return false
		}
		left--
		b, _ := t.run(s, false).has(kind)
		return b != nil
	}
	t.whole(&h, fails)
	for pass := range 2 {
		for _, class := range []class{isCommand, isFault, isPause} {
			t.fewer(&h, class, fails)
		}
		if pass == 0 {
			t.simpler(&h, fails)
		}
	}
	if zero := (History{0, h.Operations}); h.Seed != 0 && fails(zero) {
		h = zero
	}
	return h
}

// whole leaves out halves, quarters and so on, whatever they are.
func (t *table) whole(h *History, fails func(History) bool) {
	for size := len(h.Operations) / 2; size > 1; size /= 2 {
		for i := 0; i+size <= len(h.Operations); {
			if shorter := (History{h.Seed, slices.Delete(slices.Clone(h.Operations), i, i+size)}); fails(shorter) {
				*h = shorter
			} else {
				i += size
			}
		}
	}
}

type class func(k *model.Command) bool

func isPause(k *model.Command) bool   { return k.Name == "wait" || k.Name == "settle" }
func isFault(k *model.Command) bool   { return k.Fault }
func isCommand(k *model.Command) bool { return !k.Fault && !isPause(k) }

// fewer leaves out single operations of a class, the last first.
func (t *table) fewer(h *History, of class, fails func(History) bool) {
	for i := len(h.Operations) - 1; i >= 0; i-- {
		if k := t.commands.Find(h.Operations[i].Do); k == nil || !of(k) {
			continue
		}
		if shorter := (History{h.Seed, slices.Delete(slices.Clone(h.Operations), i, i+1)}); fails(shorter) {
			*h = shorter
		}
	}
}

// simpler replaces arguments by the first that will do.
func (t *table) simpler(h *History, fails func(History) bool) {
	for i := range h.Operations {
		k := t.commands.Find(h.Operations[i].Do)
		if k == nil {
			continue
		}
		for j := len(h.Operations[i].Args) - 1; j >= k.Least; j-- { // what may be left out
			t.try(h, i, h.Operations[i].Args[:j], fails)
		}
		for j := range h.Operations[i].Args {
			for _, simple := range k.Args[j].Some {
				args := slices.Clone(h.Operations[i].Args)
				if simple == args[j] {
					break
				}
				args[j] = simple
				if t.try(h, i, args, fails) {
					break
				}
			}
		}
	}
}

func (t *table) try(h *History, i int, args []string, fails func(History) bool) bool {
	ops := slices.Clone(h.Operations)
	ops[i].Args = slices.Clone(args)
	next := History{h.Seed, ops}
	if fails(next) {
		*h = next
		return true
	}
	return false
}
