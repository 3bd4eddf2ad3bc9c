package plugin

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// constraint is a topology spread constraint with its selector parsed.
type constraint struct {
	maxSkew      int64
	key          string
	selector     labels.Selector
	minDomains   int
	honorNodes   bool // only nodes that the pod's node affinity allows count
	honorTaints  bool // only nodes whose taints the pod tolerates count
	matchesSelf  bool
	isHost       bool
	counts       *counter
	normalWeight float64
}

// defaults are the system's constraints for pods without any (C2): three on a
// host, five in a zone, none of them hard.
func defaults() [2]corev1.TopologySpreadConstraint {
	return [2]corev1.TopologySpreadConstraint{
		{TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 3},
		{TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 5},
	}
}

// constraints returns the pod's own constraints of a kind, or for the soft kind
// the system's defaults.
func (c *Cycle) constraints(action corev1.UnsatisfiableConstraintAction) ([]constraint, error) {
	own := c.pod.Spec.TopologySpreadConstraints
	if len(own) == 0 {
		if action != corev1.ScheduleAnyway {
			return nil, nil
		}
		return c.defaultConstraints(), nil
	}
	var list []constraint
	for i := range own {
		if own[i].WhenUnsatisfiable != action {
			continue
		}
		parsed, err := newConstraint(&own[i], c.pod.Pod)
		if err != nil {
			return nil, err
		}
		list = append(list, parsed)
	}
	c.countAll(list)
	return list, nil
}

// softConstraints returns the constraints that are scored, found once for a
// cycle.
func (c *Cycle) softConstraints() ([]constraint, error) {
	if !c.softKnown {
		c.soft, c.softErr = c.constraints(corev1.ScheduleAnyway)
		c.softKnown = true
	}
	return c.soft, c.softErr
}

func (c *Cycle) defaultConstraints() []constraint {
	s := c.storage.DefaultSelector(c.pod.Pod)
	if s.selector == nil || s.selector.Empty() {
		return nil
	}
	counts := c.cluster.counter(c.pod.Namespace, s)
	for i, d := range defaults() {
		c.defaults[i] = constraint{
			maxSkew: int64(d.MaxSkew), key: d.TopologyKey, selector: s.selector, minDomains: 1,
			honorNodes: true, isHost: d.TopologyKey == corev1.LabelHostname, counts: counts,
		}
	}
	return c.defaults[:]
}

func (c *Cycle) countAll(list []constraint) {
	for i := range list {
		list[i].counts = c.cluster.counter(c.pod.Namespace, Select(list[i].selector))
	}
}

func newConstraint(s *corev1.TopologySpreadConstraint, pod *corev1.Pod) (constraint, error) {
	selector, err := metav1.LabelSelectorAsSelector(s.LabelSelector)
	if err != nil {
		return constraint{}, err
	}
	if merged := ownValues(s.MatchLabelKeys, pod.Labels); len(merged) > 0 {
		if reqs, selectable := selector.Requirements(); selectable {
			selector = labels.SelectorFromSet(merged).Add(reqs...)
		}
	}
	c := constraint{
		maxSkew: int64(s.MaxSkew), key: s.TopologyKey, selector: selector, minDomains: 1, honorNodes: true,
		matchesSelf: selector.Matches(labels.Set(pod.Labels)), isHost: s.TopologyKey == corev1.LabelHostname,
	}
	if s.MinDomains != nil {
		c.minDomains = int(*s.MinDomains)
	}
	if s.NodeAffinityPolicy != nil {
		c.honorNodes = *s.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor
	}
	if s.NodeTaintsPolicy != nil {
		c.honorTaints = *s.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor
	}
	return c, nil
}

// ownValues returns the pod's labels of the given keys (matchLabelKeys).
func ownValues(keys []string, own map[string]string) labels.Set {
	var set labels.Set
	for _, key := range keys {
		if value, ok := own[key]; ok {
			if set == nil {
				set = labels.Set{}
			}
			set[key] = value
		}
	}
	return set
}

// counted reports whether a node counts for a constraint
// (matchNodeInclusionPolicies).
func (c *Cycle) counted(t *constraint, n *Node) bool {
	if t.honorNodes && c.hasRequired() {
		if ok, _ := c.required.Match(n.Node); !ok {
			return false
		}
	}
	return !t.honorTaints || !n.hardTaints || toleratesHardTaints(c.pod.Pod, n.Node)
}

// hasRequired reports whether the pod is bound to some nodes by selector or
// affinity.
func (c *Cycle) hasRequired() bool {
	return c.pod.Spec.NodeSelector != nil || requiredSelector(c.pod.Pod) != nil
}

func hasAllKeys(n *corev1.Node, list []constraint) bool {
	for i := range list {
		if _, ok := n.Labels[list[i].key]; !ok {
			return false
		}
	}
	return true
}
