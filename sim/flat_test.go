package sim_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/nodelifecycle"
)

var flatPods = flag.Int("flat.pods", 20_000, "how many pods the larger cluster of TestWorkIsFlat has; 100000 takes a minute")

// crowd returns a cluster at rest that holds a set with n pods, their claims and
// volumes. They are written as they would stand after a while, on nodes that
// have no kubelet, since running n pods would take much longer than what the
// test is about.
func crowd(t testing.TB, n int) *sim.Cluster {
	c := sim.New(sim.Config{NoLatency: true, History: -1, Provision: true,
		NodeLifecycle: nodelifecycle.Config{NodeStartupGracePeriod: -1, NodeMonitorGracePeriod: -1}})
	create := func(o sim.Object) sim.Object {
		o, err := c.Create(o)
		require.NoError(t, err)
		return o
	}
	status := func(o sim.Object) sim.Object {
		o, err := c.UpdateStatus(o)
		require.NoError(t, err)
		return o
	}
	for i := range (n + 99) / 100 {
		ghost := create(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("ghost-%d", i)}}).(*corev1.Node)
		ghost.Status.Allocatable = corev1.ResourceList{corev1.ResourcePods: resource.MustParse("100")} // full
		status(ghost)
	}
	apply(t, c, parallelSet("web", 0), `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: None, selector: {app: web}}}`)
	set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	for i := range n {
		crowdMember(set, i, create, status)
	}
	require.NoError(t, c.Scale("", "web", int32(n)))
	settle(t, c)
	set, err = sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	require.EqualValues(t, n, set.Status.ReadyReplicas)
	return c
}

// crowdMember writes one pod with its claim and volume.
func crowdMember(set *appsv1.StatefulSet, i int, create, status func(sim.Object) sim.Object) {
	name := fmt.Sprintf("web-%d", i)
	pv := create(&corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-" + name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: "fast",
			PersistentVolumeSource: corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs", Path: "/" + name}},
		},
	}).(*corev1.PersistentVolume)
	class := "fast"
	pvc := create(&corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data-" + name, Labels: map[string]string{"app": "web"},
			Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: pv.Spec.AccessModes, StorageClassName: &class, VolumeName: pv.Name,
			Resources: corev1.VolumeResourceRequirements{Requests: pv.Spec.Capacity},
		},
	}).(*corev1.PersistentVolumeClaim)
	pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: "default", Name: pvc.Name, UID: pvc.UID}
	pv.Status.Phase = corev1.VolumeBound
	pvc.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, AccessModes: pv.Spec.AccessModes, Capacity: pv.Spec.Capacity}
	status(pvc)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, GenerateName: "web-",
			Labels: map[string]string{
				"app": "web", appsv1.StatefulSetPodNameLabel: name, appsv1.PodIndexLabel: fmt.Sprint(i),
				appsv1.ControllerRevisionHashLabelKey: set.Status.UpdateRevision,
			},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
		},
		Spec: *set.Spec.Template.Spec.DeepCopy(),
	}
	pod.Spec.NodeName, pod.Spec.Hostname, pod.Spec.Subdomain = fmt.Sprintf("ghost-%d", i/100), name, "web"
	pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: pvc.Name}}}}
	pod = create(pod).(*corev1.Pod)
	pod.Status.Phase, pod.Status.PodIP = corev1.PodRunning, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
	pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	status(pod)
}

// cost is what an operation took.
type cost struct {
	Walked, Events, Allocations uint64
}

// operations are changes of one thing in a crowd. Each can be repeated.
var operations = []struct {
	name string
	do   func(c *sim.Cluster, i int) error
}{
	{"scale up by one", func(c *sim.Cluster, _ int) error { return c.Scale("", "web", replicasOf(c)+1) }},
	{"scale down by one", func(c *sim.Cluster, _ int) error { return c.Scale("", "web", replicasOf(c)-1) }},
	{"delete a pod", func(c *sim.Cluster, i int) error {
		now := int64(0)
		return c.Delete(apiserver.Pod, "", fmt.Sprintf("web-%d", 300+i), sim.DeleteOptions{GracePeriodSeconds: &now})
	}},
	{"label a claim", func(c *sim.Cluster, i int) error {
		return merge(c, apiserver.PersistentVolumeClaim, "data-web-7", `{"metadata":{"labels":{"n":"%d"}}}`, i)
	}},
	{"annotate a volume", func(c *sim.Cluster, i int) error {
		return merge(c, apiserver.PersistentVolume, "pv-web-7", `{"metadata":{"annotations":{"n":"%d"}}}`, i)
	}},
	{"label a pod", func(c *sim.Cluster, i int) error {
		return merge(c, apiserver.Pod, "web-7", `{"metadata":{"labels":{"n":"%d"}}}`, i)
	}},
	{"label a node", func(c *sim.Cluster, i int) error {
		return merge(c, apiserver.Node, "node-1", `{"metadata":{"labels":{"n":"%d"}}}`, i)
	}},
	{"annotate the set", func(c *sim.Cluster, i int) error {
		return merge(c, apiserver.StatefulSet, "web", `{"metadata":{"annotations":{"n":"%d"}}}`, i)
	}},
	{"a set of its own", func(c *sim.Cluster, i int) error {
		set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
		if err != nil {
			return err
		}
		one := int32(1)
		own := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("other-%d", i)}, Spec: set.Spec}
		own.Spec.Replicas = &one
		own.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": own.Name}}
		own.Spec.Template.Labels = own.Spec.Selector.MatchLabels
		_, err = c.Create(own)
		return err
	}},
}

func replicasOf(c *sim.Cluster) int32 {
	set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	if err != nil {
		panic(err)
	}
	return *set.Spec.Replicas
}

func merge(c *sim.Cluster, kind apiserver.Kind, name, format string, i int) error {
	_, _, err := c.Patch(kind, "", name, types.MergePatchType, fmt.Sprintf(format, i))
	return err
}

// costs measures every operation at its cheapest of a few times: now and then
// some map grows.
func costs(t *testing.T, n int) map[string]cost {
	c := crowd(t, n)
	all := map[string]cost{}
	for _, op := range operations {
		for i := range 5 {
			events := uint64(0)
			stop := c.OnStep(func() { events++ })
			walked := c.Server().Walked()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.NoError(t, op.do(c, i), op.name)
			_, err := c.Settle()
			require.NoError(t, err, op.name)
			runtime.ReadMemStats(&after)
			stop()
			took := cost{c.Server().Walked() - walked, events, after.Mallocs - before.Mallocs}
			if best, ok := all[op.name]; !ok || took.Allocations < best.Allocations {
				all[op.name] = took
			}
		}
	}
	return all
}

// What a change costs does not grow with what did not change: not the objects
// gone through, not the events, not the allocations.
func TestWorkIsFlat(t *testing.T) {
	few, many := costs(t, 1000), costs(t, *flatPods)
	for _, op := range operations {
		a, b := few[op.name], many[op.name]
		t.Logf("%-18s 1,000 pods: %4d objects walked, %3d events, %5d allocations; %d pods: %4d, %3d, %5d",
			op.name, a.Walked, a.Events, a.Allocations, *flatPods, b.Walked, b.Events, b.Allocations)
		assert.LessOrEqual(t, b.Walked, a.Walked+10, op.name)
		assert.LessOrEqual(t, b.Events, a.Events+a.Events/10+2, op.name)
		assert.LessOrEqual(t, b.Allocations, a.Allocations+a.Allocations/5+100, op.name)
	}
}
