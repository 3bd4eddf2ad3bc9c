package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// reader reads one source.
type reader struct {
	source string
	index  int // of the document being read
	docs   []Document
	errs   []error
}

// fail adds an error, with kubectl's sentence for it.
func (r *reader) fail(object string, err error, format string, args ...any) {
	r.errs = append(r.errs, &Error{r.source, r.index, object, err, fmt.Sprintf(format, args...)})
}

// bufferSize is how far kubectl looks for the brace that begins JSON.
const bufferSize = 4096

// read goes through the documents (cli-runtime, FileVisitor and StreamVisitor).
func (r *reader) read(data []byte) {
	text, err := io.ReadAll(transform.NewReader(bytes.NewReader(data), unicode.BOMOverride(unicode.UTF8.NewDecoder())))
	if err == nil {
		err = checkGrowth(text)
	}
	if err != nil {
		r.fail("", err, "error parsing %s: %v", r.source, err)
		return
	}
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), bufferSize)
	for {
		raw := runtime.RawExtension{}
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return
		}
		doc := bytes.TrimSpace(raw.Raw)
		if err == nil && (len(doc) == 0 || bytes.Equal(doc, []byte("null"))) {
			continue
		}
		r.index++
		if err != nil {
			r.fail("", err, "error parsing %s: %v", r.source, err)
			return
		}
		if err := checkHead(doc); err != nil {
			const hint = "if you choose to ignore these errors, turn validation off with --validate=false"
			r.fail("", err, "error validating %q: error validating data: %v; %s", r.source, err, hint)
			return
		}
		r.document(doc)
	}
}

// checkHead wants apiVersion and kind (kubectl/pkg/validation, getObjectKind).
func checkHead(doc []byte) error {
	var tree any
	if err := json.Unmarshal(doc, &tree); err != nil {
		return err
	}
	fields, ok := tree.(map[string]any)
	if !ok {
		return errors.New("invalid object to validate")
	}
	var errs []error
	switch v := fields["apiVersion"].(type) {
	case nil:
		errs = append(errs, errors.New("apiVersion not set"))
	case string:
		if _, err := schema.ParseGroupVersion(v); err != nil {
			errs = append(errs, err)
		}
	default:
		errs = append(errs, errors.New("apiVersion isn't string type"))
	}
	switch fields["kind"].(type) {
	case nil:
		errs = append(errs, errors.New("kind not set"))
	case string:
	default:
		errs = append(errs, errors.New("kind isn't string type"))
	}
	return utilerrors.NewAggregate(errs)
}

// metadataOnlyObject is what kubectl decodes of an object before it uses it.
type metadataOnlyObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// document adds one document: an object, or what a list holds (cli-runtime,
// mapper.infoForData and FlattenListVisitor).
func (r *reader) document(doc []byte) {
	obj, gvk, err := unstructured.UnstructuredJSONScheme.Decode(doc, nil, nil)
	if err == nil {
		err = utiljson.Unmarshal(doc, &metadataOnlyObject{})
	}
	if err != nil {
		r.fail("", err, "unable to decode %q: %v", r.source, err)
		return
	}
	if !isMapped(*gvk) {
		r.unmapped(obj, *gvk, false)
		return
	}
	if u, ok := obj.(*unstructured.Unstructured); ok && !u.IsList() {
		r.add(u)
		return
	}
	r.flatten(obj)
}

// flatten adds the objects of a list, and of the lists in it after them.
func (r *reader) flatten(list runtime.Object) {
	lists := []runtime.Object{list}
	var items []*unstructured.Unstructured
	for i := 0; i < len(lists); i++ {
		if u, ok := lists[i].(*unstructured.Unstructured); ok && !u.IsList() {
			items = append(items, u)
			continue
		}
		inside, err := meta.ExtractList(lists[i])
		if err != nil {
			r.fail("", err, "%v", err)
			return
		}
		lists = append(lists, inside...)
	}
	for _, u := range items {
		gvk := u.GroupVersionKind()
		switch {
		case gvk.Kind == "":
			err := runtime.NewMissingKindErr("object has no kind field ")
			r.fail(u.GetName(), err, "unable to get type info from the object %q: %v", "*unstructured.Unstructured", err)
		case gvk.Version == "":
			err := runtime.NewMissingVersionErr("object has no apiVersion field")
			r.fail(u.GetName(), err, "unable to get type info from the object %q: %v", "*unstructured.Unstructured", err)
		case !isMapped(gvk):
			r.unmapped(u, gvk, true)
		default:
			r.add(u)
		}
	}
}

// checkGrowth refuses what expands beyond all bounds, before anything is decoded.
func checkGrowth(text []byte) error {
	chunks := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		chunk, err := chunks.Read()
		if err != nil {
			return nil // the decoder says so itself
		}
		if err := checkAliases(chunk); err != nil {
			return err
		}
	}
}
