package explore

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// Random makes a number of runs in orders that are drawn from a seed, and returns the
// first violation. A fault strikes as often as any event, up to MaxFaults.
func (k Check) Random(seed uint64, runs int) error {
	for i := range runs {
		draws := engine.New(engine.Strategy{Seed: seed + uint64(i)})
		err := k.one(func(n *node, choices []choice) (int, error) {
			return k.within(n, draws.Choose("next", "", len(choices)), choices), nil
		})
		if err != nil {
			return fmt.Errorf("run %d: %w", i, err)
		}
	}
	return nil
}

// within keeps to the bounds on faults.
func (k *Check) within(n *node, i int, choices []choice) int {
	if choices[i].fault != nil && n.faults >= k.MaxFaults {
		return 0
	}
	return i
}

// PCT makes a number of runs in which each component has a priority, and the most
// urgent one goes first (Burckhardt et al., A Randomized Scheduler with Probabilistic
// Guarantees of Finding Bugs): at depth-1 events, drawn among as many as length says, whoever was
// to go falls behind all others. Faults do not strike.
func (k Check) PCT(seed uint64, runs, depth, length int) error {
	for i := range runs {
		draws := engine.New(engine.Strategy{Seed: seed + uint64(i)})
		changes := map[int]int{}
		for d := 1; d < depth; d++ {
			changes[draws.Choose("change", "", max(length, 1))] = d
		}
		rank := map[string]int{}
		err := k.one(func(n *node, choices []choice) (int, error) {
			best := urgent(rank, draws, choices)
			if d, ok := changes[n.depth]; ok {
				rank[choices[best].event.By] = -d
				best = urgent(rank, draws, choices)
			}
			return best, nil
		})
		if err != nil {
			return fmt.Errorf("run %d: %w", i, err)
		}
	}
	return nil
}

// urgent returns the event of the component with the highest rank.
func urgent(rank map[string]int, draws *engine.Engine, choices []choice) int {
	best := -1
	for i, c := range choices {
		if c.fault != nil {
			continue
		}
		if _, ok := rank[c.event.By]; !ok {
			rank[c.event.By] = draws.Choose("rank", c.event.By, 1<<30)
		}
		if best < 0 || rank[c.event.By] > rank[choices[best].event.By] {
			best = i
		}
	}
	return best
}
