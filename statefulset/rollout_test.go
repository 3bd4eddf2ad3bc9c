package statefulset

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func rolling(partition int32, maxUnavailable any) func(*appsv1.StatefulSet) {
	var m intstr.IntOrString
	switch v := maxUnavailable.(type) {
	case int:
		m = intstr.FromInt32(int32(v))
	case string:
		m = intstr.FromString(v)
	}
	return func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition, MaxUnavailable: &m}}
	}
}

// S11: at which revision a missing pod is built.
func TestS11RevisionOfMissingPods(t *testing.T) {
	bare := func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		s.Status.CurrentReplicas = 1
	}
	start := func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 3} }
	for name, c := range map[string]struct {
		set  *appsv1.StatefulSet
		want string // of ordinals 0 … 6
	}{
		"partition":                   {web(5, rolling(2, 1)), "oonnnnn"},
		"partition counts from start": {web(5, rolling(2, 1), start), "ooooonn"},
		"no rollingUpdate":            {web(5, bare), "onnnnnn"},
		"no rollingUpdate, start":     {web(5, bare, start), "oooonnn"},
		"OnDelete":                    {web(5, onDelete), "nnnnnnn"},
	} {
		d := draft{set: c.set, current: "o", update: "n"}
		var got string
		for o := range 7 {
			got += d.revisionFor(o)
		}
		assert.Equal(t, c.want, got, name)
	}
}

// S25: an int or a percentage, rounded down, at least 1.
func TestS25MaxUnavailable(t *testing.T) {
	for _, c := range []struct {
		max  any
		want int
	}{{1, 1}, {3, 3}, {"10%", 1}, {"50%", 3}, {"100%", 7}} {
		n, err := maxUnavailableOf(web(7, rolling(0, c.max)))
		require.NoError(t, err)
		assert.Equal(t, c.want, n, "%v of 7", c.max)
	}
	n, _ := maxUnavailableOf(web(7))
	assert.Equal(t, 1, n)
}

// S24, S25: partition as canary, then in phases; a pod that is deleted comes back
// on its own side.
func TestPartition(t *testing.T) {
	c := newCluster(t)
	c.create(web(4, noClaims, rolling(3, 1)))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=a web-3=b", c.pods())
	c.deletePod("web-0")
	c.deletePod("web-3")
	c.settle()
	require.Equal(t, "web-0=a web-1=a web-2=a web-3=b", c.pods())
	c.edit("web", rolling(1, 1))
	c.settle()
	require.Equal(t, "web-0=a web-1=b web-2=b web-3=b", c.pods())
	c.edit("web", rolling(0, 1))
	c.settle()
	require.Equal(t, "web-0=b web-1=b web-2=b web-3=b", c.pods())
	require.Equal(t, c.set("web").Status.UpdateRevision, c.set("web").Status.CurrentRevision, "S31")
}

// S26: maxUnavailable pods are taken down at once, highest first; replacements
// come one at a time.
func TestS26OrderedMaxUnavailable(t *testing.T) {
	c := newCluster(t)
	c.create(web(5, noClaims, rolling(0, 2)))
	c.settle()
	c.auto = false
	c.log = nil
	c.image("web", "b")
	c.settle()
	require.Equal(t, "-web-4 -web-3", c.order(apiserver.Pod))
	require.Equal(t, int32(3), c.set("web").Status.CurrentReplicas, "S30: decremented")
	c.deletePod("web-4", 0)
	c.deletePod("web-3", 0)
	c.settle()
	require.Equal(t, "+web-3", c.order(apiserver.Pod))
	c.phase("web-3", corev1.PodRunning)
	c.settle()
	require.Equal(t, "+web-4", c.order(apiserver.Pod), "S26: the rollout waits until every replica is there")
}

// S27: Parallel replaces every pod that is down anyway, then good ones within the
// budget.
func TestS27ParallelMaxUnavailable(t *testing.T) {
	c := newCluster(t)
	c.create(web(6, noClaims, parallel, rolling(1, 3)))
	c.settle()
	c.auto = false
	for _, p := range []string{"web-0", "web-2"} {
		c.status(p, func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
	}
	c.log = nil
	c.image("web", "b")
	c.settle()
	require.Equal(t, "-web-2 -web-5", c.order(apiserver.Pod), "two are down, one of them below the partition; the budget has room for one")
}

// S25, gate off: one at a time, and a pod that is down stops the rollout.
func TestMaxUnavailableGateOff(t *testing.T) {
	c := newCluster(t, noMaxUnavailable)
	c.create(web(4, noClaims, parallel))
	c.settle()
	c.auto = false
	c.log = nil
	c.image("web", "b")
	c.settle()
	require.Equal(t, "-web-3", c.order(apiserver.Pod))
}

// S24, S31, §0.5: OnDelete replaces nothing by itself, and completes all the same.
func TestS24OnDelete(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims, onDelete))
	c.settle()
	c.image("web", "b")
	c.settle()
	require.Equal(t, "web-0=a web-1=a", c.pods())
	old := c.set("web").Status.CurrentRevision
	c.deletePod("web-0")
	c.settle()
	require.Equal(t, "web-0=b web-1=a", c.pods())
	require.Equal(t, old, c.set("web").Status.CurrentRevision)
	c.deletePod("web-1")
	c.settle()
	require.NotEqual(t, old, c.set("web").Status.CurrentRevision, "S31, any strategy")
}

// S28: all old pods go at once, then the new ones come.
func TestS28Recreate(t *testing.T) {
	c := newCluster(t, withRecreate)
	c.create(web(4, noClaims, recreate))
	c.settle()
	c.auto = false
	c.log = nil
	c.image("web", "b")
	c.settle()
	require.Equal(t, "-web-0 -web-1 -web-2 -web-3", c.order(apiserver.Pod))
	cond := c.set("web").Status.Conditions[0]
	require.Equal(t, "True RecreateInProgress Deleting old revision pods", string(cond.Status)+" "+cond.Reason+" "+cond.Message)
	c.auto = true
	for _, p := range []string{"web-0", "web-1", "web-2", "web-3"} {
		require.Empty(t, c.order(apiserver.Pod))
		c.deletePod(p, 0)
		c.run(time.Minute)
	}
	require.Equal(t, "+web-0 +web-1 +web-2 +web-3", c.order(apiserver.Pod))
	cond = c.set("web").Status.Conditions[0]
	require.Equal(t, "False RecreateCompleted All pods recreated successfully", string(cond.Status)+" "+cond.Reason+" "+cond.Message)
}

// S28: with the gate off it is a warning and an error. Validation refuses such a
// set, so it must have been made while the gate was on.
func TestS28RecreateGateOff(t *testing.T) {
	c := newCluster(t, withRecreate)
	c.ctl.gates.Recreate = false
	c.create(web(1, noClaims, recreate))
	c.run(time.Second)
	const text = "statefulset default/web uses Recreate strategy but feature gate StatefulSetRecreateStrategy is disabled"
	require.Contains(t, strings.Join(c.log, "\n"), "Warning UnknownStrategy "+text)
	require.Equal(t, text, c.host.Waiting()[0].Reason)
	require.Empty(t, c.order(apiserver.Pod))
}
