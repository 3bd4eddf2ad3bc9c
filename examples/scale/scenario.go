package main

import (
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Where the machines stand.
var zones = []string{"zone-a", "zone-b", "zone-c"}

// cluster returns a new cluster of the size that the flags ask for.
func cluster(opt options) *sim.Cluster {
	nodes := make([]sim.Node, opt.nodes)
	for i := range nodes {
		nodes[i] = sim.Node{
			Name:   fmt.Sprintf("node-%d", i+1),
			Labels: map[string]string{corev1.LabelTopologyZone: zones[i%len(zones)]},
			CPU:    "32", Memory: "128Gi", Pods: podsPerNode,
		}
	}
	return sim.New(sim.Config{
		Seed: opt.seed, Nodes: nodes, Provision: opt.claims, NoEvents: !opt.events,
		History: -1, // nobody asks for it: the pods' statistics are gathered as records pass
		// Memory is bounded by -memory.
		Limits: sim.Limits{Steps: 1_000_000_000, Time: 365 * 24 * time.Hour, Objects: math.MaxInt, Bytes: math.MaxInt64},
	})
}

// setName returns the name of a set, counted from 0.
func setName(i int) string { return fmt.Sprintf("set-%d", i+1) }

// replicas returns how many of the pods belong to a set.
func (o options) replicas(i int) int32 {
	n := o.pods / o.sets
	if i < o.pods%o.sets {
		n++
	}
	return int32(n)
}

// image returns the image of the pods before or after the update.
func image(version int) string { return fmt.Sprintf("registry.example/server:%d", version) }

// service returns the headless Service of a set.
func service(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone,
			Selector:  map[string]string{"app": name},
			Ports:     []corev1.ServicePort{{Name: "http", Port: 80}},
		},
	}
}

// statefulSet returns a set of Parallel pods.
func statefulSet(opt options, name string, replicas int32) *appsv1.StatefulSet {
	unavailable := intstr.FromInt(opt.unavailable)
	server := corev1.Container{
		Name: "server", Image: image(1),
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi"),
		}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")}},
			PeriodSeconds: 5,
		},
	}
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.StatefulSetSpec{
			ServiceName: name, Replicas: &replicas, PodManagementPolicy: opt.policy,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{MaxUnavailable: &unavailable},
			},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}}},
		},
	}
	if opt.claims {
		class := "fast"
		server.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
		set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: &class,
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}}
	}
	set.Spec.Template.Spec.Containers = []corev1.Container{server}
	return set
}

// begin asks the cluster for what a phase is about.
func begin(c *sim.Cluster, opt options, phase string) error {
	for i := range opt.sets {
		name := setName(i)
		var err error
		switch phase {
		case "create":
			if _, err = c.Create(service(name)); err == nil {
				_, err = c.Create(statefulSet(opt, name, opt.replicas(i)))
			}
		case "update":
			err = c.SetImage(sim.DefaultNamespace, name, "server", image(2))
		case "delete":
			err = c.Delete(apiserver.StatefulSet, sim.DefaultNamespace, name)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", phase, name, err)
		}
	}
	return nil
}
