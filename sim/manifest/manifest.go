package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Document is one object of a source.
type Document struct {
	Source string // the file's name
	Index  int    // its place in the source, from 1
	Kind   apiserver.Kind
	Object apiserver.Object // decoded; no defaults are filled in
	raw    map[string]any   // as written, for the last-applied annotation
}

// Error is what is wrong with a document of a source. It prints as
// "web.yaml: document 2: StatefulSet "web": unknown field "spec.replica"".
type Error struct {
	Source string
	Index  int    // from 1; 0 for the source as a whole
	Object string // `StatefulSet "web"`, or empty if that is unknown
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	if e.Index > 0 {
		fmt.Fprintf(&b, "document %d: ", e.Index)
	}
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	return b.String() + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrNoObjects is the cause for a source that has no objects.
var ErrNoObjects = errors.New("no objects passed to apply")

// Limits on what is read, so that a hostile file cannot exhaust memory.
const (
	// MaxSize is the largest source, in bytes.
	MaxSize = 16 << 20
	// maxGrowth bounds what YAML aliases may expand a document to, in bytes
	// of JSON.
	maxGrowth = 32 << 20
)

// Read reads every document of a source. name is what errors call it.
// Documents come in the order of the source, lists unpacked in place. Empty
// documents are skipped; a source without any object is an error.
func Read(name string, data []byte) ([]Document, error) {
	if len(data) > MaxSize {
		return nil, &Error{Source: name, Err: fmt.Errorf("is %d bytes; the limit is %d", len(data), MaxSize)}
	}
	var docs []Document
	reader := utilyaml.NewYAMLReader(newLineReader(data))
	for i := 1; ; i++ {
		chunk, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Error{Source: name, Index: i, Err: err}
		}
		if isBlank(chunk) {
			i--
			continue
		}
		ds, err := readDocument(name, i, chunk)
		if err != nil {
			return nil, err
		}
		docs = append(docs, ds...)
	}
	if len(docs) == 0 {
		return nil, &Error{Source: name, Err: ErrNoObjects}
	}
	if err := checkUnique(docs); err != nil {
		return nil, err
	}
	return docs, nil
}

// checkUnique refuses two documents for one object: the second would silently
// change what the first made.
func checkUnique(docs []Document) error {
	type id struct {
		kind apiserver.Kind
		key  apiserver.Key
	}
	seen := map[id]int{}
	for _, d := range docs {
		key := apiserver.KeyOf(d.Object)
		if key.Name == "" { // generateName
			continue
		}
		if first, dup := seen[id{d.Kind, key}]; dup {
			return &Error{d.Source, d.Index, d.title(), fmt.Errorf("is already given by document %d", first)}
		}
		seen[id{d.Kind, key}] = d.Index
	}
	return nil
}

func (d *Document) title() string { return fmt.Sprintf("%s %q", d.Kind, d.Object.GetName()) }

func readDocument(name string, index int, chunk []byte) ([]Document, error) {
	fail := func(object string, err error) error { return &Error{name, index, object, err} }
	if err := checkAliases(chunk); err != nil {
		return nil, fail("", err)
	}
	doc, err := yaml.YAMLToJSONStrict(chunk)
	if err != nil {
		return nil, fail("", cleanYAML(err))
	}
	var raw any
	if err := json.Unmarshal(doc, &raw); err != nil {
		return nil, fail("", err)
	}
	obj, ok := raw.(map[string]any)
	if !ok {
		return nil, fail("", fmt.Errorf("is not an object but %s", describe(raw)))
	}
	if isList(obj) {
		return readList(name, index, obj)
	}
	d, err := decode(name, index, doc, obj)
	if err != nil {
		return nil, err
	}
	return []Document{d}, nil
}

// isList reports whether a document is a List, or the list of one kind that the
// API itself answers with, "ServiceList".
func isList(obj map[string]any) bool {
	kind, _ := obj["kind"].(string)
	version, _ := obj["apiVersion"].(string)
	if kind == "List" {
		return version == "v1"
	}
	element, ok := strings.CutSuffix(kind, "List")
	return ok && apiserver.KindFor(schema.FromAPIVersionAndKind(version, element)) != 0
}

func readList(name string, index int, list map[string]any) ([]Document, error) {
	items, _ := list["items"].([]any)
	var docs []Document
	for i, item := range items {
		obj, ok := item.(map[string]any)
		if !ok {
			return nil, &Error{name, index, fmt.Sprintf("items[%d]", i), fmt.Errorf("is not an object but %s", describe(item))}
		}
		if element := strings.TrimSuffix(list["kind"].(string), "List"); element != "" && obj["kind"] == nil {
			obj["apiVersion"], obj["kind"] = list["apiVersion"], element // the list says it for all
		}
		doc, err := json.Marshal(obj)
		if err != nil {
			return nil, &Error{name, index, fmt.Sprintf("items[%d]", i), err}
		}
		d, err := decode(name, index, doc, obj)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// decode turns one JSON object into its type.
func decode(name string, index int, doc []byte, raw map[string]any) (Document, error) {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct {
			Name, GenerateName string
		} `json:"metadata"`
	}
	headErr := json.Unmarshal(doc, &head)
	fail := func(object string, err error) (Document, error) {
		return Document{}, &Error{name, index, object, err}
	}
	switch {
	case head.Kind == "":
		return fail("", errors.New("Object 'Kind' is missing"))
	case head.APIVersion == "":
		return fail(head.Kind, errors.New("Object 'apiVersion' is missing"))
	}
	gv, err := schema.ParseGroupVersion(head.APIVersion)
	if err != nil {
		return fail(head.Kind, err)
	}
	kind := apiserver.KindFor(gv.WithKind(head.Kind))
	if kind == 0 {
		return fail("", fmt.Errorf("no matches for kind %q in version %q", head.Kind, head.APIVersion))
	}
	title := fmt.Sprintf("%s %q", head.Kind, head.Metadata.Name)
	obj := kind.New()
	strict, err := kjson.UnmarshalStrict(doc, obj)
	if err == nil {
		err = headErr
	}
	if err != nil {
		return fail(title, fmt.Errorf("%s in version %q cannot be handled as a %s: %w", head.Kind, gv.Version, head.Kind, err))
	}
	if len(strict) > 0 {
		msgs := make([]string, len(strict))
		for i, e := range strict {
			msgs[i] = e.Error()
		}
		return fail(title, fmt.Errorf("%s in version %q cannot be handled as a %s: strict decoding error: %s",
			head.Kind, gv.Version, head.Kind, strings.Join(msgs, ", ")))
	}
	if head.Metadata.Name == "" && head.Metadata.GenerateName == "" {
		return fail(head.Kind, errors.New("resource name may not be empty"))
	}
	return Document{Source: name, Index: index, Kind: kind, Object: obj, raw: raw}, nil
}

var yamlPrefix = regexp.MustCompile(`^(error converting YAML to JSON: )?yaml: (unmarshal errors:\n\s*)?`)

// cleanYAML shortens the parser's error to its last sentence.
func cleanYAML(err error) error {
	return fmt.Errorf("error parsing YAML: %s", yamlPrefix.ReplaceAllString(err.Error(), ""))
}

func isBlank(chunk []byte) bool {
	for line := range bytes.Lines(chunk) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

func describe(v any) string {
	switch v.(type) {
	case nil:
		return "empty"
	case []any:
		return "a list"
	case string:
		return "a string"
	}
	return fmt.Sprintf("a %T", v)
}
