package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// story is a cluster in which a bit of everything happens.
func story(t *testing.T, seed uint64, a controller.Actor) *cluster {
	e := engine.New(engine.Strategy{Seed: seed})
	c := &cluster{Host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}), controller.Realistic(), nil), t: t}
	c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	withClasses(c)
	for i := range 6 {
		c.create(node(fmt.Sprintf("n%d", i), withLabel(corev1.LabelTopologyZone, fmt.Sprintf("z%d", i%2))))
	}
	c.create(lateClass(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
	})
	for i := range 4 {
		c.create(volume(fmt.Sprintf("v%d", i), "local", fmt.Sprintf("n%d", i), "n5"), claim(fmt.Sprintf("c%d", i), "local"))
	}
	c.id = c.Add(a)
	for i := range 12 {
		c.create(pod(fmt.Sprintf("web-%d", i), labelled("app", "web"), requesting("1", "1Gi"), ofClass("low")))
	}
	for i := range 5 {
		c.create(pod(fmt.Sprintf("db-%d", i), using(fmt.Sprintf("c%d", i))))
	}
	for i := range 4 {
		c.create(pod(fmt.Sprintf("big-%d", i), requesting("4", "4Gi"), ofClass("high")))
	}
	return c
}

// history is everything written from now until a time.
func (c *cluster) history(until time.Duration) []string {
	var lines []string
	c.Drain()
	for {
		ev, ok := c.Engine().Peek()
		if !ok || ev.At > engine.Time(until) {
			return lines
		}
		c.Step()
		for _, rec := range c.Drain() {
			line := fmt.Sprintf("%d %v %v %v %v", rec.Time, rec.By, rec.Type, rec.Kind, rec.Key)
			if p, ok := rec.Object.(*corev1.Pod); ok {
				line += fmt.Sprintf(" %q %q %v", p.Spec.NodeName, p.Status.NominatedNodeName, p.Status.Conditions)
			}
			if p, ok := rec.Object.(*corev1.Event); ok {
				line += " " + p.Message
			}
			lines = append(lines, line)
		}
	}
}

// TestOneSeedOneHistory: two runs of a seed write the same.
func TestOneSeedOneHistory(t *testing.T) {
	for seed := range uint64(5) {
		a, b := story(t, seed, scheduler.New(scheduler.Config{})), story(t, seed, scheduler.New(scheduler.Config{}))
		want := a.history(20 * time.Minute)
		require.Greater(t, len(want), 60)
		assert.Equal(t, want, b.history(20*time.Minute))
	}
}

// forking is a scheduler that is replaced by its fork before every call, and
// ruined after it.
type forking struct{ *scheduler.Scheduler }

func (f *forking) fork() {
	old := f.Scheduler
	f.Scheduler = state.Copy(nil, old)
	old.Ruin()
}

func (f *forking) Observe(env *controller.Env, rec *apiserver.Record) {
	f.fork()
	f.Scheduler.Observe(env, rec)
}

func (f *forking) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	f.fork()
	f.Scheduler.Respond(env, token, res)
}

func (f *forking) Wake(env *controller.Env, arg uint64) {
	f.fork()
	f.Scheduler.Wake(env, arg)
}

// TestForkContinuesAlike: a fork goes on as the original would have, whatever
// becomes of the original.
func TestForkContinuesAlike(t *testing.T) {
	for seed := range uint64(3) {
		cfg := scheduler.Config{Cycle: controller.Range{Min: time.Millisecond, Max: 3 * time.Millisecond}}
		want := story(t, seed, scheduler.New(cfg)).history(20 * time.Minute)
		got := story(t, seed, &forking{scheduler.New(cfg)}).history(20 * time.Minute)
		assert.Equal(t, want, got)
	}
}
