package why

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// attaching explains a pod that waits for a volume which has to be attached to its
// node before it is mounted.
func (x *explainer) attaching(pod *corev1.Pod) *Reason {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if !mounted(pod, v.Name) {
			continue
		}
		if pv := x.volumeOf(pod, v); pv != nil {
			if r := x.attachment(pod, pv); r != nil {
				return r
			}
		}
	}
	return nil
}

// volumeOf returns the volume that a pod's volume is by its claim, or nil.
func (x *explainer) volumeOf(pod *corev1.Pod, v *corev1.Volume) *corev1.PersistentVolume {
	name := claimOf(pod, v)
	if name == "" {
		return nil
	}
	claim, _ := x.c.Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: pod.Namespace, Name: name}).(*corev1.PersistentVolumeClaim)
	if claim == nil || claim.Spec.VolumeName == "" {
		return nil
	}
	pv, _ := x.c.Get(apiserver.PersistentVolume, apiserver.Key{Name: claim.Spec.VolumeName}).(*corev1.PersistentVolume)
	return pv
}

// attachment explains a volume that is not attached to the node of a pod; nil if
// it is, or need not be.
func (x *explainer) attachment(pod *corev1.Pod, pv *corev1.PersistentVolume) *Reason {
	vol, ok := csi.Of(pv)
	if !ok {
		return nil
	}
	if driver, _ := x.c.Get(apiserver.CSIDriver, apiserver.Key{Name: vol.Driver}).(*storagev1.CSIDriver); !csi.Attaches(driver) {
		return nil
	}
	own, _ := x.c.Get(apiserver.VolumeAttachment, apiserver.Key{Name: vol.Attachment(pod.Spec.NodeName)}).(*storagev1.VolumeAttachment)
	r := &Reason{Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(pv)}
	if other := x.elsewhere(pv, pod.Spec.NodeName); other != "" && (own == nil || !own.Status.Attached) {
		x.holder(r, pv, other)
		return r
	}
	switch {
	case own != nil && own.Status.AttachError != nil:
		r.Text = fmt.Sprintf("its volume %s cannot be attached to %s: %s", pv.Name, pod.Spec.NodeName, own.Status.AttachError.Message)
		r.Rules, r.Ends = []string{"M10"}, "mend what the driver names; it is tried again"
	case own == nil || !own.Status.Attached:
		r.Text, r.Rules = fmt.Sprintf("its volume %s is being attached to %s", pv.Name, pod.Spec.NodeName), []string{"M5"}
	case !x.lists(pod.Spec.NodeName, vol):
		r.Text, r.Rules = fmt.Sprintf("its volume %s is attached to %s, and the Node has yet to say so", pv.Name, pod.Spec.NodeName), []string{"M11"}
	default:
		return nil
	}
	return r
}

// lists reports whether a Node's status says that a volume is in use and attached.
func (x *explainer) lists(name string, vol csi.Volume) bool {
	node, _ := x.c.Get(apiserver.Node, apiserver.Key{Name: name}).(*corev1.Node)
	return node == nil || slices.Contains(node.Status.VolumesInUse, vol.UniqueName()) &&
		slices.ContainsFunc(node.Status.VolumesAttached, func(a corev1.AttachedVolume) bool { return a.Name == vol.UniqueName() })
}

// elsewhere returns another node to which a volume for one node is attached, or "".
func (x *explainer) elsewhere(pv *corev1.PersistentVolume, node string) string {
	if csi.IsShared(pv) {
		return ""
	}
	for _, obj := range x.c.List(apiserver.VolumeAttachment, "") {
		a := obj.(*storagev1.VolumeAttachment)
		if name := a.Spec.Source.PersistentVolumeName; name != nil && *name == pv.Name && a.Spec.NodeName != node {
			return a.Spec.NodeName
		}
	}
	return ""
}

// holder says who has a volume on another node, and what would end that.
func (x *explainer) holder(r *Reason, pv *corev1.PersistentVolume, node string) {
	r.Text, r.Rules = fmt.Sprintf("its volume %s is still attached to %s", pv.Name, node), []string{"M7"}
	for _, obj := range x.c.List(apiserver.Pod, "") {
		user := obj.(*corev1.Pod)
		if user.Spec.NodeName != node || !slices.ContainsFunc(user.Spec.Volumes, func(v corev1.Volume) bool {
			used := x.volumeOf(user, &v)
			return used != nil && used.Name == pv.Name
		}) {
			continue
		}
		r.Text = fmt.Sprintf("its volume %s, for one node at a time, is attached to %s, where %s uses it", pv.Name, node, x.nameOf(user))
		r.Ends = "delete " + x.nameOf(user) + ", or give each pod a claim of its own"
		if cause := x.why(apiserver.Pod, apiserver.KeyOf(user)); user.DeletionTimestamp != nil && !cause.IsZero() {
			r.Because, r.Ends = []Reason{cause}, ""
		}
		return
	}
	away := x.away(node)
	if away == nil {
		r.Text = fmt.Sprintf("its volume %s is still being detached from %s", pv.Name, node)
		r.Rules = []string{"M6"}
		return
	}
	away.Text += ", so that the volume is detached six minutes after its last pod has gone"
	away.Rules = append(away.Rules, "M8", "M9")
	away.Ends = fmt.Sprintf("wait for that; or bring %s back; or taint it node.kubernetes.io/out-of-service", node)
	r.Because = []Reason{*away}
}
