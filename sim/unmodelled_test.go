package sim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/unmodelled"
)

// base is a set of one pod; more is what its pod's spec has besides.
func base(more string) string {
	return `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: hs}
spec:
  serviceName: hs
  selector: {matchLabels: {app: l}}
  template:
    metadata: {labels: {app: l}}
    spec:
      containers: [{name: c, image: nginx}]
` + more
}

const replication = `
---
apiVersion: v1
kind: ReplicationController
metadata: {name: d, namespace: NS}
spec:
  selector: {app: d}
  template:
    metadata: {labels: {app: d}}
    spec: {containers: [{name: c, image: nginx}]}
`

const job = `
---
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: nginx}]}}}
`

// settled applies a manifest and returns what waits, by kind and name, and the report.
func settled(t *testing.T, text string) (map[string]string, unmodelled.Report) {
	t.Helper()
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(text)
	require.NoError(t, err)
	s, err := c.Settle()
	require.NoError(t, err)
	waits := map[string]string{}
	for _, w := range s.Waiting {
		waits[w.Kind.String()+" "+w.Key.String()] = w.Reason
	}
	return waits, c.Unmodelled()
}

// What waits for something that is stored and not run says so: the pods of a
// ReplicationController, an object that a Job would make, another scheduler, gates that
// nobody removes.
func TestReasonsThatHangOnWhatIsNotModelled(t *testing.T) {
	near := func(more string) string {
		return base(`      affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: d}}, topologyKey: kubernetes.io/hostname` + more + `}]}}`)
	}
	secret := strings.Replace(base(`      volumes: [{name: v, secret: {secretName: made-by-a-job}}]`),
		"image: nginx", "image: nginx, volumeMounts: [{name: v, mountPath: /v}]", 1)
	for name, c := range map[string]struct {
		text, want string
		not        string
	}{
		"near a controller's": {near("") + strings.ReplaceAll(replication, "NS", "default"),
			"(it has to be near pods of ReplicationController default/d, which is stored, not run)", ""},
		"near a controller's elsewhere": {near("") + strings.ReplaceAll(replication, "NS", "kube-public"), "didn't match pod affinity rules", "stored, not run"},
		"near all namespaces": {near(", namespaceSelector: {}") + strings.ReplaceAll(replication, "NS", "kube-public"),
			"(it has to be near pods of ReplicationController kube-public/d, which is stored, not run)", ""},
		"a Secret of a Job": {secret + job, `secret "made-by-a-job" not found (if Job default/j is to make it: its containers run, and write no objects here)`, ""},
		"a Secret":          {secret, `secret "made-by-a-job" not found`, "stored"},
		"a foreign scheduler": {base("      schedulerName: mine"),
			`no node: it asks for the scheduler "mine", and the one here is "default-scheduler"`, ""},
		"gates":           {base("      schedulingGates: [{name: example.com/a}, {name: example.com/b}]"), "SchedulingGated: held until its gates are removed: example.com/a, example.com/b", ""},
		"readiness gates": {base("      readinessGates: [{conditionType: example.com/a}]"), "(nothing here sets that condition but you)", ""},
	} {
		waits, _ := settled(t, c.text)
		reason := waits["Pod default/hs-0"]
		assert.Contains(t, reason, c.want, name)
		if c.not != "" {
			assert.NotContains(t, reason, c.not, name)
		}
	}
}

// The report counts what is stored and not run, and names each field once.
func TestReport(t *testing.T) {
	waits, report := settled(t, base("      hostnameOverride: fast")+
		strings.ReplaceAll(replication, "NS", "default")+strings.ReplaceAll(replication, "NS", "kube-public")+`
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer, ports: [{port: 80}]}}
`)
	assert.Empty(t, waits)
	lines := report.Lines()
	require.NotEmpty(t, lines)
	assert.Equal(t, "2 ReplicationControllers are stored, not run", lines[0])
	assert.Contains(t, lines[1], "1 NetworkPolicy")
	text := report.String()
	assert.NotContains(t, text, "Role")
	assert.Contains(t, text, "spec.template.spec.hostnameOverride of StatefulSet default/hs is stored, not acted on: in a real cluster the pod calls itself by another name")
	assert.Equal(t, 1, strings.Count(text, "hostnameOverride"), "the pods' own is the template's")
	assert.Contains(t, text, "spec.type of Service default/a is stored, not acted on: in a real cluster a load balancer gets an address")

	_, report = settled(t, base(""))
	assert.Empty(t, report.String(), "nothing is said of what is modelled")
}

// At apply each field is told once, in a template, too; its zero value and what
// changes nothing are not.
func TestApplyTellsFields(t *testing.T) {
	c := sim.New(sim.Config{})
	applied, err := c.Apply(base("      hostnameOverride: fast\n      hostPID: true") + "\n---" + strings.Replace(base("      hostnameOverride: fast"), "name: hs", "name: other", 1))
	require.NoError(t, err)
	require.Len(t, applied, 2)
	require.Len(t, applied[0].Warnings, 1)
	assert.Contains(t, applied[0].Warnings[0], "spec.template.spec.hostnameOverride: nothing acts on it here")
	assert.Empty(t, applied[1].Warnings, "told once")
}
