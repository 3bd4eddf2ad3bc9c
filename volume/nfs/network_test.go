package nfs

import (
	"testing"

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
