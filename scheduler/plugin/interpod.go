package plugin

import "maps"

const (
	reasonAffinity     = "node(s) didn't match pod affinity rules"
	reasonAnti         = "node(s) didn't match pod anti-affinity rules"
	reasonExistingAnti = "node(s) didn't satisfy existing pods anti-affinity rules"
)

// domain is a value of a topology key.
type domain struct{ key, value string }

// affinityFilter is what InterPodAffinity keeps to filter: how many pods match
// in each domain.
type affinityFilter struct {
	existing map[domain]int64 // anti-affinity terms of existing pods that match the pod
	wanted   map[domain]int64 // pods that match all of the pod's affinity terms
	unwanted map[domain]int64 // pods that match one of its anti-affinity terms
}

func (s affinityFilter) clone() affinityFilter {
	return affinityFilter{maps.Clone(s.existing), maps.Clone(s.wanted), maps.Clone(s.unwanted)}
}

func (p *Pod) requiredTerms() []term {
	if p.terms == nil {
		return nil
	}
	return p.required
}

func (p *Pod) requiredAntiTerms() []term {
	if p.terms == nil {
		return nil
	}
	return p.requiredAnti
}

// preFilterAffinity is InterPodAffinity.PreFilter. Without any term, of the pod
// or of a pod on a node, it costs nothing.
func (c *Cycle) preFilterAffinity() Status {
	own := len(c.pod.requiredTerms())+len(c.pod.requiredAntiTerms()) > 0
	if c.pod.terms != nil && c.pod.err != nil {
		return unresolvable(InterPodAffinity, "parsing pod: "+c.pod.err.Error())
	}
	if !own && c.cluster.termedAnti == 0 {
		return Status{Code: Skip}
	}
	c.affinity = affinityFilter{map[domain]int64{}, map[domain]int64{}, map[domain]int64{}}
	if own {
		for _, n := range c.cluster.Nodes() {
			for _, p := range n.pods {
				c.shiftAffinity(n, p, 1)
			}
		}
	} else {
		for n := range c.cluster.termed { // sums do not depend on the order
			if n.Node == nil {
				continue
			}
			for _, p := range n.pods {
				if p.hasRequiredAnti() {
					c.shiftAffinity(n, p, 1)
				}
			}
		}
	}
	if !own && len(c.affinity.existing) == 0 {
		return Status{Code: Skip}
	}
	return Status{}
}

// shiftAffinity counts a pod on a node (updateWithPod).
func (c *Cycle) shiftAffinity(n *Node, p *Pod, delta int64) {
	s := &c.affinity
	if s.existing == nil {
		return
	}
	if p.hasRequiredAnti() {
		mine := c.cluster.labelsOf(c.pod.Namespace)
		for i := range p.requiredAnti {
			if t := &p.requiredAnti[i]; t.matches(c.pod.Pod, mine) {
				shift(s.existing, n, t.topologyKey, delta)
			}
		}
	}
	if c.pod.terms == nil {
		return
	}
	theirs := c.cluster.labelsOf(p.Namespace)
	if matchesAll(c.pod.required, p.Pod, theirs) {
		for i := range c.pod.required {
			shift(s.wanted, n, c.pod.required[i].topologyKey, delta)
		}
	}
	for i := range c.pod.requiredAnti {
		if t := &c.pod.requiredAnti[i]; t.matches(p.Pod, theirs) {
			shift(s.unwanted, n, t.topologyKey, delta)
		}
	}
}

func shift(counts map[domain]int64, n *Node, key string, delta int64) {
	value, ok := n.Labels[key]
	if !ok {
		return
	}
	d := domain{key, value}
	if counts[d] += delta; counts[d] == 0 {
		delete(counts, d)
	}
}

// filterAffinity is InterPodAffinity.Filter.
func (c *Cycle) filterAffinity(n *Node) Status {
	if !c.satisfiesAffinity(n) {
		return unresolvable(InterPodAffinity, reasonAffinity)
	}
	terms := c.pod.requiredAntiTerms()
	for i := range terms {
		if value, ok := n.Labels[terms[i].topologyKey]; ok && c.affinity.unwanted[domain{terms[i].topologyKey, value}] > 0 {
			return unschedulable(InterPodAffinity, reasonAnti)
		}
	}
	if len(c.affinity.existing) > 0 {
		for key, value := range n.Labels { // any hit is the same answer
			if c.affinity.existing[domain{key, value}] > 0 {
				return unschedulable(InterPodAffinity, reasonExistingAnti)
			}
		}
	}
	return Status{}
}

// satisfiesAffinity reports whether every affinity term has its pod in the
// node's domains. The first pod of a group that matches itself may go anywhere.
func (c *Cycle) satisfiesAffinity(n *Node) bool {
	terms := c.pod.requiredTerms()
	exist := true
	for i := range terms {
		value, ok := n.Labels[terms[i].topologyKey]
		if !ok {
			return false
		}
		exist = exist && c.affinity.wanted[domain{terms[i].topologyKey, value}] > 0
	}
	return exist || len(c.affinity.wanted) == 0 && matchesAll(terms, c.pod.Pod, c.cluster.labelsOf(c.pod.Namespace))
}

// affinityScore is what InterPodAffinity keeps to score: the weights by domain.
type affinityScore map[string]map[string]int64

// hardWeight is what a required affinity term of an existing pod weighs
// (hardPodAffinityWeight).
const hardWeight = 1

// preScoreAffinity is InterPodAffinity.PreScore; nil means that it is skipped.
func (c *Cycle) preScoreAffinity() affinityScore {
	preferring := c.pod.terms != nil && len(c.pod.preferred)+len(c.pod.preferredAnti) > 0
	if !preferring && len(c.cluster.termed) == 0 {
		return nil
	}
	s := affinityScore{}
	if preferring {
		for _, n := range c.cluster.Nodes() {
			for _, p := range n.pods {
				s.count(c, n, p)
			}
		}
	} else {
		for n := range c.cluster.termed { // sums do not depend on the order
			for _, p := range n.pods {
				if p.terms != nil && n.Node != nil {
					s.count(c, n, p)
				}
			}
		}
	}
	if len(s) == 0 {
		return nil
	}
	return s
}

// count weighs one existing pod (processExistingPod).
func (s affinityScore) count(c *Cycle, n *Node, p *Pod) {
	if c.pod.terms != nil {
		theirs := c.cluster.labelsOf(p.Namespace)
		s.weigh(c.pod.preferred, p, theirs, n, 1)
		s.weigh(c.pod.preferredAnti, p, theirs, n, -1)
	}
	if p.terms == nil {
		return
	}
	mine := c.cluster.labelsOf(c.pod.Namespace)
	for i := range p.required {
		if t := &p.required[i]; t.matches(c.pod.Pod, mine) {
			s.add(n, t.topologyKey, hardWeight)
		}
	}
	s.weigh(p.preferred, c.pod, mine, n, 1)
	s.weigh(p.preferredAnti, c.pod, mine, n, -1)
}

func (s affinityScore) weigh(terms []term, p *Pod, namespace map[string]string, n *Node, sign int64) {
	for i := range terms {
		if t := &terms[i]; t.matches(p.Pod, namespace) {
			s.add(n, t.topologyKey, sign*t.weight)
		}
	}
}

func (s affinityScore) add(n *Node, key string, weight int64) {
	value, ok := n.Labels[key]
	if !ok {
		return
	}
	if s[key] == nil {
		s[key] = map[string]int64{}
	}
	s[key][value] += weight
}

// score is InterPodAffinity.Score.
func (s affinityScore) score(n *Node) int64 {
	var sum int64
	for key, values := range s { // sums do not depend on the order
		if value, ok := n.Labels[key]; ok {
			sum += values[value]
		}
	}
	return sum
}
