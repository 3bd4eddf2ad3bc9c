package csi_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/volume/csi"
)

func Example() {
	pv := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "vol-1"},
		},
	}}
	v, _ := csi.Of(pv)
	fmt.Println(v.UniqueName())
	fmt.Println(v.Attachment("node-1"))
	fmt.Println(csi.IsShared(pv), csi.Attaches(nil))
	// Output:
	// kubernetes.io/csi/csi.example.com^vol-1
	// csi-b74c7fc125891ffa0d0f2e0d645733e3fae7fba3066e76500a771ea08be9da28
	// false true
}
