package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
	"github.com/statefulsim/statefulsim/sim/state"
)

// ensureImage sees to it that the node has a container's image (K17, K18,
// EnsureImageExists), and goes on to the environment.
func (k *Kubelet) ensureImage(env *controller.Env, p *pod, c *container) bool {
	spec := c.spec(p.api)
	if invalid := env.World().(*World).image(spec.Image).invalid; invalid != "" {
		msg := fmt.Sprintf("Failed to apply default image tag %q: %s", spec.Image, invalid)
		k.noteOn(env, p, c, corev1.EventTypeWarning, "InspectFailed", msg)
		k.imageFailed(env, p, c, "InvalidImageName", msg)
		return false
	}
	w := env.World().(*World)
	m, is := k.machine(w), w.image(spec.Image)
	at, present := m.images[is.full]
	policy := pullPolicy(spec)
	if !present && policy == corev1.PullNever {
		return k.neverPulled(env, p, c)
	}
	if asks := !present || at.restricted || policy != corev1.PullNever && policy != corev1.PullIfNotPresent; asks && k.wantSecrets(env, p) {
		return true
	}
	if present && (policy == corev1.PullNever || policy == corev1.PullIfNotPresent) {
		switch may, err := m.mayUse(p, is.full); {
		case err != nil:
			k.imageFailed(env, p, c, err.Error(), err.Error())
			return false
		case may:
			k.noteOn(env, p, c, corev1.EventTypeNormal, "Pulled", is.present)
			return k.fetchEnv(env, p)
		case policy == corev1.PullNever:
			return k.neverPulled(env, p, c)
		}
	}
	if _, err := p.credentials(is.full); err != nil {
		k.imageFailed(env, p, c, err.Error(), err.Error())
		return false
	}
	return k.pull(env, p, c, present)
}

// neverPulled tells of an image that the node does not have, or the pod may not
// use, and that must not be pulled.
func (k *Kubelet) neverPulled(env *controller.Env, p *pod, c *container) bool {
	msg := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.spec(p.api).Image)
	k.noteOn(env, p, c, corev1.EventTypeWarning, "ErrImageNeverPull", msg)
	k.imageFailed(env, p, c, "ErrImageNeverPull", msg)
	return false
}

// pull begins a download, or waits for its back-off to end. A node downloads
// one image at a time (serializeImagePulls).
func (k *Kubelet) pull(env *controller.Env, p *pod, c *container, present bool) bool {
	image := c.spec(p.api).Image
	now := env.Now()
	if b := p.imageBackoff(image); b != nil && b.holds(now, b.updated) {
		msg := fmt.Sprintf("Back-off pulling image %q", image)
		k.noteOn(env, p, c, corev1.EventTypeNormal, "BackOff", msg)
		k.imageFailed(env, p, c, "ImagePullBackOff", msg+": "+b.err)
		return false
	}
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", image))
	d := span(env, p, "kubelet/pull", k.cfg.Latency.Pull)
	if _, err := p.download(env.World().(*World), image); present || err != nil {
		d = span(env, p, "kubelet/check", k.cfg.Latency.Check)
	}
	k.pulling = max(k.pulling, now).Add(d)
	p.pullBegan, p.pullTook = now, d
	k.after(env, p, k.pulling.Sub(now), engine.Progress, pulled, 0)
	return true
}

// pulled ends a download.
func (k *Kubelet) pulled(env *controller.Env, p *pod) {
	c := &p.containers[p.todo[0].container]
	image := c.spec(p.api).Image
	w := env.World().(*World)
	by, err := p.download(w, image)
	if err != nil {
		k.pullFailed(env, p, c, image, err)
		k.step(env, p)
		return
	}
	load := w.workload(image)
	k.store(env, w, image, imageSize(image, &load), by)
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Pulled", fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.",
		image, p.pullTook.Truncate(time.Millisecond), env.Now().Sub(p.pullBegan).Truncate(time.Millisecond), imageSize(image, &load)))
	if !k.fetchEnv(env, p) {
		k.step(env, p)
	}
}

// download asks a registry for an image, with one of the pod's credentials after the
// other, or with none if it has none for it, and returns those that did
// (kuberuntime's PullImage). The errors are containerd's.
func (p *pod) download(w *World, image string) (*credentialprovider.Credential, error) {
	full := w.image(image).full
	creds, err := p.credentials(full)
	if err != nil {
		return nil, err // pull would not have begun
	}
	if len(creds) == 0 {
		return nil, w.fetch(image, nil)
	}
	var errs []error
	for i := range creds {
		if err = w.fetch(image, &creds[i]); err == nil {
			return &creds[i], nil
		}
		errs = append(errs, err)
	}
	return nil, utilerrors.NewAggregate(errs)
}

// fetch is a registry's answer to somebody who asks for an image, in containerd's
// words.
func (w *World) fetch(image string, as *credentialprovider.Credential) error {
	full := qualified(image) // its name is one, or it would not be pulled
	fail := func(code, why string) error {
		return fmt.Errorf("rpc error: code = %s desc = failed to pull and unpack image %q: failed to resolve reference %q: %s", code, full, full, why)
	}
	login, private := w.loginFor(full)
	switch {
	case private && (as == nil || !login.admits(as)):
		return fail("Unknown", denial(full, as != nil))
	case !w.inRegistry(image):
		return fail("NotFound", full+": not found")
	}
	return nil
}

// pullFailed records that the registry did not give an image.
func (k *Kubelet) pullFailed(env *controller.Env, p *pod, c *container, image string, err error) {
	msg := err.Error()
	k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", image, msg))
	b := p.imageBackoff(image)
	if b == nil {
		p.image = append(p.image, imageBackoff{backoff: backoff{of: image}})
		b = &p.image[len(p.image)-1]
	}
	b.next(env.Now(), env.Now())
	b.err = "ErrImagePull: " + msg
	p.secrets.failed = true
	k.imageFailed(env, p, c, "ErrImagePull", msg)
}

func (k *Kubelet) imageFailed(env *controller.Env, p *pod, c *container, reason, message string) {
	k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", "Error: "+reason)
	p.fail(c, reason, message)
}

func (p *pod) imageBackoff(image string) *imageBackoff {
	for i := range p.image {
		if p.image[i].of == image {
			return &p.image[i]
		}
	}
	return nil
}

func (k *Kubelet) hasImage(env *controller.Env, image string) bool {
	w := env.World().(*World)
	_, ok := k.machine(w).images[w.image(image).full]
	return ok
}

// allPresent reports whether a pod's containers start without a question to a
// registry.
func (k *Kubelet) allPresent(env *controller.Env, p *pod) bool {
	for i := range p.containers {
		spec := p.containers[i].spec(p.api)
		if pullPolicy(spec) == corev1.PullAlways || !k.hasImage(env, spec.Image) {
			return false
		}
	}
	return true
}

// pullPolicy is the container's policy, which the API server has filled in
// (K18).
func pullPolicy(c *corev1.Container) corev1.PullPolicy {
	switch {
	case c.ImagePullPolicy != "":
		return c.ImagePullPolicy
	case tagged(c.Image) != c.Image || tagged(repository(c.Image)) == c.Image:
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// image is what follows from an image's name alone: immutable, pods share it.
type image struct {
	_       state.Immutable
	name    string // in the manifest
	full    string // as containerd writes it
	id      string // with its digest, as the runtime reports it
	present string // the words for a node that has it
	invalid string // why the name is none, or ""
}

// CheckImage returns why an image's name is none, in the kubelet's words.
func CheckImage(name string) error {
	if _, err := reference.ParseNormalizedNamed(name); err != nil {
		return fmt.Errorf("couldn't parse image name %q: %w", name, err)
	}
	return nil
}

// mostKnown is of how many images a World remembers what follows from their
// names; then it finds out again.
const mostKnown = 1024

// image returns what follows from an image's name.
func (w *World) image(name string) *image {
	is := w.known[name]
	if is == nil {
		full := qualified(name)
		sum := sha256.Sum256([]byte(full))
		is = &image{
			name:    name,
			full:    full,
			id:      repository(full) + "@sha256:" + hex.EncodeToString(sum[:]),
			present: fmt.Sprintf("Container image %q already present on machine and can be accessed by the pod", name),
		}
		if err := CheckImage(name); err != nil {
			is.invalid = err.Error()
		}
		if len(w.known) >= mostKnown {
			clear(w.known)
		}
		w.known[name] = is
	}
	return is
}

// imageSize returns an image's size, or 20 to 80 MB made up from the name.
func imageSize(image string, load *Workload) int64 {
	if load.ImageSize > 0 {
		return load.ImageSize
	}
	return 20_000_000 + int64(uint64(engine.KeyOf(qualified(image)))%60_000_000)
}
