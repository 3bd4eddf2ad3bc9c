package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume/match"
)

// storage is the scheduler's sight of volumes and claims: the API's state
// overlaid with what it assumes to be written until the watch shows a newer
// state (AssumeCache).
type storage struct {
	volumes match.Index // with the assumptions
	seen    map[string]*corev1.PersistentVolume
	claims  map[apiserver.Key]*corev1.PersistentVolumeClaim
	assumed map[apiserver.Key]*corev1.PersistentVolumeClaim
	classes map[string]*storagev1.StorageClass
}

func newStorage() storage {
	return storage{
		seen: map[string]*corev1.PersistentVolume{}, claims: map[apiserver.Key]*corev1.PersistentVolumeClaim{},
		assumed: map[apiserver.Key]*corev1.PersistentVolumeClaim{}, classes: map[string]*storagev1.StorageClass{},
	}
}

func (s *storage) setVolume(name string, pv *corev1.PersistentVolume) {
	if pv == nil {
		delete(s.seen, name)
		s.volumes.Delete(name)
		return
	}
	s.seen[name] = pv
	s.volumes.Set(pv)
}

func (s *storage) setClaim(key apiserver.Key, pvc *corev1.PersistentVolumeClaim) {
	delete(s.assumed, key)
	if pvc == nil {
		delete(s.claims, key)
		return
	}
	s.claims[key] = pvc
}

func (s *storage) claim(key apiserver.Key) *corev1.PersistentVolumeClaim {
	if pvc := s.assumed[key]; pvc != nil {
		return pvc
	}
	return s.claims[key]
}

// revertVolume forgets what was assumed of a volume.
func (s *storage) revertVolume(name string) {
	if pv := s.seen[name]; pv != nil {
		s.volumes.Set(pv)
	} else {
		s.volumes.Delete(name)
	}
}

// reader is what the plugins read of the scheduler's state.
type reader struct{ *Scheduler }

// Claim implements plugin.Storage.
func (r reader) Claim(namespace, name string) *corev1.PersistentVolumeClaim {
	return r.storage.claim(apiserver.Key{Namespace: namespace, Name: name})
}

// Class implements plugin.Storage.
func (r reader) Class(name string) *storagev1.StorageClass { return r.storage.classes[name] }

// Volumes implements plugin.Storage.
func (r reader) Volumes() *match.Index { return &r.storage.volumes }

// DefaultSelector implements plugin.Storage.
func (r reader) DefaultSelector(pod *corev1.Pod) plugin.Selection { return r.groups.selectorOf(pod) }
