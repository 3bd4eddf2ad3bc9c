package simtest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// TestMain has the same operations drawn every time: what is new is searched for
// with -rapid.seed and -rapid.checks.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := flag.Set(seed.Name, "1"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestOperations does random things to a StatefulSet. For thousands of draws:
//
//	go test ./sim/simtest -run '^TestOperations$' -rapid.checks=10000
func TestOperations(t *testing.T) { simtest.Trial{}.Check(t) }

func FuzzOperations(f *testing.F) { simtest.Trial{}.Fuzz(f) }

// TestScripts replays what has once gone wrong, or is worth keeping.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.ops")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ops"), func(t *testing.T) { simtest.Replay(t, file) })
	}
}

// TestSituations proves that every operation is done and that the situations
// worth reaching are reached: a search that never gets there proves nothing.
func TestSituations(t *testing.T) {
	marks := simtest.Marks{}
	draw := rapid.Custom(simtest.Trial{}.Draw)
	for seed := range 400 {
		c, err := simtest.Trial{Marks: marks}.Run(draw.Example(seed))
		require.NoError(t, err, "seed %d at %s", seed, c.Now())
	}
	want := append(simtest.Operations(), "S29: a stuck rollout", "a node returned", "crash during binding", "crash under a running pod",
		"crash under a starting pod", "crash under a terminating pod", "deleted twice", "late view during a rollout",
		"re-created while old pods are there", "rollout superseded", "running pod force-deleted", "scale-down during a rollout",
		"scale-up during a rollout", "set deleted during a rollout")
	for _, what := range want {
		assert.Positive(t, marks[what], what)
	}
	t.Log(marks)
}

// A script prints, parses and runs to the same end; bad ones are refused with
// the line.
func TestScriptText(t *testing.T) {
	draw := rapid.Custom(simtest.Trial{}.Draw)
	for seed := range 20 {
		s := draw.Example(seed)
		back, err := simtest.ParseScript(s.String())
		require.NoError(t, err)
		require.Equal(t, s.String(), back.String())
		a, errA := simtest.Trial{}.Run(s)
		b, errB := simtest.Trial{}.Run(back)
		require.Equal(t, errA, errB)
		require.Equal(t, a.Hash(), b.Hash())
	}
	for text, want := range map[string]string{ // each on its own
		"seed x":                          `line 1: seed: "x" is no number`,
		"policy Recreate":                 `line 1: policy: "Recreate" is none of OrderedReady, Parallel`,
		"# a\n\nexplode":                  `line 3: unknown operation "explode"; there are cordon, crash`,
		"scale":                           `line 1: "scale": want scale <replicas>`,
		"scale 1 2":                       `line 1: "scale 1 2": want scale <replicas>`,
		"scale -1":                        `line 1: "scale -1": replicas: "-1" is no number from 0 to 1000`,
		"delete-pod":                      `want delete-pod <pod> [<how>]`,
		"wait soon":                       `span: "soon" is no span up to 24h`,
		"image web:4":                     `image: "web:4" is none of web:1`,
		"fail kubelet Eat Pod 1 internal": `verb: "Eat" is none of`,
	} {
		_, err := simtest.ParseScript(text)
		assert.ErrorContains(t, err, want)
	}
}

// TestBareParallelRolloutSpins shows trouble that Kubernetes has (see the
// operation strategy): web-0 is created at the old revision and deleted again
// without end.
func TestBareParallelRolloutSpins(t *testing.T) {
	c, err := simtest.Trial{}.Run(simtest.Script{Seed: 88, Policy: appsv1.ParallelPodManagement})
	require.NoError(t, err)
	_, _, err = c.Patch(apiserver.StatefulSet, "", "web", types.MergePatchType, `{"spec":{"updateStrategy":{"rollingUpdate":null}}}`)
	require.NoError(t, err)
	for _, node := range []string{"node-1", "node-2", "node-3"} {
		require.NoError(t, c.Cordon(node, true))
	}
	require.NoError(t, c.Delete(apiserver.Pod, "", "web-0"))
	require.NoError(t, c.SetImage("", "web", "*", "web:2"))
	require.NoError(t, c.Run(5*time.Second))
	created := 0
	for _, rec := range c.History() {
		if pod, ok := rec.Object.(*corev1.Pod); ok && rec.Type == "ADDED" && pod.Name == "web-0" {
			created++
		}
	}
	assert.Greater(t, created, 10)
	_, _, err = c.Patch(apiserver.StatefulSet, "", "web", types.MergePatchType, `{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}`)
	require.NoError(t, err)
	require.NoError(t, c.Heal())
	settled, err := c.Settle()
	require.NoError(t, err)
	assert.Empty(t, settled.Waiting)
}

// rogue is a component with a defect: whenever its moment comes, it sends a
// request that no correct component would send.
type rogue struct {
	name   string
	kinds  []apiserver.Kind
	moment func(controller.View, *apiserver.Record) *apiserver.Request
}

func (r rogue) Name() string              { return r.name }
func (r rogue) Watches() []apiserver.Kind { return r.kinds }
func (r rogue) Observe(env *controller.Env, rec *apiserver.Record) {
	if req := r.moment(env.View, rec); req != nil {
		env.Send(0, *req)
	}
}
func (r rogue) Respond(*controller.Env, uint64, apiserver.Result) {}
func (r rogue) Wake(*controller.Env, uint64)                      {}
func (r rogue) Waiting(*controller.Env) []controller.Wait         { return nil }
func (r rogue) Fork() controller.Actor                            { return r }

func remove(kind apiserver.Kind, name string) *apiserver.Request {
	return &apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: apiserver.Key{Namespace: "default", Name: name}}
}

// TestMutants plants defects that only certain operations bring out. Each is
// found, and made as small as it can be.
func TestMutants(t *testing.T) {
	mutants := []struct {
		name      string
		rogue     rogue
		violation string
		most      int // operations
	}{
		{"claims go with their pods", rogue{"statefulset-controller", []apiserver.Kind{apiserver.Pod},
			func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if rec.Type != "DELETED" || rec.Key.Name != "web-4" {
					return nil
				}
				return remove(apiserver.PersistentVolumeClaim, "data-web-4")
			}}, "no claim lost", 4},
		{"scale-down from below", rogue{"statefulset-controller", []apiserver.Kind{apiserver.StatefulSet, apiserver.Pod},
			func(v controller.View, rec *apiserver.Record) *apiserver.Request {
				set := v.StatefulSet(apiserver.Key{Namespace: "default", Name: "web"})
				if rec.Kind != apiserver.StatefulSet || set == nil || *set.Spec.Replicas != 0 || v.Pod(apiserver.Key{Namespace: "default", Name: "web-2"}) == nil {
					return nil
				}
				return remove(apiserver.Pod, "web-0")
			}}, "deletion and update order", 3},
		{"partition ignored", rogue{"statefulset-controller", []apiserver.Kind{apiserver.StatefulSet},
			func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				set := rec.Object.(*appsv1.StatefulSet)
				u := set.Spec.UpdateStrategy.RollingUpdate
				if set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement || u == nil || *u.Partition != 2 || set.Spec.Template.Spec.Containers[0].Image != "web:2" || set.Status.ReadyReplicas < 3 {
					return nil
				}
				return remove(apiserver.Pod, "web-0")
			}}, "deletion and update order", 4},
		{"a twin after a crash", rogue{"statefulset-controller", []apiserver.Kind{apiserver.Pod},
			func(v controller.View, rec *apiserver.Record) *apiserver.Request {
				pod := rec.Object.(*corev1.Pod)
				if pod.Name != "web-1" || rec.Type != "MODIFIED" || pod.DeletionTimestamp == nil {
					return nil
				}
				now := int64(0) // the name is free at once, the process is not gone
				req := remove(apiserver.Pod, "web-1")
				req.GracePeriodSeconds = &now
				return req
			}}, "one process for one identity", 4},
		{"a set that never comes to rest", rogue{"descheduler", []apiserver.Kind{apiserver.Pod},
			func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				pod := rec.Object.(*corev1.Pod)
				if pod.Spec.Containers[0].Image != "web:3" || pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil {
					return nil
				}
				return remove(apiserver.Pod, pod.Name)
			}}, "reached its limit", 2},
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			trial := simtest.Trial{Config: func() sim.Config {
				return sim.Config{Actors: []controller.Actor{m.rogue}, Limits: sim.Limits{Steps: 20_000},
					Workloads: map[string]kubelet.Workload{"web": {StopAfter: 5 * time.Second}}}
			}}
			draw := rapid.Custom(trial.Draw)
			for seed := range 600 {
				script := draw.Example(seed)
				if _, err := trial.Run(script); err == nil {
					continue
				}
				small := trial.Shrink(script)
				_, err := trial.Run(small)
				require.ErrorContains(t, err, m.violation, "%s", small)
				assert.LessOrEqual(t, len(small.Operations), m.most, "%s", small)
				t.Logf("draw %d: %d operations made %d:\n%s%.200v", seed, len(script.Operations), len(small.Operations), small, err)
				return
			}
			t.Error("never found")
		})
	}
}
