package statefulset

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// slowly lets pods run a second after they exist. A pod that shall go is not
// ready after 300 ms, and gone after 600.
func (c *cluster) slowly(d time.Duration) {
	type deed struct {
		at  time.Duration
		act func()
	}
	var deeds []deed
	seen := map[string]bool{}
	for t := time.Duration(0); t < d; t += 20 * time.Millisecond {
		c.run(20 * time.Millisecond)
		for _, o := range c.host.Server().List(apiserver.Pod, "default") {
			pod := o.(*corev1.Pod)
			name, uid := pod.Name, string(pod.UID)
			if pod.Spec.NodeName == "" && !seen[uid] {
				seen[uid] = true
				c.bind(name)
				deeds = append(deeds, deed{t + time.Second, func() { c.phase(name, corev1.PodRunning) }})
			}
			if pod.DeletionTimestamp != nil && !seen[uid+"!"] {
				seen[uid+"!"] = true
				deeds = append(deeds,
					deed{t + 300*time.Millisecond, func() {
						c.status(name, func(s *corev1.PodStatus) { setReady(s, corev1.ConditionFalse, metav1.Time{}) })
					}},
					deed{t + 600*time.Millisecond, func() { c.deletePod(name, 0) }})
			}
		}
		deeds = slices.DeleteFunc(deeds, func(d deed) bool {
			if d.at <= t {
				d.act()
			}
			return d.at <= t
		})
	}
}

// The article's story: the controller writes the statuses and the Events that the
// real one was seen to write, one after the other (S26, S30–S32, S37). Which of
// ten alike messages its recorder forgets is open (A10): one seed forgets those
// that the real one did.
func TestSeedRecording(t *testing.T) {
	statuses, err := os.ReadFile("testdata/seed_status.txt")
	require.NoError(t, err)
	want := strings.Split(strings.TrimSpace(string(statuses)), "\n")
	recorded, err := os.ReadFile("testdata/seed_events.txt")
	require.NoError(t, err)
	wanted := strings.Split(strings.TrimSpace(string(recorded)), "\n")
	var first string
	for seed := range uint64(64) {
		got, events := tellSeed(t, seed, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("statuses of seed %d: recorded (-), ours (+):\n%s", seed, diff)
		}
		diff := cmp.Diff(wanted, events)
		if diff == "" {
			return
		}
		if first == "" {
			first = diff
		}
	}
	t.Errorf("events, which no seed gives: recorded (-), ours of seed 0 (+):\n%s", first)
}

// tellSeed does what the recording says was done, and returns the statuses and
// the Events that the controller wrote.
func tellSeed(t *testing.T, seed uint64, recorded []string) (got, events []string) {
	c := newCluster(t, realistic, byHand, seeded(seed))
	c.create(seedSet(t))
	got = []string{"# The StatefulSet controller's status writes in the recording of the article's story",
		"# (recordings/seed.jsonl, v1.37.2): replicas ready available current updated, revisions."}
	collect := func() {
		c.slowly(20 * time.Second)
		for _, l := range c.log {
			if f := strings.SplitN(l, " ", 5); f[0] == Name && f[2] == "Event" {
				events = append(events, f[1]+" "+f[4])
			}
			if s, ok := strings.CutPrefix(l, Name+" modified StatefulSet satefulset "); ok {
				got = append(got, s)
			}
		}
		c.log = nil
	}
	collect()
	for _, l := range recorded {
		op, ok := strings.CutPrefix(l, "> ")
		if !ok {
			continue
		}
		got = append(got, l)
		verb, arg, _ := strings.Cut(op, " ")
		switch verb {
		case "scale":
			c.scale("satefulset", int32(arg[0]-'0'))
		case "image":
			c.image("satefulset", arg)
		case "partition":
			p := int32(arg[0] - '0')
			c.edit("satefulset", func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.RollingUpdate.Partition = &p })
		}
		collect()
	}
	return got, events
}
