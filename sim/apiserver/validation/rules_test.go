package validation_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

const setManifest = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "nginx:1.0", volumeMounts: [{name: www, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}`

func Example() {
	set := &appsv1.StatefulSet{}
	set.Name, set.Namespace = "web", "default"
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "nginx"}}
	defaults.Set(set)
	validation.PrepareCreate(set)
	for _, err := range validation.Create(set, validation.Options{MaxUnavailable: true}) {
		fmt.Println(err)
	}
	// Output:
	// spec.selector: Required value
	// spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`
}

// stored returns an object as the server would have stored it.
func stored[T object](t testing.TB, manifest string) T {
	t.Helper()
	obj := parse(t, manifest).(T)
	defaults.Set(obj)
	validation.PrepareCreate(obj)
	require.Empty(t, validation.Create(obj, options))
	return obj
}

// TestGates is §0.1 and §0.2.
func TestGates(t *testing.T) {
	set := stored[*appsv1.StatefulSet](t, setManifest)
	shared := set.Spec.UpdateStrategy.RollingUpdate
	validation.Disable(set, validation.Options{})
	require.Nil(t, set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable)
	require.NotNil(t, shared.MaxUnavailable, "shared memory was written to")

	set.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.RecreateStatefulSetStrategyType}
	require.Empty(t, validation.Create(set, validation.Options{Recreate: true}))
	require.Len(t, validation.Create(set, validation.Options{}), 1)
	set.Spec.UpdateStrategy.Type = "X"
	require.Equal(t, []string{`spec.updateStrategy: Invalid value: {"Type":"X","RollingUpdate":null}: must be 'RollingUpdate', 'OnDelete', or 'Recreate'`},
		texts(validation.Create(set, validation.Options{Recreate: true})))
}

// TestImmutable is A4 and §0.3: one error for each field.
func TestImmutable(t *testing.T) {
	old := stored[*appsv1.StatefulSet](t, setManifest)
	next := *old
	next.Spec.ServiceName, next.Spec.PodManagementPolicy = "x", appsv1.ParallelPodManagement
	require.Equal(t, []string{
		`spec.serviceName: Invalid value: "x": field is immutable`,
		`spec.podManagementPolicy: Invalid value: "Parallel": field is immutable`,
	}, texts(validation.Update(&next, old, options)))
}

// A value that the stored Service has is no longer looked at, wherever it stands
// now (IsValidIPForLegacyField).
func TestStoredAddressStays(t *testing.T) {
	old := stored[*corev1.Service](t, `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80}]}`)
	next := *old
	next.Spec.ClusterIPs = []string{"None", "None"}
	first := `spec.clusterIPs: Invalid value: ["None","None"]: 'None' must be the first and only value`
	require.Equal(t, []string{first}, texts(validation.Update(&next, old, options))[:1])
	require.NotContains(t, fmt.Sprint(texts(validation.Update(&next, old, options))), "must be a valid IP address")
	require.Contains(t, fmt.Sprint(texts(validation.Create(&next, options))), `spec.clusterIPs[1]: Invalid value: "None": must be a valid IP address`)
}

// What has ended stays ended, unless its container may restart: one that the pod
// does not have may not, whatever the pod's policy.
func TestEndedContainers(t *testing.T) {
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
	restarts := func(policy corev1.RestartPolicy, edit func(*corev1.Pod), names ...string) []string {
		old := stored[*corev1.Pod](t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}")
		old.Spec.RestartPolicy = policy
		edit(old)
		next := *old
		for _, n := range names {
			old.Status.ContainerStatuses = append(old.Status.ContainerStatuses, corev1.ContainerStatus{Name: n, State: ended})
			next.Status.ContainerStatuses = append(next.Status.ContainerStatuses, corev1.ContainerStatus{Name: n})
		}
		return texts(validation.UpdateStatus(&next, old))
	}
	none := func(*corev1.Pod) {}
	forbidden := `status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state`
	require.Empty(t, restarts(corev1.RestartPolicyAlways, none, "c"))
	require.Empty(t, restarts(corev1.RestartPolicyOnFailure, none, "c"))
	require.Equal(t, []string{forbidden}, restarts(corev1.RestartPolicyNever, none, "c"))
	require.Equal(t, []string{forbidden}, restarts(corev1.RestartPolicyAlways, none, "other"))
	require.Empty(t, restarts(corev1.RestartPolicyNever, func(p *corev1.Pod) {
		p.Spec.Containers[0].RestartPolicyRules = []corev1.ContainerRestartRule{{Action: corev1.ContainerRestartRuleActionRestartAllContainers}}
	}, "other"))
}

// TestGeneration is A7: up with the spec, never with status or metadata.
func TestGeneration(t *testing.T) {
	old := stored[*appsv1.StatefulSet](t, setManifest)
	require.EqualValues(t, 1, old.Generation)
	next := *old
	next.Labels, next.Status.Replicas = map[string]string{"a": "b"}, 7
	validation.PrepareUpdate(&next, old)
	require.EqualValues(t, 1, next.Generation)
	require.Zero(t, next.Status.Replicas, "an update of the object wrote its status")

	five := int32(5)
	next.Spec.Replicas = &five
	validation.PrepareUpdate(&next, old)
	require.EqualValues(t, 2, next.Generation)

	next.Status.Replicas = 3
	validation.PrepareStatusUpdate(&next, old)
	require.EqualValues(t, 1, *next.Spec.Replicas)
	require.EqualValues(t, 3, next.Status.Replicas)
}

// TestExpansion is V16: a bound claim may ask for more, and for less only if
// that is more than it has.
func TestExpansion(t *testing.T) {
	old := stored[*corev1.PersistentVolumeClaim](t, `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}`)
	ask := func(phase corev1.PersistentVolumeClaimPhase, size string) int {
		was := *old
		was.Status = corev1.PersistentVolumeClaimStatus{Phase: phase, Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")}}
		next := was
		next.Spec.Resources.Requests = maps.Clone(next.Spec.Resources.Requests)
		next.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(size)
		validation.PrepareUpdate(&next, &was)
		return len(validation.Update(&next, &was, options))
	}
	require.Equal(t, 0, ask(corev1.ClaimBound, "6Gi"))
	require.Equal(t, 0, ask(corev1.ClaimBound, "4Gi"))
	require.Equal(t, 1, ask(corev1.ClaimBound, "3Gi"))
	require.Equal(t, 1, ask(corev1.ClaimPending, "6Gi"))
}

// TestPodImage: of a pod's containers only images may change.
func TestPodImage(t *testing.T) {
	old := stored[*corev1.Pod](t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a}]}")
	next := old.DeepCopy()
	next.Spec.Containers[0].Image = "b"
	validation.PrepareUpdate(next, old)
	require.EqualValues(t, 2, next.Generation)
	require.Empty(t, validation.Update(next, old, options))
	next.Spec.Containers[0].Command = []string{"x"}
	errs := validation.Update(next, old, options)
	require.Len(t, errs, 1)
	require.Contains(t, errs[0].Detail, "pod updates may not change fields other than `spec.containers[*].image`,")
	require.Contains(t, errs[0].Detail, "+   \"Command\": [\n+    \"x\"\n+   ],")
}

// TestPrepareShares: preparation writes through no pointer either.
func TestPrepareShares(t *testing.T) {
	for _, manifest := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {resources: {limits: {cpu: 1}}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [a], labelSelector: {}}], volumes: [{name: v, emptyDir: {mode: 7}}], containers: [{name: c, image: a, resources: {limits: {cpu: 1}}}]}",
	} {
		p := parse(t, manifest).(*corev1.Pod)
		defaults.Set(p)
		before, shallow := p.DeepCopy(), *p
		validation.PrepareCreate(&shallow)
		require.Empty(t, cmp.Diff(before, p))
		require.Equal(t, "b", shallow.Spec.TopologySpreadConstraints[0].LabelSelector.MatchExpressions[0].Values[0])
		require.Nil(t, shallow.Spec.Volumes[0].EmptyDir.Mode)
		require.Equal(t, corev1.PodQOSBurstable, shallow.Status.QOSClass)
	}
}

// TestNoAllocation: a valid pod costs no memory.
func TestNoAllocation(t *testing.T) {
	p := stored[*corev1.Pod](t, podManifest)
	require.Zero(t, testing.AllocsPerRun(10, func() { validation.Create(p, options) }))
	next := *p
	require.Zero(t, testing.AllocsPerRun(10, func() { validation.UpdateStatus(&next, p) }))
}

const podManifest = `
apiVersion: v1
kind: Pod
metadata: {name: web-0, labels: {app: web, apps.kubernetes.io/pod-index: "0"}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]}
spec:
  hostname: web-0
  subdomain: web
  volumes: [{name: www, persistentVolumeClaim: {claimName: www-web-0}}]
  containers:
  - name: c
    image: "nginx:1.0"
    ports: [{containerPort: 80, name: http}]
    volumeMounts: [{name: www, mountPath: /data}]
    readinessProbe: {httpGet: {port: 80}}`

func BenchmarkPod(b *testing.B) {
	p := stored[*corev1.Pod](b, podManifest)
	b.ReportAllocs()
	for b.Loop() {
		if validation.Create(p, options) != nil {
			b.Fatal("not valid")
		}
	}
}

// TestWarnings are kubectl's lines.
func TestWarnings(t *testing.T) {
	p := stored[*corev1.Pod](t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a.b}\nspec: {containers: [{name: c, image: a, ports: [{containerPort: 1, name: x}, {containerPort: 1}]}, {name: d, image: a, env: [{name: A, value: b}, {name: A, value: c}]}]}")
	got := validation.Warnings(p, nil)
	require.Len(t, got, 3)
	require.Contains(t, got[0], "metadata.name: this is used in the Pod's hostname")
	require.Equal(t, `spec.containers[1].env[1]: hides previous definition of "A", which may be dropped when using apply`, got[1])
	require.Equal(t, "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]", got[2])
	require.Nil(t, validation.Warnings(p, p))
}
