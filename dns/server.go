package dns

import (
	miekg "github.com/miekg/dns"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Server is CoreDNS as an actor of the cluster: an Index that follows the watch
// and so is as late as that. Use New.
type Server struct {
	index *Index
}

// New returns a name service that has seen nothing yet.
func New(cfg Config) *Server { return &Server{index: NewIndex(cfg)} }

// Name returns the component's name.
func (s *Server) Name() string { return "coredns" }

// Watches lists the watched kinds.
func (s *Server) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Namespace, apiserver.Service, apiserver.EndpointSlice}
}

// Observe takes in a watch record.
func (s *Server) Observe(_ *controller.Env, rec *apiserver.Record) { s.index.Apply(rec) }

// Respond is never called: the name service sends nothing.
func (s *Server) Respond(*controller.Env, uint64, apiserver.Result) {}

// Wake is never called: the name service asks for no wake-ups.
func (s *Server) Wake(*controller.Env, uint64) {}

// Waiting returns nothing.
func (s *Server) Waiting(*controller.Env) []controller.Wait { return nil }

// Index returns the live index, for reading until the next event. For a
// snapshot, Fork it.
func (s *Server) Index() *Index { return s.index }

// Answer replies to a query with what the server has seen so far.
func (s *Server) Answer(q *miekg.Msg) *miekg.Msg { return s.index.Answer(q) }

// Resolver returns the stub resolver of the pods that ask this server.
func (s *Server) Resolver() Resolver { return Resolver{DNS: s.index, Config: s.index.cfg} }
