package explore_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/explore"
)

var (
	knownAll  = flag.Bool("known.all", false, "look for all of the known trouble, and for every mutant, not for the fixed eight")
	knownTime = flag.Duration("known.time", time.Minute, "how long each is looked for, with -known.all")
)

// trouble is a bug that Kubernetes v1.37.2 has (SEMANTICS, 10), and how its finding is
// told from that of another: by the property that it breaks, and by what has to be done
// for it to happen. The search knows nothing of this.
type trouble struct {
	name     string
	check    *explore.Check
	property string
	says     string   // part of the error
	needs    []string // operations, by their beginnings
	hand     int      // operations of the shortest history known by hand, pauses included
	often    bool     // a thousand histories find it
}

var troubles = []trouble{
	// An image that never becomes ready, and another.
	{"67250", &ordered, "convergence", "", []string{"image statefulset/web web:bad"}, 3, true},
	// partition, image, scale to 0, settle, scale up.
	{"121534", &ordered, "partition kept", "created as", []string{"partition", "image", "scale"}, 6, false},
	// min-ready, image.
	{"136831", &ordered, "complete when available", "", []string{"image"}, 2, true},
	// scale beyond the quota, settle, scale down to it.
	{"140858", &parallel, "convergence", "pods of", []string{"scale"}, 3, false},
	// partition, image, settle, image.
	{"PR75498", &ordered, "status tells the truth", "currentReplicas", []string{"image"}, 4, true},
	// hold the claims, scale up or delete a claim, delete the set.
	{"PR142130", &ordered, "claims survive or follow the retention policy", "outlives", []string{"delete-set statefulset/web", "hold"}, 4, false},
	// crash, hold the node's pods, delete one by force, restart.
	{"59848", &ordered, "one process per identity", "", []string{"restart"}, 6, false},
}

// is reports whether a failure is this one.
func (t *trouble) is(f *explore.Failure) bool {
	if f.Property != t.property || !strings.Contains(f.Err, t.says) {
		return false
	}
	for _, need := range t.needs {
		if !strings.Contains(f.History.String(), "\n"+need) {
			return false
		}
	}
	return true
}

// TestKnownTrouble: a search with one configuration in each of two worlds, for the named
// properties and with all commands, finds what is known to be wrong with Kubernetes, and
// the counterexamples are about as short as by hand. Without -known.all those are looked for
// that a thousand histories find.
func TestKnownTrouble(t *testing.T) {
	missing := slices.Clone(troubles)
	for _, k := range []*explore.Check{&ordered, &parallel} {
		if err := findTrouble(t, k, &missing); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range missing {
		if !m.often && !*knownAll {
			continue
		}
		fmt.Printf("not found %s: %s was not broken that way\n", m.name, m.property)
		if m.often {
			t.Errorf("%s was not found", m.name)
		}
	}
	if *knownAll {
		findMutants(t)
	}
}

// findTrouble looks for what is known to be in one world.
func findTrouble(t *testing.T, k *explore.Check, missing *[]trouble) error {
	here := func() bool {
		return slices.ContainsFunc(*missing, func(m trouble) bool { return m.check == k && (m.often || *knownAll) })
	}
	hunt := explore.Hunt{Seed: 1, Histories: 1_500, Workers: 1}
	if *knownAll {
		hunt.Histories, hunt.Time = 0, *knownTime
	}
	hunt.Enough = func(f *explore.Failure) bool {
		for i, m := range *missing {
			if m.check == k && m.is(f) {
				*missing = slices.Delete(slices.Clone(*missing), i, i+1)
				n := len(f.History.Operations)
				fmt.Printf("found %s by %s: %d histories, %d states, %.1f s, %d operations\n", m.name, m.property, f.Histories, f.Events, f.Time.Seconds(), n)
				t.Logf("%s\n%s", m.name, f)
				assert.LessOrEqual(t, n, m.hand+2, m.name)
				break
			}
		}
		return !here()
	}
	_, err := k.Histories(hunt)
	return err
}

// TestReplayFailure: a failure is text, and fails again.
func TestReplayFailure(t *testing.T) {
	r, err := ordered.Histories(explore.Hunt{Seed: 1, Histories: 400, Workers: 1, Enough: func(*explore.Failure) bool { return true }})
	require.NoError(t, err)
	require.NotEmpty(t, r.Failures)
	f := r.Failures[0]
	h, err := explore.ParseHistory(f.String(), vocabulary(t, &ordered))
	require.NoError(t, err)
	assert.Equal(t, f.History, h)
	again, err := ordered.Try(h)
	require.NoError(t, err)
	require.NotEmpty(t, again)
	assert.Equal(t, f.Kind, again[0].Kind)
}
