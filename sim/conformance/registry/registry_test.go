package registry

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var (
	states   = flag.Int("states", 2800, "how many sequences of calls to compare")
	sequence = flag.Uint64("sequence", 0, "compare this sequence alone")
	survey   = flag.Int("survey", 0, "print up to so many kinds of differences for each kind of object, and do not fail")
)

func TestMain(m *testing.M) { seeded.Main(m) }

// shares are how the sequences are divided among the kinds.
var shares = []struct {
	kind  apiserver.Kind
	share int
}{
	{apiserver.StatefulSet, 6}, {apiserver.Pod, 6}, {apiserver.PersistentVolumeClaim, 4}, {apiserver.PersistentVolume, 4}, {apiserver.Service, 4},
	{apiserver.StorageClass, 2}, {apiserver.PodDisruptionBudget, 2}, {apiserver.ControllerRevision, 1}, {apiserver.Namespace, 2}, {apiserver.PriorityClass, 1},
	{apiserver.Event, 1}, {apiserver.Node, 1}, {apiserver.KindNamed("ConfigMap"), 1}, {apiserver.KindNamed("Secret"), 1},
}

// Upstream's server and ours, asked the same, say the same and write the same.
func TestSequences(t *testing.T) {
	total, seen := 0, marks{}
	var kinds []apiserver.Kind
	for _, s := range shares {
		total += s.share
		kinds = append(kinds, s.kind)
	}
	ran := 0
	for _, s := range shares {
		t.Run(s.kind.String(), func(t *testing.T) {
			ran++
			synctest.Test(t, func(t *testing.T) { check(t, s.kind, max(*states*s.share/total, 1), seen) })
		})
	}
	if *sequence != 0 || *survey != 0 || t.Failed() || ran < len(shares) || *states < 2800 {
		return // too few to show everything
	}
	for _, mark := range required(kinds) {
		assert.Positive(t, seen[mark], mark)
	}
}

// check compares the sequences of one kind. It runs on a clock of its own.
func check(t *testing.T, kind apiserver.Kind, count int, seen marks) {
	time.Sleep(time.Until(apiserver.WallTime(0)))
	u, err := newUpstream()
	require.NoError(t, err)
	b := &both{upstream: u}
	from := firstSeed(t)
	if *sequence != 0 {
		from, count = *sequence, 1
	}
	left, known, calls := *survey, map[string]bool{}, 0
	for seed := from; seed < from+uint64(count); seed++ {
		list, diff := b.sequence(seed, kind, seen)
		calls += len(list)
		switch {
		case diff == "":
		case *survey == 0:
			list = b.shrink(list)
			t.Fatalf("after these calls:\n%s%s\nthis sequence alone, in sim/conformance: go test ./registry -run '^TestSequences$/^%s$' -sequence=%d",
				lines(list), b.replay(list), kind, seed)
		case left > 0 && !known[gist(diff)]:
			left--
			known[gist(diff)] = true
			fmt.Printf("---- sequence %d: %.600s\n%.3000s\n", seed, list[len(list)-1], diff)
		}
	}
	t.Logf("%d sequences, %d calls", count, calls)
}

// firstSeed is where the sequences begin, by the flag -seed.
func firstSeed(t *testing.T) uint64 {
	n, err := strconv.ParseUint(flag.Lookup("seed").Value.String(), 10, 64)
	require.NoError(t, err)
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	return n << 32
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
