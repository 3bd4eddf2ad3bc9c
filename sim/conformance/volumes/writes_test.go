package volumes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume"
)

// plain returns a volume and a claim that fit each other.
func plain() (*corev1.PersistentVolume, *corev1.PersistentVolumeClaim) {
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	modes, class := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, ""
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "v0"}, Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: modes, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRecycle,
			PersistentVolumeSource: corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "a", Path: "/v0"}},
		}}, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c0"}, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes, StorageClassName: &class, Resources: corev1.VolumeResourceRequirements{Requests: size}}}
}

// bindingWays are histories whose last step makes the binder write.
var bindingWays = []struct {
	name  string
	steps func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step
}{
	{"any volume", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		return []step{creation(v), creation(c)}
	}},
	{"the volume that the claim names", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		c.Spec.VolumeName = v.Name
		return []step{creation(v), creation(c)}
	}},
	{"the volume reserved for the claim", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: c.Namespace, Name: c.Name}
		return []step{creation(v), creation(c)}
	}},
	{"a default class that comes later, and a volume of it", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		v.Spec.StorageClassName, c.Spec.StorageClassName = "fast", nil
		return []step{creation(v), creation(c), {verb: "default", kind: apiserver.StorageClass, key: apiserver.Key{Name: "fast"}, value: "true"}}
	}},
	{"what the scheduler chose", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		late := "late"
		v.Spec.StorageClassName, c.Spec.StorageClassName = late, &late
		v.Spec.NFS, v.Spec.Local = nil, &corev1.LocalVolumeSource{Path: "/data"}
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}},
		}}}}
		return []step{creation(v), creation(c), {verb: "prebind", kind: apiserver.PersistentVolume, key: apiserver.KeyOf(v), value: c.Name}}
	}},
	{"a volume on demand", func(_ *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		late := "late"
		c.Spec.StorageClassName = &late
		return []step{creation(c), {verb: "select-node", kind: apiserver.PersistentVolumeClaim, key: apiserver.KeyOf(c), value: "n1"}}
	}},
	{"none any more: recycled", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		return []step{creation(v), creation(c), {verb: "delete", kind: apiserver.PersistentVolumeClaim, key: apiserver.KeyOf(c)}}
	}},
	{"none any more: cannot be deleted", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimDelete
		return []step{creation(v), creation(c), {verb: "delete", kind: apiserver.PersistentVolumeClaim, key: apiserver.KeyOf(c)}}
	}},
	{"a volume that is gone", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		return []step{creation(v), creation(c), {verb: "delete", kind: apiserver.PersistentVolume, key: apiserver.KeyOf(v)},
			{verb: "unprotect", kind: apiserver.PersistentVolume, key: apiserver.KeyOf(v)}}
	}},
	{"a volume for which somebody else comes", func(v *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) []step {
		other := c.DeepCopy()
		other.Name = "c1"
		return []step{creation(v), creation(c), creation(other), {verb: "reserve", kind: apiserver.PersistentVolume, key: apiserver.KeyOf(v), value: other.Name}}
	}},
}

// Between any two writes of the binder something may happen: the next write
// fails, or the controller manager ends there and starts again. Upstream's
// controllers and ours resume alike (V8), whichever write it is.
func TestEveryWrite(t *testing.T) {
	mode, immediate := storagev1.VolumeBindingWaitForFirstConsumer, storagev1.VolumeBindingImmediate
	classes := []*storagev1.StorageClass{
		{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &immediate},
		{ObjectMeta: metav1.ObjectMeta{Name: "late"}, Provisioner: "example.com/x", VolumeBindingMode: &mode},
	}
	for _, way := range bindingWays {
		t.Run(way.name, func(t *testing.T) {
			s := script{classes: classes, steps: way.steps(plain())}
			last := &s.steps[len(s.steps)-1]
			for i := range s.steps {
				s.steps[i].pause = 2 * time.Second
			}
			last.pause = 50 * time.Second
			calm, _ := upstream(t, s)
			hold(t, t, s, calm)
			writes := strings.Count(calm[len(calm)-1], "\n"+volume.BinderName+":")
			require.NotZero(t, writes, "the binder does nothing")
			for k := range writes {
				for _, last.fault = range []fault{{refusal, k}, {crash, k + 1}} {
					s.seed = uint64(k)
					want, struck := upstream(t, s)
					require.Equal(t, 1, struck, "%v", last.fault)
					hold(t, t, s, want)
					require.Equal(t, outcome(calm), outcome(want), "upstream ends otherwise%v", last.fault)
				}
			}
			t.Logf("%d writes", writes)
		})
	}
}

// outcome is the last that is seen of each volume and claim.
func outcome(chapters []string) []string {
	last := map[string]string{}
	for _, line := range strings.Split(strings.Join(chapters, ""), "\n") {
		_, what, _ := strings.Cut(line, ": ")
		if _, rest, ok := strings.Cut(what, `"name":`); ok {
			name, _, _ := strings.Cut(rest, ",")
			last[name] = what
		}
	}
	var lines []string
	for name, what := range last { // sorted below
		lines = append(lines, fmt.Sprint(name, what))
	}
	slices.Sort(lines)
	return lines
}
