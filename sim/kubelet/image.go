package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
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
	present := k.hasImage(env, spec.Image)
	switch pullPolicy(spec) {
	case corev1.PullNever:
		if !present {
			msg := fmt.Sprintf("Container image %q is not present with pull policy of Never", spec.Image)
			k.noteOn(env, p, c, corev1.EventTypeWarning, "ErrImageNeverPull", msg)
			k.imageFailed(env, p, c, "ErrImageNeverPull", msg)
			return false
		}
	case corev1.PullIfNotPresent:
	default:
		return k.pull(env, p, c, present)
	}
	if !present {
		return k.pull(env, p, c, false)
	}
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Pulled", env.World().(*World).image(spec.Image).present)
	return k.fetchEnv(env, p)
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
	if present || !env.World().(*World).inRegistry(image) {
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
	if !w.inRegistry(image) {
		k.pullFailed(env, p, c, image)
		k.step(env, p)
		return
	}
	load := w.workload(image)
	k.store(env, w, image, imageSize(image, &load))
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Pulled", fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.",
		image, p.pullTook.Truncate(time.Millisecond), env.Now().Sub(p.pullBegan).Truncate(time.Millisecond), imageSize(image, &load)))
	if !k.fetchEnv(env, p) {
		k.step(env, p)
	}
}

// pullFailed records that the registry does not have an image, in containerd's
// words.
func (k *Kubelet) pullFailed(env *controller.Env, p *pod, c *container, image string) {
	full := qualified(image) // its name is one, or it would not be pulled
	msg := fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", full, full, full)
	k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", image, msg))
	b := p.imageBackoff(image)
	if b == nil {
		p.image = append(p.image, imageBackoff{backoff: backoff{of: image}})
		b = &p.image[len(p.image)-1]
	}
	b.next(env.Now(), env.Now())
	b.err = "ErrImagePull: " + msg
	k.imageFailed(env, p, c, "ErrImagePull", msg)
	k.missPullSecrets(env, p)
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
