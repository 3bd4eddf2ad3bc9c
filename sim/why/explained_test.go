package why_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/why"
)

// TestMain has every run draw the same; -rapid.seed searches.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := flag.Set(seed.Name, "1"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestNothingWaitsUnexplained: whatever happens to a cluster, all that its
// components wait for has a reason that ends in a root, and no reason is only
// the component's own words about a StatefulSet, a pod, a claim or a volume.
func TestNothingWaitsUnexplained(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		c := sim.New(sim.Config{
			Seed:      rapid.Uint64Range(0, 1<<16).Draw(rt, "seed"),
			Workloads: map[string]kubelet.Workload{"nginx:bad": {ReadyAfter: 1000 * time.Hour}, "nginx:crash": {Exits: true, ExitCode: 1}},
			Provision: rapid.Bool().Draw(rt, "provision"),
		})
		policy := rapid.SampledFrom([]string{"OrderedReady", "Parallel"}).Draw(rt, "policy")
		_, err := c.Apply(web("podManagementPolicy: "+policy+fmt.Sprintf(claims, rapid.SampledFrom([]string{"", "fast"}).Draw(rt, "class")), ""),
			volume("pv-0", "5Gi", ""), volume("pv-1", "5Gi", ""))
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 8).Draw(rt, "operations") {
			node := fmt.Sprintf("node-%d", rapid.IntRange(1, 3).Draw(rt, "node"))
			pod := fmt.Sprintf("web-%d", rapid.IntRange(0, 3).Draw(rt, "pod"))
			switch rapid.IntRange(0, 7).Draw(rt, "operation") { // what does not exist is no matter
			case 0:
				_ = c.Scale("", "web", int32(rapid.IntRange(0, 4).Draw(rt, "replicas")))
			case 1:
				_ = c.SetImage("", "web", "nginx", rapid.SampledFrom([]string{"nginx:1", "nginx:2", "nginx:bad", "nginx:crash"}).Draw(rt, "image"))
			case 2:
				_ = c.Delete(apiserver.Pod, "", pod)
			case 3:
				_ = c.CrashNode(node)
			case 4:
				_ = c.RestartNode(node)
			case 5:
				_ = c.Cordon(node, rapid.Bool().Draw(rt, "on"))
			case 6:
				_ = c.Delete(apiserver.PersistentVolumeClaim, "", "www-"+pod)
			case 7:
				_ = c.Delete(apiserver.PersistentVolume, "", "pv-0")
			}
			if err := c.Run(rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second, 10 * time.Minute}).Draw(rt, "then")); err != nil {
				rt.Fatal(err)
			}
			for _, w := range c.Waiting() {
				r := c.Why(w.Kind, w.Key.Namespace, w.Key.Name)
				explained(rt, w.Kind, w.Key, w.Reason, r)
				for _, root := range r.Roots() {
					seen[strings.Join(root.Rules, " ")]++
				}
			}
		}
	})
	for _, rules := range []string{"K19", "K20", "V2 V3", "S29"} { // it was not for nothing
		if seen[rules] == 0 {
			t.Errorf("no reason was rooted in %s: %v", rules, seen)
		}
	}
}

func explained(rt *rapid.T, kind apiserver.Kind, key apiserver.Key, said string, r why.Reason) {
	switch {
	case r.IsZero():
		rt.Fatalf("%s %s waits (%s), and nothing says why", kind, key, said)
	case kind != apiserver.StatefulSet && kind != apiserver.Pod && kind != apiserver.PersistentVolumeClaim && kind != apiserver.PersistentVolume:
	case len(r.Because) == 0 && strings.HasSuffix(r.Text, ": "+said):
		rt.Fatalf("%s %s: only its component knows: %s", kind, key, said)
	}
}
