package volumes

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// When the PersistentVolume controller begins it lists volumes and claims twice:
// for its caches (initializeCaches), and at once for a resync, which queues what
// the informers queue too. What a worker has taken by then is queued a second
// time, and whether it has is left to Go's scheduler: nothing in between takes
// time in a bubble. The informers here leave that open way out. Their second list
// is empty, as if the resync had come before the workers.

type volumeInformer struct {
	coreinformers.PersistentVolumeInformer
}

// Lister is called once, by NewController.
func (i volumeInformer) Lister() corelisters.PersistentVolumeLister {
	return &volumeLister{i.PersistentVolumeInformer.Lister(), 0}
}

type volumeLister struct {
	corelisters.PersistentVolumeLister
	lists int
}

func (l *volumeLister) List(s labels.Selector) ([]*corev1.PersistentVolume, error) {
	if l.lists++; l.lists == 2 {
		return nil, nil
	}
	return l.PersistentVolumeLister.List(s)
}

type claimInformer struct {
	coreinformers.PersistentVolumeClaimInformer
}

// Lister is called once, by NewController.
func (i claimInformer) Lister() corelisters.PersistentVolumeClaimLister {
	return &claimLister{i.PersistentVolumeClaimInformer.Lister(), 0}
}

type claimLister struct {
	corelisters.PersistentVolumeClaimLister
	lists int
}

func (l *claimLister) List(s labels.Selector) ([]*corev1.PersistentVolumeClaim, error) {
	if l.lists++; l.lists == 2 {
		return nil, nil
	}
	return l.PersistentVolumeClaimLister.List(s)
}
