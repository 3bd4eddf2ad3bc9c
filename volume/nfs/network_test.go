package nfs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/state"
)

func TestAnyPathExistsUnlessStrict(t *testing.T) {
	n := New(Options{})
	require.NoError(t, n.Mount("10.0.1.61", "/data/v1/"))
	assert.Equal(t, []Entry{{Server: "10.0.1.61", Path: "/data/v1"}}, n.List())

	s := New(Options{Strict: true})
	err := s.Mount("10.0.1.61", "/data/v1")
	assert.EqualError(t, err, "mount.nfs: mounting 10.0.1.61:/data/v1 failed, reason given by server: No such file or directory")
	s.Export("10.0.1.61", "/data/v1")
	assert.NoError(t, s.Mount("10.0.1.61", "/data/v1"))
}

// M4: a server that is down and a path that is gone fail the mount, and come
// back with their files.
func TestDownAndMissingKeepFiles(t *testing.T) {
	var n Network
	n.Write("nfs", "/a", "/index.html", "one")
	n.SetDown("nfs", true)
	assert.EqualError(t, n.Mount("nfs", "/a"), "mount.nfs: Connection refused")
	n.SetDown("nfs", false)
	n.Unexport("nfs", "/a")
	assert.False(t, n.Exports("nfs", "/a"))
	assert.Error(t, n.Mount("nfs", "/a"))
	n.Export("nfs", "/a")
	require.NoError(t, n.Mount("nfs", "/a"))
	got, ok := n.Read("nfs", "/a", "index.html")
	assert.True(t, ok)
	assert.Equal(t, "one", got)
	assert.True(t, n.Remove("nfs", "/a", "index.html"))
	assert.False(t, n.Remove("nfs", "/a", "index.html"))
	assert.Empty(t, n.Files("nfs", "/a"))
}

// Servers that are slow give up after mount.nfs's two minutes; paths that are read-only
// or full refuse writes in the words of errno, and keep what they have.
func TestSlowReadOnlyFull(t *testing.T) {
	var n Network
	n.Write("nfs", "/a", "x", "1")
	n.SetSlow("nfs", 30*time.Second)
	assert.Equal(t, 30*time.Second, n.Delay("nfs"))
	assert.NoError(t, n.Mount("nfs", "/a"))
	n.SetSlow("nfs", time.Hour)
	assert.Equal(t, MountTimeout, n.Delay("nfs"))
	assert.EqualError(t, n.Mount("nfs", "/a"), "mount.nfs: Connection timed out")
	n.SetDown("nfs", true)
	assert.Zero(t, n.Delay("nfs"), "a connection that is refused is refused at once")
	assert.EqualError(t, n.CanWrite("nfs", "/a"), "Input/output error")
	n.SetDown("nfs", false)
	n.SetSlow("nfs", -1)
	assert.Zero(t, n.Delay("nfs"))
	n.SetReadOnly("nfs", "/a/", true)
	assert.EqualError(t, n.CanWrite("nfs", "/a"), "Read-only file system")
	n.SetReadOnly("nfs", "/a", false)
	n.SetFull("nfs", "/a", true)
	assert.EqualError(t, n.CanWrite("nfs", "/a"), "No space left on device")
	assert.Equal(t, []Entry{{Server: "nfs", Path: "/a", Full: true, Files: 1}}, n.List())
	n.SetFull("nfs", "/a", false)
	assert.NoError(t, n.CanWrite("nfs", "/a"))
	assert.NoError(t, n.CanWrite("other", "/a"))
	got, _ := n.Read("nfs", "/a", "x")
	assert.Equal(t, "1", got)
}

func TestForkIsIndependent(t *testing.T) {
	var n Network
	n.Write("nfs", "/a", "x", "1")
	f := state.Copy(nil, n)
	f.Write("nfs", "/a", "x", "2")
	f.Write("nfs", "/a", "y", "2")
	f.SetDown("nfs", true)
	got, _ := n.Read("nfs", "/a", "x")
	assert.Equal(t, "1", got)
	assert.Equal(t, []string{"x"}, n.Files("nfs", "/a"))
	assert.False(t, n.Down("nfs"))
}
