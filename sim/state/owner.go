package state

import (
	"slices"
	"weak"
)

// Owner is who may change the boxes that it owns: one cluster. Its forks are
// other owners, which read them.
type Owner struct {
	epoch  uint64 // how often it was forked
	lent   []loan // ascending in their epochs
	parent *Owner // whose boxes this one may still read; keeps the loan alive
}

// loan is a fork that may still read what its original wrote before an epoch.
type loan struct {
	epoch uint64
	to    weak.Pointer[Owner]
}

// NewOwner returns an owner of nothing yet.
func NewOwner() *Owner { return &Owner{} }

// Fork returns an owner for a fork. From now on o leaves alone what it has
// written so far, as long as the fork exists: what is written to next is copied.
//
// Whether a fork still exists is known by a weak pointer: when nobody holds it
// any more and its memory was collected, nothing is copied for its sake. That
// changes what a run costs and nothing that can be seen of it.
func (o *Owner) Fork() *Owner {
	o.epoch++
	f := &Owner{parent: o}
	if len(o.lent) == cap(o.lent) { // or it would grow with every fork there ever was
		o.lent = slices.DeleteFunc(o.lent, func(l loan) bool { return l.to.Value() == nil })
	}
	o.lent = append(o.lent, loan{o.epoch, weak.Make(f)})
	return f
}

// isRead reports whether some fork may read what was written in an epoch.
func (o *Owner) isRead(epoch uint64) bool {
	for n := len(o.lent); n > 0 && o.lent[n-1].epoch > epoch; n-- {
		if o.lent[n-1].to.Value() != nil {
			return true
		}
		if n == len(o.lent) {
			o.lent = o.lent[:n-1]
		}
	}
	return false
}
