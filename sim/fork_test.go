package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/state"
)

const fastClass = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/disk
`

// forkSteps is how many events the story lasts.
const forkSteps = 1600

// forkStory drives a cluster through changes and faults: from its nth event to
// another.
func forkStory(t testing.TB, c *sim.Cluster, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		require.NoError(t, forkStep(c, n))
		c.Step()
	}
}

// forkStep is what users and fate do before the nth event.
func forkStep(c *sim.Cluster, n int) error {
	switch n {
	case 0:
		_, err := c.Apply(fastClass, parallelSet("web", 3))
		return err
	case 20:
		return c.FailRequests("statefulset-controller", apiserver.Create, apiserver.Pod, 1, apierrors.NewInternalError(assert.AnError))
	case 150:
		return c.Hold("kubelet/node-2", apiserver.Pod, time.Second)
	case 300:
		return c.Scale("default", "web", 4)
	case 500:
		return c.CrashNode("node-1")
	case 520:
		return c.SetImage("default", "web", "c", "nginx:2")
	case 700:
		return c.RestartNode("node-1")
	case 720:
		return c.FailRequests("kubelet", apiserver.Patch, apiserver.Pod, 3, apierrors.NewTimeoutError("late", 1))
	case 800:
		pods, err := sim.List[*corev1.Pod](c, "default", "")
		if err != nil || len(pods) == 0 { // which ones exist now is nobody's promise
			return err
		}
		return c.Delete(apiserver.Pod, "default", pods[len(pods)/2].Name)
	case 900:
		return c.Cordon("node-3", true)
	case 1000:
		return c.Hold("statefulset-controller", apiserver.Pod, 2*time.Second)
	case 1100:
		return c.Delete(apiserver.StatefulSet, "default", "web")
	case 1300:
		return c.Heal()
	case 1301:
		_, err := c.Apply(parallelSet("web", 2))
		return err
	}
	return nil
}

// TestForkAtAnyEvent forks the story at events all over it. Fork and original
// give the history that an undisturbed cluster gives, to the byte: the original
// although forks of it were run on, the fork although its original was, and
// although a fork of its own went another way.
func TestForkAtAnyEvent(t *testing.T) {
	for seed := range uint64(8) {
		cfg := sim.Config{Seed: seed, Provision: true}
		plain := sim.New(cfg)
		forkStory(t, plain, 0, forkSteps)
		want, hash := history(t, plain), plain.Hash()

		c := sim.New(cfg)
		stride := 151 + int(seed)
		var waiting []*sim.Cluster
		for n := int(seed); n < forkSteps; n += stride {
			forkStory(t, c, max(n-stride, 0), n)
			f := c.Fork()
			require.Equal(t, c.Hash(), f.Hash())
			waiting = append(waiting, f)
			if len(waiting)%2 == 0 { // some run at once, the others when all is over
				checkFork(t, f, n, want, hash)
			}
		}
		last := int(seed) + (forkSteps-1-int(seed))/stride*stride
		forkStory(t, c, last, forkSteps)
		require.Equal(t, want, history(t, c), "seed %d: forks disturb their original", seed)
		for i, f := range waiting {
			if (i+1)%2 != 0 {
				checkFork(t, f, int(seed)+i*stride, want, hash)
			}
		}
	}
}

// TestForksShareNothing walks all memory that a cluster and its fork reach, at
// once and when both have run on: nothing is in both that either could change.
func TestForksShareNothing(t *testing.T) {
	for seed := range uint64(4) {
		c := sim.New(sim.Config{Seed: seed, Provision: true})
		at := 0
		for _, n := range []int{10, 160, 330, 530, 760, 1120, 1310} {
			n += int(seed) * 7
			forkStory(t, c, at, n)
			f := c.Fork()
			require.Empty(t, state.Shared(c, f), "seed %d, fork at event %d", seed, n)
			forkStory(t, f, n, n+40)
			require.Empty(t, state.Shared(c, f), "seed %d, fork at event %d has run on", seed, n)
			at = n + 30
			forkStory(t, c, n, at)
			require.Empty(t, state.Shared(c, f), "seed %d, both have run on from event %d", seed, n)
		}
	}
}

// checkFork runs a fork from the nth event to the end, and a fork of its own on
// a different way meanwhile.
func checkFork(t *testing.T, f *sim.Cluster, n int, want string, hash uint64) {
	t.Helper()
	astray := f.Fork()
	_ = astray.Delete(apiserver.StatefulSet, "default", "web") // it may not be there
	for range 100 {
		astray.Step()
	}
	forkStory(t, f, n, forkSteps)
	if got := history(t, f); got != want {
		t.Fatalf("a fork at event %d went another way: %d bytes, want %d", n, len(got), len(want))
	}
	require.Equal(t, hash, f.Hash(), "fork at event %d", n)
	require.NotEqual(t, hash, astray.Hash())
}

// TestHash: the same state has the same hash, whatever the way to it; another
// state has another.
func TestHash(t *testing.T) {
	one := []sim.Node{{Name: "node-1"}}
	reach := func(seed uint64, detour func(c *sim.Cluster)) *sim.Cluster {
		c := sim.New(sim.Config{Seed: seed, Nodes: one, Provision: true, NoLatency: true})
		_, err := c.Apply(fastClass)
		require.NoError(t, err)
		detour(c)
		apply(t, c, parallelSet("web", 3))
		require.NoError(t, c.Run(10*time.Minute))
		return c
	}
	plain := reach(1, func(*sim.Cluster) {})
	for name, detour := range map[string]func(c *sim.Cluster){ // each on its own
		"another seed": func(*sim.Cluster) {},
		"later":        func(c *sim.Cluster) { require.NoError(t, c.Run(3*24*time.Hour+7)) },
		"versions": func(c *sim.Cluster) {
			_, err := c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "x"}})
			require.NoError(t, err)
			require.NoError(t, c.Delete(apiserver.KindFor(corev1.SchemeGroupVersion.WithKind("ConfigMap")), "", "x"))
		},
		"a second life": func(c *sim.Cluster) {
			apply(t, c, parallelSet("web", 2))
			require.NoError(t, c.Delete(apiserver.StatefulSet, "", "web"))
			settle(t, c)
			for i := range 2 {
				require.NoError(t, c.Delete(apiserver.PersistentVolumeClaim, "", fmt.Sprint("data-web-", i)))
			}
			settle(t, c)
		},
	} {
		other := reach(2, detour)
		assert.Equal(t, plain.Hash(), other.Hash(), "%s:\n%s", name, unlike(plain, other))
	}
	seen := map[uint64]string{plain.Hash(): "nothing"}
	for _, change := range []struct {
		what string
		do   func(c *sim.Cluster) error
	}{
		{"scale", func(c *sim.Cluster) error { return c.Scale("", "web", 2) }},
		{"image", func(c *sim.Cluster) error { return c.SetImage("", "web", "*", "x:2") }},
		{"cordon", func(c *sim.Cluster) error { return c.Cordon("node-1", true) }},
		{"crash", func(c *sim.Cluster) error { return c.CrashNode("node-1") }},
		{"file", func(c *sim.Cluster) error { return c.WriteFile("", "web-0", "", "/data/x", "1") }},
		{"file's content", func(c *sim.Cluster) error { return c.WriteFile("", "web-0", "", "/data/x", "2") }},
		{"pod", func(c *sim.Cluster) error { return c.Delete(apiserver.Pod, "", "web-1") }},
		{"claim", func(c *sim.Cluster) error { return c.Delete(apiserver.PersistentVolumeClaim, "", "data-web-1") }},
		{"set", func(c *sim.Cluster) error { return c.Delete(apiserver.StatefulSet, "", "web") }},
		{"orphans", func(c *sim.Cluster) error {
			return c.Delete(apiserver.StatefulSet, "", "web", sim.DeleteOptions{Propagation: metav1.DeletePropagationOrphan})
		}},
	} {
		f := plain.Fork()
		require.NoError(t, change.do(f), change.what)
		h := f.Hash()
		assert.Empty(t, seen[h], "%s changes nothing", change.what)
		seen[h] = change.what
		f.Step()
		if change.what != "file" && change.what != "file's content" && change.what != "crash" {
			assert.NotEqual(t, h, f.Hash(), "a step after %s changes nothing", change.what)
		}
	}
	assert.Equal(t, "nothing", seen[plain.Hash()], "a fork changes its original")
}

// TestHashCoversRollback: the way back to an old template is another order of
// revisions, whatever their numbers.
func TestHashCoversRollback(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-1"}}, Provision: true, NoLatency: true})
	apply(t, c, fastClass, parallelSet("web", 1))
	roll := func(image string) uint64 {
		require.NoError(t, c.SetImage("", "web", "*", image))
		settle(t, c)
		require.NoError(t, c.Run(10*time.Minute))
		return c.Hash()
	}
	roll("nginx:2")
	one := roll("nginx:1")
	two := roll("nginx:2")
	assert.NotEqual(t, one, two)
	assert.Equal(t, one, roll("nginx:1"))
	assert.Equal(t, two, roll("nginx:2"))
}

func BenchmarkFork(b *testing.B) {
	for _, n := range []int{3, 10, 100} {
		c := sim.New(sim.Config{Provision: true})
		apply(b, c, fastClass, parallelSet("web", n))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Fork()
			}
		})
	}
}

// BenchmarkForkAndStep forks, deletes a pod in the fork, and runs it for a
// hundred events: what a search pays for a branch.
func BenchmarkForkAndStep(b *testing.B) {
	for _, n := range []int{3, 10, 100} {
		c := sim.New(sim.Config{Provision: true})
		apply(b, c, fastClass, parallelSet("web", n))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f := c.Fork()
				if err := f.Delete(apiserver.Pod, "", "web-1"); err != nil {
					b.Fatal(err)
				}
				for range 100 {
					f.Step()
				}
			}
		})
	}
}

// BenchmarkHash measures a hash when one pod has changed since the last.
func BenchmarkHash(b *testing.B) {
	for _, n := range []int{3, 10, 100} {
		c := sim.New(sim.Config{Provision: true})
		apply(b, c, fastClass, parallelSet("web", n))
		c.Hash()
		require.NoError(b, c.Delete(apiserver.Pod, "", "web-1"))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				f := c.Fork()
				b.StartTimer()
				f.Hash()
			}
		})
	}
}
