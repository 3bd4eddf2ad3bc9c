package volume_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume"
)

// A pool of NFS volumes and a claim: the four writes of a binding.
func Example() {
	e := engine.New(engine.Strategy{})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	host.Add(volume.NewBinder(volume.Config{}))
	create := func(o apiserver.Object) {
		host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
		for host.Step() {
		}
	}

	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	pool, err := volume.NFSPool{Prefix: "linuxea", Count: 1, Server: "10.0.1.61", Path: "/data", Capacity: "5Gi"}.Volumes()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range pool {
		create(v)
	}
	create(pvc("www-web-0"))

	for _, rec := range host.Drain() {
		switch o := rec.Object.(type) {
		case *corev1.PersistentVolume:
			fmt.Println(rec.Type, o.Name, o.Status.Phase, o.Spec.ClaimRef != nil)
		case *corev1.PersistentVolumeClaim:
			fmt.Printf("%s %s %s %q\n", rec.Type, o.Name, o.Status.Phase, o.Spec.VolumeName)
		}
	}
	fmt.Println("at", e.Now())
	// Output:
	// ADDED linuxea-1 Pending false
	// MODIFIED linuxea-1 Available false
	// ADDED www-web-0 Pending ""
	// MODIFIED linuxea-1 Available true
	// MODIFIED linuxea-1 Bound true
	// MODIFIED www-web-0 Pending "linuxea-1"
	// MODIFIED www-web-0 Bound "linuxea-1"
	// at 0
}

func ExampleNFSPool() {
	vs, err := volume.NFSPool{Prefix: "linuxea", Count: 2, Server: "10.0.1.61", Path: "/data", AccessModes: []corev1.PersistentVolumeAccessMode{"RWO", "RWX"}}.Volumes()
	for _, v := range vs {
		fmt.Println(v.Name, v.Spec.NFS.Path, v.Spec.AccessModes)
	}
	fmt.Println(err)

	_, err = volume.NFSPool{Capacity: "5 GB"}.Volumes()
	fmt.Println(err)
	// Output:
	// linuxea-1 /data/linuxea-1 [ReadWriteOnce ReadWriteMany]
	// linuxea-2 /data/linuxea-2 [ReadWriteOnce ReadWriteMany]
	// <nil>
	// volume: NFSPool.Capacity: "5 GB": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
}
