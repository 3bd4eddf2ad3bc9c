package kubelet

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// machinePaths are what every Linux machine with a kubelet has on its disk, by
// type, as far as pods ask for it.
var machinePaths = map[string]corev1.HostPathType{
	"/": corev1.HostPathDirectory, "/bin": corev1.HostPathDirectory, "/boot": corev1.HostPathDirectory,
	"/dev": corev1.HostPathDirectory, "/dev/null": corev1.HostPathCharDev, "/dev/zero": corev1.HostPathCharDev,
	"/dev/random": corev1.HostPathCharDev, "/dev/urandom": corev1.HostPathCharDev, "/dev/kmsg": corev1.HostPathCharDev,
	"/dev/fuse": corev1.HostPathCharDev, "/dev/net/tun": corev1.HostPathCharDev, "/dev/shm": corev1.HostPathDirectory,
	"/etc": corev1.HostPathDirectory, "/etc/hosts": corev1.HostPathFile, "/etc/hostname": corev1.HostPathFile,
	"/etc/localtime": corev1.HostPathFile, "/etc/machine-id": corev1.HostPathFile, "/etc/os-release": corev1.HostPathFile,
	"/etc/passwd": corev1.HostPathFile, "/etc/group": corev1.HostPathFile, "/etc/resolv.conf": corev1.HostPathFile,
	"/etc/cni/net.d": corev1.HostPathDirectory, "/etc/kubernetes": corev1.HostPathDirectory, "/etc/ssl/certs": corev1.HostPathDirectory,
	"/home": corev1.HostPathDirectory, "/lib": corev1.HostPathDirectory, "/lib/modules": corev1.HostPathDirectory,
	"/media": corev1.HostPathDirectory, "/mnt": corev1.HostPathDirectory, "/opt": corev1.HostPathDirectory,
	"/opt/cni/bin": corev1.HostPathDirectory, "/proc": corev1.HostPathDirectory, "/root": corev1.HostPathDirectory,
	"/run": corev1.HostPathDirectory, "/run/containerd": corev1.HostPathDirectory, "/run/containerd/containerd.sock": corev1.HostPathSocket,
	"/run/systemd": corev1.HostPathDirectory, "/sbin": corev1.HostPathDirectory, "/srv": corev1.HostPathDirectory,
	"/sys": corev1.HostPathDirectory, "/sys/fs/cgroup": corev1.HostPathDirectory, "/tmp": corev1.HostPathDirectory,
	"/usr": corev1.HostPathDirectory, "/var": corev1.HostPathDirectory, "/var/lib": corev1.HostPathDirectory,
	"/var/lib/containerd": corev1.HostPathDirectory, "/var/lib/kubelet": corev1.HostPathDirectory,
	"/var/lib/kubelet/plugins": corev1.HostPathDirectory, "/var/lib/kubelet/plugins_registry": corev1.HostPathDirectory,
	"/var/lib/kubelet/pods": corev1.HostPathDirectory, "/var/log": corev1.HostPathDirectory,
	"/var/log/containers": corev1.HostPathDirectory, "/var/log/pods": corev1.HostPathDirectory, "/var/tmp": corev1.HostPathDirectory,
}

// hostPath mounts a path of the machine, if it is of the type that is asked for
// (checkTypeInternal). Without a type the runtime makes a directory.
func (k *Kubelet) hostPath(w *World, src *corev1.HostPathVolumeSource) (volume, error) {
	v := volume{tree: "node/" + k.cfg.Node + src.Path}
	want, name := corev1.HostPathUnset, ""
	if src.Type != nil {
		want = *src.Type
	}
	is, exists := k.typeOf(w, src.Path)
	switch {
	case want == corev1.HostPathUnset && exists:
		return v, nil
	case want == corev1.HostPathUnset, want == corev1.HostPathDirectoryOrCreate && !exists:
		w.trees[v.tree] = map[string]string{}
		return v, nil
	case want == corev1.HostPathFileOrCreate && !exists:
		w.trees[v.tree] = map[string]string{"": ""} // a file's content has no name
		return v, nil
	}
	switch want {
	case corev1.HostPathDirectoryOrCreate, corev1.HostPathDirectory:
		want, name = corev1.HostPathDirectory, "directory"
	case corev1.HostPathFileOrCreate, corev1.HostPathFile:
		want, name = corev1.HostPathFile, "file"
	case corev1.HostPathSocket:
		name = "socket file"
	case corev1.HostPathCharDev:
		name = "character device"
	case corev1.HostPathBlockDev:
		name = "block device"
	}
	switch {
	case !exists:
		return volume{}, fmt.Errorf("hostPath type check failed, %s is not a %s, unable to determine its type: path %q does not exist", src.Path, name, src.Path)
	case is != want:
		return volume{}, fmt.Errorf("hostPath type check failed: %s is not a %s, it's a %s", src.Path, name, is)
	}
	return v, nil
}

// typeOf says what lies at a path of the machine, if anything: what every machine
// has, what this one is said to have, and what pods have written.
func (k *Kubelet) typeOf(w *World, name string) (corev1.HostPathType, bool) {
	name = path.Clean(name)
	if rest, ok := strings.CutPrefix(name, "/var/run"); ok && (rest == "" || rest[0] == '/') {
		name = "/run" + rest
	}
	if t, ok := machinePaths[name]; ok {
		return t, true
	}
	below := func(dir string) bool { return dir == name || strings.HasPrefix(dir, name+"/") }
	if slices.ContainsFunc(k.cfg.HostPaths, func(dir string) bool { return below(path.Clean(dir)) }) {
		return corev1.HostPathDirectory, true
	}
	at := "node/" + k.cfg.Node
	for tree, files := range w.trees { // any will do, and each says the same
		dir, ok := strings.CutPrefix(tree, at)
		if !ok || !strings.HasPrefix(dir, "/") {
			continue
		}
		dir = path.Clean(dir)
		if _, file := files[""]; dir == name && !file || dir != name && below(dir) {
			return corev1.HostPathDirectory, true
		}
		for file := range files { // as above
			if full := path.Join(dir, file); full == name {
				return corev1.HostPathFile, true
			} else if below(full) {
				return corev1.HostPathDirectory, true
			}
		}
	}
	return "", false
}
