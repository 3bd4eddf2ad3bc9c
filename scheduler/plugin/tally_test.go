package plugin

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/volume/match"
)

// shelf is a Storage of claims and one class that waits for consumers.
type shelf struct {
	unlimited
	claims map[string]*corev1.PersistentVolumeClaim
	looked int
}

func (s *shelf) Claim(_, name string) *corev1.PersistentVolumeClaim {
	s.looked++
	return s.claims[name]
}

func (s *shelf) Class(name string) *storagev1.StorageClass {
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	if name != "late" {
		return nil
	}
	return &storagev1.StorageClass{VolumeBindingMode: &mode}
}

func (*shelf) Volumes() *match.Index                 { return &match.Index{} }
func (*shelf) DefaultSelector(*corev1.Pod) Selection { return Selection{} }

// drawn is a claim in any of the states that the prefilters tell apart; as a rule
// unbound, or bound.
func drawn(r *rand.Rand, name string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	switch r.IntN(40) {
	case 0:
		return nil
	case 1:
		c.DeletionTimestamp = &metav1.Time{}
	case 2:
		c.Status.Phase = corev1.ClaimLost
	case 3:
		late := "late"
		c.Spec.StorageClassName = &late
	case 4:
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	default:
		if r.IntN(2) == 0 {
			c.Spec.VolumeName = "v-" + name
			c.Annotations = map[string]string{annBindCompleted: "yes"}
		}
	}
	return c
}

// A tally that is told of every change says what a look at all claims says, which
// is the oracle, and a cycle that uses it looks at none.
func TestTallyIsALookAtAllClaims(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	waited := 0
	for range 300 {
		obj := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p"}}
		s := &shelf{claims: map[string]*corev1.PersistentVolumeClaim{}}
		n := 1 + r.IntN(6)
		for i := range n {
			name := fmt.Sprint("c", i)
			obj.Spec.Volumes = append(obj.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}})
			s.claims[name] = drawn(r, name)
		}
		pod := NewPod(obj)
		tally := NewClaimTally(s, pod)
		for range 10 {
			name := fmt.Sprint("c", r.IntN(n))
			s.claims[name] = drawn(r, name)
			tally.Update(s, pod, name)
			want := NewCycle(NewCluster(), s, pod).PreFilter()
			c := NewCycle(NewCluster(), s, pod.Renew(obj))
			c.Use(tally)
			s.looked = 0
			got := c.PreFilter()
			require.Equal(t, want.Code, got.Code)
			require.Equal(t, want.Message(), got.Message())
			require.Equal(t, want.Plugin, got.Plugin)
			if tally.Waits() {
				waited++
				require.Zero(t, s.looked)
			}
		}
	}
	require.Greater(t, waited, 500, "it came to that")
}
