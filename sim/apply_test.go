package sim_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// Kinds that nothing acts on are stored with one warning each; what pods read
// needs none.
func TestApplyWarnsOfInertKinds(t *testing.T) {
	c := sim.New(sim.Config{})
	const text = `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: b}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {b: c}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}
`
	warnings := func() []string {
		var all []string
		applied, err := c.Apply(text)
		require.NoError(t, err)
		for _, a := range applied {
			all = append(all, a.Warnings...)
		}
		return all
	}
	assert.Equal(t, []string{
		"no controller acts on NetworkPolicy here; it is stored, and that is all: in a real cluster it cuts connections between pods",
	}, warnings())
	assert.Empty(t, warnings(), "nothing is changed the second time")
}

// All objects that are refused are listed, and none is applied; applied one by
// one, the others are.
func TestRefusals(t *testing.T) {
	const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: nowhere}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: c}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {generateName: d-}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: e}}
`
	const want = `document 2: ConfigMap "b": namespaces "nowhere" not found
document 3: ServiceMonitor "c": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"; ensure CRDs are installed first
document 4: ConfigMap: cannot use generate name with apply`
	c := sim.New(sim.Config{})
	before := len(c.History())
	applied, err := c.Apply(text)
	assert.EqualError(t, err, want)
	assert.Empty(t, applied)
	assert.Len(t, c.History(), before)

	docs, err := manifest.ReadEach("", []byte(text))
	require.NoError(t, err)
	applied, err = c.ApplyEach(docs)
	assert.EqualError(t, err, want)
	require.Len(t, applied, 2)
	assert.Equal(t, "e", applied[1].Key.Name)
}

// The objects of one file come one after the other, and controllers act in
// between: the pod of the set is there when its twin in the file comes.
func TestApplyTakesTime(t *testing.T) {
	const text = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-0}, spec: {containers: [{name: c, image: i}]}}
`
	c := sim.New(sim.Config{})
	start := c.Now()
	applied, err := c.Apply(text)
	require.NoError(t, err)
	assert.Equal(t, "configured", applied[4].Action)
	assert.Contains(t, applied[4].Warnings[0], "resource pods/web-0 is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply.")
	assert.Greater(t, c.Now().Sub(start), 4*4*time.Millisecond-1)

	c = sim.New(sim.Config{Latency: &sim.Latency{}})
	start = c.Now()
	applied, err = c.Apply(text)
	require.NoError(t, err)
	assert.Equal(t, "created", applied[4].Action)
	assert.Equal(t, start, c.Now())
}

// A definition is stored; its objects are left out, and told, once it is.
func TestCustomResources(t *testing.T) {
	const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: array, items: {type: string}}}}}}}}]
`
	const thing = "{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}}\n"
	c := sim.New(sim.Config{})
	_, err := c.Apply(definition + "---\n" + thing)
	assert.EqualError(t, err, `document 2: Thing "a": no matches for kind "Thing" in version "example.com/v1"; ensure CRDs are installed first`)
	_, err = c.Apply(definition)
	require.NoError(t, err)
	applied, err := c.Apply(thing)
	require.NoError(t, err)
	assert.Equal(t, "skipped", applied[0].Action)
	assert.Equal(t, []string{`Thing "a" is left out: custom resources are defined here, but not served`}, applied[0].Warnings)
	_, err = c.Apply(strings.Replace(definition, "type: string", "type: integer", 1))
	require.NoError(t, err, "a schema changes")
}

// Numbers are kept to the last digit however often they are applied.
func TestApplyKeepsNumbers(t *testing.T) {
	const text = "{apiVersion: v1, kind: Pod, metadata: {name: a%s}, spec: {terminationGracePeriodSeconds: 9223372036854775807, containers: [{name: c, image: i}]}}\n"
	c := sim.New(sim.Config{})
	for _, label := range []string{"", "", ", labels: {a: b}", ", labels: {a: c}"} {
		_, err := c.Apply(fmt.Sprintf(text, label))
		require.NoError(t, err)
		pod, err := sim.Get[*corev1.Pod](c, "", "a")
		require.NoError(t, err)
		assert.Equal(t, int64(math.MaxInt64), *pod.Spec.TerminationGracePeriodSeconds)
		assert.Contains(t, pod.Annotations[manifest.LastApplied], `"terminationGracePeriodSeconds":9223372036854775807`)
	}
}

// A quantity that nobody can compute with is refused, however it comes.
func TestHugeQuantities(t *testing.T) {
	const why = "unable to parse quantity's suffix"
	c := sim.New(sim.Config{})
	_, err := c.Apply(web)
	require.NoError(t, err)
	for typ, patch := range map[types.PatchType]string{
		types.StrategicMergePatchType: `{"spec":{"template":{"spec":{"containers":[{"name":"nginx","resources":{"limits":{"cpu":"1e2147483647"}}}]}}}}`,
		types.MergePatchType:          `{"spec":{"template":{"spec":{"overhead":{"cpu":"1e-2147483647"}}}}}`,
		types.JSONPatchType:           `[{"op":"add","path":"/spec/template/spec/containers/0/resources","value":{"limits":{"cpu":"1e2147483647"}}}]`,
	} {
		_, _, err = c.Patch(apiserver.StatefulSet, "", "web", typ, patch)
		assert.ErrorContains(t, err, why, typ)
	}
	_, err = c.Create(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i",
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("1e2147483647")}}}}}})
	assert.ErrorContains(t, err, why)
	assert.EqualError(t, sim.Config{Nodes: []sim.Node{{Name: "a", CPU: "1e2147483647"}}}.Validate(), `Nodes[0].CPU: "1e2147483647" is no quantity of a resource`)
}

// The limits are those of the runs that the user starts.
func TestLimitsBeginAfterTheStart(t *testing.T) {
	c := sim.New(sim.Config{Limits: sim.Limits{Time: time.Nanosecond, Steps: 1}})
	_, err := c.Settle()
	assert.NoError(t, err, "it is at rest already")
}
