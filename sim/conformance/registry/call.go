package registry

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// call is one request to an API server, as plain data.
type call struct {
	After       int            `json:"after,omitempty"` // seconds that pass before it
	Verb        string         `json:"verb"`
	Kind        string         `json:"kind"`
	Sub         string         `json:"sub,omitempty"`
	Namespace   string         `json:"namespace,omitempty"`
	Name        string         `json:"name,omitempty"`
	Object      map[string]any `json:"object,omitempty"`
	Type        string         `json:"type,omitempty"` // of a patch
	Patch       string         `json:"patch,omitempty"`
	Strict      bool           `json:"strict,omitempty"` // fieldValidation
	Grace       *int64         `json:"grace,omitempty"`
	Propagation string         `json:"propagation,omitempty"`
	UID         string         `json:"uid,omitempty"`     // a precondition
	Version     string         `json:"version,omitempty"` // another
}

// String is the call as one line of JSON.
func (c *call) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (c *call) kind() apiserver.Kind { return apiserver.KindNamed(c.Kind) }

func (c *call) method() string {
	switch c.Verb {
	case "create":
		return http.MethodPost
	case "update":
		return http.MethodPut
	case "patch":
		return http.MethodPatch
	case "delete", "deletecollection":
		return http.MethodDelete
	}
	return http.MethodGet
}

func (c *call) url() string {
	kind := c.kind()
	gvk := kind.GroupVersionKind()
	u := "/apis/" + gvk.Group + "/" + gvk.Version
	if gvk.Group == "" {
		u = "/api/" + gvk.Version
	}
	if kind.Namespaced() {
		u += "/namespaces/" + c.Namespace
	}
	u += "/" + kind.Resource()
	if c.Verb == "create" && c.Sub == "" || c.Verb == "deletecollection" {
		return u + c.query()
	}
	u += "/" + url.PathEscape(c.Name)
	if c.Sub != "" {
		u += "/" + c.Sub
	}
	return u + c.query()
}

func (c *call) query() string {
	switch {
	case c.Verb == "patch" && c.Strict:
		return "?fieldValidation=Strict"
	case c.Verb == "patch":
		return "?fieldValidation=Warn"
	}
	return ""
}

func (c *call) contentType() string {
	if c.Verb == "patch" {
		return c.Type
	}
	return "application/json"
}

// body is what goes over the wire.
func (c *call) body() string {
	switch c.Verb {
	case "patch":
		return c.Patch
	case "delete", "deletecollection":
		return c.options()
	case "get":
		return ""
	}
	text, err := json.Marshal(c.Object)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// options are DeleteOptions.
func (c *call) options() string {
	o := map[string]any{"apiVersion": "v1", "kind": "DeleteOptions"}
	if c.Grace != nil {
		o["gracePeriodSeconds"] = *c.Grace
	}
	if c.Propagation != "" {
		o["propagationPolicy"] = c.Propagation
	}
	pre := map[string]any{}
	if c.UID != "" {
		pre["uid"] = c.UID
	}
	if c.Version != "" {
		pre["resourceVersion"] = c.Version
	}
	if len(pre) > 0 {
		o["preconditions"] = pre
	}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// key is where the object of a tree lives.
func (c *call) key() apiserver.Key { return apiserver.Key{Namespace: c.Namespace, Name: c.Name} }
