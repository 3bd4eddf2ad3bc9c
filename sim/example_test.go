package sim_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/volume"
)

const web = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{name: http, port: 80}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: nginx, image: "nginx:1.28", volumeMounts: [{name: www, mountPath: /www}]}
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
`

// A cluster, a StatefulSet with claims, a rolling update and a look at it.
func Example() {
	c := sim.New(sim.Config{Seed: 1, Provision: true})
	if _, err := c.Apply(web); err != nil {
		panic(err)
	}
	settled, err := c.Settle()
	fmt.Println(settled.Outcome, err)
	fmt.Println(c.SetImage("default", "web", "nginx", "nginx:1.29"))
	settled, err = c.Settle()
	fmt.Println(settled.Outcome, err)
	pods, _ := sim.List[*corev1.Pod](c, "default", "app=web")
	for _, pod := range pods {
		fmt.Println(pod.Name, pod.Status.Phase, pod.Spec.Containers[0].Image)
	}
	found, err := c.Lookup("default", "web-0", "web-2.web")
	fmt.Println(found.Canonical, len(found.Addresses), err)
	// Output:
	// quiescent <nil>
	// <nil>
	// quiescent <nil>
	// web-0 Running nginx:1.29
	// web-1 Running nginx:1.29
	// web-2 Running nginx:1.29
	// web-2.web.default.svc.cluster.local 1 <nil>
}

// The stages of pods' lives, as a stream.
func ExampleCluster_PodEvents() {
	c := sim.New(sim.Config{Provision: true})
	if _, err := c.Apply(web); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	if err := c.Scale("default", "web", 1); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	for ev := range c.PodEvents() {
		fmt.Println(ev.Set, ev.Ordinal, ev.Phase)
	}
	// Output:
	// web 0 Pending
	// web 0 ContainerCreating
	// web 0 Running
	// web 1 Pending
	// web 1 ContainerCreating
	// web 1 Running
	// web 2 Pending
	// web 2 ContainerCreating
	// web 2 Running
	// web 2 Terminating
	// web 2 Gone
	// web 1 Terminating
	// web 1 Gone
}

// A pool of NFS volumes for claims without a class.
func ExampleCluster_CreatePool() {
	c := sim.New(sim.Config{})
	if err := c.CreatePool(volume.NFSPool{Count: 3, Server: "10.0.1.61"}); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	volumes, _ := sim.List[*corev1.PersistentVolume](c, "", "")
	for _, pv := range volumes {
		fmt.Println(pv.Name, pv.Spec.NFS.Server, pv.Status.Phase)
	}
	// Output:
	// nfs-1 10.0.1.61 Available
	// nfs-2 10.0.1.61 Available
	// nfs-3 10.0.1.61 Available
}
