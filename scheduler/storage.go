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
	nodes   map[string]*storagev1.CSINode
	drivers map[string]*storagev1.CSIDriver
	limited int // how many of those limit anything
	// attached are the VolumeAttachments, by node and name.
	attached map[string]map[string]*storagev1.VolumeAttachment
}

func newStorage() storage {
	return storage{
		seen: map[string]*corev1.PersistentVolume{}, claims: map[apiserver.Key]*corev1.PersistentVolumeClaim{},
		assumed: map[apiserver.Key]*corev1.PersistentVolumeClaim{}, classes: map[string]*storagev1.StorageClass{},
		nodes: map[string]*storagev1.CSINode{}, drivers: map[string]*storagev1.CSIDriver{},
		attached: map[string]map[string]*storagev1.VolumeAttachment{},
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

// setCSINode, setDriver and setAttachment take over a state of an object; nil means
// that it is gone.
func (s *storage) setCSINode(name string, node *storagev1.CSINode) {
	s.count(s.nodes[name], -1)
	if node == nil {
		delete(s.nodes, name)
		return
	}
	s.nodes[name] = node
	s.count(node, 1)
}

func (s *storage) setDriver(name string, driver *storagev1.CSIDriver) {
	s.count(s.drivers[name], -1)
	if driver == nil {
		delete(s.drivers, name)
		return
	}
	s.drivers[name] = driver
	s.count(driver, 1)
}

func (s *storage) count(obj any, by int) {
	if plugin.Limits(obj) {
		s.limited += by
	}
}

func (s *storage) setAttachment(a *storagev1.VolumeAttachment, gone bool) {
	on := s.attached[a.Spec.NodeName]
	switch {
	case gone:
		if delete(on, a.Name); len(on) == 0 {
			delete(s.attached, a.Spec.NodeName)
		}
	case on == nil:
		s.attached[a.Spec.NodeName] = map[string]*storagev1.VolumeAttachment{a.Name: a}
	default:
		on[a.Name] = a
	}
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

// Limited implements plugin.Storage.
func (r reader) Limited() bool { return r.storage.limited > 0 }

// CSINode implements plugin.Storage.
func (r reader) CSINode(node string) *storagev1.CSINode { return r.storage.nodes[node] }

// CSIDriver implements plugin.Storage.
func (r reader) CSIDriver(name string) *storagev1.CSIDriver { return r.storage.drivers[name] }

// Attachments implements plugin.Storage.
func (r reader) Attachments(node string) map[string]*storagev1.VolumeAttachment {
	return r.storage.attached[node]
}
