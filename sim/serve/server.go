package serve

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Config says how a cluster is served. The zero Config is real time, second for
// second.
type Config struct {
	// Pace is how the virtual clock goes; see there.
	Pace Pace
	// Window is how many records of each kind a watch can be behind before it is
	// told that they are gone (410); 0 means 4,096.
	Window int
	// Hosts are the names under which a client may ask for the server, beside
	// addresses of loopback and "localhost": a page of the web that has its own
	// name resolve to 127.0.0.1 gets no answer. "*" allows all.
	Hosts []string
	// Exec answers …/exec; nil refuses it in words. Package shell has one.
	Exec Exec
}

// Server is a cluster as a http.Handler. It owns the cluster: nobody else may
// call its methods, except through Do.
type Server struct {
	cfg     Config
	journal *journal
	stop    func() // of the cluster's records

	mu      sync.Mutex // held by whom the cluster belongs to
	cluster *sim.Cluster
	clock   clock

	asked  atomic.Int64 // requests that are being answered, watches that have news aside
	moves  atomic.Int64 // how often anybody outside has done anything
	kick   chan struct{}
	ending chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// New begins to serve a cluster, whose clock goes on from now at Config.Pace,
// until Close.
func New(c *sim.Cluster, cfg Config) *Server {
	if cfg.Window == 0 {
		cfg.Window = 4096
	}
	s := &Server{cfg: cfg, cluster: c, journal: newJournal(c.Version(), cfg.Window),
		kick: make(chan struct{}, 1), ending: make(chan struct{}), ended: make(chan struct{})}
	s.stop = c.OnRecord(s.journal.add)
	s.clock.set(cfg.Pace, c.Now())
	go s.drive()
	return s
}

// Close stops the clock, ends all watches and gives the cluster back.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.ending)
		<-s.ended
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stop()
	})
}

// Do calls f with the cluster, which meanwhile belongs to it alone: no request
// is answered, and the clock stands still unless f moves it.
func (s *Server) Do(f func(*sim.Cluster)) {
	s.own(func(c *sim.Cluster) {
		f(c)
		s.clock.set(s.clock.pace, c.Now())
	})
}

// own calls f with the cluster as it is now: what was due has happened.
func (s *Server) own(f func(*sim.Cluster)) {
	s.moves.Add(1)
	s.mu.Lock()
	defer s.wake()
	defer s.mu.Unlock()
	defer s.journal.publish()
	s.present()
	f(s.cluster)
}

// look is own for whom does not change anything.
func (s *Server) look(f func(*sim.Cluster)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.journal.publish()
	s.present()
	f(s.cluster)
}

// wake has the driver look again when something is due.
func (s *Server) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// do sends a request to the API server. A request that waits for something in
// the cluster (apiserver.Result.Again) is sent again in a while.
func (s *Server) do(req apiserver.Request, dry bool) (res apiserver.Result) {
	for {
		s.own(func(c *sim.Cluster) {
			if dry {
				c = c.Fork()
			}
			res = c.Do(req)
		})
		if !res.Again || dry || !s.pass(again) {
			return res
		}
		req.Tries++
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	s.moves.Add(1)
	c := &call{Server: s, w: w, r: r}
	defer c.leave()
	switch {
	case !s.knows(r.Host):
		plain(w, http.StatusForbidden, "forbidden: this server is asked for as localhost or an address of loopback, not as "+safe(r.Host)+"\n")
	case len(r.URL.Path)+len(r.URL.RawQuery) > maxURL:
		plain(w, http.StatusRequestURITooLong, "the URL is too long\n")
	default:
		c.route(strings.Trim(r.URL.Path, "/"))
	}
}

// maxURL is the longest path and query that is looked at.
const maxURL = 1 << 16

// call is a request that is being answered.
type call struct {
	*Server
	w http.ResponseWriter
	r *http.Request
	// plainText says that nothing is encoded in protobuf: custom resources have none.
	plainText bool
	left      bool // a watch that waits is not being answered
}

// leave says that the client waits for nothing any more but for what happens.
func (c *call) leave() {
	if !c.left {
		c.left = true
		c.asked.Add(-1)
	}
	c.moves.Add(1)
}

// route finds out what is asked for.
func (c *call) route(path string) {
	switch path {
	case "":
		c.paths()
	case "version":
		c.version()
	case "livez", "readyz", "healthz":
		c.healthy(path)
	case "api", "apis":
		c.groups(path)
	case "openapi/v2":
		c.openapiV2()
	case "openapi/v3":
		c.openapiIndex()
	default:
		switch {
		case strings.HasPrefix(path, "openapi/v3/"):
			c.openapiV3(strings.TrimPrefix(path, "openapi/v3/"))
		case strings.HasPrefix(path, "livez/"), strings.HasPrefix(path, "readyz/"):
			c.healthy(path)
		default:
			c.resource(path)
		}
	}
}
