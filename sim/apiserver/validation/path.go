package validation

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// path is where a value lies. It lives on the stack and becomes a field.Path
// for an error only: valid objects cost no memory.
type path struct {
	parent *path
	name   string // of a field; several may be joined by dots
	index  int
	form   form
}

type form uint8

const (
	named form = iota
	indexed
	keyed
)

func in(name string) path { return path{name: name} }

func (p *path) child(name string) path { return path{parent: p, name: name} }

func (p *path) at(i int) path { return path{parent: p, index: i, form: indexed} }

func (p *path) key(k string) path { return path{parent: p, name: k, form: keyed} }

// field builds the path that errors carry. It clones the names: by that the
// compiler sees that no path outlives its caller, and leaves all on the stack.
func (p *path) field() *field.Path {
	if p.parent == nil {
		return field.NewPath(strings.Clone(p.name))
	}
	up := p.parent.field()
	switch p.form {
	case indexed:
		return up.Index(p.index)
	case keyed:
		return up.Key(strings.Clone(p.name))
	}
	return up.Child(strings.Clone(p.name))
}

// check gathers the errors of one object.
type check struct {
	errs  field.ErrorList
	isPod bool // not a template
}

func (c *check) add(errs field.ErrorList) { c.errs = append(c.errs, errs...) }

func (c *check) invalid(p path, value any, detail string) {
	c.errs = append(c.errs, field.Invalid(p.field(), shown(value), detail))
}

// msgs reports every message about a string.
func (c *check) msgs(p path, value string, msgs []string) {
	for _, m := range msgs {
		c.errs = append(c.errs, field.Invalid(p.field(), value, m))
	}
}

func (c *check) required(p path, detail string) {
	c.errs = append(c.errs, field.Required(p.field(), detail))
}

func (c *check) forbidden(p path, detail string) {
	c.errs = append(c.errs, field.Forbidden(p.field(), detail))
}

func (c *check) duplicate(p path, value any) {
	c.errs = append(c.errs, field.Duplicate(p.field(), shown(value)))
}

func (c *check) notFound(p path, value any) {
	c.errs = append(c.errs, field.NotFound(p.field(), value))
}

// oneOf reports a value that is none of those allowed. The allowed ones are
// given as the error lists them.
func oneOf[T ~string](c *check, p path, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		c.errs = append(c.errs, field.NotSupported(p.field(), value, allowed))
	}
}

// present is oneOf for a field that must not be empty.
func present[T ~string](c *check, p path, value T, allowed ...T) {
	if value == "" {
		c.required(p, "")
		return
	}
	oneOf(c, p, value, allowed...)
}

const (
	isNegative  = "must be greater than or equal to 0"
	notPositive = "must be greater than zero"
	isImmutable = "field is immutable"
)

func nonNegative[T int32 | int64](c *check, p path, v T) {
	if v < 0 {
		c.invalid(p, int64(v), isNegative)
	}
}

// sorted returns the keys of a map in order, so that errors come in one.
// Upstream reports them as the map yields them.
func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m)) // of the right size, which slices.Sorted cannot know
	for k := range m {           // sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (c *check) tooLong(p path, most int) {
	c.errs = append(c.errs, field.TooLong(p.field(), "", most))
}
