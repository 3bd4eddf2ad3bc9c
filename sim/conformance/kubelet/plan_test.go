package kubelet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	ours "github.com/statefulsim/statefulsim/sim/kubelet"
)

// What a sync does is what computePodActions says.
func TestPlan(t *testing.T) {
	m, err := newManager()
	require.NoError(t, err)
	kinds := map[string]int{}
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		pod := drawPod(r)
		seen := drawSeen(r, pod)
		want, got := m.plan(pod, seen), ours.Plan(pod, seen)
		slices.SortStableFunc(got, func(a, b string) int { // what is stopped, alone, is in no order
			if strings.HasPrefix(a, "stop ") && strings.HasPrefix(b, "stop ") {
				return strings.Compare(a, b)
			}
			return 0
		})
		for _, a := range want {
			kinds[strings.Trim(strings.Map(func(c rune) rune {
				if c >= '0' && c <= '9' {
					return -1
				}
				return c
			}, a), " ")]++
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			text, _ := yaml.Marshal(pod.Spec)
			require.Equal(t, want, got, "seed %d\n%s\n%+v", seed, text, seen)
		}
	}
	for _, kind := range []string{
		"sandbox", "stop all", "start c", "start i", "stop c: Container c definition changed, will be restarted",
		"stop c: Container c failed liveness probe, will be restarted", "stop c: Container c failed liveness probe",
		"stop c: Container c failed startup probe, will be restarted", "stop c: Container c failed startup probe",
		"stop i: Init container i failed liveness probe", "stop i: Init container i failed startup probe", "stop i: Init container i definition changed",
	} {
		assert.Greater(t, kinds[kind], 50, kind)
	}
}
