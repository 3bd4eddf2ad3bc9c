package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const blockSet = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: block}
provisioner: csi.example.com
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: c, image: "c:1", volumeMounts: [{name: d, mountPath: /d}]}]
  volumeClaimTemplates:
  - metadata: {name: d}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: block
      resources: {requests: {storage: 1Gi}}
`

const twinSet = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: block}
provisioner: csi.example.com
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: block
  resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: twin}
spec:
  serviceName: twin
  replicas: 2
  selector: {matchLabels: {app: twin}}
  template:
    metadata: {labels: {app: twin}}
    spec:
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: twin}}}
      containers: [{name: c, image: "c:1", volumeMounts: [{name: d, mountPath: /d}]}]
      volumes: [{name: d, persistentVolumeClaim: {claimName: shared}}]
`

// warnings returns the messages of the Events of type Warning about an object.
func warnings(t *testing.T, c *sim.Cluster, about string) string {
	events, err := sim.List[*corev1.Event](c, "default", "")
	require.NoError(t, err)
	var list []string
	for _, e := range events {
		if e.Type == corev1.EventTypeWarning && e.InvolvedObject.Name == about {
			list = append(list, e.Reason+" "+e.Message)
		}
	}
	return strings.Join(list, "\n")
}

func podOf(t *testing.T, c *sim.Cluster, name string) *corev1.Pod {
	pod, err := sim.Get[*corev1.Pod](c, "default", name)
	require.NoError(t, err)
	return pod
}

func attachments(t *testing.T, c *sim.Cluster) map[string]bool {
	list, err := sim.List[*storagev1.VolumeAttachment](c, "", "")
	require.NoError(t, err)
	nodes := map[string]bool{}
	for _, a := range list {
		nodes[a.Spec.NodeName] = a.Status.Attached
	}
	return nodes
}

// M7, M11: of two pods on two nodes that share a volume for one, one waits
// (recorded on nobody's cluster: upstream's reportMultiAttachError).
func TestTwoPodsOneVolume(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(twinSet)
	require.NoError(t, err)
	require.NoError(t, c.Run(5*time.Minute))
	assert.Equal(t, corev1.PodRunning, podOf(t, c, "twin-0").Status.Phase)
	assert.Equal(t, corev1.PodPending, podOf(t, c, "twin-1").Status.Phase)
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "default", "shared")
	require.NoError(t, err)
	assert.Equal(t, `FailedAttachVolume Waiting for detach for volume "`+claim.Spec.VolumeName+`" Volume is already used by pod(s) twin-0
FailedMount Unable to attach or mount volumes: unmounted volumes=[d], unattached volumes=[d], failed to process volumes=[]: context deadline exceeded`,
		warnings(t, c, "twin-1"))
	assert.Equal(t, map[string]bool{podOf(t, c, "twin-0").Spec.NodeName: true}, attachments(t, c))
}

// M8: the pod of a dead node, force-deleted, comes back elsewhere when the volume
// is taken from that node after six minutes.
func TestVolumeOfADeadNode(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}})
	_, err := c.Apply(blockSet)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	home := podOf(t, c, "db-0").Spec.NodeName
	require.NotEmpty(t, home)
	require.Equal(t, map[string]bool{home: true}, attachments(t, c))
	require.NoError(t, c.CrashNode(home))
	require.NoError(t, c.Run(2*time.Minute)) // it is tainted
	require.NoError(t, c.Delete(apiserver.Pod, "default", "db-0", sim.DeleteOptions{GracePeriodSeconds: new(int64)}))
	require.NoError(t, c.Run(5*time.Minute+50*time.Second))
	assert.Contains(t, warnings(t, c, "db-0"), "Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node")
	assert.Equal(t, corev1.PodPending, podOf(t, c, "db-0").Status.Phase)
	require.NoError(t, c.Run(3*time.Minute))
	pod := podOf(t, c, "db-0")
	assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
	assert.NotEqual(t, home, pod.Spec.NodeName)
	assert.Equal(t, map[string]bool{pod.Spec.NodeName: true}, attachments(t, c))
}

// M9: who says that the node is out of service need not wait: the pods that are
// terminating there go by force, and their volume is detached at once.
func TestVolumeOfANodeOutOfService(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}})
	_, err := c.Apply(blockSet)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	home := podOf(t, c, "db-0").Spec.NodeName
	require.NoError(t, c.CrashNode(home))
	require.NoError(t, c.Run(2*time.Minute))
	require.NoError(t, c.Delete(apiserver.Pod, "default", "db-0"))
	require.NoError(t, c.Run(10*time.Minute))
	require.NotNil(t, podOf(t, c, "db-0").DeletionTimestamp)
	require.Equal(t, map[string]bool{home: true}, attachments(t, c), "six minutes count from the pod's end")
	node, err := sim.Get[*corev1.Node](c, "", home)
	require.NoError(t, err)
	next := node.DeepCopy()
	next.Spec.Taints = append(next.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute})
	_, err = c.Update(next)
	require.NoError(t, err)
	require.NoError(t, c.Run(time.Minute))
	pod := podOf(t, c, "db-0")
	assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
	assert.NotEqual(t, home, pod.Spec.NodeName)
	assert.Equal(t, map[string]bool{pod.Spec.NodeName: true}, attachments(t, c))
}

// M12: a node takes as many volumes of a driver as its CSINode says, and one more
// when a pod has gone and its volume is detached.
func TestVolumeLimits(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1", VolumeLimits: map[string]int32{"csi.example.com": 2}}}})
	_, err := c.Apply(blockSet)
	require.NoError(t, err)
	require.NoError(t, c.Scale("default", "db", 3))
	require.NoError(t, c.Run(5*time.Minute))
	assert.Equal(t, corev1.PodRunning, podOf(t, c, "db-1").Status.Phase)
	assert.Equal(t, corev1.PodPending, podOf(t, c, "db-2").Status.Phase)
	assert.Contains(t, warnings(t, c, "db-2"), "FailedScheduling 0/1 nodes are available: 1 node(s) exceed max volume count.")
	_, err = c.Create(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "plain"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c:1"}}}})
	require.NoError(t, err)
	require.NoError(t, c.Run(time.Minute))
	assert.Equal(t, corev1.PodRunning, podOf(t, c, "plain").Status.Phase, "it has no volume")
	require.NoError(t, c.Scale("default", "db", 1))
	require.NoError(t, c.Run(2*time.Minute))
	require.NoError(t, c.Scale("default", "db", 2))
	require.NoError(t, c.Run(2*time.Minute))
	assert.Equal(t, corev1.PodRunning, podOf(t, c, "db-1").Status.Phase)
}
