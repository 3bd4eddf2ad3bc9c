package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Document is one object of a source, as kubectl would send it.
type Document struct {
	Source string         // the file's name
	Index  int            // the place of its document in the source, from 1
	Kind   apiserver.Kind // 0 if the server stores no such kind
	// Object is decoded; no defaults are filled in. Of a kind that the server
	// does not store it is unstructured.
	Object apiserver.Object

	fields  *unstructured.Unstructured // as written
	scope   apiserver.Kind             // whose scope is the object's, 0 for none
	refused *Error                     // why no server would create it
}

// GroupVersionKind returns the kind that the document states.
func (d *Document) GroupVersionKind() schema.GroupVersionKind { return d.fields.GroupVersionKind() }

// Fields returns the object as it was written: what kubectl sends, but for its
// annotation. The map is the caller's.
func (d *Document) Fields() map[string]any { return d.fields.DeepCopy().Object }

// Refused returns why the object cannot be created: it is of a kind that the
// server does not know, or does not decode.
func (d *Document) Refused() error {
	if d.refused == nil {
		return nil
	}
	return d.refused
}

// Error is what is wrong with a document of a source. It prints as
// "web.yaml: document 2: StatefulSet "web": unknown field "spec.replica"".
type Error struct {
	Source string
	Index  int    // from 1; 0 for the source as a whole
	Object string // `StatefulSet "web"`, or empty if that is unknown
	Err    error
	said   string // kubectl's sentence, if it is not Err's
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

// Kubectl returns what kubectl prints after "error: ". An answer of the server
// is a StatusError beneath, to which kubectl adds what it was doing.
func (e *Error) Kubectl() string {
	if e.said == "" {
		return e.Err.Error()
	}
	return e.said
}

// Errors are several errors of one call, in the order of their documents. They
// print one a line.
type Errors []error

func (l Errors) Error() string {
	texts := make([]string, len(l))
	for i, e := range l {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the errors.
func (l Errors) Unwrap() []error { return l }

// Join returns nil, the one error there is, or all as Errors.
func Join(errs ...error) error {
	var list Errors
	for _, err := range errs {
		var several Errors
		switch {
		case err == nil:
		case errors.As(err, &several):
			list = append(list, several...)
		default:
			list = append(list, err)
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

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

// Read reads every object of a source, which errors call name, in order. If
// anything is wrong with any of them, it returns no documents and an error that
// lists all that is wrong. A source without any object is an error.
func Read(name string, data []byte) ([]Document, error) {
	docs, err := ReadEach(name, data)
	errs := []error{err}
	for i := range docs {
		errs = append(errs, docs[i].Refused())
		if d := &docs[i]; d.Refused() == nil && d.Object.GetGenerateName() == "" {
			errs = append(errs, d.checkName())
		}
	}
	if err := Join(errs...); err != nil {
		return nil, inOrder(err)
	}
	return docs, nil
}

// inOrder sorts the errors of one source by document.
func inOrder(err error) error {
	list, several := err.(Errors)
	if several {
		slices.SortStableFunc(list, func(a, b error) int { return indexOf(a) - indexOf(b) })
	}
	return err
}

func indexOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Index
	}
	return 0
}

// ReadEach reads what kubectl would send to the server of a source, beside the
// errors of what it would not: it goes on after a document that it cannot use,
// and stops at text that it cannot parse. What it would send in vain is among the
// documents, see [Document.Refused].
func ReadEach(name string, data []byte) ([]Document, error) {
	if len(data) > MaxSize {
		err := fmt.Errorf("is %d bytes; the limit is %d", len(data), MaxSize)
		return nil, &Error{Source: name, Err: err, said: fmt.Sprintf("%s %v", name, err)}
	}
	r := reader{source: name}
	r.read(data)
	if len(r.docs) == 0 && len(r.errs) == 0 {
		return nil, &Error{Source: name, Err: ErrNoObjects, said: ErrNoObjects.Error()}
	}
	return r.docs, Join(r.errs...)
}

// title is what errors call an object.
func title(kind, name string) string { return fmt.Sprintf("%s %q", kind, name) }

func (d *Document) title() string {
	name := d.Object.GetName()
	if name == "" {
		return d.fields.GetKind()
	}
	return title(d.fields.GetKind(), name)
}

// Fail returns err as an Error of the document.
func (d *Document) Fail(err error) error {
	return &Error{Source: d.Source, Index: d.Index, Object: d.title(), Err: err}
}
