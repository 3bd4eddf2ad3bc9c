package dns

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	miekg "github.com/miekg/dns"
)

// This file alone starts goroutines: the library's, for real clients. They read
// an Index that nobody changes any more.

// ServeDNS answers a client, cut to the size that it can take. It makes an Index
// a handler of github.com/miekg/dns; the Index must be a snapshot (see Fork).
func (x *Index) ServeDNS(w miekg.ResponseWriter, q *miekg.Msg) {
	reply := x.Answer(q)
	size := miekg.MaxMsgSize
	if _, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		size = miekg.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
	}
	reply.Truncate(size)
	_ = w.WriteMsg(reply) // the client is gone: nobody is left to tell
}

// Listening is a name service for real clients.
type Listening struct {
	udp, tcp *miekg.Server
	addr     string
}

// Serve answers from a snapshot of the index, over UDP and TCP at an address like
// "127.0.0.1:0", until Close.
func Serve(addr string, x *Index) (*Listening, error) {
	snapshot := x.Fork()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("serving DNS: %w", err)
	}
	l, err := net.Listen("tcp", conn.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving DNS: %w", err), conn.Close())
	}
	s := &Listening{
		udp:  &miekg.Server{PacketConn: conn, Handler: snapshot},
		tcp:  &miekg.Server{Listener: newPatientListener(l), Handler: snapshot},
		addr: conn.LocalAddr().String(),
	}
	for _, server := range []*miekg.Server{s.udp, s.tcp} {
		ready := make(chan struct{})
		failed := make(chan error, 1)
		server.NotifyStartedFunc = func() { close(ready) }
		go func() { failed <- server.ActivateAndServe() }()
		select {
		case <-ready:
		case err := <-failed:
			return nil, errors.Join(fmt.Errorf("serving DNS: %w", err), conn.Close(), l.Close())
		}
	}
	return s, nil
}

// Addr returns the address that it listens at, for both UDP and TCP.
func (s *Listening) Addr() string { return s.addr }

// Close ends the service.
func (s *Listening) Close() error { return errors.Join(s.udp.Shutdown(), s.tcp.Shutdown()) }

// patientListener waits before it tries again where another listener fails at
// once: without it the library's loop spins while the process has no file
// descriptors left. As in net/http it waits 5 ms at first, then twice as long
// each time, up to a second.
type patientListener struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
	after  func(time.Duration) <-chan time.Time // time.After, but in tests
}

func newPatientListener(l net.Listener) *patientListener {
	return &patientListener{Listener: l, closed: make(chan struct{}), after: time.After}
}

// Accept waits for a connection, and past errors that pass.
func (l *patientListener) Accept() (net.Conn, error) {
	const longest = time.Second
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, longest) {
		conn, err := l.Listener.Accept()
		var passing interface{ Temporary() bool } // EMFILE and the like; net.Error has no other word for them
		if err == nil || !errors.As(err, &passing) || !passing.Temporary() {
			return conn, err
		}
		select {
		case <-l.after(wait):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close ends Accept.
func (l *patientListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
