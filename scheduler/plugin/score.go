package plugin

import (
	"fmt"
	"slices"
)

// Buffer is memory for scores, which cycles reuse. The zero Buffer is ready.
type Buffer struct {
	totals, scores []int64
	best           []*Node

	// What a Sample needs.
	groups  groups
	members []int32 // index of the group of each node that was looked at, in order
	nodes   []*Node // one of each group that passes
	places  []int32 // of the best nodes

	zones []string // that were seen
}

// Scores returns the total score of each node (C1, C3): every plugin's score,
// normalised and weighed. Plugins that would give all nodes the same are left
// out, so only the differences between nodes mean something. The answer is the
// buffer's.
func (c *Cycle) Scores(nodes []*Node, b *Buffer) ([]int64, error) {
	return c.scores(nodes, len(nodes), b)
}

// scores is Scores if the nodes stand for more of them, feasible in all.
func (c *Cycle) scores(nodes []*Node, feasible int, b *Buffer) ([]int64, error) {
	b.totals = slices.Grow(b.totals[:0], len(nodes))[:len(nodes)]
	b.scores = slices.Grow(b.scores[:0], len(nodes))[:len(nodes)]
	totals, scores := b.totals, b.scores
	c.scoreResources(nodes, totals)
	add := func(id ID) {
		for i := range totals {
			totals[i] += id.Weight() * scores[i]
		}
	}
	if c.cluster.softTainted > 0 {
		for i, n := range nodes {
			scores[i] = c.scoreTaints(n)
		}
		normalize(scores, true)
		add(TaintToleration)
	}
	if preferred, err := preferredTerms(c.pod.Pod); err != nil {
		return nil, fmt.Errorf("running PreScore plugin %q: %w", NodeAffinity, err)
	} else if preferred != nil {
		for i, n := range nodes {
			scores[i] = preferred.Score(n.Node)
		}
		normalize(scores, false)
		add(NodeAffinity)
	}
	if c.Delays() {
		for i, n := range nodes {
			scores[i] = c.scoreVolumes(n)
		}
		add(VolumeBinding)
	}
	spread, err := c.preScoreSpread(nodes, feasible, b)
	if err != nil {
		return nil, fmt.Errorf("running PreScore plugin %q: %w", PodTopologySpread, err)
	}
	if len(spread.soft) > 0 {
		for i, n := range nodes {
			score, ok := spread.score(n)
			if !ok {
				score = -1
			}
			scores[i] = score
		}
		spread.normalize(scores)
		add(PodTopologySpread)
	}
	if affinity := c.preScoreAffinity(); affinity != nil {
		for i, n := range nodes {
			scores[i] = affinity.score(n)
		}
		normalizeRange(scores)
		add(InterPodAffinity)
	}
	return totals, nil
}

// scoreResources adds the plugins that look at one node and are not normalised.
func (c *Cycle) scoreResources(nodes []*Node, totals []int64) {
	bestEffort := isBestEffort(c.pod)
	var images []string
	if c.cluster.imaged > 0 {
		images = imagesOf(c.pod.Pod)
		if !slices.ContainsFunc(images, func(name string) bool { return c.cluster.images[name].nodes > 0 }) {
			images = nil
		}
	}
	for i, n := range nodes {
		totals[i] = c.scoreFit(n)
		if !bestEffort {
			totals[i] += c.scoreBalanced(n)
		}
		if images != nil {
			totals[i] += c.scoreImages(n, images)
		}
	}
}

// normalize scales scores to 0 … 100 by the largest; reverse turns them around
// (DefaultNormalizeScore).
func normalize(scores []int64, reverse bool) {
	largest := slices.Max(scores)
	for i, s := range scores {
		if largest > 0 {
			s = maxScore * s / largest
		}
		if reverse {
			s = maxScore - s
		}
		scores[i] = s
	}
}

// normalizeRange scales scores so that the least is 0 and the most 100
// (InterPodAffinity.NormalizeScore).
func normalizeRange(scores []int64) {
	least, most := slices.Min(scores), slices.Max(scores)
	for i, s := range scores {
		scores[i] = 0
		if most > least {
			scores[i] = int64(maxScore * (float64(s-least) / float64(most-least)))
		}
	}
}

// Best returns the nodes with the highest score, in the order given. The answer
// is the buffer's.
func Best(nodes []*Node, scores []int64, b *Buffer) []*Node {
	highest := slices.Max(scores)
	b.best = b.best[:0]
	for i, n := range nodes {
		if scores[i] == highest {
			b.best = append(b.best, n)
		}
	}
	return b.best
}

// ByName returns the node that would be number k, from 0, if the nodes were
// sorted by name. It reorders them, and is O(n) on average.
func ByName(nodes []*Node, k int) *Node {
	places, ranks := make([]int32, len(nodes)), make([]int32, len(nodes))
	for i, n := range nodes {
		places[i], ranks[i] = int32(i), int32(n.rank)
	}
	return nodes[selectBy(places, ranks, k)]
}

// selectBy returns the place that would be number k, from 0, if the places were
// sorted by their ranks. It reorders them, and is O(n) on average.
func selectBy(places, ranks []int32, k int) int32 {
	lo, hi := 0, len(places)-1
	for lo < hi { // Hoare's selection
		pivot, i, j := ranks[places[(lo+hi)/2]], lo-1, hi+1
		for {
			for i++; ranks[places[i]] < pivot; i++ {
			}
			for j--; ranks[places[j]] > pivot; j-- {
			}
			if i >= j {
				break
			}
			places[i], places[j] = places[j], places[i]
		}
		if k <= j {
			hi = j
		} else {
			lo = j + 1
		}
	}
	return places[k]
}
