package dns

import (
	"testing"

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
