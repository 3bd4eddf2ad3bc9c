package kubelet

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
)

// stored is an image on a machine's disk.
type stored struct {
	size   int64
	pulled engine.Time `state:"rank"`
	used   engine.Time `state:"rank"` // when a container last started from it
	// tracked says that a kubelet has pulled it, and restricted that it did so with
	// credentials: grants are whose (ImagePulledRecord).
	tracked, restricted bool
	grants              []grant `state:"immutable"`
}

// The kubelet's defaults: images go when the disk is fuller than 85 %, until it
// is less than 80 % full, and none that is younger than 2 minutes
// (ImageGCHighThresholdPercent, ImageGCLowThresholdPercent, ImageMinimumGCAge).
const (
	imageGCHigh   = 85
	imageGCLow    = 80
	imageGCMinAge = 2 * time.Minute
)

// store puts a pulled image on the machine's disk, and makes room if that becomes
// too full (GarbageCollect of the image GC manager). Deviation: upstream looks
// every 5 minutes, and counts what else is on the disk.
func (k *Kubelet) store(env *controller.Env, w *World, image string, size int64, by *credentialprovider.Credential) {
	m := k.machine(w)
	full := w.image(image).full
	was, had := m.images[full]
	m.images[full] = stored{size: size, pulled: env.Now(), used: env.Now()}
	m.permit(full, by, was, had)
	if k.node == nil {
		return
	}
	disk, ok := k.node.Status.Capacity[corev1.ResourceEphemeralStorage]
	if !ok || disk.IsZero() {
		return
	}
	var used int64
	for _, is := range m.images { // a sum: order cannot matter
		used += is.size
	}
	if capacity := disk.Value(); used > capacity/100*imageGCHigh {
		k.freeImages(env.Now(), m, used-capacity/100*imageGCLow)
	}
}

// freeImages deletes images that no container has until so many bytes are free:
// first the one that has not been used for longest, and among equals the one that
// was pulled first.
func (k *Kubelet) freeImages(now engine.Time, m *machine, bytes int64) {
	inUse := map[string]bool{}
	for _, p := range k.slots { // a set: order cannot matter
		if p == nil {
			continue
		}
		for i := range p.containers {
			if is := p.containers[i].run.image; is != nil {
				inUse[is.full] = true
			}
		}
	}
	var names []string
	for name, is := range m.images { // sorted below
		if !inUse[name] && now.Sub(is.pulled) >= imageGCMinAge {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := m.images[a], m.images[b]
		return cmp.Or(cmp.Compare(x.used, y.used), cmp.Compare(x.pulled, y.pulled), cmp.Compare(a, b))
	})
	for _, name := range names {
		if bytes <= 0 {
			return
		}
		bytes -= m.images[name].size
		delete(m.images, name)
	}
}

// use notes that a container starts from an image.
func (m *machine) use(full string, now engine.Time) {
	if is, ok := m.images[full]; ok {
		is.used = now
		m.images[full] = is
	}
}
