package serve

import (
	"errors"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// streams are those of a command. What the client does not ask for is nil.
type streams struct {
	stdin                  io.Reader
	stdout, stderr, status io.Writer
	close                  func()
}

// asks reports whether the client wants a stream.
func (c *call) asks(name string) bool {
	v := c.r.URL.Query().Get(name)
	return v == "true" || v == "1"
}

// The channels of a command's streams (remotecommand).
const (
	stdinChannel = iota
	stdoutChannel
	stderrChannel
	errorChannel
)

// overWebSocket opens a command's streams with the protocol v4.channel.k8s.io or v5.
func (c *call) overWebSocket() *streams {
	channel := func(asked string, typ wsstream.ChannelType) wsstream.ChannelType {
		if c.asks(asked) {
			return typ
		}
		return wsstream.IgnoreChannel
	}
	channels := []wsstream.ChannelType{channel("stdin", wsstream.ReadChannel), channel("stdout", wsstream.WriteChannel), channel("stderr", wsstream.WriteChannel),
		wsstream.WriteChannel, wsstream.IgnoreChannel}
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		"v4." + wsstream.ChannelWebSocketProtocol: {Binary: true, Channels: channels},
		"v5." + wsstream.ChannelWebSocketProtocol: {Binary: true, Channels: channels},
	})
	_, open, err := conn.Open(c.w, c.r)
	if err != nil {
		return nil
	}
	s := &streams{status: open[errorChannel], close: func() { conn.Close() }}
	if c.asks("stdin") {
		s.stdin = open[stdinChannel]
	}
	if c.asks("stdout") {
		s.stdout = open[stdoutChannel]
	}
	if c.asks("stderr") {
		s.stderr = open[stderrChannel]
	}
	return s
}

// streamWait is how long a client may take to open its streams
// (remotecommand.DefaultStreamCreationTimeout).
const streamWait = 30 * time.Second

// manyStreams is how many streams a client may have opened that nobody has looked at.
const manyStreams = 64

// opened is a stream that the client has opened; it may be written to once its reply
// has been sent.
type opened struct {
	httpstream.Stream
	replied <-chan struct{}
}

// upgrade makes a connection of SPDY of the request; it returns nil if the answer has
// been given.
func (c *call) upgrade(protocols ...string) (httpstream.Connection, <-chan opened) {
	if _, err := httpstream.Handshake(c.r, c.w, protocols); err != nil {
		return nil, nil
	}
	news := make(chan opened, manyStreams)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(c.w, c.r, func(s httpstream.Stream, replied <-chan struct{}) error {
		select {
		case news <- opened{s, replied}:
			return nil
		default:
			return errors.New("too many streams")
		}
	})
	return conn, news
}

// overSPDY opens a command's streams with the protocol v4.channel.k8s.io, of a client
// that knows no other.
func (c *call) overSPDY() *streams {
	conn, news := c.upgrade("v4." + wsstream.ChannelWebSocketProtocol)
	if conn == nil {
		return nil
	}
	s := &streams{close: func() { conn.Close() }}
	want := 1
	for _, name := range []string{"stdin", "stdout", "stderr"} {
		if c.asks(name) {
			want++
		}
	}
	late := time.After(streamWait)
	for range want {
		select {
		case o := <-news:
			<-o.replied
			s.take(o)
		case <-conn.CloseChan():
			return nil
		case <-late:
			conn.Close()
			return nil
		}
	}
	if s.status == nil {
		conn.Close()
		return nil
	}
	return s
}

// take puts a stream in its place.
func (s *streams) take(o opened) {
	switch o.Headers().Get(corev1.StreamType) {
	case corev1.StreamTypeStdin:
		s.stdin = o
	case corev1.StreamTypeStdout:
		s.stdout = o
	case corev1.StreamTypeStderr:
		s.stderr = o
	case corev1.StreamTypeError:
		s.status = o
	}
}
