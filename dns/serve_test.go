package dns

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServeOverUDPAndTCP(t *testing.T) {
	w := newWorld(Config{})
	var many []string
	for i := range 200 {
		many = append(many, "="+at(i))
	}
	w.put(service("web", "None", port("http", 80)), slice("web", "web-a", 80, many...))
	s, err := Serve("127.0.0.1:0", w.Index)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	w.remove(service("web", "None")) // what is served is a snapshot

	q := new(miekg.Msg).SetQuestion("web.default.svc.cluster.local.", miekg.TypeA)
	reply, _, err := new(miekg.Client).Exchange(q, s.Addr())
	require.NoError(t, err)
	assert.True(t, reply.Truncated, "512 bytes do not hold 200 records")
	reply, _, err = (&miekg.Client{Net: "tcp"}).Exchange(q, s.Addr())
	require.NoError(t, err)
	assert.False(t, reply.Truncated)
	assert.Len(t, reply.Answer, 200)
}

// poorListener has no file descriptors for so many calls.
type poorListener struct {
	net.Listener
	fails, calls int
}

func (l *poorListener) Accept() (net.Conn, error) {
	l.calls++
	if l.fails--; l.fails >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func (l *poorListener) Close() error { return nil }

// TestOutOfDescriptors holds that every failure is waited out, longer each time,
// up to a second, and that Close ends the waiting.
func TestOutOfDescriptors(t *testing.T) {
	poor := &poorListener{fails: 10}
	l := newPatientListener(poor)
	var waited []time.Duration
	l.after = func(d time.Duration) <-chan time.Time {
		waited = append(waited, d)
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	_, err := l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	ms := time.Millisecond
	assert.Equal(t, []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, time.Second, time.Second}, waited)
	assert.Equal(t, 11, poor.calls)

	poor.fails = 1
	l.after = func(time.Duration) <-chan time.Time { return nil } // never
	require.NoError(t, l.Close())
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
