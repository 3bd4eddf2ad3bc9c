package volume_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/volume"
)

func offered(name, size string, change func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Capacity:    corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
	}}
	change(v)
	return v
}

func asking(size string) *corev1.PersistentVolumeClaim {
	none := ""
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "www-web-0"}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &none,
		AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
	}}
}

func asItIs(*corev1.PersistentVolume) {}

// Which volume does a claim get, and why not the others?
func ExampleOffers() {
	offers, err := volume.Offers(asking("5Gi"), []*corev1.PersistentVolume{
		offered("small", "1Gi", asItIs), offered("large", "10Gi", asItIs), offered("fits", "5Gi", asItIs), offered("fits-too", "5Gi", asItIs),
		offered("released", "5Gi", func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "www-web-9", UID: "u"}
			v.Status.Phase = corev1.VolumeReleased
		}),
	})
	if err != nil {
		panic(err)
	}
	for _, o := range offers {
		fmt.Printf("%s legal: %t %q\n", o.Volume.Name, o.Legal, o.Why)
	}
	// Output:
	// fits legal: true ""
	// fits-too legal: true ""
	// large legal: false "fits, but fits fits better"
	// released legal: false "is Released: its claim default/www-web-9 is gone"
	// small legal: false "requested PV is too small"
}

// What is said of a volume follows from what the controller does with it alone: it
// is legal exactly if nothing is said against it, and "better" is said only beside a
// legal one.
func TestOffers(t *testing.T) {
	claim := asking("5Gi")
	claim.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"disk": "ssd"}}
	for _, test := range []struct {
		name   string
		change func(*corev1.PersistentVolume)
		why    string
	}{
		{"as asked", func(v *corev1.PersistentVolume) { v.Labels = map[string]string{"disk": "ssd"} }, ""},
		{"labels", asItIs, "has not the labels of the selector"},
		{"class", func(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "fast" }, "storageClassName does not match"},
		{"modes", func(v *corev1.PersistentVolume) {
			v.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
		}, "incompatible accessMode"},
		{"block", func(v *corev1.PersistentVolume) { m := corev1.PersistentVolumeBlock; v.Spec.VolumeMode = &m }, "incompatible volumeMode"},
		{"another's", func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "shop", Name: "db"}
		}, "serves shop/db"},
		{"reserved, whatever its labels", func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "www-web-0"}
		}, ""},
		{"pending", func(v *corev1.PersistentVolume) {
			v.Labels, v.Status.Phase = map[string]string{"disk": "ssd"}, corev1.VolumePending
		}, "is Pending"},
	} {
		offers, err := volume.Offers(claim, []*corev1.PersistentVolume{offered("v", "5Gi", test.change)})
		require.NoError(t, err)
		assert.Equal(t, test.why, offers[0].Why, test.name)
		assert.Equal(t, test.why == "", offers[0].Legal, test.name)
	}
	claim.Spec.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}
	_, err := volume.Offers(claim, nil)
	assert.ErrorContains(t, err, "error creating internal label selector for claim: default/www-web-0")
}
