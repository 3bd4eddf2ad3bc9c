package state

import (
	"sync/atomic"
	"unsafe"
)

// Cache holds what can be computed again from what is beside it. It is set while
// others read what it is in, and empty in a copy.
type Cache[T any] struct{ value atomic.Pointer[T] }

// Get returns what was set last, or nil. It must not be changed.
func (c *Cache[T]) Get() *T { return c.value.Load() }

// Set replaces what is held.
func (c *Cache[T]) Set(value *T) { c.value.Store(value) }

func (c *Cache[T]) pass(*Owner) { c.value.Store(nil) }

func (c *Cache[T]) own(func(unsafe.Pointer, any)) {}

func (c *Cache[T]) hash(*Hasher) {}

func (c *Cache[T]) each(func(any)) {}

// Memo holds the Digest of what it stands in, which must not change from then on.
// A copy has it, too.
type Memo struct{ at unsafe.Pointer } // *Digest

// Digest returns what is held, or holds what make returns.
func (m *Memo) Digest(digest func() *Digest) *Digest {
	if d := (*Digest)(atomic.LoadPointer(&m.at)); d != nil {
		return d
	}
	d := digest()
	atomic.StorePointer(&m.at, unsafe.Pointer(d))
	return d
}
