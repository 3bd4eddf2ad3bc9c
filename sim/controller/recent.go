package controller

import (
	"slices"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// recent is a map of the entries used most recently, recorderMemory of them at
// most. Keys are hashes: that two of so few are equal is too unlikely to matter.
// The zero recent is empty.
//
// It is a hash table whose chains run through the entries, as does their order:
// a cluster has three for each node, and each is looked into for each Event.
type recent[V any] struct {
	heads          []int32 // of the chains; a power of two of them, none or as many as entries
	entries        []recentEntry[V]
	newest, oldest int32 // none while entries is empty
}

type recentEntry[V any] struct {
	key          engine.Key
	next         int32 // in its chain
	newer, older int32
	value        V
}

// none is the end of a chain, and what is newer than the newest.
const none = -1

// entry returns the value of a key, which is then the newest, to be read or
// changed at once; a new one is zero and not found. Beyond the limit the oldest
// entry is forgotten.
func (c *recent[V]) entry(key engine.Key) (value *V, found bool) {
	i := c.find(key)
	if i != none {
		if i != c.newest {
			c.unlink(i)
			c.push(i)
		}
		return &c.entries[i].value, true
	}
	if i = int32(len(c.entries)); i < recorderMemory {
		if len(c.entries) == len(c.heads) {
			c.grow()
		}
		c.entries = append(c.entries, recentEntry[V]{})
	} else {
		i = c.oldest
		c.unlink(i)
		c.unchain(i)
	}
	c.entries[i] = recentEntry[V]{key: key}
	c.chain(i)
	c.push(i)
	return &c.entries[i].value, false
}

// find returns the index of a key's entry, or none.
func (c *recent[V]) find(key engine.Key) int32 {
	if len(c.heads) == 0 {
		return none
	}
	i := *c.head(key)
	for i != none && c.entries[i].key != key {
		i = c.entries[i].next
	}
	return i
}

// head returns the head of the chain that a key belongs to.
func (c *recent[V]) head(key engine.Key) *int32 { return &c.heads[int(key)&(len(c.heads)-1)] }

// grow makes the chains short again.
func (c *recent[V]) grow() {
	if len(c.heads) == 0 {
		c.newest, c.oldest = none, none
	}
	c.heads = slices.Repeat([]int32{none}, max(8, 2*len(c.heads)))
	for i := range c.entries {
		c.chain(int32(i))
	}
}

// chain puts an entry into its chain.
func (c *recent[V]) chain(i int32) {
	head := c.head(c.entries[i].key)
	c.entries[i].next, *head = *head, i
}

// unchain takes an entry out of its chain.
func (c *recent[V]) unchain(i int32) {
	at := c.head(c.entries[i].key)
	for *at != i {
		at = &c.entries[*at].next
	}
	*at = c.entries[i].next
}

// push makes an entry the newest.
func (c *recent[V]) push(i int32) {
	c.entries[i].newer, c.entries[i].older = none, c.newest
	if c.newest != none {
		c.entries[c.newest].newer = i
	} else {
		c.oldest = i
	}
	c.newest = i
}

// unlink takes an entry out of the order.
func (c *recent[V]) unlink(i int32) {
	e := &c.entries[i]
	if e.newer != none {
		c.entries[e.newer].older = e.older
	} else {
		c.newest = e.older
	}
	if e.older != none {
		c.entries[e.older].newer = e.newer
	} else {
		c.oldest = e.newer
	}
}
