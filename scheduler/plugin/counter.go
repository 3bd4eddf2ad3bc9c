package plugin

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// counter counts the pods of a namespace that a selector matches and that are
// not being deleted: on each node, and in each zone (countPodsMatchSelector).
// It is kept up to date pod by pod.
type counter struct {
	namespace string
	selector  labels.Selector
	byNode    []int32          // by Node.index
	byZone    map[string]int64 // by the zone label; nodes without one do not count
	pair      pair             // a label that the selector requires; key "" if none
	total     int64
}

type counterKey struct{ namespace, selector string }

// pair is a label in a namespace.
type pair struct{ namespace, key, value string }

// maxCounters bounds the counters that match nothing any more.
const maxCounters = 128

// counter returns the counts for a selector. The first time costs a walk over
// all pods, unless none can match; the answer must not be kept beyond the cycle.
func (c *Cluster) counter(namespace string, selection Selection) *counter {
	key := counterKey{namespace, selection.text}
	if m := c.matching[key]; m != nil {
		return m
	}
	if len(c.matching) >= maxCounters {
		c.dropIdle()
	}
	selector := selection.selector
	m := &counter{namespace: namespace, selector: selector, byZone: map[string]int64{}, pair: requiredPair(namespace, selector)}
	if !m.pair.isCounted() || c.labelled[m.pair] > 0 {
		c.fill(m)
	}
	c.matching[key] = m
	c.file(m)
	return m
}

// fill counts the pods that there are.
func (c *Cluster) fill(m *counter) {
	for _, n := range c.nodes { // sums do not depend on the order
		for _, p := range n.pods {
			if m.matches(p.Pod) {
				m.add(n, 1)
			}
		}
	}
}

// isCounted reports whether it is known how many pods have a label: not of those
// that every pod has with a value of its own.
func (p pair) isCounted() bool {
	return p.key != "" && p.key != appsv1.StatefulSetPodNameLabel && p.key != appsv1.PodIndexLabel
}

// countLabels counts a pod's labels, so that the first pod of a set need not
// look for others.
func (c *Cluster) countLabels(pod *corev1.Pod, sign int) {
	for key, value := range pod.Labels { // each by itself
		p := pair{pod.Namespace, key, value}
		if !p.isCounted() {
			continue
		}
		if n := c.labelled[p] + sign; n == 0 {
			delete(c.labelled, p)
		} else {
			c.labelled[p] = n
		}
	}
}

func (c *Cluster) file(m *counter) {
	if m.pair.key != "" {
		c.byPair[m.pair] = append(c.byPair[m.pair], m)
	} else {
		c.anyLabels[m.namespace] = append(c.anyLabels[m.namespace], m)
	}
}

// dropIdle forgets the counters without any pod.
func (c *Cluster) dropIdle() {
	c.byPair, c.anyLabels = map[pair][]*counter{}, map[string][]*counter{}
	for key, m := range c.matching { // each is kept or not by itself
		if m.total == 0 {
			delete(c.matching, key)
		} else {
			c.file(m)
		}
	}
}

// requiredPair returns the first label that a selector asks for by its value.
func requiredPair(namespace string, s labels.Selector) pair {
	reqs, _ := s.Requirements()
	for _, r := range reqs {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			if values := r.ValuesUnsorted(); len(values) == 1 {
				return pair{namespace, r.Key(), values[0]}
			}
		}
	}
	return pair{namespace: namespace}
}

func (m *counter) matches(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Namespace == m.namespace &&
		!m.selector.Empty() && m.selector.Matches(labels.Set(pod.Labels))
}

func (m *counter) add(n *Node, delta int32) {
	for len(m.byNode) <= n.index {
		m.byNode = append(m.byNode, 0)
	}
	m.byNode[n.index] += delta
	m.total += int64(delta)
	if n.hasZone {
		m.byZone[n.zone] += int64(delta)
	}
}

// on returns the number of pods on a node.
func (m *counter) on(n *Node) int64 {
	if n.index < len(m.byNode) {
		return int64(m.byNode[n.index])
	}
	return 0
}

// countMatches counts a pod on a node for every selector that matches it.
func (c *Cluster) countMatches(n *Node, pod *corev1.Pod, delta int32) {
	if len(c.matching) == 0 || pod.DeletionTimestamp != nil {
		return
	}
	for key, value := range pod.Labels { // sums do not depend on the order
		for _, m := range c.byPair[pair{pod.Namespace, key, value}] {
			if m.matches(pod) {
				m.add(n, delta)
			}
		}
	}
	for _, m := range c.anyLabels[pod.Namespace] {
		if m.matches(pod) {
			m.add(n, delta)
		}
	}
}

// moveCounts moves the counts of a node that changed its zone.
func (c *Cluster) moveCounts(n *Node, from string) {
	for _, m := range c.matching { // each by itself
		count := m.on(n)
		if count == 0 {
			continue
		}
		if _, had := m.byZone[from]; had {
			m.byZone[from] -= count
		}
		if n.hasZone {
			m.byZone[n.zone] += count
		}
	}
}

// isCountedAlike reports whether two states of a pod are the same to every
// counter.
func isCountedAlike(a, b *corev1.Pod) bool {
	return (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) && shared.Equal(a.Labels, b.Labels)
}
