package attach_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/attach"
)

// The expected lines are what upstream's controller writes for such scripts: see
// sim/conformance/attaching.

func equal(t *testing.T, want string, got []string) {
	t.Helper()
	assert.Equal(t, strings.TrimSpace(want), strings.TrimSpace(strings.Join(got, "\n")))
}

// M5, M6: a volume is attached to the node of its pod, and detached when the pod
// is gone and the node does not use it any more.
func TestAttachAndDetach(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Second)
	equal(t, `
  0 ADDED v→node-1 attached=false
  0 MODIFIED v→node-1 attached=false
  1 MODIFIED v→node-1 attached=true
  1 a: SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "v" 
  1 node-1 has v`, r.told())
	r.uses("node-1", "v")
	r.kill("a")
	r.run(time.Hour)
	assert.Empty(t, r.told(), "the node uses it")
	r.uses("node-1")
	r.run(10 * time.Second)
	equal(t, `
3610 node-1 has
3610 MODIFIED v→node-1 attached=true deleting
3610 MODIFIED v→node-1 attached=false deleting
3610 DELETED v→node-1 attached=false deleting`, r.told())
	r.run(time.Hour)
	assert.Zero(t, r.host.Engine().Len(), "nothing is left to do")
}

// M7: a volume for one node is not attached to a second one, and its pod is told
// once; it comes when the first lets it go.
func TestWaitingForDetach(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Second)
	r.uses("node-1", "v")
	r.told()
	r.pod("b", "node-2", "v")
	r.run(10 * time.Minute)
	equal(t, ` 10 b: FailedAttachVolume Waiting for detach for volume "v" Volume is already used by pod(s) a`, r.told())
	r.kill("a")
	r.run(time.Minute)
	assert.Empty(t, r.told())
	r.uses("node-1")
	r.run(10 * time.Second)
	equal(t, `
670 node-1 has
670 MODIFIED v→node-1 attached=true deleting
670 MODIFIED v→node-1 attached=false deleting
670 DELETED v→node-1 attached=false deleting
670 ADDED v→node-2 attached=false
670 MODIFIED v→node-2 attached=false
671 MODIFIED v→node-2 attached=true
671 b: SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "v" 
671 node-2 has v`, r.told())
}

// M7: a volume that several nodes may have is attached to each.
func TestSharedVolume(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteMany)
	r.pod("a", "node-1", "v")
	r.pod("b", "node-2", "v")
	r.run(10 * time.Second)
	assert.Contains(t, strings.Join(r.told(), "\n"), "node-1 has v")
	for _, node := range []string{"node-1", "node-2"} {
		assert.Len(t, r.host.Server().Get(apiserver.Node, apiserver.Key{Name: node}).(*corev1.Node).Status.VolumesAttached, 1)
	}
}

// M8: a node that is not healthy and does not let a volume go loses it after six
// minutes.
func TestForcedDetach(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Second)
	r.uses("node-1", "v")
	r.node("node-1", apiserver.Status, func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown })
	r.kill("a")
	r.pod("b", "node-2", "v")
	r.run(0)
	r.told()
	r.run(6 * time.Minute)
	equal(t, ` 10 b: FailedAttachVolume Waiting for detach for volume "v" Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node`, r.told())
	r.run(2 * time.Second)
	equal(t, `
370 node-1 has
370 MODIFIED v→node-1 attached=true deleting
370 MODIFIED v→node-1 attached=false deleting
370 DELETED v→node-1 attached=false deleting
370 ADDED v→node-2 attached=false
370 MODIFIED v→node-2 attached=false
371 MODIFIED v→node-2 attached=true
371 b: SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "v" 
371 node-2 has v`, r.told())
}

// M9: of a node that is out of service volumes are taken at once.
func TestOutOfService(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Second)
	r.uses("node-1", "v")
	r.node("node-1", apiserver.None, func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute})
	})
	r.run(10 * time.Second)
	r.told()
	r.kill("a")
	r.run(time.Second)
	equal(t, `
 20 node-1 has
 20 MODIFIED v→node-1 attached=true deleting
 20 MODIFIED v→node-1 attached=false deleting
 20 DELETED v→node-1 attached=false deleting`, r.told())
}

// M10: a driver that fails is tried again, and its pod is told each time.
func TestFailingDriver(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.host.Change(r.ids[1]).(*attach.Attacher).SetFault("v", "rpc error: code = Internal desc = no such disk")
	r.pod("a", "node-1", "v")
	r.run(3 * time.Second)
	equal(t, `
  0 ADDED v→node-1 attached=false
  0 MODIFIED v→node-1 attached=false
  1 MODIFIED v→node-1 attached=false: rpc error: code = Internal desc = no such disk
  1 a: FailedAttachVolume AttachVolume.Attach failed for volume "v" : rpc error: code = Internal desc = no such disk
  2 MODIFIED v→node-1 attached=false: rpc error: code = Internal desc = no such disk
  2 a: FailedAttachVolume AttachVolume.Attach failed for volume "v" : rpc error: code = Internal desc = no such disk`, r.told())
	r.host.Change(r.ids[1]).(*attach.Attacher).SetFault("v", "")
	r.run(time.Minute)
	assert.Contains(t, strings.Join(r.told(), "\n"), "SuccessfulAttachVolume")
}

// A driver that says so has nothing attached.
func TestAttachNotRequired(t *testing.T) {
	r := newRig(t, controller.Latency{})
	no := false
	r.create(&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: "csi.example.com"}, Spec: storagev1.CSIDriverSpec{AttachRequired: &no}})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Minute)
	assert.Empty(t, r.told())
}

// A volume whose claim goes before its pod is detached at the next sweep.
func TestClaimGoesFirst(t *testing.T) {
	r := newRig(t, controller.Latency{})
	r.disk("v", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "v")
	r.run(10 * time.Second)
	claim := r.host.Server().Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: "v"}).(*corev1.PersistentVolumeClaim)
	edit(r, claim, apiserver.None, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
	r.must(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.Key{Namespace: "default", Name: "v"}})
	r.run(time.Second)
	r.told()
	r.kill("a")
	r.run(48 * time.Second)
	assert.Empty(t, r.told())
	r.run(2 * time.Second)
	equal(t, `
 60 node-1 has
 60 MODIFIED v→node-1 attached=true deleting
 60 MODIFIED v→node-1 attached=false deleting
 60 DELETED v→node-1 attached=false deleting`, r.told())
}
