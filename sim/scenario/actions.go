package scenario

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/volume"
)

// actions are the directives that let time pass, or do what a terminal does not.
var actions = map[string]directive{
	"run":     {usage: "SPAN", about: "lets time pass", do: doRun},
	"settle":  {about: "lets time pass until the cluster rests, and prints what still waits then", do: doSettle},
	"step":    {usage: "[N]", about: "lets the next N events happen; 1 if it is not given", do: doStep},
	"until":   {usage: "TYPE/NAME [-n NAMESPACE] STATE … [--within SPAN]", about: "lets time pass until an expectation holds; an hour at most if it is not given", do: doUntil},
	"watch":   {usage: "kubectl get … -w", about: "begins a watch in a terminal of its own", do: doWatch},
	"watched": {about: "ends the watches and shows what they printed", do: doWatched},
	"volumes": {usage: "N [--name nfs] [--first 1] [--capacity 1Gi] [--modes RWO,RWX] [--class CLASS] [--reclaim Retain] [--server nfs] [--path /exports]", about: "creates N volumes on one NFS server", do: doVolumes},
}

func doRun(a *arguments) (action, error) {
	d := a.span("SPAN")
	a.end()
	return silent(func(c *sim.Cluster) error { return c.Run(d) })
}

func doSettle(a *arguments) (action, error) {
	a.end()
	return func(p *player) (string, string, error) {
		settled, err := p.cluster.Settle()
		if err != nil {
			return "", "", err
		}
		return "", waits(settled), nil
	}, nil
}

// waits says what a cluster at rest has not finished.
func waits(s sim.Settled) string {
	var b strings.Builder
	for _, w := range s.Waiting {
		o := object{kind: w.Kind, namespace: w.Key.Namespace, name: w.Key.Name}
		fmt.Fprintf(&b, "still waiting: %s: %s\n", o, w.Reason)
	}
	return b.String()
}

func doStep(a *arguments) (action, error) {
	n := 1
	if a.has() {
		n = a.number("N", 1, 1_000_000)
	}
	a.end()
	return silent(func(c *sim.Cluster) error {
		for i := range n {
			if !c.Step() {
				return fmt.Errorf("nothing is left to happen after %d of %d events", i, n)
			}
		}
		return nil
	})
}

func doUntil(a *arguments) (action, error) {
	within := time.Hour
	e := a.expectation(func(f *pflag.FlagSet) { f.DurationVar(&within, "within", within, "") })
	return func(p *player) (string, string, error) {
		held, err := p.cluster.Await(within, func() bool { return e.holds(p) == "" })
		switch {
		case err != nil:
			return "", "", err
		case !held:
			return "", "", fmt.Errorf("not within %v: %w", within, e.check(p))
		}
		return "", "", nil
	}, nil
}

func doWatch(a *arguments) (action, error) {
	if a.rest == "" {
		a.fail("kubectl get … -w is missing")
	}
	return func(p *player) (string, string, error) { return "", "", p.watch(a.rest) }, nil
}

func doWatched(a *arguments) (action, error) {
	a.end()
	return func(p *player) (string, string, error) { return p.watched() }, nil
}

func doVolumes(a *arguments) (action, error) {
	var pool volume.NFSPool
	var modes []string
	var reclaim string
	a.flags(func(f *pflag.FlagSet) {
		f.StringVar(&pool.Prefix, "name", "", "")
		f.IntVar(&pool.First, "first", 0, "")
		f.StringVar(&pool.Capacity, "capacity", "", "")
		f.StringSliceVar(&modes, "modes", nil, "")
		f.StringVar(&pool.StorageClass, "class", "", "")
		f.StringVar(&reclaim, "reclaim", "", "")
		f.StringVar(&pool.Server, "server", "", "")
		f.StringVar(&pool.Path, "path", "", "")
	})
	pool.Count = a.number("N", 1, 1_000_000)
	a.end()
	for _, m := range modes {
		pool.AccessModes = append(pool.AccessModes, corev1.PersistentVolumeAccessMode(m))
	}
	pool.ReclaimPolicy = corev1.PersistentVolumeReclaimPolicy(cmp.Or(reclaim, string(corev1.PersistentVolumeReclaimRetain)))
	return silent(func(c *sim.Cluster) error { return c.CreatePool(pool) })
}
