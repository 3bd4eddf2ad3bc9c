package apiserver

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Config configures a Server. The zero Config is a v1.37 server.
type Config struct {
	Gates Gates
	// DisableAdmissionPlugins are not asked, as with the flag of that name; see
	// AdmissionPlugins for the names.
	DisableAdmissionPlugins []string
	// DetectMutation has the server keep a copy of every object that it stores,
	// and panic when it finds that somebody has changed the object: on every
	// read, when its record is trimmed, and in CheckMutations. For tests.
	DetectMutation bool
	// Seed is named in that panic.
	Seed uint64
	// FieldManager keeps managedFields and serves server-side apply; nil is a server
	// without either.
	FieldManager FieldManager
	// CustomResources serves what CustomResourceDefinitions define; nil is a server
	// that stores the definitions and serves nothing of theirs.
	CustomResources CustomResources
}

// Server is the API server with its storage. It belongs to one cluster and is
// not safe for concurrent use. Objects that it hands out are shared and
// immutable.
type Server struct {
	cfg     Config `state:"immutable"`
	engine  *engine.Engine
	version uint64
	stores  state.List[store] // by Kind
	fresh   []*Record
	born    engine.Tally              // how often each object was created, for UIDs
	ips     state.Box[map[string]Key] // cluster IPs in use
	expiry  state.Box[expiry]         // of Events
	stored  Stored
	defined state.Box[definitions] // by CustomResourceDefinitions
	guard   *guard                 // with DetectMutation
	off     pluginSet              // of admission
	walked  uint64

	now engine.Time // of the request being served
	by  string
	as  Kind // that it names
}

// New returns an empty server that takes its identifiers and choices from e. It
// panics if the Config names an unknown plugin; CheckPlugins tells beforehand.
func New(e *engine.Engine, cfg Config) *Server {
	o := e.Owner()
	s := &Server{cfg: cfg, engine: e, stores: state.NewList[store](o, len(kinds)), born: engine.NewTally(o),
		ips: state.NewBox(o, map[string]Key{}), expiry: state.NewBox(o, expiry{}),
		defined: state.NewBox(o, definitions{}),
		off:     pluginsNamed(cfg.DisableAdmissionPlugins)}
	s.change(Event).texts.known = state.NewBox(o, vocabulary{})
	if cfg.DetectMutation {
		s.guard = &guard{e, map[Object]guarded{}, cfg.Seed}
	}
	return s
}

// Fork returns an independent copy, which asks a copy of the engine.
func (s *Server) Fork() *Server { return state.Copy(s.engine.Owner().Fork(), s) }

// kept returns the objects of a kind, to be read.
func (s *Server) kept(kind Kind) *store { return s.stores.Read(int(kind)) }

// change returns the objects of a kind for changes.
func (s *Server) change(kind Kind) *store { return s.stores.Write(int(kind)) }

// Version returns the resourceVersion of the latest write.
func (s *Server) Version() uint64 { return s.version }

// Get returns the newest state of an object, or nil.
func (s *Server) Get(kind Kind, key Key) Object {
	return served(kind, s.guarded(s.kept(kind.Stored()).find(key)))
}

// At returns the state of an object as of a version, or nil. Versions before
// the last Trim of the kind are gone.
func (s *Server) At(kind Kind, key Key, version uint64) Object {
	return served(kind, s.guarded(s.kept(kind.Stored()).at(key, version)))
}

// ListAt returns the objects of a namespace (empty means all) as of a version, by
// namespace and name (see At).
// The cost is that of a look at every object of the kind.
func (s *Server) ListAt(kind Kind, namespace string, version uint64) []Object {
	recs := s.walk(kind.Stored()).listAt(namespace, version)
	objs := make([]Object, len(recs))
	for i, rec := range recs {
		objs[i] = s.guarded(rec)
	}
	return servedList(kind, objs)
}

// List returns the objects of a kind in the order of their keys; an empty
// namespace means all of them.
func (s *Server) List(kind Kind, namespace string) []Object {
	recs := s.walk(kind.Stored()).list(namespace)
	objs := make([]Object, len(recs))
	for i, rec := range recs {
		objs[i] = s.guarded(rec)
	}
	return servedList(kind, objs)
}

// Newest returns, for each object of a kind in a namespace (empty means all), the record
// that made its newest state, in the order of their keys.
func (s *Server) Newest(kind Kind, namespace string) []*Record { return s.walk(kind).list(namespace) }

// Count returns how many objects of a kind there are.
func (s *Server) Count(kind Kind) int { return s.kept(kind.Stored()).live }

// Live returns, for each object of a kind, the record that made its newest
// state, in the order of their keys and all as Added: what a new watch begins
// with (the watch cache reads them off its ordered store).
func (s *Server) Live(kind Kind) []*Record {
	recs := s.walk(kind).list("")
	for i, rec := range recs {
		recs[i] = asAdded(rec)
	}
	return recs
}

// LiveOne is Live of one object; it returns nil if there is none.
func (s *Server) LiveOne(kind Kind, key Key) *Record {
	rec := s.kept(kind).find(key)
	if rec == nil {
		return nil
	}
	return asAdded(rec)
}

// asAdded returns a record of an object as a new watch delivers it.
func asAdded(rec *Record) *Record {
	if rec.Type == watch.Added {
		return rec
	}
	first := *rec
	first.Type, first.Old = watch.Added, nil
	return &first
}

// Walked returns how many stored objects were looked at, so far, by whatever
// goes through all of a kind: List, ListAt, Live, EachLive and Parts. A test can
// hold by it that what happens to one object costs nothing for the others.
func (s *Server) Walked() uint64 { return s.walked }

// walk returns the objects of a kind for a look at all of them.
func (s *Server) walk(kind Kind) *store {
	st := s.kept(kind)
	s.walked += uint64(len(st.entries))
	return st
}

// guarded returns the state that a record made, or nil without one.
func (s *Server) guarded(rec *Record) Object {
	if rec == nil {
		return nil
	}
	s.guard.check(rec)
	return rec.Object
}

// Log returns the tail of a kind's watch log.
func (s *Server) Log(kind Kind) *Log { return &s.kept(kind).log }

// Trim forgets the records of a kind before a position of its log, and the
// states that only they could show.
func (s *Server) Trim(kind Kind, pos uint64) {
	if s.kept(kind).log.Len() > 0 {
		s.change(kind).trim(pos, s.guard)
	}
}

// Drain returns the records written since the last call, in order. The slice
// is reused after the next write.
func (s *Server) Drain() []*Record {
	recs := s.fresh
	s.fresh = s.fresh[:0]
	return recs
}

// Do serves one request at a time of the virtual clock, for the component by.
// It either carries the request out whole or returns an error and changes
// nothing; an eviction alone may be refused after its first write, as upstream's.
func (s *Server) Do(now engine.Time, by string, req Request) Result {
	s.now, s.by, s.as = now, by, req.Kind
	s.expireEvents()
	if by == User {
		if err := checkBody(&req); err != nil {
			return Result{Err: err}
		}
	}
	var res Result
	if req.Kind == CustomResource {
		res = s.custom(req)
	} else if req.Kind.Stored() == req.Kind {
		res = s.serve(&req)
	} else {
		res = s.inVersion(req)
	}
	s.settleDefinitions(&req)
	res.Warnings = headers(res.Warnings)
	return res
}

// headers returns the warnings that reach a client: each once, and none with
// control characters (filters, recorder; net.NewWarningHeader).
func headers(warnings []string) []string {
	if len(warnings) == 0 {
		return nil
	}
	var list []string
	for _, w := range warnings {
		if !slices.Contains(list, w) && !strings.ContainsFunc(w, unicode.IsControl) {
			list = append(list, w)
		}
	}
	return list
}

func (s *Server) serve(req *Request) Result {
	if s.by == User && req.Object != nil {
		if err := boundValue(reflect.ValueOf(req.Object)); err != nil {
			return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s %q: %v", req.Kind, req.Key.Name, err))}
		}
	}
	switch req.Verb {
	case Get:
		obj, err := s.existing(req)
		return Result{Object: obj, Err: err}
	case Create:
		switch req.Subresource {
		case Binding:
			return s.bind(req)
		case Eviction:
			return s.evict(req)
		}
		return s.create(req)
	case Update:
		if req.Subresource == Scale {
			return s.updateScale(req)
		}
		return s.update(req)
	case Patch:
		return s.patch(req)
	case Delete:
		return s.delete(req)
	case DeleteCollection:
		return s.deleteCollection(req)
	}
	panic(fmt.Sprintf("apiserver: no verb %d", req.Verb))
}

// existing finds the object of a request and checks the preconditions.
func (s *Server) existing(req *Request) (Object, error) {
	obj := s.Get(req.Kind, req.Key)
	if obj == nil {
		return nil, apierrors.NewNotFound(req.Kind.GroupResource(), req.Key.Name)
	}
	if err := checkStored(req, obj); err != nil {
		return nil, err
	}
	return obj, nil
}

// checkStored compares a request's preconditions with what is stored, in the
// storage's words.
func checkStored(req *Request, obj Object) error {
	if err := checkUID(req.Kind, req.Key, req.UID, obj.GetUID()); err != nil {
		return err
	}
	if req.ResourceVersion != "" && req.ResourceVersion != obj.GetResourceVersion() {
		return broken(req.Kind, req.Key, versionMismatch(req.ResourceVersion, obj.GetResourceVersion()))
	}
	return nil
}

func versionMismatch(want, has string) error {
	return fmt.Errorf("Precondition failed: ResourceVersion in precondition: %v, ResourceVersion in object meta: %v", want, has) //nolint: upstream's words
}

// write stores a new state. The object must not be shared yet: its
// resourceVersion is set here.
func (s *Server) write(typ watch.EventType, kind Kind, obj, old Object) Object {
	if s.by == User && typ != watch.Deleted {
		obj = overWire(obj)
	}
	s.version++
	obj.SetResourceVersion(strconv.FormatUint(s.version, 10))
	var last *Record
	if old != nil {
		last = s.kept(kind).find(KeyOf(old))
	}
	rec := &Record{Version: s.version, Type: typ, Kind: kind, Object: obj, Old: old, Time: s.now, By: s.by, Cause: s.engine.Running()}
	if last != nil {
		rec.Key = last.Key // the same strings
	} else {
		rec.Key = KeyOf(obj)
	}
	s.change(kind).put(rec, last)
	s.guard.keep(rec)
	s.weigh(typ, kind, obj, &s.change(kind).entries[rec.place])
	if kind == Event && typ != watch.Deleted {
		s.expiry.Write().add(expiring{s.now, rec.place})
	}
	s.fresh = append(s.fresh, rec)
	return obj
}

// uid returns a new UID, in the form of a version 4 UUID: a function of seed,
// kind, key and how often the key was created.
func (s *Server) uid(kind Kind, key Key) types.UID {
	name := make([]byte, 0, 64)
	name = append(append(name, kind.Resource()...), '/')
	if key.Namespace != "" {
		name = append(append(name, key.Namespace...), '/')
	}
	name = append(name, key.Name...)
	if kind == Event { // whose names hold their time
		name = append(name, "/0"...)
	} else {
		name = s.bear(name)
	}
	return uuid(s.engine.HashBytes("uid/high", name), s.engine.HashBytes("uid/low", name))
}

// uuid puts 122 of 128 random bits into the form of a version 4 UUID.
func uuid(high, low uint64) types.UID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], high)
	binary.BigEndian.PutUint64(raw[8:], low)
	binary.BigEndian.PutUint16(raw[6:], 0x4000|uint16(high)&0xfff)
	binary.BigEndian.PutUint16(raw[8:], 0x8000|uint16(low>>48)&0x3fff)
	return uuidText(raw)
}

// bear counts a name and returns it with the count, which makes it unique.
func (s *Server) bear(name []byte) []byte {
	count, turn := s.born.Next(s.engine.HashBytes("born", name))
	name = strconv.AppendUint(append(name, '/'), uint64(count), 10)
	if turn > 0 { // what was forgotten was counted in an earlier turn
		name = strconv.AppendUint(append(name, '/'), uint64(turn), 10)
	}
	return name
}

// options returns what validation needs to know of the gates.
func (s *Server) options() validation.Options {
	return validation.Options{MaxUnavailable: !s.cfg.Gates.NoMaxUnavailable, Recreate: s.cfg.Gates.Recreate, EventsGroup: s.as == eventOfGroup}
}
