package apiserver

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/state"
)

// CustomResources makes kinds of CustomResourceDefinitions. Package customresource has
// the real server's way. It has no state of its own: a cluster and its forks share
// it.
type CustomResources interface {
	// Check says what is wrong with a definition. old is nil for a new one.
	Check(crd, old *apiextensionsv1.CustomResourceDefinition) field.ErrorList
	// Define reads the schemas of a definition that was checked.
	Define(crd *apiextensionsv1.CustomResourceDefinition) (Schemas, error)
}

// Schemas are those of a definition, by version. They do not change.
type Schemas interface {
	// Complete prunes an object of what its schema does not know, and sets its
	// defaults. It returns what it has pruned. The object is changed.
	Complete(obj *unstructured.Unstructured) (unknown []string, err error)
	// Default sets the defaults of an object, which is changed.
	Default(obj *unstructured.Unstructured)
	// Validate says what is wrong with an object, or with its status alone. old is nil
	// for a new object; both are of one version.
	Validate(obj, old *unstructured.Unstructured, status bool) field.ErrorList
}

// CustomKey returns the key of a CustomResource: its name is "Widget.example.com/web",
// so that one store has those of all definitions. A DeleteCollection has the name
// "Widget.example.com/".
func CustomKey(gk schema.GroupKind, namespace, name string) Key {
	return Key{Namespace: namespace, Name: gk.String() + "/" + name}
}

// SplitCustom takes a key of a CustomResource apart: what it is, and its name.
func SplitCustom(key Key) (gk schema.GroupKind, name string) {
	kind, name, _ := strings.Cut(key.Name, "/")
	return schema.ParseGroupKind(kind), name
}

// Defined is a kind that a CustomResourceDefinition defines, and that is served. It
// must not be changed.
type Defined struct {
	_ state.Immutable
	// CRD is the definition.
	CRD *apiextensionsv1.CustomResourceDefinition
	// Storage is the version in which objects are kept.
	Storage string

	schemas Schemas
	since   uint64 // the version of the definition that brought them; 0 if it is the first
}

// definitions are those that are served, by group and kind.
type definitions struct {
	list []*Defined `state:"elements"`
}

var crdKind = KindOf((*apiextensionsv1.CustomResourceDefinition)(nil))

// GroupKind names the kind.
func (d *Defined) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: d.CRD.Spec.Group, Kind: d.CRD.Spec.Names.Kind}
}

// GroupResource names it as URLs and errors do.
func (d *Defined) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: d.CRD.Spec.Group, Resource: d.CRD.Spec.Names.Plural}
}

// Schemas are those of the definition.
func (d *Defined) Schemas() Schemas { return d.schemas }

// Namespaced reports whether the objects live in namespaces.
func (d *Defined) Namespaced() bool { return d.CRD.Spec.Scope == apiextensionsv1.NamespaceScoped }

// Version returns a version that is served, or nil.
func (d *Defined) Version(name string) *apiextensionsv1.CustomResourceDefinitionVersion {
	for i := range d.CRD.Spec.Versions {
		if v := &d.CRD.Spec.Versions[i]; v.Name == name && v.Served {
			return v
		}
	}
	return nil
}

// In returns an object of the kind in a version. All that differs is the apiVersion:
// other conversions are refused with the definition. What was stored before the
// schemas were changed gets the defaults that they have now.
func (d *Defined) In(version string, obj Object) Object {
	u, ok := obj.(*unstructured.Unstructured)
	apiVersion := d.CRD.Spec.Group + "/" + version
	if !ok {
		return obj
	}
	if number, err := parseVersion(u); err == nil && number != 0 && number < d.since && d.Version(version) != nil {
		next := u.DeepCopy()
		next.SetAPIVersion(apiVersion)
		d.schemas.Default(next)
		return next
	}
	if u.GetAPIVersion() == apiVersion {
		return obj
	}
	next := &unstructured.Unstructured{Object: make(map[string]any, len(u.Object))}
	for name, v := range u.Object { // into a map
		next.Object[name] = v
	}
	next.SetAPIVersion(apiVersion)
	return next
}

// Defined returns what CustomResourceDefinitions define, by group and kind.
func (s *Server) Defined() []*Defined { return slices.Clone(s.defined.Read().list) }

// DefinedKind returns what a definition says of a kind, or nil.
func (s *Server) DefinedKind(gk schema.GroupKind) *Defined {
	for _, d := range s.defined.Read().list {
		if d.GroupKind() == gk {
			return d
		}
	}
	return nil
}

// Is reports whether a key is that of an object of the kind.
func (d *Defined) Is(key Key) bool { return strings.HasPrefix(key.Name, d.GroupKind().String()+"/") }

// ListCustom returns the objects of a kind that is defined, by namespace and name.
func (s *Server) ListCustom(gk schema.GroupKind, namespace string) []Object {
	prefix := gk.String() + "/"
	return slices.DeleteFunc(s.List(CustomResource, namespace), func(o Object) bool { return !strings.HasPrefix(KeyOf(o).Name, prefix) })
}

// custom serves a request for a CustomResource. The errors of what is common to all
// kinds name the kind as the server keeps it: what is said outside is the name that
// its definition gives it.
func (s *Server) custom(req Request) Result {
	gk, name := SplitCustom(req.Key)
	if req.Verb == DeleteCollection && req.Key.Name == "" {
		return s.deleteEvery(&req)
	}
	d := s.DefinedKind(gk)
	if d == nil {
		return Result{Err: errNotServed()}
	}
	version := cmp.Or(req.Version, d.Storage)
	if d.Version(version) == nil && req.Version != "" {
		return Result{Err: errNotServed()}
	}
	if !d.Namespaced() {
		req.Key.Namespace = ""
	}
	var res Result
	switch req.Verb {
	case Get:
		res.Object, res.Err = s.existing(&req)
	case Create:
		res = s.createCustom(&req, d, version)
	case Update:
		if req.Subresource == Scale {
			res = s.scaleCustom(&req, d, version)
		} else {
			res = s.updateCustom(&req, d, version)
		}
	case Patch:
		res = s.patchCustom(&req, d, version)
	case Delete:
		res = s.delete(&req)
	case DeleteCollection:
		res = s.deleteCustom(&req, d)
	}
	res.Err = d.rename(res.Err, req.Key, name)
	if res.Object != nil {
		res.Object = d.In(version, res.Object)
	}
	for i := range res.Items {
		res.Items[i] = d.In(version, res.Items[i])
	}
	return res
}

// errNotServed is the answer to a request for what nobody has defined.
func errNotServed() error {
	return apierrors.NewGenericServerResponse(http.StatusNotFound, "", schema.GroupResource{}, "", "", 0, true)
}

// rename says of which resource and object an error tells.
func (d *Defined) rename(err error, key Key, name string) error {
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return err
	}
	group, gr, kind := d.CRD.Spec.Group, d.GroupResource().String(), d.CRD.Spec.Names.Kind
	next := *status
	next.ErrStatus.Message = strings.NewReplacer(
		"/registry/"+CustomResource.Resource()+"/"+key.String(), "/registry/"+group+"/"+d.CRD.Spec.Names.Plural+"/"+Key{key.Namespace, name}.String(),
		CustomResource.Resource(), gr, CustomResource.String(), kind, key.Name, name).Replace(status.ErrStatus.Message)
	if details := status.ErrStatus.Details; details != nil {
		known := *details
		switch known.Kind {
		case CustomResource.Resource():
			known.Kind, known.Group = d.CRD.Spec.Names.Plural, group
		case CustomResource.String():
			known.Kind, known.Group = kind, group
		}
		if known.Name == key.Name {
			known.Name = name
		}
		next.ErrStatus.Details = &known
	}
	return &next
}

// deleteCustom deletes all objects of a kind in a namespace; none means all.
func (s *Server) deleteCustom(req *Request, d *Defined) Result {
	for _, obj := range s.ListCustom(d.GroupKind(), req.Key.Namespace) {
		one := *req
		one.Verb, one.Key = Delete, KeyOf(obj)
		if res := s.delete(&one); res.Err != nil && !apierrors.IsNotFound(res.Err) {
			return res
		}
	}
	return Result{Items: s.ListCustom(d.GroupKind(), req.Key.Namespace)}
}

// deleteEvery deletes the CustomResources of a namespace, whatever they are.
func (s *Server) deleteEvery(req *Request) Result {
	var left []Object
	for _, d := range s.defined.Read().list {
		if !d.Namespaced() {
			continue
		}
		res := s.deleteCustom(req, d)
		if res.Err != nil {
			return res
		}
		left = append(left, res.Items...)
	}
	return Result{Items: left}
}

// isTerminating reports whether a definition is being deleted: nothing new of it is
// stored then.
func (d *Defined) isTerminating() bool {
	return slices.ContainsFunc(d.CRD.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Terminating && c.Status == apiextensionsv1.ConditionTrue
	})
}

// errTerminating refuses to store what would have to be deleted again.
func (d *Defined) errTerminating() error {
	err := apierrors.NewMethodNotSupported(d.GroupResource(), "create")
	err.ErrStatus.Message = "create not allowed while custom resource definition is terminating"
	return err
}
