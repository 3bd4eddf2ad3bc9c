package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// line is one record in the JSON-lines form.
type line struct {
	Type   watch.EventType `json:"type"`
	Object json.RawMessage `json:"object"`
	Time   time.Time       `json:"time"`
	By     string          `json:"by"`
	Cause  uint64          `json:"cause,omitempty"`
}

// Writer writes records as JSON lines, one at a time: a long run needs no
// history in memory.
type Writer struct {
	// Causes has each line tell the event in which the record was written
	// (apiserver.Record.Cause).
	Causes bool

	w   io.Writer
	buf bytes.Buffer
	enc *json.Encoder
	err error
}

// NewWriter returns a Writer to w. It does not buffer beyond a record.
func NewWriter(w io.Writer) *Writer {
	t := &Writer{w: w}
	t.enc = json.NewEncoder(&t.buf)
	return t
}

// Write writes a record. After an error it writes nothing and returns that
// error again.
func (t *Writer) Write(rec *apiserver.Record) error {
	if t.err != nil {
		return t.err
	}
	t.buf.Reset()
	obj, err := json.Marshal(apiserver.WithKind(rec.Object))
	if err == nil {
		l := line{Type: rec.Type, Object: obj, Time: apiserver.WallTime(rec.Time), By: rec.By}
		if t.Causes {
			l.Cause = rec.Cause
		}
		err = t.enc.Encode(l)
	}
	if err == nil {
		_, err = t.w.Write(t.buf.Bytes())
	}
	if err != nil {
		t.err = fmt.Errorf("trace: %s %s: %w", rec.Kind, rec.Key, err)
	}
	return t.err
}

// Read reads JSON lines back, all of them.
func Read(r io.Reader) ([]*apiserver.Record, error) {
	var recs []*apiserver.Record
	for rec, err := range All(r) {
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// All reads JSON lines one by one, and ends at the first error, which names the
// line. Empty lines are skipped. Objects that exist are kept in memory, for
// Record.Old.
func All(r io.Reader) iter.Seq2[*apiserver.Record, error] {
	return func(yield func(*apiserver.Record, error) bool) {
		type name struct {
			kind apiserver.Kind
			key  apiserver.Key
		}
		live := map[name]apiserver.Object{}
		in := bufio.NewReader(r)
		for n := 1; ; n++ {
			data, err := in.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, fmt.Errorf("trace: line %d: %w", n, err))
				return
			}
			if len(bytes.TrimSpace(data)) > 0 {
				rec, err := parse(data)
				if err != nil {
					yield(nil, fmt.Errorf("trace: line %d: %w", n, err))
					return
				}
				id := name{rec.Kind, rec.Key}
				rec.Old = live[id]
				if rec.Type == watch.Deleted {
					delete(live, id)
				} else {
					live[id] = rec.Object
				}
				if rec.Type == watch.Added {
					rec.Old = nil
				}
				if !yield(rec, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

func parse(data []byte) (*apiserver.Record, error) {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, err
	}
	switch l.Type {
	case watch.Added, watch.Modified, watch.Deleted:
	default:
		return nil, fmt.Errorf("unknown type %q of event", l.Type)
	}
	var meta metav1.TypeMeta
	if err := json.Unmarshal(l.Object, &meta); err != nil {
		return nil, err
	}
	kind := apiserver.KindFor(meta.GroupVersionKind())
	if kind == 0 {
		return nil, fmt.Errorf("unknown kind %s of %s", meta.Kind, meta.APIVersion)
	}
	obj := kind.New()
	if err := json.Unmarshal(l.Object, obj); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{}) // stored objects have none
	version, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s %s: metadata.resourceVersion: %w", kind, apiserver.KeyOf(obj), err)
	}
	return &apiserver.Record{
		Version: version, Type: l.Type, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj,
		Time: apiserver.VirtualTime(l.Time), By: l.By, Cause: l.Cause,
	}, nil
}
