package sim_test

import (
	"strings"

	"github.com/statefulsim/statefulsim/sim"
)

// unlike says in what the states of two clusters differ.
func unlike(a, b *sim.Cluster) string {
	count := map[string]int{}
	for _, line := range a.Spell() {
		count[line]++
	}
	var out []string
	for _, line := range b.Spell() {
		if count[line]--; count[line] < 0 {
			out = append(out, "+ "+line)
		}
	}
	for _, line := range a.Spell() {
		if count[line] > 0 {
			out = append(out, "- "+line)
		}
	}
	return strings.Join(out, "\n")
}
