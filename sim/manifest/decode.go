package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// isMapped reports whether the client knows a kind from the server's discovery:
// kinds in this spelling or in lower case, their lists, and in every version a
// kind List (client-go/restmapper, newDiscoveryRESTMapper).
func isMapped(gvk schema.GroupVersionKind) bool {
	return scopeOf(gvk) != 0 || gvk.Kind == "List" && apiserver.Serves(gvk.GroupVersion())
}

// scopeOf returns the kind by which the client knows another one, or 0.
func scopeOf(gvk schema.GroupVersionKind) apiserver.Kind {
	if k := cmp.Or(apiserver.KindFor(gvk), lowerCased(gvk)); k != 0 {
		return k
	}
	element, _ := strings.CutSuffix(gvk.Kind, "List")
	return apiserver.KindFor(gvk.GroupVersion().WithKind(element))
}

// lowerCased returns the kind whose name in lower case somebody has written.
func lowerCased(gvk schema.GroupVersionKind) apiserver.Kind {
	if gvk.Kind != strings.ToLower(gvk.Kind) {
		return 0
	}
	if k := apiserver.KindNamed(gvk.Kind); k != 0 && k.GroupVersionKind().GroupVersion() == gvk.GroupVersion() {
		return k
	}
	return 0
}

// unmapped adds an object of a kind that the server does not store: kubectl
// refuses it, in other words if it comes out of a list, unless there is a
// CustomResourceDefinition.
func (r *reader) unmapped(obj runtime.Object, gvk schema.GroupVersionKind, listed bool) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok { // the list of such a kind
		u = &unstructured.Unstructured{Object: obj.(*unstructured.UnstructuredList).Object}
	}
	err := &meta.NoKindMatchError{GroupKind: gvk.GroupKind(), SearchedVersions: []string{gvk.Version}}
	d := Document{Source: r.source, Index: r.index, Object: u, fields: u}
	said := fmt.Sprintf("resource mapping not found for name: %q namespace: %q from %q: %v\nensure CRDs are installed first", u.GetName(), u.GetNamespace(), r.source, err)
	if listed {
		said = fmt.Sprintf("unable to recognize %v", err)
	}
	d.refused = &Error{r.source, r.index, d.title(), fmt.Errorf("%w; ensure CRDs are installed first", err), said}
	r.docs = append(r.docs, d)
}

// add adds an object of a kind that the client knows, as the server would decode
// it.
func (r *reader) add(u *unstructured.Unstructured) {
	gvk := u.GroupVersionKind()
	d := Document{Source: r.source, Index: r.index, Kind: apiserver.KindFor(gvk), Object: u, fields: u, scope: scopeOf(gvk)}
	if d.Kind == 0 {
		err := noSuchKind(gvk)
		d.refused = &Error{r.source, r.index, d.title(), err, ""}
		r.docs = append(r.docs, d)
		return
	}
	obj, err := decode(d.Kind, u)
	d.Object = obj
	if err != nil {
		text := fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", gvk.Kind, gvk.Version, gvk.Kind, err)
		d.refused = &Error{r.source, r.index, d.title(), apierrors.NewBadRequest(text), ""}
	}
	r.docs = append(r.docs, d)
}

// noSuchKind is the server's answer for a list that holds nothing, or for a kind
// in lower case.
func noSuchKind(gvk schema.GroupVersionKind) error {
	if lowerCased(gvk) == 0 {
		return apierrors.NewGenericServerResponse(404, "GET", schema.GroupResource{}, "", "", 0, true)
	}
	return apierrors.NewBadRequest(fmt.Sprintf("no kind %q is registered for version %q in scheme %q", gvk.Kind, gvk.GroupVersion(), "pkg/api/legacyscheme/scheme.go:30"))
}

// decode makes an object of a kind from what was written, without its nulls. The
// object has its name even if there is an error.
func decode(kind apiserver.Kind, u *unstructured.Unstructured) (apiserver.Object, error) {
	obj := kind.New()
	doc, err := json.Marshal(pruned(u.Object))
	if err != nil {
		return obj, err
	}
	strict, err := apiserver.Decode(doc, obj)
	if err != nil {
		obj = kind.New()
		obj.SetNamespace(u.GetNamespace())
		obj.SetName(u.GetName())
		return obj, err
	}
	if len(strict) > 0 {
		return obj, runtime.NewStrictDecodingError(strict)
	}
	return obj, nil
}

// pruned returns fields without those that are null, at any depth (kubectl,
// pruneNullsFromMap). What has none is shared.
func pruned(fields map[string]any) map[string]any {
	next := make(map[string]any, len(fields))
	for k, v := range fields { // into a map
		if v != nil {
			next[k] = prunedValue(v)
		}
	}
	return next
}

func prunedValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return pruned(v)
	case []any:
		next := make([]any, len(v))
		for i := range v {
			next[i] = prunedValue(v[i])
		}
		return next
	}
	return v
}

// checkName wants a name, and kubectl wants one that was not to be generated.
func (d *Document) checkName() error {
	if d.Object.GetName() != "" {
		return nil
	}
	if base := d.Object.GetGenerateName(); base != "" {
		err := errors.New("cannot use generate name with apply")
		return &Error{d.Source, d.Index, d.title(), err, fmt.Sprintf("from %s: %v", base, err)}
	}
	return d.Fail(errors.New("resource name may not be empty"))
}
