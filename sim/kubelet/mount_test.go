package kubelet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const bound = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: linuxea-1}
spec:
  nfs: {server: 10.0.1.61, path: /data/linuxea-1}
  accessModes: [ReadWriteOnce]
  capacity: {storage: 5Gi}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: www-p}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 5Gi}}
`

const user = `{metadata: {name: p}, spec: {volumes: [{name: www, persistentVolumeClaim: {claimName: www-p}}],
  containers: [{name: c, image: s, volumeMounts: [{name: www, mountPath: /data}]}]}}`

// update changes a stored object, or its status.
func update[T apiserver.Object](l *lab, kind apiserver.Kind, k apiserver.Key, sub apiserver.Subresource, f func(T)) {
	l.t.Helper()
	res := l.host.Do("user", apiserver.Request{Verb: apiserver.Get, Kind: kind, Key: k})
	require.NoError(l.t, res.Err)
	obj := res.Object.DeepCopyObject().(T)
	f(obj)
	l.must(apiserver.Request{Verb: apiserver.Update, Kind: kind, Key: k, Subresource: sub, Object: obj}, "")
}

// bind does what the volume controller does.
func bind(l *lab) {
	claim := apiserver.Key{Namespace: "default", Name: "www-p"}
	res := l.host.Do("user", apiserver.Request{Verb: apiserver.Get, Kind: apiserver.PersistentVolumeClaim, Key: claim})
	update(l, apiserver.PersistentVolume, apiserver.Key{Name: "linuxea-1"}, apiserver.None, func(pv *corev1.PersistentVolume) {
		pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "www-p", UID: res.Object.GetUID()}
	})
	update(l, apiserver.PersistentVolumeClaim, claim, apiserver.None, func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "linuxea-1" })
	update(l, apiserver.PersistentVolumeClaim, claim, apiserver.Status, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimBound })
}

// M4: a server that is down fails the mount, with an Event each time, after
// 500 ms, 1 s, 2 s … to 2 m 2 s.
func TestFailedMountNFSDown(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(bound)
	bind(l)
	l.world.NFS.SetDown("10.0.1.61", true)
	l.create(user)
	l.run(time.Minute)
	uid := string(l.pod("p").UID)
	mount := "mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.1.61:/data/linuxea-1 /var/lib/kubelet/pods/" + uid +
		"/volumes/kubernetes.io~nfs/linuxea-1\nOutput: mount.nfs: Connection refused\n"
	assert.Equal(t, `Warning FailedMount MountVolume.SetUp failed for volume "linuxea-1" : `+mount, l.takeNotes())
	assert.Equal(t, "p: FailedMount: "+mount, l.waiting())
	assert.Equal(t, "0/1 ContainerCreating", status(l.pod("p")))
	assert.Equal(t, 1, l.host.Engine().Pending(engine.Retry))
	assert.Zero(t, l.host.Engine().Pending(engine.Progress))
	// 0, .5, 1.5, 3.5, 7.5, 15.5, 31.5 | 63.5, 127.5 …
	events := eventCount(l, "FailedMount")
	assert.Equal(t, int32(7), events)

	l.world.NFS.SetDown("10.0.1.61", false)
	l.run(5 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
	require.NoError(t, l.world.WriteFile(key("p"), "c", "/data/index.html", "one"))
	got, _ := l.world.NFS.Read("10.0.1.61", "/data/linuxea-1", "index.html")
	assert.Equal(t, "one", got)
}

func eventCount(l *lab, reason string) int32 {
	n := int32(0)
	for _, rec := range l.host.Server().Live(apiserver.Event) {
		if e := rec.Object.(*corev1.Event); e.Reason == reason {
			n += max(e.Count, 1)
		}
	}
	return n
}

// M4: a missing export is told from a server that is down.
func TestFailedMountMissingExport(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.NFS.Unexport("10.0.1.61", "/data/linuxea-1")
	l.create(bound)
	bind(l)
	l.create(user)
	l.run(time.Second)
	assert.Contains(t, l.takeNotes(), "Output: mount.nfs: mounting 10.0.1.61:/data/linuxea-1 failed, reason given by server: No such file or directory\n")
}

// A claim that is not bound fails the sync, which is tried again after 10 s.
func TestClaimNotBound(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(bound)
	l.create(user)
	l.run(time.Second)
	assert.Equal(t, "Warning FailedMount Unable to attach or mount volumes: unmounted volumes=[www], unattached volumes=[], "+
		"failed to process volumes=[www]: error processing PVC default/www-p: PVC is not bound", l.takeNotes())
	bind(l)
	l.run(8 * time.Second)
	assert.Equal(t, "0/1 ContainerCreating", status(l.pod("p")))
	l.run(2 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
}

// Files of a claim outlive the pod; those of the container and of an emptyDir
// do not.
func TestDataSurvives(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(bound)
	bind(l)
	pod := strings.Replace(strings.Replace(user, "volumes: [", "volumes: [{name: tmp, emptyDir: {}}, ", 1), "mountPath: /data}", "mountPath: /data, subPath: sub}, {name: tmp, mountPath: /data/tmp}", 1)
	l.create(pod)
	l.run(time.Second)
	for _, f := range []string{"/data/a", "/data/tmp/b", "/c"} {
		require.NoError(t, l.world.WriteFile(key("p"), "", f, f))
	}
	assert.Equal(t, []string{"sub/a"}, l.world.NFS.Files("10.0.1.61", "/data/linuxea-1"))
	l.delete("p", nil)
	l.run(time.Second)
	_, err := l.world.ReadFile(key("p"), "", "/data/a")
	assert.EqualError(t, err, `pods "p" not found on any node`)
	l.create(pod)
	l.run(time.Second)
	got, err := l.world.ReadFile(key("p"), "", "/data/a")
	assert.NoError(t, err)
	assert.Equal(t, "/data/a", got)
	for _, f := range []string{"/data/tmp/b", "/c"} {
		_, err := l.world.ReadFile(key("p"), "", f)
		assert.EqualError(t, err, f+": No such file or directory")
	}
}

const config = `
apiVersion: v1
kind: ConfigMap
metadata: {name: cfg}
data: {a: one}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {b: two}
data: {b: dHdv}
`

// ConfigMaps, Secrets and the downward API as volumes and as environment.
func TestContentVolumes(t *testing.T) {
	var seen kubelet.Container
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{
		OnStart: func(f *kubelet.Files) {
			seen = f.Container
			_ = f.Append("/log", "started\n")
		},
	})})
	l.create(`{metadata: {name: p-7, labels: {app: x}}, spec: {volumes: [{name: c, configMap: {name: cfg}},
	  {name: all, projected: {sources: [{secret: {name: sec}}, {configMap: {name: cfg, items: [{key: a, path: etc/a}]}}, {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}],
	  containers: [{name: c, image: s, volumeMounts: [{name: c, mountPath: /c}, {name: all, mountPath: /all}],
	  env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: A, valueFrom: {configMapKeyRef: {name: cfg, key: a}}}, {name: M, value: "$(POD)/$(A) $$(A)"}],
	  envFrom: [{secretRef: {name: sec}, prefix: S_}]}]}}`)
	l.run(time.Second)
	assert.Equal(t, lines(
		`Warning FailedMount MountVolume.SetUp failed for volume "c" : configmap "cfg" not found`,
		`Warning FailedMount MountVolume.SetUp failed for volume "all" : [secret "sec" not found, configmap "cfg" not found]`,
	), l.takeNotes())
	l.create(config)
	l.run(10 * time.Second)
	require.Equal(t, "1/1 Running", status(l.pod("p-7")))
	for path, want := range map[string]string{"/c/a": "one", "/all/b": "two", "/all/etc/a": "one", "/all/labels": `app="x"`, "/log": "started\n"} {
		got, err := l.world.ReadFile(key("p-7"), "c", path)
		assert.NoError(t, err)
		assert.Equal(t, want, got, path)
	}
	assert.EqualError(t, l.world.WriteFile(key("p-7"), "c", "/c/a", "x"), "/c/a: Read-only file system")
	assert.Equal(t, 7, seen.Ordinal)
	assert.Equal(t, "p-7/one $(A)", seen.Getenv("M"))
	assert.Equal(t, "two", seen.Getenv("S_b"))
	assert.Equal(t, "172.16.5.2", seen.IP)
	assert.Len(t, seen.ID, 64)
}

// An environment that refers to nothing leaves the container unmade.
func TestCreateContainerConfigError(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, env: [{name: A, valueFrom: {configMapKeyRef: {name: cfg, key: a}}}]}]}}`)
	l.run(15 * time.Second)
	assert.Equal(t, "0/1 CreateContainerConfigError", status(l.pod("p")))
	assert.Contains(t, l.takeNotes(), `Warning Failed Error: configmap "cfg" not found`)
	l.create(config)
	l.run(15 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
}
