package apiserver

import "github.com/statefulsim/statefulsim/sim/state"

// index finds the places of objects by their keys. It is a hash table that holds
// neither: keys are compared with what stands at a place, which whoever looks
// something up goes to anyhow. So a million objects take a few megabytes here,
// in which there is no pointer. The zero index is empty.
type index struct {
	slots []slot // a power of two of them, less than three quarters in use; linear probing
	n     int
}

// slot is one place with the hash of its key. The zero slot is free.
type slot struct {
	hash  uint32
	place int32 // plus one
}

// hashOf returns the hash of a key.
func hashOf(key Key) uint32 {
	return uint32(state.Blend(state.HashText(key.Namespace), state.HashText(key.Name)) >> 32)
}

// find returns the place with a hash for which is answers yes.
func (x *index) find(hash uint32, is func(place int32) bool) (place int32, ok bool) {
	if x.n == 0 {
		return 0, false
	}
	for i := x.home(hash); x.slots[i].place != 0; i = x.after(i) {
		if s := x.slots[i]; s.hash == hash && is(s.place-1) {
			return s.place - 1, true
		}
	}
	return 0, false
}

// add files a place that is not filed yet.
func (x *index) add(hash uint32, place int32) {
	if 4*(x.n+1) > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]slot, max(8, 2*len(old)))
		for _, s := range old {
			if s.place != 0 {
				x.put(s)
			}
		}
	}
	x.n++
	x.put(slot{hash, place + 1})
}

func (x *index) put(s slot) {
	i := x.home(s.hash)
	for x.slots[i].place != 0 {
		i = x.after(i)
	}
	x.slots[i] = s
}

// remove takes out a place, which must be there. Those behind it move up, unless
// they stand where they belong.
func (x *index) remove(hash uint32, place int32) {
	free := x.home(hash)
	for x.slots[free].place != place+1 {
		free = x.after(free)
	}
	x.n--
	for i := x.after(free); x.slots[i].place != 0; i = x.after(i) {
		home := x.home(x.slots[i].hash)
		if (i-home)&(len(x.slots)-1) >= (i-free)&(len(x.slots)-1) { // free is between home and i
			x.slots[free] = x.slots[i]
			free = i
		}
	}
	x.slots[free] = slot{}
}

func (x *index) home(hash uint32) int { return int(hash) & (len(x.slots) - 1) }

func (x *index) after(i int) int { return (i + 1) & (len(x.slots) - 1) }
