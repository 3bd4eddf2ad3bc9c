package kubelet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// volume is one mounted volume of a pod. Its files lie in an NFS export, in a
// tree of the world (a disk that outlives the pod), or in the pod's own room.
type volume struct {
	name         string // in the pod's spec
	server, path string // an NFS export
	tree         string // a tree of the world
	files        map[string]string
	readOnly     bool
}

// Files is the file system that a container sees, with what it knows of itself.
// It must not be kept.
type Files struct {
	Container
	w    *World
	room *room
	proc *process
}

// Read returns a file's content.
func (f *Files) Read(path string) (string, error) {
	if content, ok := f.generated(path); ok {
		return content, nil
	}
	v, name := f.resolve(path)
	var content string
	ok := false
	switch {
	case v == nil:
		content, ok = f.proc.files[name]
	case v.server != "":
		content, ok = f.w.NFS.Read(v.server, v.path, name)
	case v.tree != "":
		content, ok = f.w.trees[v.tree][name]
	default:
		content, ok = v.files[name]
	}
	if !ok {
		return "", fmt.Errorf("%s: No such file or directory", path)
	}
	return content, nil
}

// Write stores a file.
func (f *Files) Write(path, content string) error {
	v, name := f.resolve(path)
	switch {
	case v == nil:
		put(&f.proc.files, name, content)
	case v.readOnly || f.mountedReadOnly(path):
		return fmt.Errorf("%s: Read-only file system", path)
	case v.server != "":
		if err := f.w.NFS.CanWrite(v.server, v.path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		f.w.NFS.Write(v.server, v.path, name, content)
	case v.tree != "":
		files := f.w.trees[v.tree]
		put(&files, name, content)
		f.w.trees[v.tree] = files
	default:
		put(&v.files, name, content)
	}
	return nil
}

// Remove deletes a file of the container's own, or of a volume that is no server's.
func (f *Files) Remove(path string) error {
	if _, err := f.Read(path); err != nil {
		return err
	}
	v, name := f.resolve(path)
	switch {
	case v == nil:
		delete(f.proc.files, name)
	case v.readOnly || f.mountedReadOnly(path):
		return fmt.Errorf("%s: Read-only file system", path)
	case v.server != "":
		return fmt.Errorf("%s: removing files of an NFS server is not modelled", path)
	case v.tree != "":
		delete(f.w.trees[v.tree], name)
	default:
		delete(v.files, name)
	}
	return nil
}

// Append adds to the end of a file, which need not exist.
func (f *Files) Append(path, content string) error {
	old, _ := f.Read(path)
	return f.Write(path, old+content)
}

// List returns the files under a directory, sorted, as absolute paths. Files
// that a mount in it hides are left out, those of mounts below it too.
func (f *Files) List(dir string) []string {
	v, prefix := f.resolve(strings.TrimRight(dir, "/") + "/")
	var names []string
	switch {
	case v == nil:
		names = slices.Sorted(maps.Keys(f.proc.files))
	case v.server != "":
		names = f.w.NFS.Files(v.server, v.path)
	case v.tree != "":
		names = slices.Sorted(maps.Keys(f.w.trees[v.tree]))
	default:
		names = slices.Sorted(maps.Keys(v.files))
	}
	var list []string
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			list = append(list, strings.TrimRight(dir, "/")+"/"+rest)
		}
	}
	return list
}

// resolve finds the volume that a path lies in, by the longest mount path, and
// the name in it; a nil volume is the container's own file system.
func (f *Files) resolve(path string) (*volume, string) {
	m, rest := f.mountOf(path)
	if m == nil {
		return nil, path
	}
	sub := m.SubPath
	if m.SubPathExpr != "" {
		sub = expand(m.SubPathExpr, f.Env)
	}
	if sub = strings.Trim(sub, "/"); sub != "" {
		rest = strings.TrimRight(sub+"/"+rest, "/")
	}
	return f.room.volume(m.Name), rest
}

func (f *Files) mountOf(path string) (best *corev1.VolumeMount, rest string) {
	for i := range f.Mounts {
		m := &f.Mounts[i]
		at := strings.TrimRight(m.MountPath, "/")
		if r, ok := strings.CutPrefix(path, at); ok && (r == "" || r[0] == '/') && f.room.volume(m.Name) != nil &&
			(best == nil || len(at) > len(strings.TrimRight(best.MountPath, "/"))) {
			best, rest = m, strings.TrimLeft(r, "/")
		}
	}
	return best, rest
}

func (f *Files) mountedReadOnly(path string) bool {
	m, _ := f.mountOf(path)
	return m != nil && m.ReadOnly
}

// generated returns the files that the kubelet writes for every container (D9).
func (f *Files) generated(path string) (string, bool) {
	switch path {
	case "/etc/hosts":
		return f.room.hosts(), true
	case "/etc/hostname":
		return f.Hostname + "\n", true
	case "/etc/resolv.conf":
		return f.room.resolvConf(), true
	}
	return "", false
}

// Files returns the files of a running container. A pod of that name that was
// started last is meant, should there be two; an empty container name means the
// pod's first.
func (w *World) Files(pod apiserver.Key, container string) (*Files, error) {
	r := w.latest(pod)
	if r == nil {
		return nil, fmt.Errorf("pods %q not found on any node", pod.Name)
	}
	if container == "" {
		container = r.pod.first
	}
	p := r.proc(container)
	if p == nil {
		return nil, fmt.Errorf("container not found (%q)", container)
	}
	return w.filesOf(r, p), nil
}

// ReadFile reads a file in a running container.
func (w *World) ReadFile(pod apiserver.Key, container, path string) (string, error) {
	f, err := w.Files(pod, container)
	if err != nil {
		return "", err
	}
	return f.Read(path)
}

// WriteFile writes a file in a running container.
func (w *World) WriteFile(pod apiserver.Key, container, path, content string) error {
	f, err := w.Files(pod, container)
	if err != nil {
		return err
	}
	return f.Write(path, content)
}

// latest returns the room of a pod with a running process; if several, the one
// whose process started last, then the first node by name.
func (w *World) latest(pod apiserver.Key) *room {
	var best *room
	for _, node := range slices.Sorted(maps.Keys(w.numbers)) {
		for _, r := range w.machine(node).rooms { // the later start wins, then the UID: order cannot matter
			if r == nil || r.pod.Name != pod.Name || r.pod.Namespace != pod.Namespace || len(r.procs) == 0 {
				continue
			}
			if best == nil || r.procs[0].since > best.procs[0].since ||
				r.procs[0].since == best.procs[0].since && r.at == best.at && r.pod.UID < best.pod.UID {
				best = r
			}
		}
	}
	return best
}

func (w *World) filesOf(r *room, p *process) *Files {
	c := Container{
		PodName: r.pod.Name, Namespace: r.pod.Namespace, Ordinal: ordinal(r.pod.Name),
		Hostname: r.pod.hostname, Name: p.spec.Name, ID: p.id, Image: p.spec.Image, NodeName: r.at.node,
		Env: p.env, Mounts: p.spec.VolumeMounts,
	}
	if r.ip.IsValid() {
		c.IP = r.ip.String()
	} else {
		c.IP = r.net.hostIP
	}
	return &Files{Container: c, w: w, room: r, proc: p}
}

func put(files *map[string]string, name, content string) {
	if *files == nil {
		*files = map[string]string{}
	}
	(*files)[name] = content
}

// ordinal returns the number at the end of a pod's name, or -1.
func ordinal(name string) int {
	i := strings.LastIndexByte(name, '-')
	if n, err := strconv.Atoi(name[i+1:]); i >= 0 && err == nil && n >= 0 {
		return n
	}
	return -1
}
