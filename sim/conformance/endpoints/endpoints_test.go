package endpoints

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 3000, "how many histories TestHistories compares")

func TestMain(m *testing.M) { seeded.Main(m) }

// plays is how often upstream may play a history until it does what ours does:
// it does not always do the same.
const plays = 60

// Upstream's controller and ours leave the same slices behind at every rest.
func TestHistories(t *testing.T) {
	reached, moved, ended, again := map[string]int{}, 0, 0, 0
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		theirs := upstream(t, s)
		for _, sc := range scenes {
			for i := range theirs {
				if sc.shows(&theirs[i]) {
					reached[sc.name]++
					break
				}
			}
		}
		o, m := follow(s, theirs)
		for i := 1; m != nil && i < plays; i++ {
			again++
			o, m = follow(s, upstream(t, s))
		}
		moved += o.moved
		if o.ended {
			ended++
		}
		if m != nil {
			rt.Fatalf("after group %d ours differs (-upstream +ours):\n%v\nscript:\n%v", m.group, m, s)
		}
	})
	t.Logf("%5d rests have endpoints in other slices than upstream's, as is open; %d histories end for it", moved, ended)
	t.Logf("%5d times upstream was played again", again)
	for _, sc := range scenes {
		t.Logf("%5d of %d histories show %s", reached[sc.name], *states, sc.name)
		if *states >= 3000 && !seeded.Replaying() && !testing.Short() && !t.Failed() {
			require.NotZero(t, reached[sc.name], sc.name)
		}
	}
}
