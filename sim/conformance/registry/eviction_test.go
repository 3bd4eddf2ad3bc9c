package registry

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var evicting = flag.Int("evictions", 300, "how many sequences of calls around evictions to compare")

// Upstream's server and ours evict alike (N7): among budgets in all states, with
// all options, they say the same and write the same.
func TestEvictions(t *testing.T) {
	seen := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		u, err := newUpstream()
		require.NoError(t, err)
		seeded.Check(t, 1, *evicting, func(rt *rapid.T) {
			b := &both{upstream: u}
			b.fresh()
			e := &evictions{rt, b.ours.server}
			var calls []*call
			do := func(c *call) {
				calls = append(calls, c)
				time.Sleep(time.Duration(c.After) * time.Second)
				a, diff := b.do(c)
				if diff != "" {
					rt.Fatalf("after these calls:\n%s%s", lines(calls), diff)
				}
				if c.Sub == "eviction" {
					seen[fmt.Sprintf("%v", a.Body["status"])]++
					for _, m := range answers {
						if strings.Contains(fmt.Sprint(a.Body), m) {
							seen[m]++
						}
					}
				}
			}
			e.begin(do)
			for range 16 {
				do(e.next())
			}
		})
	})
	t.Logf("%v", seen)
	if seeded.Replaying() || t.Failed() || *evicting < 300 {
		return
	}
	for _, m := range append(answers, "Success", "Failure") {
		assert.Positive(t, seen[m], m)
	}
}

// answers are what evictions have to be told.
var answers = []string{
	"still being processed by the server", "because it failed sync: why", "healthy pods and has", "does not allow evicting pods currently (InsufficientPods): why",
	"more than one PodDisruptionBudget", "name in URL does not match", "not found", "UID in the precondition", "ResourceVersion in the precondition",
	"cannot be both set", "Unsupported value", "can not be set for pod eviction",
}
