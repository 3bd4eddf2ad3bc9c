package apiserver_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// plugged is a server with all plugins and a namespace.
func plugged(t *testing.T, labels string, off ...string) *apiserver.Server {
	t.Helper()
	s := apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{DisableAdmissionPlugins: off})
	require.NoError(t, created(t, s, `{apiVersion: v1, kind: Namespace, metadata: {name: sec, labels: {`+labels+`}}}`).Err)
	require.NoError(t, created(t, s, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: sec}}`).Err)
	return s
}

// created sends an object as kubectl does.
func created(t *testing.T, s *apiserver.Server, text string) apiserver.Result {
	t.Helper()
	var kind struct{ Kind string }
	require.NoError(t, yaml.Unmarshal([]byte(text), &kind))
	obj := apiserver.KindNamed(kind.Kind).New()
	require.NoError(t, yaml.Unmarshal([]byte(text), obj))
	return s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
}

// partOf returns a part of an object as JSON.
func partOf(t *testing.T, obj apiserver.Object, path ...string) string {
	t.Helper()
	text, err := json.Marshal(obj)
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.Unmarshal(text, &tree))
	for _, p := range path {
		tree = tree.(map[string]any)[p]
	}
	text, err = json.Marshal(tree)
	require.NoError(t, err)
	return string(text)
}

const privilegedPod = `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: sec}, spec: {containers: [{name: c, image: nginx, securityContext: {privileged: true}}]}}`

// The words are those of pod-security-admission v0.37.2 (EvaluatePod, and the
// checks of package policy).
func TestPodSecurity(t *testing.T) {
	s := plugged(t, `pod-security.kubernetes.io/enforce: restricted`)
	const why = `privileged (container "c" must not set securityContext.privileged=true), ` +
		`allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ` +
		`unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ` +
		`runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ` +
		`seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	assert.EqualError(t, created(t, s, privilegedPod).Err, `pods "p" is forbidden: violates PodSecurity "restricted:latest": `+why)

	res := created(t, s, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, namespace: sec}, spec: {selector: {matchLabels: {a: b}}, `+
		`template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: nginx, securityContext: {privileged: true}}]}}}}`)
	require.NoError(t, res.Err, "what makes pods is warned of, not refused")
	assert.Equal(t, []string{`would violate PodSecurity "restricted:latest": ` + why}, res.Warnings)

	s = plugged(t, `pod-security.kubernetes.io/enforce: strict`, "PodSecurity")
	require.NoError(t, created(t, s, privilegedPod).Err, "the plugin is off")
}

// A namespace that becomes stricter tells of the pods that are there already
// (EvaluatePodsInNamespace); labels that cannot be read are refused.
func TestPodSecurityOfANamespace(t *testing.T) {
	s := plugged(t, "")
	require.NoError(t, created(t, s, privilegedPod).Err)
	label := func(level string) apiserver.Result {
		return s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "sec"},
			Patch: apiserver.RawPatch{Type: "application/merge-patch+json", Data: `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"` + level + `"}}}`}})
	}
	res := label("baseline")
	require.NoError(t, res.Err)
	assert.Equal(t, []string{`existing pods in namespace "sec" violate the new PodSecurity enforce level "baseline:latest"`, "p: privileged"}, res.Warnings)
	assert.EqualError(t, label("strict").Err, `Namespace "sec" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted`)
}

// Defaults, and the words of limitranger/admission.go.
func TestLimitRange(t *testing.T) {
	s := plugged(t, "")
	require.NoError(t, created(t, s, `{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: sec}, spec: {limits: [`+
		`{type: Container, default: {cpu: 500m}, min: {memory: 64Mi}, max: {cpu: "1"}, maxLimitRequestRatio: {cpu: "4"}}, `+
		`{type: PersistentVolumeClaim, max: {storage: 1Gi}}]}}`).Err)
	pod := func(resources string) apiserver.Result {
		return created(t, s, `{apiVersion: v1, kind: Pod, metadata: {generateName: p, namespace: sec}, spec: {containers: [{name: c, image: nginx, resources: {`+resources+`}}]}}`)
	}
	res := pod("")
	require.NoError(t, res.Err)
	assert.Equal(t, `{"kubernetes.io/limit-ranger":"LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c"}`, partOf(t, res.Object, "metadata", "annotations"))

	for resources, why := range map[string]string{
		`limits: {cpu: "2"}`:                      "maximum cpu usage per Container is 1, but limit is 2",
		`requests: {memory: 1Mi}`:                 "minimum memory usage per Container is 64Mi, but request is 1Mi",
		`requests: {cpu: 100m}`:                   "cpu max limit to request ratio per Container is 4, but provided ratio is 5.000000",
		`requests: {cpu: 100m}, limits: {cpu: 3}`: "[maximum cpu usage per Container is 1, but limit is 3, cpu max limit to request ratio per Container is 4, but provided ratio is 30.000000]",
	} {
		assert.ErrorContains(t, pod(resources).Err, "is forbidden: "+why, resources)
	}
	assert.EqualError(t, created(t, s, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: sec}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}`).Err,
		`persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi`)
}

// The words are those of runtimeclass/admission.go.
func TestRuntimeClass(t *testing.T) {
	s := plugged(t, "")
	pod := func(spec string) apiserver.Result {
		return created(t, s, `{apiVersion: v1, kind: Pod, metadata: {generateName: p, namespace: sec}, spec: {`+spec+`, containers: [{name: c, image: nginx}]}}`)
	}
	assert.ErrorContains(t, pod("runtimeClassName: kata").Err, `is forbidden: pod rejected: RuntimeClass "kata" not found`)
	require.NoError(t, created(t, s, `{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kata}, handler: kata, overhead: {podFixed: {cpu: 250m}}, scheduling: {nodeSelector: {vm: "yes"}}}`).Err)
	res := pod("runtimeClassName: kata")
	require.NoError(t, res.Err)
	assert.Equal(t, `{"cpu":"250m"}`, partOf(t, res.Object, "spec", "overhead"))
	assert.Equal(t, `{"vm":"yes"}`, partOf(t, res.Object, "spec", "nodeSelector"))
	assert.ErrorContains(t, pod(`runtimeClassName: kata, nodeSelector: {vm: "no"}`).Err, "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no")
	assert.ErrorContains(t, pod("overhead: {cpu: 1}").Err, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
}

// What a pod gets from its account, and what the account forbids
// (serviceaccount/admission.go).
func TestServiceAccount(t *testing.T) {
	s := plugged(t, "")
	require.NoError(t, created(t, s, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: strict, namespace: sec, annotations: {kubernetes.io/enforce-mountable-secrets: "true"}}, imagePullSecrets: [{name: pull}], automountServiceAccountToken: false}`).Err)
	pod := func(spec string) apiserver.Result {
		return created(t, s, `{apiVersion: v1, kind: Pod, metadata: {generateName: p, namespace: sec}, spec: {containers: [{name: c, image: nginx}], `+spec+`}}`)
	}
	res := pod("")
	require.NoError(t, res.Err)
	volume := partOf(t, res.Object, "spec", "volumes")
	assert.Regexp(t, `^\[\{"name":"kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}","projected":\{"defaultMode":420,"sources":\[\{"serviceAccountToken":\{"expirationSeconds":3607,"path":"token"\}\},`+
		`\{"configMap":\{"items":\[\{"key":"ca.crt","path":"ca.crt"\}\],"name":"kube-root-ca.crt"\}\},`+
		`\{"downwardAPI":\{"items":\[\{"fieldRef":\{"apiVersion":"v1","fieldPath":"metadata.namespace"\},"path":"namespace"\}\]\}\}\]\}\}\]$`, volume)
	res = pod("serviceAccountName: strict")
	require.NoError(t, res.Err)
	assert.Equal(t, `[{"name":"pull"}]`, partOf(t, res.Object, "spec", "imagePullSecrets"))
	assert.Equal(t, "null", partOf(t, res.Object, "spec", "volumes"))
	assert.ErrorContains(t, pod("serviceAccountName: strict, volumes: [{name: v, secret: {secretName: key}}]").Err,
		`volume with secret.secretName="key" is not allowed because service account strict does not reference that secret`)
	assert.ErrorContains(t, pod("serviceAccountName: strict, imagePullSecrets: [{name: other}]").Err,
		`imagePullSecrets[0].name="other" is not allowed because service account strict does not reference that imagePullSecret`)
}

// The words are those of AdmissionOptions.Validate.
func TestUnknownPlugins(t *testing.T) {
	assert.NoError(t, apiserver.CheckPlugins(apiserver.AdmissionPlugins()))
	assert.EqualError(t, apiserver.CheckPlugins([]string{"PodSecurity", "PodSecurityPolicy"}), `disable-admission-plugins plugin "PodSecurityPolicy" is unknown`)
}
