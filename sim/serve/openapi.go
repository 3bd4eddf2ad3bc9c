package serve

import (
	"net/http"
	"reflect"
	"strings"
	"sync"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"github.com/munnerz/goautoneg"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim"
)

// newSchemas returns a set of definitions for a version of OpenAPI.
func newSchemas(v3 bool) *schemas {
	if v3 {
		return &schemas{"#/components/schemas/", true, node{}}
	}
	return &schemas{"#/definitions/", false, node{}}
}

// parameter is one of a query.
func parameter(name, typ string, v3 bool) node {
	p := node{"name": name, "in": "query"}
	if v3 {
		p["schema"] = node{"type": typ, "uniqueItems": true}
	} else {
		p["type"], p["uniqueItems"] = typ, true
	}
	return p
}

// operation describes what a method does to a kind.
func operation(s *schemas, action string, gvk schema.GroupVersionKind, model string) node {
	answer := node{"description": "OK"}
	if s.v3 {
		answer["content"] = node{"application/json": node{"schema": node{"$ref": s.ref + model}}}
	} else {
		answer["schema"] = node{"$ref": s.ref + model}
	}
	op := node{"x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvkNode(gvk), "responses": node{"200": answer}}
	var params []any
	switch action {
	case "post", "put", "patch":
		for _, name := range []string{"dryRun", "fieldManager", "fieldValidation"} {
			params = append(params, parameter(name, "string", s.v3))
		}
	case "list":
		for _, name := range []string{"continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"} {
			params = append(params, parameter(name, "string", s.v3))
		}
	}
	if params != nil {
		op["parameters"] = params
	}
	return op
}

// describe adds a version's kinds and paths to a document.
func (o *offered) describe(s *schemas, paths node) {
	for _, r := range o.resources {
		name, sub, _ := strings.Cut(r.Name, "/")
		gvk := o.WithKind(r.Kind)
		if r.Version != "" {
			gvk = schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		}
		typ, ok := scheme.AllKnownTypes()[gvk]
		if !ok { // options of a connection, that are no object
			continue
		}
		s.define(typ, []schema.GroupVersionKind{gvk})
		o.describeAs(s, paths, r, name, sub, gvk, modelName(typ))
	}
}

// describeAs adds the paths of a resource whose objects are of a model.
func (o *offered) describeAs(s *schemas, paths node, r metav1.APIResource, name, sub string, gvk schema.GroupVersionKind, model string) {
	at := "/apis/" + o.String() + "/"
	if o.Group == "" {
		at = "/api/" + o.Version + "/"
	}
	if r.Namespaced {
		at += "namespaces/{namespace}/"
	}
	at += name
	one, all := node{}, node{}
	for _, verb := range r.Verbs {
		o.verb(s, verb, sub, gvk, model, one, all)
	}
	if len(all) > 0 {
		paths[at] = all
	}
	if sub != "" {
		sub = "/" + sub
	}
	if len(one) > 0 {
		paths[at+"/{name}"+sub] = one
	}
}

// verb adds an operation to the path of an object, or to that of all.
func (o *offered) verb(s *schemas, verb, sub string, gvk schema.GroupVersionKind, model string, one, all node) {
	switch verb {
	case "get":
		one["get"] = operation(s, "get", gvk, model)
	case "update":
		one["put"] = operation(s, "put", gvk, model)
	case "patch":
		one["patch"] = operation(s, "patch", gvk, model)
	case "delete":
		one["delete"] = operation(s, "delete", gvk, model)
	case "create":
		if sub != "" {
			one["post"] = operation(s, "post", gvk, model)
		} else {
			all["post"] = operation(s, "post", gvk, model)
		}
	case "list":
		list := gvk
		list.Kind += "List"
		if typ, ok := scheme.AllKnownTypes()[list]; ok {
			s.define(typ, []schema.GroupVersionKind{list})
			model = modelName(typ)
		}
		all["get"] = operation(s, "list", gvk, model)
	case "deletecollection":
		all["delete"] = operation(s, "deletecollection", gvk, model)
	}
}

var info = node{"title": "Kubernetes", "version": sim.KubernetesVersion}

// openapi3 are the documents of version 3, by the path that the index names.
var openapi3 = sync.OnceValue(func() map[string]func() document {
	docs := map[string]func() document{}
	for _, o := range offers() {
		path := "apis/" + o.String()
		if o.Group == "" {
			path = "api/" + o.Version
		}
		docs[path] = sync.OnceValue(func() document {
			s, paths := newSchemas(true), node{}
			o.describe(s, paths)
			return newDocument(node{"openapi": "3.0.0", "info": info, "paths": paths, "components": node{"schemas": s.defs}})
		})
	}
	return docs
})

// custom3 are the documents of the versions in which something is defined.
func (c *call) custom3() map[string]document {
	docs, ds := map[string]document{}, c.defined()
	for _, o := range c.offers() {
		s, paths := newSchemas(true), node{}
		for _, r := range o.resources {
			name, sub, _ := strings.Cut(r.Name, "/")
			if d, v := definedIn(ds, o.GroupVersion, name); v != nil {
				o.describeAs(s, paths, r, name, sub, d.GroupKind().WithVersion(v.Name), s.defineCustom(d, v))
			}
		}
		if len(paths) > 0 {
			o.describe(s, paths) // the built-in kinds beside them
			docs["apis/"+o.String()] = newDocument(node{"openapi": "3.0.0", "info": info, "paths": paths, "components": node{"schemas": s.defs}})
		}
	}
	return docs
}

// openapiIndex answers GET /openapi/v3. The hash of what is built in is the version:
// it does not change while a server runs.
func (c *call) openapiIndex() {
	paths := node{}
	for path := range openapi3() { // a map from a map
		paths[path] = node{"serverRelativeURL": "/openapi/v3/" + path + "?hash=" + sim.KubernetesVersion}
	}
	for path, doc := range c.custom3() { // a map from a map
		paths[path] = node{"serverRelativeURL": "/openapi/v3/" + path + "?hash=" + strings.Trim(doc.etag, `"`)}
	}
	c.encodeJSON(http.StatusOK, node{"paths": paths})
}

// openapiV3 answers GET /openapi/v3/….
func (c *call) openapiV3(path string) {
	if doc, ok := c.custom3()[path]; ok {
		c.document(doc, "application/json")
		return
	}
	doc, ok := openapi3()[path]
	if !ok {
		c.notFound()
		return
	}
	c.document(doc(), "application/json")
}

func (c *call) document(doc document, typ string) {
	c.w.Header().Set("ETag", doc.etag)
	c.w.Header().Set("Vary", "Accept")
	if c.r.Header.Get("If-None-Match") == doc.etag {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	c.w.Header().Set("Content-Type", typ)
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(doc.body)
}

// openapi2 is the document of version 2, in JSON and in protobuf.
var openapi2 = sync.OnceValues(func() (asJSON, asProto document) {
	s, paths := newSchemas(false), node{}
	for _, o := range offers() {
		o.describe(s, paths)
	}
	s.define(reflect.TypeFor[metav1.Status](), []schema.GroupVersionKind{{Version: "v1", Kind: "Status"}})
	asJSON = newDocument(node{"swagger": "2.0", "info": info, "paths": paths, "definitions": s.defs})
	parsed, err := openapi_v2.ParseDocument(asJSON.body)
	if err != nil {
		panic("serve: " + err.Error()) // our own document
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(parsed)
	if err != nil {
		panic("serve: " + err.Error())
	}
	return asJSON, document{data, strings.Replace(asJSON.etag, `"`, `"P`, 1)}
})

// openapiV2 answers GET /openapi/v2.
func (c *call) openapiV2() {
	asJSON, asProto := openapi2()
	const pb = "com.github.proto-openapi.spec.v2"
	for _, clause := range goautoneg.ParseAccept(c.r.Header.Get("Accept")) {
		if strings.HasPrefix(clause.SubType, pb) {
			c.document(asProto, "application/"+pb+".v1.0+protobuf")
			return
		}
		if clause.SubType == "json" || clause.SubType == "*" {
			break
		}
	}
	c.document(asJSON, "application/json")
}
