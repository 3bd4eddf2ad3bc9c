package tenants

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// hards are the amounts that quotas have. Amounts of a resource are written in one
// way in all objects: how a sum of several is written is chance.
var hards = []corev1.ResourceList{
	list("pods", "2", "requests.cpu", "1", "limits.memory", "2Gi"),
	list("pods", "3", "count/pods", "4", "cpu", "500m"),
	list("requests.storage", "3Gi", "persistentvolumeclaims", "3", "gold.storageclass.storage.k8s.io/requests.storage", "2Gi"),
	list("services.nodeports", "2", "services", "3", "services.loadbalancers", "1", "count/secrets", "2"),
	list("secrets", "2", "configmaps", "2", "count/serviceaccounts", "1", "resourcequotas", "2"),
	list("pods", "2"), // which goes with every scope of pods
	list("requests.example.com/gpu", "2", "requests.ephemeral-storage", "1Gi", "pods", "5", "example.com/unknown", "1"),
}

var selectors = []*corev1.ScopeSelector{nil, scoped("Terminating", corev1.ScopeSelectorOpExists), scoped("NotTerminating", corev1.ScopeSelectorOpExists), scoped("BestEffort", corev1.ScopeSelectorOpExists),
	scoped("NotBestEffort", corev1.ScopeSelectorOpExists), scoped("PriorityClass", corev1.ScopeSelectorOpDoesNotExist),
	scoped("PriorityClass", corev1.ScopeSelectorOpIn, "system-node-critical"), scoped("CrossNamespacePodAffinity", corev1.ScopeSelectorOpExists)}

func scoped(scope corev1.ResourceQuotaScope, op corev1.ScopeSelectorOperator, values ...string) *corev1.ScopeSelector {
	return &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{{ScopeName: scope, Operator: op, Values: values}}}
}

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

var secretKind = apiserver.KindNamed("secrets")

// drawScript draws what a user does. Pauses are multiples of ten seconds.
func drawScript(t *rapid.T) script {
	var s script
	for range rapid.IntRange(8, 40).Draw(t, "steps") {
		st := drawStep(t)
		st.pause = rapid.SampledFrom([]time.Duration{10, 10, 10, 10, 40, 330}).Draw(t, "pause") * time.Second
		s.steps = append(s.steps, st)
	}
	return s
}

func drawStep(t *rapid.T) step {
	n := rapid.IntRange(0, len(hards)-1).Draw(t, "number")
	namespace := rapid.SampledFrom([]string{"default", "default", "default", "default", "default", "a"}).Draw(t, "namespace")
	name := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name")
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	st := step{namespace: namespace, name: name, number: n}
	on := func(op string, kind apiserver.Kind) step { st.op, st.kind = op, kind; return st }
	create := func(obj apiserver.Object) step {
		st.object = obj
		st.name = obj.GetName()
		return on("create", apiserver.KindOf(obj))
	}
	switch rapid.IntRange(0, 25).Draw(t, "op") {
	case 0:
		st.namespace = ""
		return create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "new")}})
	case 1:
		st.namespace, st.name = "", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "old")
		return on("delete", apiserver.Namespace)
	case 2:
		st.name = "default"
		return on("delete", apiserver.ServiceAccount)
	case 3:
		st.name = "kube-root-ca.crt"
		return on(rapid.SampledFrom([]string{"delete", "spoil"}).Draw(t, "do"), apiserver.ConfigMap)
	case 4, 5, 17, 18, 19:
		return create(drawPod(t, meta))
	case 6, 20, 21:
		return on(rapid.SampledFrom([]string{"kill", "delete", "phase", "deadline"}).Draw(t, "do"), apiserver.Pod)
	case 7, 22:
		return create(drawClaim(t, meta))
	case 8, 23, 24:
		st.name = drawClaimName(t, name)
		return on(rapid.SampledFrom([]string{"delete", "release", "release", "allocate"}).Draw(t, "do"), apiserver.PersistentVolumeClaim)
	case 9:
		return create(&corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Name: "a", Port: 1}, {Name: "b", Port: 2}}[:1+n%2]}})
	case 10:
		return on(rapid.SampledFrom([]string{"delete", "type", "type"}).Draw(t, "do"), apiserver.Service)
	case 11:
		secret := &corev1.Secret{ObjectMeta: meta}
		if n == 0 {
			secret.ResourceVersion = "1" // charged, and then refused
		}
		return create(secret)
	case 12:
		return on("delete", secretKind)
	case 13, 14:
		return create(&corev1.ResourceQuota{ObjectMeta: meta, Spec: corev1.ResourceQuotaSpec{Hard: hards[n], ScopeSelector: drawSelector(t, n)}})
	case 15, 16:
		return on(rapid.SampledFrom([]string{"delete", "respec", "respec", "rescope", "lie"}).Draw(t, "do"), apiserver.ResourceQuota)
	}
	st.name = rapid.SampledFrom([]string{accountsName, publisherName, volumesName, quotasName}).Draw(t, "controller")
	st.op = "fail"
	return st
}

// drawSelector returns a selector that goes with the amounts of a number.
func drawSelector(t *rapid.T, n int) *corev1.ScopeSelector {
	best := func(s *corev1.ScopeSelector) bool { return s != nil && s.MatchExpressions[0].ScopeName == "BestEffort" }
	switch pods := len(hards[n]) == 1; {
	case n < 2:
		return rapid.SampledFrom(slices.DeleteFunc(slices.Clone(selectors), best)).Draw(t, "scope")
	case pods:
		return rapid.SampledFrom(selectors).Draw(t, "scope")
	}
	return nil
}

func drawClaimName(t *rapid.T, name string) string {
	if rapid.Bool().Draw(t, "ephemeral") {
		return name + "-v"
	}
	return name
}

func drawClaim(t *rapid.T, meta metav1.ObjectMeta) *corev1.PersistentVolumeClaim {
	meta.Name = drawClaimName(t, meta.Name)
	class := rapid.SampledFrom([]string{"gold", "iron"}).Draw(t, "class")
	return &corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: list("storage", fmt.Sprintf("%dGi", rapid.IntRange(1, 2).Draw(t, "size")))}}}
}

func drawPod(t *rapid.T, meta metav1.ObjectMeta) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
	c := &pod.Spec.Containers[0]
	switch rapid.IntRange(0, 3).Draw(t, "resources") {
	case 0:
	case 1:
		c.Resources = corev1.ResourceRequirements{Requests: list("cpu", "300m"), Limits: list("memory", "1Gi")}
	default:
		c.Resources = corev1.ResourceRequirements{Requests: list("cpu", "100m", "ephemeral-storage", "1Mi", "example.com/gpu", "1"), Limits: list("memory", "1Mi", "example.com/gpu", "1")}
	}
	if rapid.IntRange(0, 2).Draw(t, "volume") == 0 {
		claim := drawClaim(t, metav1.ObjectMeta{})
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: claim.Spec}}}}}
	}
	if rapid.IntRange(0, 4).Draw(t, "finalizer") == 0 {
		pod.Finalizers = []string{"example.com/held"}
	}
	return pod
}
