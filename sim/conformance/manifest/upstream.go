package manifest

import (
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/restmapper"
	"k8s.io/kubectl/pkg/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// reading is what a file holds: its objects and what is wrong with it, a line
// each.
type reading struct{ objects, errors []string }

// mapper is what kubectl makes of the server's discovery.
var mapper = func() meta.RESTMapper {
	groups := map[string]*restmapper.APIGroupResources{}
	var list []*restmapper.APIGroupResources
	for _, k := range apiserver.Served() {
		gvk := k.GroupVersionKind()
		g := groups[gvk.Group]
		if g == nil {
			g = &restmapper.APIGroupResources{Group: metav1.APIGroup{Name: gvk.Group}, VersionedResources: map[string][]metav1.APIResource{}}
			groups[gvk.Group] = g
			list = append(list, g)
		}
		if g.VersionedResources[gvk.Version] == nil {
			g.Group.Versions = append(g.Group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: gvk.GroupVersion().String(), Version: gvk.Version})
		}
		g.VersionedResources[gvk.Version] = append(g.VersionedResources[gvk.Version], metav1.APIResource{
			Name: k.Resource(), SingularName: strings.ToLower(gvk.Kind), Kind: gvk.Kind, Namespaced: k.Namespaced()})
	}
	return restmapper.NewDiscoveryRESTMapper(list)
}()

// supports says of every kind that the server checks fields itself.
type supports struct{}

func (supports) HasSupport(schema.GroupVersionKind) error { return nil }

// upstream reads a file as kubectl apply does (ApplyOptions.GetObjects).
func upstream(path string) reading {
	client := func(schema.GroupVersion) (resource.RESTClient, error) { return nil, nil }
	toMapper := func() (meta.RESTMapper, error) { return mapper, nil }
	expander := func() (restmapper.CategoryExpander, error) { return restmapper.SimpleCategoryExpander{}, nil }
	infos, err := resource.NewFakeBuilder(client, toMapper, expander).
		Unstructured().
		Schema(validation.NewParamVerifyingSchema(validation.NullSchema{}, supports{}, metav1.FieldValidationStrict)).
		ContinueOnError().
		NamespaceParam("default").DefaultNamespace().
		FilenameParam(false, &resource.FilenameOptions{Filenames: []string{path}}).
		Flatten().
		Do().Infos()
	var r reading
	for _, info := range infos {
		r.objects = append(r.objects, shown(info.Object))
	}
	r.errors = slices.Sorted(slices.Values(texts(err)))
	return r
}

// texts lists the errors in an error.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	var several utilerrors.Aggregate
	if !errors.As(err, &several) {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range utilerrors.Flatten(several).Errors() {
		list = append(list, e.Error())
	}
	return list
}

func shown(obj runtime.Object) string {
	text, err := runtime.Encode(unstructured.UnstructuredJSONScheme, obj)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ours reads the same with package manifest.
func ours(path string, data []byte) reading {
	docs, err := manifest.ReadEach(path, data)
	var r reading
	failed := map[error]bool{}
	add := func(err error) {
		var e *manifest.Error
		if errors.As(err, &e) && !errors.Is(err, manifest.ErrNoObjects) && !failed[e] {
			failed[e] = true
			r.errors = append(r.errors, e.Kubectl())
		}
	}
	var several manifest.Errors
	if errors.As(err, &several) {
		for _, e := range several {
			add(e)
		}
	} else if err != nil {
		add(err)
	}
	for i := range docs {
		d := &docs[i]
		if meta.IsNoMatchError(errors.Unwrap(errors.Unwrap(d.Refused()))) {
			add(d.Refused())
			continue
		}
		d.SetNamespace("default")
		r.objects = append(r.objects, shown(&unstructured.Unstructured{Object: d.Fields()}))
	}
	slices.Sort(r.errors)
	return r
}
