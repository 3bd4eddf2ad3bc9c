package registry

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var (
	states = flag.Int("states", 4000, "how many sequences of calls to compare")
	first  = flag.Uint64("seed", 1, "the first sequence's seed")
	survey = flag.Int("survey", 0, "print up to so many kinds of differences for each kind of object, and do not fail")
)

// shares are how the sequences are divided among the kinds.
var shares = []struct {
	kind  apiserver.Kind
	share int
}{
	{apiserver.StatefulSet, 6}, {apiserver.Pod, 6}, {apiserver.PersistentVolumeClaim, 4}, {apiserver.PersistentVolume, 4}, {apiserver.Service, 4},
	{apiserver.StorageClass, 2}, {apiserver.PodDisruptionBudget, 2}, {apiserver.ControllerRevision, 1}, {apiserver.Namespace, 2}, {apiserver.PriorityClass, 1},
	{apiserver.Event, 1}, {apiserver.Node, 1}, {apiserver.KindNamed("ConfigMap"), 1}, {apiserver.KindNamed("Secret"), 1},
}

const length = 16 // calls of a sequence, at most

// Upstream's server and ours, asked the same, say the same and write the same.
func TestSequences(t *testing.T) {
	total := 0
	for _, s := range shares {
		total += s.share
	}
	for _, s := range shares {
		t.Run(s.kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { check(t, s.kind, max(*states*s.share/total, 1)) })
		})
	}
}

func check(t *testing.T, kind apiserver.Kind, count int) {
	time.Sleep(time.Until(apiserver.WallTime(0)))
	u, err := newUpstream()
	require.NoError(t, err)
	left, seen := *survey, map[string]bool{}
	codes, calls := map[int]int{}, 0
	for seed := *first; seed < *first+uint64(count); seed++ {
		u.reset()
		b := &both{newOurs(seed), u}
		w := newWorld(seed, kind, b.ours.server)
		setup := w.setUp()
		var history []*call
		for i := range length + len(setup) {
			var c *call
			if i < len(setup) {
				c = setup[i]
			} else {
				c = w.next()
			}
			history = append(history, c)
			time.Sleep(time.Duration(c.After) * time.Second)
			a, diff := b.do(c)
			calls++
			codes[a.Code]++
			if diff == "" {
				continue
			}
			if *survey == 0 {
				t.Fatalf("%s\n%s\nseed %d, call %d", c, diff, seed, i)
			}
			if g := gist(diff); left > 0 && !seen[g] {
				left--
				seen[g] = true
				fmt.Printf("---- seed %d: %.600s\n%.3000s\n", seed, c, diff)
			}
			break
		}
	}
	t.Logf("%d calls: %v", calls, codes)
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

// gist is what tells one kind of difference from another, roughly.
func gist(diff string) string {
	var b strings.Builder
	for _, line := range strings.Split(diff, "\n") {
		if strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") || !strings.HasPrefix(line, " ") {
			for _, r := range line {
				if r < '0' || r > '9' {
					b.WriteRune(r)
				}
			}
		}
	}
	return b.String()
}
