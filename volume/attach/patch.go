package attach

import (
	"maps"
	"slices"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// patch is a Plan that patches a VolumeAttachment.
func patch(va *storagev1.VolumeAttachment, sub apiserver.Subresource, p apiserver.Patcher) controller.Plan {
	return controller.Send(apiserver.Request{Verb: apiserver.Patch, Subresource: sub, Kind: apiserver.VolumeAttachment, Key: apiserver.KeyOf(va), Patch: p})
}

// marked is a Patcher: the attachment waits for its attacher when it is deleted.
type marked struct{ finalizer, node string }

// Apply implements apiserver.Patcher.
func (m marked) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*storagev1.VolumeAttachment)
	if !slices.Contains(next.Finalizers, m.finalizer) {
		next.Finalizers = append(slices.Clip(next.Finalizers), m.finalizer)
	}
	annotations := map[string]string{nodeID: m.node}
	for k, v := range next.Annotations { // a map from a map
		if k != nodeID {
			annotations[k] = v
		}
	}
	next.Annotations = annotations
	return &next, nil
}

// unmarked is a Patcher: the attachment does not wait any more.
type unmarked string

// Apply implements apiserver.Patcher.
func (f unmarked) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*storagev1.VolumeAttachment)
	next.Finalizers = slices.DeleteFunc(slices.Clone(next.Finalizers), func(s string) bool { return s == string(f) })
	next.Annotations = maps.Clone(next.Annotations)
	delete(next.Annotations, nodeID)
	return &next, nil
}

// attachedNow is a Patcher: the volume is attached, or it is not any more.
type attachedNow bool

// Apply implements apiserver.Patcher.
func (a attachedNow) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*storagev1.VolumeAttachment)
	next.Status = storagev1.VolumeAttachmentStatus{Attached: bool(a)}
	return &next, nil
}

// refused is a Patcher: the driver failed.
type refused struct {
	message  string
	at       metav1.Time
	detaches bool
}

// Apply implements apiserver.Patcher.
func (r refused) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*storagev1.VolumeAttachment)
	e := &storagev1.VolumeError{Time: r.at, Message: r.message}
	if r.detaches {
		next.Status.DetachError = e
	} else {
		next.Status.AttachError = e
	}
	return &next, nil
}
