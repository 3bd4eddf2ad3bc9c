package serve

import (
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// transformer turns objects into what a client has asked for: as they are, as
// rows of a Table, or their metadata alone.
type transformer struct {
	form
	kind    apiserver.Kind
	def     *apiserver.Defined  // of a CustomResource
	gv      schema.GroupVersion // in which objects are shown
	now     time.Time
	include metav1.IncludeObjectPolicy
	headed  bool // a Table of this answer has had its columns
}

// transformer reads the options of a Table (optionsForTransform).
func (c *call) transformer(f form, of *target) (*transformer, error) {
	t := &transformer{form: f, kind: of.kind, def: of.def, gv: of.gvk().GroupVersion()}
	c.look(func(cl *sim.Cluster) { t.now = cl.Now() })
	if f.as != "Table" {
		return t, nil
	}
	var opts metav1.TableOptions
	if err := metascheme.ParameterCodec.DecodeParameters(c.r.URL.Query(), metav1.SchemeGroupVersion, &opts); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if errs := validation.ValidateTableOptions(&opts); len(errs) > 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("Unable to convert to Table as requested: %v", errs.ToAggregate()))
	}
	t.include = opts.IncludeObject
	return t, nil
}

// one returns an object's form. What has no rows of its own, a Scale say, is
// shown by name and age.
func (t *transformer) one(obj apiserver.Object) runtime.Object {
	obj = t.in(obj)
	switch t.as {
	case "Table":
		return t.table([]apiserver.Object{obj}, metav1.ListMeta{ResourceVersion: obj.GetResourceVersion()})
	case "PartialObjectMetadata":
		return t.partial(obj)
	}
	if apiserver.KindOf(obj) == 0 {
		return obj
	}
	return apiserver.WithKind(obj)
}

// in returns an object in the version that was asked for.
func (t *transformer) in(obj apiserver.Object) apiserver.Object {
	if t.def == nil {
		return obj
	}
	return t.def.In(t.gv.Version, obj)
}

// partial is an object's metadata (asPartialObjectMetadata).
func (t *transformer) partial(obj apiserver.Object) *metav1.PartialObjectMetadata {
	p := meta.AsPartialObjectMetadata(obj)
	p.APIVersion, p.Kind = metav1.GroupName+"/"+t.version.Version, "PartialObjectMetadata"
	return p
}

// list returns the form of a list.
func (t *transformer) list(objs []apiserver.Object, m metav1.ListMeta) (runtime.Object, error) {
	switch t.as {
	case "Table":
		return t.table(objs, m), nil
	case "PartialObjectMetadataList", "PartialObjectMetadata":
		l := &metav1.PartialObjectMetadataList{ListMeta: m, Items: make([]metav1.PartialObjectMetadata, len(objs))}
		l.APIVersion, l.Kind = metav1.GroupName+"/"+t.version.Version, "PartialObjectMetadataList"
		for i, obj := range objs {
			l.Items[i] = *t.partial(obj)
		}
		return l, nil
	}
	if t.def != nil {
		list := &unstructured.UnstructuredList{Items: make([]unstructured.Unstructured, len(objs))}
		for i, obj := range objs {
			list.Items[i] = *t.in(obj).(*unstructured.Unstructured)
		}
		list.SetGroupVersionKind(t.gv.WithKind(t.def.CRD.Spec.Names.ListKind))
		list.SetResourceVersion(m.ResourceVersion)
		list.SetContinue(m.Continue)
		list.SetRemainingItemCount(m.RemainingItemCount)
		return list, nil
	}
	gvk := t.kind.GroupVersionKind()
	gvk.Kind += "List"
	list, err := scheme.New(gvk)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	items := make([]runtime.Object, len(objs))
	for i, obj := range objs {
		items[i] = obj
	}
	if err := meta.SetList(list, items); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	lm, err := meta.ListAccessor(list)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	lm.SetResourceVersion(m.ResourceVersion)
	lm.SetContinue(m.Continue)
	lm.SetRemainingItemCount(m.RemainingItemCount)
	list.GetObjectKind().SetGroupVersionKind(gvk)
	return list, nil
}

// table returns rows, as the server prints them (asTable).
func (t *transformer) table(objs []apiserver.Object, m metav1.ListMeta) *metav1.Table {
	if t.def != nil {
		out := &metav1.Table{ListMeta: m, Rows: make([]metav1.TableRow, len(objs))}
		out.APIVersion, out.Kind = metav1.GroupName+"/"+t.version.Version, "Table"
		shown := make([]apiserver.Object, len(objs))
		for i, obj := range objs {
			shown[i] = t.in(obj)
		}
		t.customTable(shown, out)
		return out
	}
	rows := table.New(t.kind, objs, t.now)
	out := &metav1.Table{ListMeta: m, Rows: make([]metav1.TableRow, len(rows.Rows))}
	out.APIVersion, out.Kind = metav1.GroupName+"/"+t.version.Version, "Table"
	if !t.headed {
		out.ColumnDefinitions = columnsOf(rows.Columns)
	}
	for i, row := range rows.Rows {
		cells := make([]any, len(row.Cells))
		for j, cell := range row.Cells {
			cells[j] = cell
		}
		out.Rows[i] = metav1.TableRow{Cells: cells, Object: t.embedded(row.Object)}
	}
	return out
}

// embedded is what a row holds of its object: the metadata, if nothing else was
// asked for.
func (t *transformer) embedded(obj apiserver.Object) runtime.RawExtension {
	switch t.include {
	case metav1.IncludeNone:
		return runtime.RawExtension{}
	case metav1.IncludeObject:
		return runtime.RawExtension{Object: apiserver.WithKind(obj)}
	}
	return runtime.RawExtension{Object: t.partial(obj)}
}

func columnsOf(columns []table.Column) []metav1.TableColumnDefinition {
	defs := make([]metav1.TableColumnDefinition, len(columns))
	for i, col := range columns {
		d := &defs[i]
		d.Name, d.Type = col.Name, "string"
		if col.IsName() {
			d.Format = "name"
		}
		if col.Wide {
			d.Priority = 1
		}
	}
	return defs
}

// answer sends an object in the form that was asked for.
func (c *call) answer(code int, f form, of *target, obj apiserver.Object) {
	if f.as == "PartialObjectMetadataList" {
		c.fail(unacceptable(false))
		return
	}
	t, err := c.transformer(f, of)
	if err != nil {
		c.fail(err)
		return
	}
	c.encode(code, f, t.one(obj))
}
