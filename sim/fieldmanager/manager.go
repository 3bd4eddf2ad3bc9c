package fieldmanager

import (
	"cmp"
	"fmt"
	"slices"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Manager is an apiserver.FieldManager. It does not change: any number of clusters
// can share it.
type Manager struct {
	managers map[path]*managedfields.FieldManager
}

// path is what a request is for: a kind, or a subresource of it.
type path struct {
	kind        apiserver.Kind
	subresource string
}

var _ apiserver.FieldManager = (*Manager)(nil)

// New returns a Manager for all kinds of the API server.
func New() *Manager {
	m := &Manager{managers: map[path]*managedfields.FieldManager{}}
	scheme := apiserver.Scheme()
	known, deduced := applyconfigurations.NewTypeConverter(scheme), managedfields.NewDeducedTypeConverter()
	add := func(p path, types managedfields.TypeConverter, gvk schema.GroupVersionKind, hub schema.GroupVersion) {
		fm, err := managedfields.NewDefaultFieldManager(types, versions{}, defaulter{}, scheme, gvk, hub, p.subresource, resetFields(p))
		if err != nil {
			panic(fmt.Sprintf("fieldmanager: %s: %v", gvk, err)) // never: it has all that it needs
		}
		m.managers[p] = fm
	}
	for _, kind := range apiserver.Served() {
		types := known
		switch kind.GroupVersionKind().Group {
		case "apiextensions.k8s.io", "apiregistration.k8s.io":
			types = deduced
		}
		gvk, hub := kind.GroupVersionKind(), kind.Stored().GroupVersionKind().GroupVersion()
		for _, sub := range subresources(kind) {
			add(path{kind, sub}, types, gvk, hub)
		}
		if kind.Scales() {
			add(path{kind, "scale"}, deduced, autoscalingv1.SchemeGroupVersion.WithKind("Scale"), autoscalingv1.SchemeGroupVersion)
		}
	}
	return m
}

// Update implements apiserver.FieldManager (FieldManager.UpdateNoErrors): if the
// fields cannot be told, they stay with whom they were.
func (m *Manager) Update(w apiserver.Writing, live, next apiserver.Object) {
	was := live.GetManagedFields()
	sent := next.GetManagedFields()
	if len(was) > 0 {
		live = apiserver.ShallowCopy(live)
		live.SetManagedFields(aged(was))
	}
	next.SetManagedFields(aged(sent))
	fm, err := m.of(w)
	if err == nil {
		_, err = fm.Update(live, next, w.Manager)
	}
	if err != nil {
		next.SetManagedFields(was)
		return
	}
	next.SetManagedFields(stamped(next.GetManagedFields(), w.Time))
}

// Apply implements apiserver.FieldManager.
func (m *Manager) Apply(w apiserver.Writing, live apiserver.Object, config map[string]any, force bool) (apiserver.Object, error) {
	live = apiserver.ShallowCopy(live)
	live.SetManagedFields(aged(live.GetManagedFields()))
	fm, err := m.of(w)
	if err != nil {
		return nil, err
	}
	obj, err := fm.Apply(live, &unstructured.Unstructured{Object: config}, w.Manager, force)
	if err != nil {
		return nil, inOrder(err)
	}
	next := obj.(apiserver.Object)
	next.SetManagedFields(stamped(next.GetManagedFields(), w.Time))
	return next, nil
}

// inOrder returns a conflict with its causes in order: the library has them in that of
// a map.
func inOrder(err error) error {
	status, ok := err.(*apierrors.StatusError)
	if !ok || status.ErrStatus.Details == nil {
		return err
	}
	next := *status
	details := *status.ErrStatus.Details
	details.Causes = slices.SortedFunc(slices.Values(details.Causes), func(a, b metav1.StatusCause) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	next.ErrStatus.Details = &details
	return &next
}

var replicas = fieldpath.MakePathOrDie("spec", "replicas")

func scaleHandler(kind apiserver.Kind, fields []metav1.ManagedFieldsEntry) *managedfields.ScaleHandler {
	gv := kind.GroupVersionKind().GroupVersion()
	return managedfields.NewScaleHandler(fields, gv, managedfields.ResourcePathMappings{gv.String(): replicas})
}

// ScaleFields implements apiserver.FieldManager.
func (m *Manager) ScaleFields(kind apiserver.Kind, fields []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error) {
	return scaleHandler(kind, fields).ToSubresource()
}

// ParentFields implements apiserver.FieldManager. An entry that the Scale brings has
// no stamp, upstream's either.
func (m *Manager) ParentFields(kind apiserver.Kind, fields, ofScale []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error) {
	return scaleHandler(kind, fields).ToParent(ofScale)
}

// versions turns objects into the versions of their kind. The library asks for it
// with typed objects and with those that it has merged.
type versions struct{}

var _ runtime.ObjectConvertor = versions{}

// ConvertToVersion implements runtime.ObjectConvertor. The result knows its kind.
func (versions) ConvertToVersion(in runtime.Object, to runtime.GroupVersioner) (runtime.Object, error) {
	gvk := in.GetObjectKind().GroupVersionKind()
	if u, ok := in.(*unstructured.Unstructured); ok {
		typed, err := apiserver.Scheme().New(gvk)
		if err != nil {
			return nil, err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(u.Object, typed, false); err != nil {
			return nil, fmt.Errorf("unable to convert unstructured object to %v: %w", gvk, err)
		}
		in = typed
	}
	kinds, _, err := apiserver.Scheme().ObjectKinds(in)
	if err != nil {
		return nil, err
	}
	want, ok := to.KindForGroupVersionKinds(kinds)
	if ok && want.GroupVersion() == kinds[0].GroupVersion() {
		out := apiserver.ShallowCopy(in.(apiserver.Object))
		out.GetObjectKind().SetGroupVersionKind(kinds[0])
		return out, nil
	}
	gv, ok := to.(schema.GroupVersion)
	if !ok {
		return nil, runtime.NewNotRegisteredErrForTarget(apiserver.Scheme().Name(), nil, to)
	}
	out := apiserver.In(in.(apiserver.Object), gv)
	if kind := apiserver.KindOf(out); kind == 0 || kind.GroupVersionKind().GroupVersion() != gv {
		return nil, runtime.NewNotRegisteredErrForKind(apiserver.Scheme().Name(), gv.WithKind(kinds[0].Kind))
	}
	return apiserver.WithKind(out), nil
}

// Convert implements runtime.ObjectConvertor; nobody calls it.
func (versions) Convert(_, _, _ any) error {
	return fmt.Errorf("fieldmanager: objects are converted by version")
}

// ConvertFieldLabel implements runtime.ObjectConvertor; nobody calls it.
func (versions) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// defaulter gives what was merged its defaults.
type defaulter struct{}

// Default implements runtime.ObjectDefaulter.
func (defaulter) Default(in runtime.Object) {
	if obj, ok := in.(apiserver.Object); ok && apiserver.KindOf(obj) != 0 {
		apiserver.SetDefaults(obj)
	}
}
