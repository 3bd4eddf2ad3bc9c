package plugin

import (
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	reasonSpread      = "node(s) didn't match pod topology spread constraints"
	reasonSpreadLabel = reasonSpread + " (missing required label)"
)

// spreadFilter is what PodTopologySpread keeps to filter: for each hard
// constraint the number of matching pods in each domain.
type spreadFilter struct {
	hard    []constraint
	domains []map[string]int64
	least   []int64 // the smallest number; recomputed when a pod is imagined
}

func (s spreadFilter) clone() spreadFilter {
	s.domains = slices.Clone(s.domains)
	for i := range s.domains {
		s.domains[i] = maps.Clone(s.domains[i])
	}
	s.least = slices.Clone(s.least)
	return s
}

// preFilterSpread is PodTopologySpread.PreFilter.
func (c *Cycle) preFilterSpread() Status {
	hard, err := c.constraints(corev1.DoNotSchedule)
	if err != nil {
		return failed(PodTopologySpread, err)
	}
	if len(hard) == 0 {
		return Status{Code: Skip}
	}
	s := spreadFilter{hard: hard, domains: make([]map[string]int64, len(hard)), least: make([]int64, len(hard))}
	for i := range s.domains {
		s.domains[i] = map[string]int64{}
	}
	for _, n := range c.cluster.Nodes() {
		if !hasAllKeys(n.Node, hard) {
			continue
		}
		for i := range hard {
			if c.counted(&hard[i], n) {
				s.domains[i][n.Labels[hard[i].key]] += hard[i].counts.on(n)
			}
		}
	}
	c.spread = s
	for i := range hard {
		c.spread.findLeast(i)
	}
	return Status{}
}

func (s *spreadFilter) findLeast(i int) {
	least := int64(math.MaxInt32)
	for _, n := range s.domains[i] { // a minimum does not depend on the order
		least = min(least, n)
	}
	if len(s.domains[i]) < s.hard[i].minDomains {
		least = 0
	}
	s.least[i] = least
}

// filterSpread is PodTopologySpread.Filter.
func (c *Cycle) filterSpread(n *Node) Status {
	for i := range c.spread.hard {
		t := &c.spread.hard[i]
		domain, ok := n.Labels[t.key]
		if !ok {
			return unresolvable(PodTopologySpread, reasonSpreadLabel)
		}
		skew := c.spread.domains[i][domain] - c.spread.least[i]
		if t.matchesSelf {
			skew++
		}
		if skew > t.maxSkew {
			return unschedulable(PodTopologySpread, reasonSpread)
		}
	}
	return Status{}
}

// shiftSpread counts a pod that is imagined on a node (updateWithPod).
func (c *Cycle) shiftSpread(n *Node, p *Pod, delta int) {
	s := &c.spread
	if len(s.hard) == 0 || p.Namespace != c.pod.Namespace || !hasAllKeys(n.Node, s.hard) {
		return
	}
	for i := range s.hard {
		t := &s.hard[i]
		if t.selector.Matches(labels.Set(p.Labels)) && c.counted(t, n) {
			s.domains[i][n.Labels[t.key]] += int64(delta)
			s.findLeast(i)
		}
	}
}

// spreadScore is what PodTopologySpread keeps to score.
type spreadScore struct {
	soft    []constraint
	all     bool               // a node without one of the keys is left out
	domains []map[string]int64 // nil where the counter knows the zones
}

// preScoreSpread is PodTopologySpread.PreScore, with as many feasible nodes as
// the nodes given stand for. The system's defaults do not require all
// topologies.
func (c *Cycle) preScoreSpread(nodes []*Node, feasible int, b *Buffer) (spreadScore, error) {
	soft, err := c.softConstraints()
	if err != nil || len(soft) == 0 {
		return spreadScore{}, err
	}
	s := spreadScore{soft: soft, all: len(c.pod.Spec.TopologySpreadConstraints) > 0}
	kept := feasible
	if s.all {
		s.domains = make([]map[string]int64, len(soft))
		kept = 0
		for _, n := range nodes {
			if hasAllKeys(n.Node, soft) {
				kept++
			}
		}
	}
	for i := range soft {
		size := kept
		switch {
		case soft[i].isHost:
		case s.all || c.hasRequired() && c.cluster.zoned > 0:
			if s.domains == nil {
				s.domains = make([]map[string]int64, len(soft))
			}
			s.domains[i] = c.domainsOf(&s, i, nodes)
			size = len(s.domains[i])
		default: // the system's zones: the counter of all pods knows them
			size = c.zonesOf(nodes, b)
		}
		soft[i].normalWeight = math.Log(float64(size + 2))
	}
	return s, nil
}

// zonesOf returns in how many zones nodes stand; those without one are a zone,
// too, which nobody scores.
func (c *Cycle) zonesOf(nodes []*Node, b *Buffer) int {
	if c.cluster.zoned == 0 {
		return 1
	}
	b.zones = b.zones[:0]
	last := -1 // where that of the node before is
	for _, n := range nodes {
		if last >= 0 && b.zones[last] == n.zone {
			continue
		}
		if last = slices.Index(b.zones, n.zone); last < 0 {
			last = len(b.zones)
			b.zones = append(b.zones, n.zone)
		}
	}
	return len(b.zones)
}

// domainsOf counts the matching pods in each domain that has a feasible node.
func (c *Cycle) domainsOf(s *spreadScore, i int, nodes []*Node) map[string]int64 {
	t := &s.soft[i]
	domains := map[string]int64{}
	for _, n := range nodes {
		if !s.all || hasAllKeys(n.Node, s.soft) {
			domains[n.Labels[t.key]] = 0
		}
	}
	for _, n := range c.cluster.Nodes() {
		if s.all && !hasAllKeys(n.Node, s.soft) || !c.counted(t, n) {
			continue
		}
		domain := n.Labels[t.key]
		if _, ok := domains[domain]; ok {
			domains[domain] += t.counts.on(n)
		}
	}
	return domains
}

// score is PodTopologySpread.Score: the more matching pods a node's domains
// have, the higher; ok is false for a node that is left out.
func (s *spreadScore) score(n *Node) (int64, bool) {
	if s.all && !hasAllKeys(n.Node, s.soft) {
		return 0, false
	}
	var sum float64
	for i := range s.soft {
		t := &s.soft[i]
		var count int64
		switch {
		case t.key == corev1.LabelTopologyZone:
			if !n.hasZone {
				continue
			}
			count = s.inZone(i, n.zone)
		case t.isHost:
			if !n.hasHost {
				continue
			}
			count = t.counts.on(n)
		default:
			domain, ok := n.Labels[t.key]
			if !ok {
				continue
			}
			count = s.domains[i][domain]
		}
		sum += float64(count)*t.normalWeight + float64(t.maxSkew-1)
	}
	return int64(math.Round(sum)), true
}

func (s *spreadScore) inZone(i int, zone string) int64 {
	if s.domains == nil {
		return s.soft[i].counts.byZone[zone]
	}
	return s.domains[i][zone]
}

// normalize is PodTopologySpread.NormalizeScore: the fewest pods score best.
// Scores below 0 are those of nodes that are left out.
func (s *spreadScore) normalize(scores []int64) {
	least, most := int64(math.MaxInt64), int64(0)
	for _, v := range scores {
		if v >= 0 {
			least, most = min(least, v), max(most, v)
		}
	}
	for i, v := range scores {
		switch {
		case v < 0:
			scores[i] = 0
		case most == 0:
			scores[i] = maxScore
		default:
			scores[i] = maxScore * (most + least - v) / most
		}
	}
}
