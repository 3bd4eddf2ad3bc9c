package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

func at(d time.Duration) engine.Time { return engine.Time(d) }

func pod(name string, priority int32) *plugin.Pod {
	return plugin.NewPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Spec: corev1.PodSpec{Priority: &priority}})
}

func key(name string) apiserver.Key { return apiserver.Key{Namespace: "ns", Name: name} }

// reject pops a pod and puts it back as unschedulable.
func reject(t *testing.T, q *queue.Queue, now engine.Time, by ...plugin.ID) *queue.Entry {
	t.Helper()
	e := q.Pop(now)
	require.NotNil(t, e)
	e.Rejectors = plugin.SetOf(by...)
	q.Retry(now, e)
	return e
}

// TestC7PriorityThenTime: "Queue: priority desc, then time".
func TestC7PriorityThenTime(t *testing.T) {
	q := queue.New()
	q.Add(at(1), pod("a", 0))
	q.Add(at(2), pod("high", 5))
	q.Add(at(2), pod("b", 0))
	q.Add(at(2), pod("c", 0))
	var order []string
	for e := q.Pop(at(3)); e != nil; e = q.Pop(at(3)) {
		order = append(order, e.Key.Name)
	}
	assert.Equal(t, []string{"high", "a", "b", "c"}, order)
}

// TestC7PopFromBackoff: a pod that an event has woken is in its backoff, but a
// scheduler without other work takes it at once.
func TestC7PopFromBackoff(t *testing.T) {
	q := queue.New()
	q.Add(0, pod("a", 9))
	e := reject(t, q, at(100*time.Millisecond), plugin.NodeResourcesFit)
	require.False(t, q.Ready(at(time.Hour)), "nothing promises to help")
	q.Wake(at(200*time.Millisecond), e)
	q.Add(at(300*time.Millisecond), pod("b", 0))
	assert.Equal(t, "b", q.Pop(at(400*time.Millisecond)).Key.Name, "a backs off, whatever its priority")
	assert.Equal(t, "a", q.Pop(at(400*time.Millisecond)).Key.Name)
}

// TestC7Backoff: "Backoff 1 s·2ⁿ⁻¹ to 10 s", on whole seconds; the second in
// which it ends belongs to it.
func TestC7Backoff(t *testing.T) {
	q := queue.New()
	q.Add(0, pod("a", 9))
	now := at(0)
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		e := reject(t, q, now, plugin.NodeResourcesFit)
		q.Wake(now, e)
		end := now.Add(want * time.Second)
		for _, c := range []struct {
			now  engine.Time
			next string
		}{{end, "b"}, {end.Add(999 * time.Millisecond), "b"}, {end.Add(time.Second), "a"}} {
			f := state.Copy(nil, q)
			f.Add(now, pod("b", 0))
			require.Equal(t, c.next, f.Pop(c.now).Key.Name, "after %v", want)
		}
		now = end.Add(time.Second)
	}
}

// TestC7ErrorBackoff: a pod that failed by an error of the scheduler waits for
// the end of its backoff, with or without other work.
func TestC7ErrorBackoff(t *testing.T) {
	q := queue.New()
	q.Add(0, pod("a", 0))
	reject(t, q, at(300*time.Millisecond))
	assert.False(t, q.Ready(at(1900*time.Millisecond)))
	due, ok := q.RetryDue()
	require.True(t, ok)
	assert.Equal(t, at(2*time.Second), due)
	assert.True(t, q.Ready(due))
	assert.Equal(t, "a", q.Pop(due).Key.Name)
}

// TestC7Flush: "Unschedulable pods are flushed after 5 min", seen each 30 s.
func TestC7Flush(t *testing.T) {
	q := queue.New()
	q.Add(0, pod("a", 0))
	reject(t, q, at(time.Second), plugin.NodeAffinity)
	_, ok := q.FlushDue()
	require.False(t, ok, "whatever could help announces itself")
	q.Add(0, pod("b", 0))
	reject(t, q, at(time.Second), plugin.PodTopologySpread)
	due, ok := q.FlushDue()
	require.True(t, ok)
	assert.Equal(t, at(330*time.Second), due)
	q.Flush(due.Add(-30 * time.Second))
	assert.False(t, q.Ready(due))
	q.Flush(due)
	assert.Equal(t, "b", q.Pop(due).Key.Name)
	assert.False(t, q.Ready(due))
}

// TestC1SchedulingGates: a gated pod is not tried until its gates are gone.
func TestC1SchedulingGates(t *testing.T) {
	q := queue.New()
	gated := pod("a", 0)
	gated.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}}
	q.Add(0, gated)
	require.False(t, q.Ready(at(time.Hour)))
	_, flushed := q.FlushDue()
	require.False(t, flushed)
	e := q.Get(key("a"))
	q.Wake(at(1), e)
	require.False(t, q.Ready(at(time.Hour)), "still gated")
	q.Renew(e, pod("a", 0))
	q.Wake(at(1), e)
	assert.True(t, q.Ready(at(1)))
}

// TestForkIsIndependent: what happens to a fork leaves the queue alone.
func TestForkIsIndependent(t *testing.T) {
	q := queue.New()
	for i := range 20 {
		q.Add(at(time.Duration(i)), pod(fmt.Sprint(i), int32(i%3)))
	}
	for i := range 6 {
		reject(t, q, at(time.Duration(20+i)), plugin.ID(i))
	}
	drain := func(q *queue.Queue) (order []string) {
		for e := q.Pop(at(time.Minute)); e != nil; e = q.Pop(at(time.Minute)) {
			order = append(order, e.Key.Name)
		}
		return order
	}
	f := state.Copy(nil, q)
	for _, e := range f.Unschedulable() {
		f.Wake(at(time.Minute), e)
	}
	assert.Len(t, drain(f), 20)
	assert.Len(t, q.Unschedulable(), 6)
	g := state.Copy(nil, q)
	assert.Equal(t, drain(g), drain(q))
}
