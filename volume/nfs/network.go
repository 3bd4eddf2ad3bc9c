package nfs

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Network is the NFS servers that nodes can reach. Use New; the zero Network
// has no servers, exports anything, and is ready for use.
type Network struct {
	strict  bool
	servers map[string]*server
}

// Options say how a network behaves; the zero Options export anything.
type Options struct {
	// Strict has a path exist only after Export or Write created it.
	Strict bool
}

// server is one address.
type server struct {
	down    bool
	slow    time.Duration // how much longer everything takes
	exports map[string]*export
}

// export is one exported path. One that was taken away keeps its files, as the
// server's disk does.
type export struct {
	hidden   bool
	readOnly bool
	full     bool
	files    map[string]string
}

// New returns a network without servers.
func New(o Options) *Network { return &Network{strict: o.Strict, servers: map[string]*server{}} }

// SetDown stops a server, or has it answer again. Its files stay.
func (n *Network) SetDown(addr string, down bool) { n.server(addr).down = down }

// Down reports whether a server does not answer.
func (n *Network) Down(addr string) bool {
	s := n.servers[addr]
	return s != nil && s.down
}

// SetSlow has a server take so much longer to answer; 0 has it answer at once
// again. After MountTimeout mount.nfs gives up.
func (n *Network) SetSlow(addr string, by time.Duration) { n.server(addr).slow = max(by, 0) }

// MountTimeout is how long mount.nfs tries in the foreground (nfs(5), retry).
const MountTimeout = 2 * time.Minute

// Delay returns how much longer a mount takes of a server that is slow: at most
// MountTimeout.
func (n *Network) Delay(addr string) time.Duration {
	if s := n.servers[addr]; s != nil && !s.down {
		return min(s.slow, MountTimeout)
	}
	return 0
}

// SetReadOnly has a server refuse writes to a path, or take them again.
func (n *Network) SetReadOnly(addr, path string, readOnly bool) {
	n.export(addr, path).readOnly = readOnly
}

// SetFull leaves no room on the disk behind a path, or makes room again.
func (n *Network) SetFull(addr, path string, full bool) { n.export(addr, path).full = full }

// CanWrite says why a client cannot write to a path, in the words of errno, or
// returns nil. The error of a server that is down is that of a soft mount; a client
// of a hard one would wait.
func (n *Network) CanWrite(addr, path string) error {
	s := n.servers[addr]
	if s == nil {
		return nil
	}
	if s.down {
		return errors.New("Input/output error") //nolint: errno's words
	}
	switch e := s.exports[clean(path)]; {
	case e == nil:
	case e.readOnly:
		return errors.New("Read-only file system") //nolint: errno's words
	case e.full:
		return errors.New("No space left on device") //nolint: errno's words
	}
	return nil
}

// Export makes a path of a server exist.
func (n *Network) Export(addr, path string) { n.export(addr, path).hidden = false }

// Unexport takes a path away: mounts of it fail until Export. Its files stay.
func (n *Network) Unexport(addr, path string) { n.export(addr, path).hidden = true }

// Exports reports whether the server would let the path be mounted, whether it
// is up or down.
func (n *Network) Exports(addr, path string) bool {
	if s := n.servers[addr]; s != nil {
		if e := s.exports[clean(path)]; e != nil {
			return !e.hidden
		}
	}
	return !n.strict
}

// Mount checks that a node can mount a path, and creates the export if the
// network is not strict. The error is a *MountError.
func (n *Network) Mount(addr, path string) error {
	if n.Down(addr) {
		return &MountError{Server: addr, Path: path}
	}
	if n.Delay(addr) >= MountTimeout {
		return &MountError{Server: addr, Path: path, TimedOut: true}
	}
	if !n.Exports(addr, path) {
		return &MountError{Server: addr, Path: path, Missing: true}
	}
	n.export(addr, path)
	return nil
}

// Read returns the content of a file, whether the server is up or down. The
// name is relative to the export.
func (n *Network) Read(addr, path, name string) (content string, ok bool) {
	if s := n.servers[addr]; s != nil {
		if e := s.exports[clean(path)]; e != nil {
			content, ok = e.files[file(name)]
		}
	}
	return content, ok
}

// Write stores a file, creating the export if it never existed.
func (n *Network) Write(addr, path, name, content string) {
	e := n.export(addr, path)
	if e.files == nil {
		e.files = map[string]string{}
	}
	e.files[file(name)] = content
}

// Remove deletes a file and reports whether it was there.
func (n *Network) Remove(addr, path, name string) bool {
	_, ok := n.Read(addr, path, name)
	if ok {
		delete(n.export(addr, path).files, file(name))
	}
	return ok
}

// Files lists the files of an export, sorted, relative to it.
func (n *Network) Files(addr, path string) []string {
	s := n.servers[addr]
	if s == nil || s.exports[clean(path)] == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.exports[clean(path)].files))
}

// Entry is one export in a listing.
type Entry struct {
	Server, Path string
	Down         bool // the server does not answer
	Missing      bool // the path was taken away
	ReadOnly     bool // writes are refused
	Full         bool // there is no room for any
	Files        int
}

// List returns every export that was ever named, by server and path.
func (n *Network) List() []Entry {
	var list []Entry
	for _, addr := range slices.Sorted(maps.Keys(n.servers)) {
		s := n.servers[addr]
		for _, path := range slices.Sorted(maps.Keys(s.exports)) {
			e := s.exports[path]
			list = append(list, Entry{addr, path, s.down, e.hidden, e.readOnly, e.full, len(e.files)})
		}
	}
	return list
}

func (n *Network) server(addr string) *server {
	s := n.servers[addr]
	if s == nil {
		if n.servers == nil {
			n.servers = map[string]*server{}
		}
		s = &server{exports: map[string]*export{}}
		n.servers[addr] = s
	}
	return s
}

func (n *Network) export(addr, path string) *export {
	s := n.server(addr)
	path = clean(path)
	e := s.exports[path]
	if e == nil {
		e = &export{}
		s.exports[path] = e
	}
	return e
}

// clean gives one spelling to a path: no slash at its end.
func clean(path string) string {
	if p := strings.TrimRight(path, "/"); p != "" {
		return p
	}
	return "/"
}

// file gives one spelling to a name in an export: no slash at its start.
func file(name string) string { return strings.TrimLeft(name, "/") }
