package kubelet_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Conditions of others stay, and a status that somebody else changed is put
// right at the next tick of the status manager (N2, K21).
func TestStatusIsReconciled(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(web0)
	l.run(3 * time.Second)
	update(l, apiserver.Pod, key("web-0"), apiserver.Status, func(p *corev1.Pod) {
		for i := range p.Status.Conditions {
			if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady {
				c.Status = corev1.ConditionFalse
			}
		}
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: "example.com/x", Status: corev1.ConditionTrue})
	})
	ready := func() corev1.ConditionStatus {
		for _, c := range l.pod("web-0").Status.Conditions {
			if c.Type == corev1.PodReady {
				return c.Status
			}
		}
		return ""
	}
	assert.Equal(t, corev1.ConditionFalse, ready())
	l.run(10 * time.Second)
	assert.Equal(t, corev1.ConditionTrue, ready())
	assert.Equal(t, corev1.PodConditionType("example.com/x"), l.pod("web-0").Status.Conditions[0].Type)
	assert.Zero(t, l.host.Engine().Len())
}

// Every status of a life, field by field, as in the recording of the seed but
// for what its fake runtime does (rewrite the golden file with REWRITE=1).
func TestStatusFields(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	var got []corev1.PodStatus
	l.spy = func(rec *apiserver.Record) {
		if p, ok := rec.Object.(*corev1.Pod); ok {
			got = append(got, p.Status)
		}
	}
	l.create(`{metadata: {name: p, labels: {a: b}}, spec: {volumes: [{name: wwwdata, nfs: {server: s, path: /p}}],
	  containers: [{name: satefulset, image: "marksugar/nginx:1.14.a", ports: [{containerPort: 80, name: http}], volumeMounts: [{name: wwwdata, mountPath: /data/wwwroot}]}]}}`)
	l.run(time.Minute)
	l.delete("p", nil)
	l.run(time.Minute)
	require.Len(t, got, 9)

	text, err := json.MarshalIndent(got, "", " ")
	require.NoError(t, err)
	const golden = "testdata/statuses.json"
	if os.Getenv("REWRITE") != "" {
		require.NoError(t, os.WriteFile(golden, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(text))
}

// A write that fails is repeated at the next tick of the status manager (K21),
// and so is the last deletion.
func TestFailedWritesAreRepeated(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	broken := apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
	l.host.Fail(controller.Fault{By: "kubelet", Verb: apiserver.Patch, Kind: apiserver.Pod, Err: broken, Count: 3})
	l.create(web0)
	l.run(9 * time.Second)
	assert.Equal(t, "0/1 Pending", status(l.pod("web-0")))
	assert.Equal(t, "web-0/nginx", l.processes())
	l.run(2 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("web-0")))

	l.host.Fail(controller.Fault{By: "kubelet", Verb: apiserver.Delete, Kind: apiserver.Pod, Err: broken, Count: 2})
	assert.Equal(t, 19*time.Second, gone(l, "web-0", nil))
}
