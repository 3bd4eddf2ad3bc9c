package sim_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/volume"
)

// lookAtAll calls every method of a Cluster that reads.
func lookAtAll(c *sim.Cluster) {
	_, _ = sim.Get[*corev1.Pod](c, "", "web-0")
	_, _ = sim.List[*corev1.Pod](c, "", "app=web")
	_, _ = c.Get(apiserver.StatefulSet, "", "web")
	_, _ = c.List(apiserver.Node, "", "")
	_, _ = c.Lookup("", "web-0", "web-1.web")
	_, _, _ = c.Nslookup("", "web-0", "web")
	_ = c.Query("web.default.svc.cluster.local.", miekg.TypeA)
	_, _, _ = c.HTTP("web-0.web.default.svc.cluster.local/")
	_, _ = c.ReadFile("", "web-0", "", "/www/log")
	_ = c.Hash()
	_, _ = c.Pending(), c.ExactHash()
	_, _ = c.Event(1)
	for _, rec := range c.History()[:1] {
		_ = c.Causes(rec)
	}
	_, _ = c.Choices()
	_ = c.Why(apiserver.Pod, "", "web-0")
	_, _ = c.Files("", "web-0", "")
	_, _ = c.Logs("", "web-0", "nginx", false)
	_ = c.Waiting()
	_ = c.History()
	_, _ = c.Watch(apiserver.Pod, "").Next()
	for range c.PodEvents() {
		break
	}
	_, _ = c.Processes(), c.NFS().List()
	_, _, _ = c.DNS(), c.Components(), c.IsDown("node-1")
	_ = c.Seen("coredns", apiserver.EndpointSlice)
	_ = c.Now()
	_ = c.Version()
	_, _, _ = c.Next()
	c.CheckMutations()
}

// looker is an Actor that looks at everything whenever it can.
type looker struct{ look func() }

func (*looker) Name() string                                        { return "looker" }
func (*looker) Watches() []apiserver.Kind                           { return []apiserver.Kind{apiserver.Pod} }
func (l *looker) Observe(*controller.Env, *apiserver.Record)        { l.look() }
func (l *looker) Respond(*controller.Env, uint64, apiserver.Result) { l.look() }
func (l *looker) Wake(*controller.Env, uint64)                      { l.look() }
func (l *looker) Waiting(*controller.Env) (none []controller.Wait)  { l.look(); return none }

// TestLookingIsNotDriving: whoever looks, wherever from, the history is the one
// without anybody who looks, byte for byte, and nobody is told less.
func TestLookingIsNotDriving(t *testing.T) {
	story := func(from string) (history string, records, steps int) {
		hook := func() {}
		l := &looker{func() { hook() }} // forks share it
		cfg := sim.Config{Seed: 4, Provision: true, Actors: []controller.Actor{l}}
		var c *sim.Cluster
		look := func() { lookAtAll(c) }
		cfg.Workloads = map[string]kubelet.Workload{"nginx": {ReadyAfter: time.Second, HTTP: func(kubelet.HTTPRequest) kubelet.HTTPResponse {
			if from == "HTTP" {
				_, _ = sim.Get[*corev1.Pod](c, "", "web-0")
			}
			return kubelet.HTTPResponse{Body: "hello"}
		}, OnStart: func(*kubelet.Files) {
			if from == "OnStart" {
				look()
			}
		}}}
		c = sim.New(cfg)
		depth := 0
		switch from {
		case "OnStep":
			c.OnStep(look)
		case "OnRecord":
			c.OnRecord(func(*apiserver.Record) { look() })
		case "Actor":
			hook = func() {
				if depth++; depth == 1 { // Waiting asks the looker itself
					look()
				}
				depth--
			}
		}
		// These came after the one that looks.
		c.OnRecord(func(*apiserver.Record) { records++ })
		c.OnStep(func() { steps++ })
		_, err := c.ApplyFiles("testdata/web.yaml")
		require.NoError(t, err)
		require.NoError(t, c.RunUntil(func() bool {
			if from == "RunUntil" {
				look()
			}
			set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
			return err == nil && set.Status.ReadyReplicas == 2
		}))
		require.NoError(t, c.SetImage("", "web", "*", "nginx:2"))
		settle(t, c)
		if from == "HTTP" {
			look()
		}
		var b strings.Builder
		for _, rec := range c.History() {
			fmt.Fprintln(&b, rec.Version, rec.Time, rec.Type, rec.Kind, rec.Key, rec.By)
		}
		return b.String(), records, steps
	}
	want, records, steps := story("nowhere")
	require.Positive(t, records)
	for _, from := range []string{"OnStep", "OnRecord", "Actor", "RunUntil", "OnStart", "HTTP"} {
		got, r, s := story(from)
		assert.Equal(t, want, got, from)
		assert.Equal(t, records, r, from)
		assert.Equal(t, steps, s, from)
	}
}

// driving are the methods of a Cluster that change it or move its clock.
var driving = map[string]func(*sim.Cluster){
	"Create":            func(c *sim.Cluster) { _, _ = c.Create(&corev1.ConfigMap{}) },
	"CreatePool":        func(c *sim.Cluster) { _ = c.CreatePool(volume.NFSPool{}) },
	"Update":            func(c *sim.Cluster) { _, _ = c.Update(&corev1.ConfigMap{}) },
	"UpdateStatus":      func(c *sim.Cluster) { _, _ = c.UpdateStatus(&corev1.Pod{}) },
	"Patch":             func(c *sim.Cluster) { _, _, _ = c.Patch(apiserver.Pod, "", "web-0", types.MergePatchType, "{}") },
	"Scale":             func(c *sim.Cluster) { _ = c.Scale("", "web", 1) },
	"SetImage":          func(c *sim.Cluster) { _ = c.SetImage("", "web", "*", "x") },
	"Delete":            func(c *sim.Cluster) { _ = c.Delete(apiserver.Pod, "", "web-0") },
	"Evict":             func(c *sim.Cluster) { _ = c.Evict("", "web-0") },
	"Apply":             func(c *sim.Cluster) { _, _ = c.Apply("") },
	"ApplyFiles":        func(c *sim.Cluster) { _, _ = c.ApplyFiles() },
	"ApplyEach":         func(c *sim.Cluster) { _, _ = c.ApplyEach(nil) },
	"ApplyDocuments":    func(c *sim.Cluster) { _, _ = c.ApplyDocuments(nil) },
	"DeleteManifest":    func(c *sim.Cluster) { _ = c.DeleteManifest("") },
	"WriteFile":         func(c *sim.Cluster) { _ = c.WriteFile("", "web-0", "", "/www/x", "") },
	"Cordon":            func(c *sim.Cluster) { _ = c.Cordon("node-1", true) },
	"CrashNode":         func(c *sim.Cluster) { _ = c.CrashNode("node-1") },
	"PartitionNode":     func(c *sim.Cluster) { _ = c.PartitionNode("node-1") },
	"ReconnectNode":     func(c *sim.Cluster) { _ = c.ReconnectNode("node-1") },
	"StopKubelet":       func(c *sim.Cluster) { _ = c.StopKubelet("node-1") },
	"RestartNode":       func(c *sim.Cluster) { _ = c.RestartNode("node-1") },
	"Hold":              func(c *sim.Cluster) { _ = c.Hold("coredns", apiserver.Service, 0) },
	"FailRequests":      func(c *sim.Cluster) { _ = c.FailRequests("kubelet", apiserver.Get, 0, 1, assert.AnError) },
	"Heal":              func(c *sim.Cluster) { _ = c.Heal() },
	"Step":              func(c *sim.Cluster) { c.Step() },
	"LoseAnswers":       func(c *sim.Cluster) { _ = c.LoseAnswers("kubelet", apiserver.Patch, apiserver.Pod, 1) },
	"StepOf":            func(c *sim.Cluster) { c.StepOf(1) },
	"Answers":           func(c *sim.Cluster) { c.Answers(nil) },
	"Reseed":            func(c *sim.Cluster) { c.Reseed(1) },
	"RestartController": func(c *sim.Cluster) { _ = c.RestartController("statefulset-controller") },
	"Run":               func(c *sim.Cluster) { _ = c.Run(0) },
	"RunUntil":          func(c *sim.Cluster) { _ = c.RunUntil(func() bool { return true }) },
	"Await":             func(c *sim.Cluster) { _, _ = c.Await(0, func() bool { return true }) },
	"Do":                func(c *sim.Cluster) { c.Do(apiserver.Request{Kind: apiserver.Pod}) },
	"ExitContainer":     func(c *sim.Cluster) { _ = c.ExitContainer("", "web-0", "", 1, "") },
	"FailProbe":         func(c *sim.Cluster) { _ = c.FailProbe("", "web-0", "", kubelet.Readiness, false) },
	"SetImageMissing":   func(c *sim.Cluster) { _ = c.SetImageMissing("nowhere/x", true) },
	"Settle":            func(c *sim.Cluster) { _, _ = c.Settle() },
}

// TestDrivingInsideACallback: each call that drives gives one panic that names
// it and the callback, and the cluster goes on as if nothing had been called.
func TestDrivingInsideACallback(t *testing.T) {
	hook := func() {}
	l := &looker{func() { hook() }} // forks share it
	var c *sim.Cluster
	var call func(*sim.Cluster)
	drive := func() {
		if call != nil {
			f := call
			call = nil
			f(c)
		}
	}
	serve := kubelet.Workload{HTTP: func(kubelet.HTTPRequest) kubelet.HTTPResponse { drive(); return kubelet.HTTPResponse{} }}
	c = sim.New(sim.Config{Provision: true, Actors: []controller.Actor{l}, Workloads: map[string]kubelet.Workload{"nginx": serve}})
	_, err := c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	settle(t, c)
	n := 0
	touch := func() {
		n++
		_, _, _ = c.Patch(apiserver.Pod, "", "web-0", types.MergePatchType, fmt.Sprintf(`{"metadata":{"labels":{"x":"%d"}}}`, n))
	}
	during := map[string]func(){
		"OnStep":                    func() { defer c.OnStep(drive)(); touch() },
		"OnRecord":                  func() { defer c.OnRecord(func(*apiserver.Record) { drive() })(); touch() },
		"the predicate of RunUntil": func() { _ = c.RunUntil(func() bool { drive(); return true }) },
		"the predicate of Await":    func() { _, _ = c.Await(0, func() bool { drive(); return true }) },
		"Observe of looker": func() {
			hook = drive
			defer func() { hook = func() {} }()
			_ = c.Delete(apiserver.Pod, "", "web-0")
			_, _ = c.Settle()
		},
		"a Workload's HTTP": func() { _, _, _ = c.HTTP("web-0.web.default.svc.cluster.local") },
	}
	for inside, run := range during { // each on its own
		for name, f := range driving { // each on its own
			call = f
			func() {
				defer func() {
					got := fmt.Sprint(recover())
					assert.Contains(t, got, "sim: "+name+" was called inside "+inside+", during ", "%s", name)
				}()
				if run(); call == nil {
					t.Errorf("%s inside %s: no panic", name, inside)
				}
			}()
			settle(t, c) // it can be used as before
		}
	}
	set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	assert.Equal(t, *set.Spec.Replicas, set.Status.ReadyReplicas)
}

// TestEveryMethodIsGuarded: no method of a Cluster is in neither list.
func TestEveryMethodIsGuarded(t *testing.T) {
	looking := strings.Fields("Domain Latest Newest Ran Defined GetCustom ListCustom Event Causes Choices Unmodelled Why Files Logs Get List Lookup Nslookup Query HTTP ReadFile Hash Waiting History Watch PodEvents Processes NFS DNS Components IsDown IsCutOff Seen Now Next Version CheckMutations Fork OnStep OnRecord Pending ExactHash Host Server Spell Undeclared") // the last four are these tests' own
	for _, name := range methodsOf((*sim.Cluster)(nil)) {
		_, drives := driving[name]
		assert.NotEqual(t, drives, slices.Contains(looking, name), "%s both drives and looks, or neither", name)
	}
}

// TestForkInACallback: a fork can be had from a callback and driven there; in
// the middle of an event there is nothing whole to copy.
func TestForkInACallback(t *testing.T) {
	hook := func() {}
	l := &looker{func() { hook() }} // forks share it
	c := sim.New(sim.Config{Provision: true, Actors: []controller.Actor{l}})
	forks := 0
	stop := c.OnStep(func() {
		if forks++; forks < 20 {
			f := c.Fork()
			_, err := f.Settle()
			require.NoError(t, err)
		}
	})
	_, err := c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	settle(t, c)
	stop()
	l = &looker{func() { hook() }}
	c = sim.New(sim.Config{Provision: true, Actors: []controller.Actor{l}})
	_, err = c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	hook = func() { c.Fork() }
	assert.PanicsWithValue(t, "sim: Fork was called inside Observe of looker, during Settle: an Actor looks at the cluster through its View and acts through its Env, and a Workload acts on its Files",
		func() { _, _ = c.Settle() })
}

// TestCallbacksComeAndGo: callbacks can be added and stopped inside one another.
func TestCallbacksComeAndGo(t *testing.T) {
	c := sim.New(sim.Config{})
	var told []string
	var stopLater func()
	stop := c.OnStep(func() {
		told = append(told, "first")
		stopLater()
		c.OnRecord(func(rec *apiserver.Record) { told = append(told, "new "+rec.Key.Name) })
	})
	stopLater = c.OnStep(func() { told = append(told, "stopped") })
	c.OnStep(func() { told = append(told, "last") })
	_, err := c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	require.NoError(t, err)
	stop()
	_, err = c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "b"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"first", "last", "last", "new b"}, told)
}

// TestTwoGoroutines: the second one gets one panic that says so; the first one
// goes on.
func TestTwoGoroutines(t *testing.T) {
	for name, call := range map[string]func(*sim.Cluster){
		"Scale": func(c *sim.Cluster) { _ = c.Scale("", "web", 1) },
		"Step":  func(c *sim.Cluster) { c.Step() },
		"Get":   func(c *sim.Cluster) { _, _ = c.Get(apiserver.Pod, "", "web-0") },
		"Now":   func(c *sim.Cluster) { c.Now() },
		"Fork":  func(c *sim.Cluster) { c.Fork() },
	} {
		t.Run(name, func(t *testing.T) {
			said := make(chan string)
			hook := func() {}
			l := &looker{func() { hook() }} // forks share it
			c := sim.New(sim.Config{Provision: true, Actors: []controller.Actor{l}})
			hook = func() { // in the middle of an event
				hook = func() {}
				go func() {
					defer func() { said <- fmt.Sprint(recover()) }()
					call(c)
				}()
				assert.Equal(t, "sim: "+name+" was called by a second goroutine while Settle was under way: a Cluster belongs to one goroutine at a time", <-said)
			}
			_, err := c.ApplyFiles("testdata/web.yaml")
			require.NoError(t, err)
			settle(t, c)
		})
	}
}

// TestAfterAPanic: a callback that panics, or leaves its goroutine as a failing
// test does, leaves a cluster that can be used.
func TestAfterAPanic(t *testing.T) {
	c := sim.New(sim.Config{})
	stop := c.OnStep(func() { panic("mine") })
	assert.PanicsWithValue(t, "mine", func() { _ = c.Cordon("node-1", true) })
	stop()
	require.NoError(t, c.Cordon("node-1", false))
}

func methodsOf(v any) (names []string) {
	for m := range reflect.TypeOf(v).Methods() {
		names = append(names, m.Name)
	}
	return names
}
