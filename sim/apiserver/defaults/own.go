package defaults

import "slices"

// own is a value that is copied before its first change, so that a template
// that needs no default costs nothing and is never written through.
type own[T any] struct {
	v      *T
	copied bool
}

// write returns the private copy.
func (o *own[T]) write() *T {
	if !o.copied {
		c := new(T)
		*c = *o.v
		o.v, o.copied = c, true
	}
	return o.v
}

// through defaults what a pointer shows. f returns its argument if nothing
// was missing. It reports whether *p was replaced.
func through[T any](p **T, f func(*T) *T) bool {
	if *p == nil {
		return false
	}
	old := *p
	*p = f(old)
	return *p != old
}

// each is through for every element of a slice; the slice is copied before
// its first change.
func each[T any](s *[]T, f func(*T) *T) bool {
	changed := false
	for i := range *s {
		old := &(*s)[i]
		n := f(old)
		if n == old {
			continue
		}
		if !changed {
			*s, changed = slices.Clone(*s), true
		}
		(*s)[i] = *n
	}
	return changed
}

// fill sets *p to a new v if it is nil.
func fill[T any](p **T, v T) bool {
	if *p != nil {
		return false
	}
	*p = new(T) // not &v, which would allocate on every call
	**p = v
	return true
}

// zero sets *p to v if it has its zero value.
func zero[T comparable](p *T, v T) bool {
	var none T
	if *p != none {
		return false
	}
	*p = v
	return true
}
