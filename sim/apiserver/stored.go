package apiserver

import "k8s.io/apimachinery/pkg/watch"

// Stored is how much the server holds, Events left out.
type Stored struct {
	Objects int
	// Bytes is what etcd would hold: the objects in protobuf's encoding. An
	// object counts as large as it was when it was created, or when a client
	// wrote it last: what components add to a status does not count.
	Bytes int64
}

// Stored returns how much the server holds. It costs nothing.
func (s *Server) Stored() Stored { return s.stored }

// sized is what every built-in type is.
type sized interface{ Size() int }

// weigh counts a write for Stored. e is where the object is stored.
func (s *Server) weigh(typ watch.EventType, kind Kind, obj Object, e *entry) {
	if kind == Event {
		return // they go by themselves, after an hour
	}
	if typ == watch.Deleted {
		s.stored.Objects--
		s.stored.Bytes -= int64(e.size)
		e.size = 0
		return
	}
	if typ == watch.Added {
		s.stored.Objects++
	} else if s.by != User && kind < Behaving {
		return
	}
	size := int32(0)
	if o, ok := obj.(sized); ok {
		size = int32(o.Size())
	}
	s.stored.Bytes += int64(size - e.size)
	e.size = size
}
