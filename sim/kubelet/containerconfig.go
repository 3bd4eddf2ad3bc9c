package kubelet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// configError says why a container cannot be configured, its environment being
// known (generateContainerConfig): its mounts, and then its user.
func (k *Kubelet) configError(env *controller.Env, p *pod, spec *corev1.Container, vars []corev1.EnvVar) error {
	w := env.World().(*World)
	if err := k.machine(w).mountError(w, p, spec, vars); err != nil {
		return err
	}
	load := w.workload(spec.Image)
	return p.userError(spec, load.User)
}

// mountError says why a container's mounts cannot be made (makeMounts): a part of
// a volume that depends on a variable without value, or one that is no path or
// cannot be created.
func (m *machine) mountError(w *World, p *pod, spec *corev1.Container, vars []corev1.EnvVar) error {
	for i := range spec.VolumeMounts {
		mount := &spec.VolumeMounts[i]
		sub, err := subPath(mount, vars)
		if err != nil {
			return err
		}
		if sub == "" {
			continue
		}
		r := m.room(p)
		if r == nil {
			continue
		}
		if v := r.volume(mount.Name); v != nil && v.server != "" && v.readOnly && !w.hasPath(v, sub) {
			return fmt.Errorf("failed to create subPath directory for volumeMount %q of container %q", mount.Name, spec.Name)
		}
	}
	return nil
}

// hasPath reports whether an export has a file of that name, or one below it.
func (w *World) hasPath(v *volume, name string) bool {
	return slices.ContainsFunc(w.NFS.Files(v.server, v.path), func(f string) bool {
		rest, ok := strings.CutPrefix(f, strings.Trim(name, "/"))
		return ok && (rest == "" || rest[0] == '/')
	})
}

// subPath is the part of a volume that is mounted, "" for the whole
// (ExpandContainerVolumeMounts).
func subPath(mount *corev1.VolumeMount, vars []corev1.EnvVar) (string, error) {
	sub := mount.SubPath
	if mount.SubPathExpr != "" {
		var missing []string
		sub = expandWith(mount.SubPathExpr, func(name string) (string, bool) {
			c := Container{Env: vars}
			value := c.Getenv(name)
			if value == "" {
				missing = append(missing, name)
			}
			return value, true
		})
		if len(missing) > 0 {
			slices.Sort(missing)
			return "", fmt.Errorf("missing value for %s", strings.Join(slices.Compact(missing), ", "))
		}
	}
	switch {
	case strings.HasPrefix(sub, "/"):
		return "", fmt.Errorf("error SubPath `%s` must not be an absolute path", sub)
	case slices.Contains(strings.Split(sub, "/"), ".."):
		return "", fmt.Errorf("unable to provision SubPath `%s`: must not contain '..'", sub)
	}
	return sub, nil
}

// userError says why a container that must not run as root cannot be sure not to
// (verifyRunAsNonRoot). An image of which nothing is known complies.
func (p *pod) userError(spec *corev1.Container, user string) error {
	nonRoot, as := p.securityOf(spec)
	where := fmt.Sprintf("(pod: %q, container: %s)", p.format(), spec.Name)
	switch uid, err := strconv.ParseInt(user, 10, 64); {
	case !nonRoot:
		return nil
	case as != nil && *as == 0:
		return fmt.Errorf("container's runAsUser breaks non-root policy %s", where)
	case as != nil || user == "":
		return nil
	case err != nil && user != "root":
		return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root %s", user, where)
	case err == nil && uid == 0 || user == "root":
		return fmt.Errorf("container has runAsNonRoot and image will run as root %s", where)
	}
	return nil
}

// securityOf is whether a container must not run as root, and as whom it runs: its
// own settings before the pod's (DetermineEffectiveSecurityContext).
func (p *pod) securityOf(spec *corev1.Container) (nonRoot bool, user *int64) {
	if s := p.api.Spec.SecurityContext; s != nil {
		nonRoot, user = yes(s.RunAsNonRoot), s.RunAsUser
	}
	if s := spec.SecurityContext; s != nil {
		if s.RunAsNonRoot != nil {
			nonRoot = *s.RunAsNonRoot
		}
		if s.RunAsUser != nil {
			user = s.RunAsUser
		}
	}
	return nonRoot, user
}

// mostLastWords is how much of a termination message is kept, in bytes.
const mostLastWords = 4096

// lastWords is what a container has written to its termination message path.
func (r *room) lastWords(w *World, spec *corev1.Container) string {
	proc := r.proc(spec.Name)
	if proc == nil {
		return ""
	}
	path := spec.TerminationMessagePath
	if path == "" {
		path = corev1.TerminationMessagePathDefault
	}
	text, err := w.filesOf(r, proc).Read(path)
	if err != nil {
		return ""
	}
	return text[:min(len(text), mostLastWords)]
}
