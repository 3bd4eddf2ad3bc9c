package plugin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/volume/match"
)

// rack is a Storage of disks that are bound to claims of the same names, on a node
// that takes two.
type rack struct {
	nothing
	volumes match.Index
	claims  map[string]*corev1.PersistentVolumeClaim
	limit   int32
	left    map[string]*storagev1.VolumeAttachment
}

func newRack(limit int32, names ...string) *rack {
	r := &rack{claims: map[string]*corev1.PersistentVolumeClaim{}, limit: limit}
	for _, name := range names {
		r.claims[name] = &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{annBindCompleted: "yes"}},
			Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: name},
		}
		r.volumes.Set(&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: name}},
		}})
	}
	return r
}

func (r *rack) Claim(_, name string) *corev1.PersistentVolumeClaim        { return r.claims[name] }
func (r *rack) Volumes() *match.Index                                     { return &r.volumes }
func (r *rack) Limited() bool                                             { return true }
func (r *rack) Attachments(string) map[string]*storagev1.VolumeAttachment { return r.left }
func (r *rack) CSINode(string) *storagev1.CSINode {
	return &storagev1.CSINode{Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{
		{Name: "csi.example.com", Allocatable: &storagev1.VolumeNodeResources{Count: &r.limit}}}}}
}

func using(claims ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for _, name := range claims {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}})
		}
	}
}

// TestM12VolumeLimits: a volume counts once, whoever uses it, and also while it is
// still attached. (The same cases as in upstream's TestCSILimits.)
func TestM12VolumeLimits(t *testing.T) {
	r := newRack(2, "a", "b", "c")
	c := NewCluster()
	c.SetNode(testNode("n", ""))
	c.AddPod(NewPod(testPod("p", "n", using("a"))))
	ask := func(claims ...string) Status {
		return cycleOf(t, c, r, testPod("x", "", using(claims...))).Filter(c.Node("n"))
	}
	full := unschedulable(NodeVolumeLimits, "node(s) exceed max volume count")
	assert.Equal(t, Status{}, ask("b"))
	assert.Equal(t, Status{}, ask("a", "b"), "it has a already")
	assert.Equal(t, full, ask("b", "c"))
	volume := "c"
	r.left = map[string]*storagev1.VolumeAttachment{"va": {Spec: storagev1.VolumeAttachmentSpec{
		Attacher: "csi.example.com", NodeName: "n", Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &volume}}}}
	assert.Equal(t, full, ask("b"), "c is still attached")
	assert.Equal(t, full, ask("c"), "so is it counted, and asked for, too")
	r.limit = 3
	assert.Equal(t, Status{}, ask("b"))
}
