package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/util/jsonpath"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// defined returns the kinds that CustomResourceDefinitions have served.
func (c *call) defined() (list []*apiserver.Defined) {
	c.look(func(cl *sim.Cluster) { list = cl.Defined() })
	return list
}

// custom finds out whether a path is that of a custom resource.
func (c *call) custom(t *target) {
	for _, d := range c.defined() {
		if d.CRD.Spec.Group == t.version.Group && d.CRD.Spec.Names.Plural == t.resource && d.Version(t.version.Version) != nil {
			t.kind, t.def, c.plainText = apiserver.CustomResource, d, true
		}
	}
}

// gvk is what the target's objects are.
func (t *target) gvk() schema.GroupVersionKind {
	if t.def != nil {
		return t.def.GroupKind().WithVersion(t.version.Version)
	}
	return t.kind.GroupVersionKind()
}

// namespaced reports whether the target's objects live in namespaces.
func (t *target) namespaced() bool {
	if t.def != nil {
		return t.def.Namespaced()
	}
	return t.kind.Namespaced()
}

// key is the object's.
func (t *target) key() apiserver.Key {
	if t.def != nil {
		return apiserver.CustomKey(t.def.GroupKind(), t.namespace, t.name)
	}
	return apiserver.Key{Namespace: t.namespace, Name: t.name}
}

// get returns the target's object.
func (t *target) get(cl *sim.Cluster) (apiserver.Object, error) {
	if t.def == nil {
		return cl.Get(t.kind, t.namespace, t.name)
	}
	obj, err := cl.GetCustom(t.def.GroupKind(), t.namespace, t.name)
	if err != nil {
		return nil, err
	}
	return t.def.In(t.version.Version, obj), nil
}

// list returns the target's objects.
func (t *target) list(cl *sim.Cluster) ([]apiserver.Object, error) {
	if t.def == nil {
		return cl.List(t.kind, t.namespace, "")
	}
	return cl.ListCustom(t.def.GroupKind(), t.namespace, "")
}

// empty returns an object of the target's kind.
func (t *target) empty() apiserver.Object {
	obj := t.kind.New()
	if u, ok := obj.(*unstructured.Unstructured); ok {
		u.SetGroupVersionKind(t.gvk())
	}
	return obj
}

// customSubresources are those of a version of a definition.
func customSubresources(v *apiextensionsv1.CustomResourceDefinitionVersion) map[string]subresource {
	subs := map[string]subresource{}
	if v == nil || v.Subresources == nil {
		return subs
	}
	if v.Subresources.Status != nil {
		subs["status"] = subresource{name: "status", verbs: reading, as: apiserver.Status}
	}
	if v.Subresources.Scale != nil {
		subs["scale"] = subresource{name: "scale", kind: scaleGV, verbs: reading, as: apiserver.Scale}
	}
	return subs
}

// offers lists what is served: the built-in kinds, and what is defined.
func (c *call) offers() []offered {
	list := offers()
	ds := c.defined()
	if len(ds) == 0 {
		return list
	}
	list = slices.Clone(list)
	for _, d := range ds {
		for i := range d.CRD.Spec.Versions {
			v := &d.CRD.Spec.Versions[i]
			if !v.Served {
				continue
			}
			gv := schema.GroupVersion{Group: d.CRD.Spec.Group, Version: v.Name}
			at := slices.IndexFunc(list, func(o offered) bool { return o.GroupVersion == gv })
			if at < 0 {
				at = len(list)
				list = append(list, offered{GroupVersion: gv})
			}
			list[at].resources = append(slices.Clip(list[at].resources), customResources(d, v)...)
			slices.SortFunc(list[at].resources, func(a, b metav1.APIResource) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	slices.SortStableFunc(list, compareOffers)
	return list
}

// customResources lists a kind that is defined, with its subresources.
func customResources(d *apiserver.Defined, v *apiextensionsv1.CustomResourceDefinitionVersion) []metav1.APIResource {
	names := d.CRD.Status.AcceptedNames
	r := metav1.APIResource{Name: names.Plural, SingularName: names.Singular, Namespaced: d.Namespaced(), Kind: names.Kind,
		Verbs: []string{"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}, ShortNames: names.ShortNames, Categories: names.Categories,
		StorageVersionHash: storageHash(d.GroupKind().WithVersion(d.Storage))}
	list := []metav1.APIResource{r}
	for _, sub := range customSubresources(v) { // the caller sorts
		s := metav1.APIResource{Name: r.Name + "/" + sub.name, Namespaced: r.Namespaced, Kind: r.Kind, Verbs: []string{"get", "patch", "update"}}
		if sub.kind.Kind != "" {
			s.Kind, s.Group, s.Version = sub.kind.Kind, sub.kind.Group, sub.kind.Version
		}
		list = append(list, s)
	}
	return list
}

// storageHash tells a client whether the version of what is stored has changed
// (discovery.StorageVersionHash).
func storageHash(gvk schema.GroupVersionKind) string {
	sum := sha256.Sum256([]byte(gvk.Group + "/" + gvk.Version + "/" + gvk.Kind))
	return base64.StdEncoding.EncodeToString(sum[:8])
}

// definedIn finds the definition of a resource of a group.
func definedIn(ds []*apiserver.Defined, gv schema.GroupVersion, resource string) (*apiserver.Defined, *apiextensionsv1.CustomResourceDefinitionVersion) {
	for _, d := range ds {
		if d.CRD.Spec.Group == gv.Group && d.CRD.Spec.Names.Plural == resource {
			return d, d.Version(gv.Version)
		}
	}
	return nil, nil
}

// defineCustom adds a kind that is defined to a document of OpenAPI, with its schema as
// it was written.
func (s *schemas) defineCustom(d *apiserver.Defined, v *apiextensionsv1.CustomResourceDefinitionVersion) string {
	parts := strings.Split(d.CRD.Spec.Group, ".")
	slices.Reverse(parts)
	model := strings.Join(append(parts, v.Name, d.CRD.Spec.Names.Kind), ".")
	def := node{}
	if v.Schema != nil && v.Schema.OpenAPIV3Schema != nil {
		text, err := json.Marshal(v.Schema.OpenAPIV3Schema)
		if err == nil {
			err = json.Unmarshal(text, &def)
		}
		if err != nil {
			def = node{} // it was checked: nothing is better than half of it
		}
	}
	props, _ := def["properties"].(node)
	if props == nil {
		props = node{}
	}
	about := docs(metav1.TypeMeta{})
	props["apiVersion"] = node{"type": "string", "description": about["apiVersion"]}
	props["kind"] = node{"type": "string", "description": about["kind"]}
	props["metadata"] = node{"allOf": []any{s.of(reflect.TypeFor[metav1.ObjectMeta]())}}
	def["type"], def["properties"] = "object", props
	def["x-kubernetes-group-version-kind"] = []any{gvkNode(d.GroupKind().WithVersion(v.Name))}
	s.defs[model] = def
	list := d.CRD.Spec.Names.ListKind
	s.defs[strings.TrimSuffix(model, d.CRD.Spec.Names.Kind)+list] = node{"type": "object", "required": []string{"items"},
		"properties": node{"apiVersion": props["apiVersion"], "kind": props["kind"], "metadata": node{"allOf": []any{s.of(reflect.TypeFor[metav1.ListMeta]())}},
			"items": node{"type": "array", "items": node{"$ref": s.ref + model}}},
		"x-kubernetes-group-version-kind": []any{gvkNode(schema.GroupVersionKind{Group: d.CRD.Spec.Group, Version: v.Name, Kind: list})}}
	return model
}

// customTable returns rows with the columns that a definition states, or with name and
// age (tableconvertor).
func (t *transformer) customTable(objs []apiserver.Object, out *metav1.Table) {
	columns := t.def.Version(t.gv.Version).AdditionalPrinterColumns
	if len(columns) == 0 {
		columns = []apiextensionsv1.CustomResourceColumnDefinition{{Name: "Age", Type: "date", JSONPath: ".metadata.creationTimestamp",
			Description: metav1.ObjectMeta{}.SwaggerDoc()["creationTimestamp"]}}
	}
	heads := []metav1.TableColumnDefinition{{Name: "Name", Type: "string", Format: "name", Description: metav1.ObjectMeta{}.SwaggerDoc()["name"]}}
	var paths []*jsonpath.JSONPath
	for _, col := range columns {
		path := jsonpath.New(col.Name).AllowMissingKeys(true)
		if err := path.Parse("{" + col.JSONPath + "}"); err != nil {
			break // the real server stops here as well
		}
		about := col.Description
		if about == "" {
			about = "Custom resource definition column (in JSONPath format): " + col.JSONPath
		}
		heads = append(heads, metav1.TableColumnDefinition{Name: col.Name, Type: col.Type, Format: col.Format, Description: about, Priority: col.Priority})
		paths = append(paths, path)
	}
	if !t.headed {
		out.ColumnDefinitions = heads
	}
	for i, obj := range objs {
		cells := []any{obj.GetName()}
		for j, path := range paths {
			cells = append(cells, t.cell(path, heads[j+1].Type, obj.(*unstructured.Unstructured)))
		}
		out.Rows[i] = metav1.TableRow{Cells: cells, Object: t.embedded(obj)}
	}
}

// cell is what a column shows of an object; nil is nothing (cellForJSONValue).
func (t *transformer) cell(path *jsonpath.JSONPath, typ string, u *unstructured.Unstructured) any {
	results, err := path.FindResults(u.Object)
	if err != nil || len(results) == 0 || len(results[0]) == 0 {
		return nil
	}
	value := results[0][0].Interface()
	if typ == "string" {
		var text bytes.Buffer
		if err := path.PrintResults(&text, []reflect.Value{reflect.ValueOf(value)}); err != nil {
			return nil
		}
		return text.String()
	}
	switch v := value.(type) {
	case int64:
		switch typ {
		case "integer":
			return v
		case "number":
			return float64(v)
		}
	case float64:
		switch typ {
		case "integer":
			return int64(v)
		case "number":
			return v
		}
	case bool:
		if typ == "boolean" {
			return v
		}
	case string:
		if typ == "date" {
			return t.age(v)
		}
	}
	return nil
}

// age is how long ago a time was, by the cluster's clock.
func (t *transformer) age(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return "<invalid>"
	case at.IsZero():
		return "<unknown>"
	}
	return duration.HumanDuration(t.now.Sub(at))
}
