package serve

import (
	"net/http"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// resource answers what is below /api and /apis.
func (c *call) resource(path string) {
	t, rest, ok := parse(path)
	if ok && t.kind == 0 && t.resource != "" {
		c.custom(&t)
	}
	switch {
	case !ok && c.group(path), ok && t.resource == "" && c.resourceList(t.version):
		return
	case !ok, t.resource == "", len(rest) > 0 && t.sub != "proxy":
		c.notFound()
		return
	case t.kind == 0:
		c.review(&t)
		return
	case t.scoped && !t.namespaced(), t.namespaced() && !t.scoped && (t.name != "" || c.r.Method == http.MethodPost || c.r.Method == http.MethodDelete):
		c.notFound()
		return
	}
	if t.sub != "" {
		c.subresource(&t)
		return
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		if t.name != "" {
			c.get(&t)
		} else {
			c.list(&t)
		}
	case http.MethodPost:
		if t.name != "" {
			c.notAllowed()
			return
		}
		c.create(&t)
	case http.MethodPut:
		c.named(&t, (*call).update)
	case http.MethodPatch:
		c.named(&t, (*call).patch)
	case http.MethodDelete:
		if t.name != "" {
			c.delete(&t)
		} else {
			c.deleteCollection(&t)
		}
	default:
		c.notAllowed()
	}
}

// named answers a method that needs a name.
func (c *call) named(t *target, answer func(*call, *target)) {
	if t.name == "" {
		c.notAllowed()
		return
	}
	answer(c, t)
}

// subresource answers what is below an object.
func (c *call) subresource(t *target) {
	sub, ok := t.subresources()[t.sub]
	if !ok {
		c.notFound()
		return
	}
	if sub.answer != nil {
		sub.answer(c, t)
		return
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		c.get(t)
	case http.MethodPut:
		c.update(t)
	case http.MethodPatch:
		c.patch(t)
	default:
		c.notAllowed()
	}
}

// hasStatus reports whether a kind has a status of its own to be written.
func hasStatus(kind apiserver.Kind) bool {
	return structOf(kind).FieldByName("Status").IsValid()
}
