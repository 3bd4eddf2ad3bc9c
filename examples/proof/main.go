// Proof covers every order of the events of a small StatefulSet, within bounds, and holds
// all of that to what Kubernetes promises: three replicas are created in order, get a new
// image, and are scaled down to one. Events may be exchanged that are due within the
// largest latency of an API request or a watch, and the StatefulSet controller may crash
// once, or the answer to one of its requests be lost, at any moment.
//
//	go run ./examples/proof
//	go run ./examples/proof -replicas 1 -time 1m
//
// It goes from narrow bounds to wide ones: first no event is exchanged, then one, then two,
// then as many as there are. The last line says "covered", or what is left of the widest.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/model"
)

const manifest = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: web, image: "web:1"}]}
`

func main() {
	replicas := flag.Int("replicas", 3, "of the set")
	limit := flag.Duration("time", 30*time.Minute, "when to give up")
	flag.Parse()
	if err := prove(os.Stdout, os.Stderr, *replicas, *limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check is what is covered, with as many exchanges of events as deviations says.
func check(replicas, deviations int) explore.Check {
	took := sim.Realistic().ControlPlane
	return explore.Check{
		World: model.World{
			Config:    func() sim.Config { return sim.Config{Nodes: []sim.Node{{Name: "node-1"}}} },
			Manifests: []string{fmt.Sprintf(manifest, replicas)},
			Early:     true,
		},
		// The first operation is done at once, while nothing has been created.
		Script: []string{"wait 0s", "image statefulset/web web:2", "scale statefulset/web 1"},
		Properties: []model.Property{
			model.OneProcess(), model.OrderedCreation(), model.ReverseDeletion(),
			model.OneAtATime(), model.MaxUnavailableKept(), model.Convergence(),
		},
		Slack:      max(took.Request.Max, took.Watch.Max),
		Deviations: deviations,
		Faults: []string{
			"restart-controller statefulset-controller",
			"lose-answer statefulset-controller:create:pod",
			"lose-answer statefulset-controller:delete:pod",
			"lose-answer statefulset-controller:update:statefulset",
		},
		MaxFaults: 1,
		MaxStates: 1 << 40,
	}
}

// prove goes from bound to bound until the time is over.
func prove(out, progress io.Writer, replicas int, limit time.Duration) error {
	began, told := time.Now(), time.Now()
	for _, deviations := range []int{0, 1, 2, -1} {
		k := check(replicas, deviations)
		k.Stop = func(r *explore.Report) bool {
			if time.Since(told) > 2*time.Second {
				told = time.Now()
				fmt.Fprintf(progress, "%v: %d states, %d transitions, at most %d events deep\n", time.Since(began).Round(time.Second), r.States, r.Transitions, r.Depth)
			}
			return time.Since(began) > limit
		}
		start := time.Now()
		r, err := k.Cover()
		if err != nil {
			return err
		}
		text := strings.TrimSpace(r.String())
		fmt.Fprintf(out, "# %s exchanged, at most one fault, slack %v, %v\n%s\n", bound(deviations), k.Slack, time.Since(start).Round(time.Millisecond), text)
		if !r.Covered {
			return nil
		}
	}
	return nil
}

func bound(deviations int) string {
	return map[int]string{0: "no events", 1: "one event", 2: "two events", -1: "any events"}[deviations]
}
