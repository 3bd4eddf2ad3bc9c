package quota_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
)

var now = time.Date(2026, 1, 1, 0, 1, 40, 0, time.UTC)

func of(t *testing.T, group, resource string) quota.Resource {
	t.Helper()
	r, ok := quota.Of(schema.GroupResource{Group: group, Resource: resource})
	require.True(t, ok)
	return r
}

func read[T any](t *testing.T, text string) *T {
	t.Helper()
	obj := new(T)
	require.NoError(t, yaml.Unmarshal([]byte(text), obj))
	return obj
}

// The names are those of upstream's registry (generic, NewEvaluators,
// DefaultIgnoredResources).
func TestQ1Counted(t *testing.T) {
	usage := func(group, resource string, obj runtime.Object) string {
		r := of(t, group, resource)
		return quota.Format(r.Usage(obj, now))
	}
	assert.Equal(t, "count/statefulsets.apps=1", usage("apps", "statefulsets", nil))
	assert.Equal(t, "configmaps=1,count/configmaps=1", usage("", "configmaps", nil))
	assert.Equal(t, "count/resourcequotas=1,resourcequotas=1", usage("", "resourcequotas", nil))
	for _, gr := range []schema.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}} {
		_, ok := quota.Of(gr)
		assert.False(t, ok, gr)
	}
	claim := read[resourcev1.ResourceClaim](t, `{spec: {devices: {requests: [{name: a, exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 2}},
		{name: b, firstAvailable: [{name: x, deviceClassName: gpu, allocationMode: ExactCount, count: 3}, {name: y, deviceClassName: gpu, allocationMode: ExactCount, count: 1}]}]}}}`)
	assert.Equal(t, "count/resourceclaims.resource.k8s.io=1,gpu.deviceclass.resource.k8s.io/devices=5", usage(resourcev1.GroupName, "resourceclaims", claim))
}

// The cases are those of upstream's TestPodEvaluatorUsage and
// TestPodConstraintsFunc, in short.
func TestQ2Pods(t *testing.T) {
	r := of(t, "", "pods")
	pod := read[corev1.Pod](t, `
spec:
  overhead: {cpu: 50m}
  initContainers: [{name: i, resources: {requests: {cpu: 300m}}}, {name: s, restartPolicy: Always, resources: {requests: {cpu: 10m}}}]
  containers:
  - {name: a, resources: {requests: {cpu: 100m, memory: 1Gi, example.com/gpu: 2, hugepages-2Mi: 2Mi}, limits: {cpu: 1, hugepages-2Mi: 2Mi}}}
  - {name: b, resources: {requests: {cpu: 100m, ephemeral-storage: 1G}}}`)
	const all = "count/pods=1,cpu=350m,ephemeral-storage=1G,hugepages-2Mi=2Mi,limits.cpu=1050m,memory=1Gi,pods=1," +
		"requests.cpu=350m,requests.ephemeral-storage=1G,requests.example.com/gpu=2,requests.hugepages-2Mi=2Mi,requests.memory=1Gi"
	assert.Equal(t, all, quota.Format(r.Usage(pod, now)))
	assert.Equal(t, "must specify limits.cpu for: b,i,s; memory for: b,i,s",
		r.Constraints([]corev1.ResourceName{"limits.cpu", "memory", "requests.cpu", "ephemeral-storage", "pods"}, pod))

	pod.Status.Phase = corev1.PodSucceeded
	assert.Equal(t, "count/pods=1", quota.Format(r.Usage(pod, now)))

	pod = read[corev1.Pod](t, `{metadata: {deletionTimestamp: "2026-01-01T00:01:10Z", deletionGracePeriodSeconds: 30}}`)
	assert.Equal(t, "count/pods=1,pods=1", quota.Format(r.Usage(pod, now)), "deleted, and not overdue")
	assert.Equal(t, "count/pods=1", quota.Format(r.Usage(pod, now.Add(1))))

	for name, counts := range map[corev1.ResourceName]bool{"pods": true, "requests.example.com/gpu": true, "example.com/gpu": false,
		"requests.hugepages-2Mi": true, "requests.storage": false, "count/pods": true, "requests.kubernetes.io/x": false} {
		assert.Equal(t, counts, r.Matches(name), name)
	}
}

// The scopes are upstream's podMatchesScopeFunc.
func TestQ2Scopes(t *testing.T) {
	r := of(t, "", "pods")
	in := func(spec, pod string) bool {
		return r.InScope(&read[corev1.ResourceQuota](t, "spec: "+spec).Spec, read[corev1.Pod](t, pod))
	}
	class := func(op, values string) string {
		return "{scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: " + op + ", values: [" + values + "]}]}}"
	}
	const deadline, best = `{spec: {activeDeadlineSeconds: 0}}`, `{status: {qosClass: BestEffort}}`
	assert.True(t, in("{scopes: [Terminating]}", deadline))
	assert.False(t, in("{scopes: [NotTerminating]}", deadline))
	assert.True(t, in("{scopes: [BestEffort, NotTerminating]}", best))
	assert.False(t, in("{scopes: [NotBestEffort]}", best))
	assert.True(t, in(class("In", "high, low"), `{spec: {priorityClassName: low}}`))
	assert.False(t, in(class("NotIn", "low"), `{spec: {priorityClassName: low}}`))
	assert.True(t, in(class("NotIn", "low"), `{}`))
	assert.True(t, in(class("DoesNotExist", ""), `{}`))
	assert.False(t, in(class("Exists", ""), `{}`))
	assert.True(t, in("{scopes: [CrossNamespacePodAffinity]}", `{spec: {affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: a, namespaces: [x]}}]}}}}`))
	assert.False(t, in("{scopes: [CrossNamespacePodAffinity]}", `{spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a}]}}}}`))
	services := of(t, "", "services")
	assert.False(t, services.InScope(&corev1.ResourceQuotaSpec{Scopes: []corev1.ResourceQuotaScope{"Terminating"}}, &corev1.Service{}))
}

// The cases are those of upstream's TestPersistentVolumeClaimEvaluatorUsage and
// TestServiceEvaluatorUsage, in short.
func TestQ3ClaimsAndServices(t *testing.T) {
	claims, services := of(t, "", "persistentvolumeclaims"), of(t, "", "services")
	claim := read[corev1.PersistentVolumeClaim](t, `{spec: {storageClassName: gold, resources: {requests: {storage: 1073741825m}}}}`)
	assert.Equal(t, "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,"+
		"gold.storageclass.storage.k8s.io/requests.storage=1073742,persistentvolumeclaims=1,requests.storage=1073742", quota.Format(claims.Usage(claim, now)))
	claim = read[corev1.PersistentVolumeClaim](t, `{spec: {resources: {requests: {storage: 5G}}}, status: {allocatedResources: {storage: 10G}}}`)
	assert.Equal(t, "count/persistentvolumeclaims=1,persistentvolumeclaims=1,requests.storage=10G", quota.Format(claims.Usage(claim, now)))

	usage := func(spec string) string {
		return quota.Format(services.Usage(read[corev1.Service](t, "spec: "+spec), now))
	}
	assert.Equal(t, "count/services=1,services=1,services.loadbalancers=0,services.nodeports=2", usage("{type: NodePort, ports: [{port: 1}, {port: 2}]}"))
	assert.Equal(t, "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1",
		usage("{type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 1}, {port: 2, nodePort: 30000}]}"))
}
