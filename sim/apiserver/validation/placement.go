package validation

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// spread is validateTopologySpreadConstraints.
func (c *check) spread(p path, list []corev1.TopologySpreadConstraint) {
	for i := range list {
		t, at := &list[i], p.at(i)
		if t.MaxSkew <= 0 {
			c.invalid(at.child("maxSkew"), t.MaxSkew, notPositive)
		}
		if t.TopologyKey == "" {
			c.required(at.child("topologyKey"), "can not be empty")
		}
		oneOf(c, at.child("whenUnsatisfiable"), t.WhenUnsatisfiable, corev1.DoNotSchedule, corev1.ScheduleAnyway)
		for _, o := range list[i+1:] {
			if o.TopologyKey == t.TopologyKey && o.WhenUnsatisfiable == t.WhenUnsatisfiable {
				c.duplicate(at.child("{topologyKey, whenUnsatisfiable}"), fmt.Sprintf("{%v, %v}", t.TopologyKey, t.WhenUnsatisfiable))
				break
			}
		}
		if n := t.MinDomains; n != nil {
			if *n <= 0 {
				c.invalid(at.child("minDomains"), *n, notPositive)
			}
			if t.WhenUnsatisfiable != corev1.DoNotSchedule {
				c.invalid(at.child("minDomains"), n, fmt.Sprintf("can only use minDomains if whenUnsatisfiable=%s, not %s", corev1.DoNotSchedule, t.WhenUnsatisfiable))
			}
		}
		if t.NodeAffinityPolicy != nil {
			oneOf(c, at.child("nodeAffinityPolicy"), *t.NodeAffinityPolicy, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore)
		}
		if t.NodeTaintsPolicy != nil {
			oneOf(c, at.child("nodeTaintsPolicy"), *t.NodeTaintsPolicy, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore)
		}
		c.matchLabelKeys(at, t.MatchLabelKeys, nil, t.LabelSelector)
		c.selector(at.child("labelSelector"), t.LabelSelector, false)
	}
}

// tolerations is ValidateTolerations.
func (c *check) tolerations(p path, list []corev1.Toleration) {
	for i := range list {
		t, at := &list[i], p.at(i)
		if t.Key != "" {
			c.qualified(at.child("key"), t.Key)
		} else if t.Operator != corev1.TolerationOpExists {
			c.invalid(at.child("operator"), t.Operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
		}
		if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
			c.invalid(at.child("effect"), t.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
		}
		c.tolerationOperator(at.child("operator"), t)
		if t.Effect != "" {
			c.taintEffect(at.child("effect"), t.Effect)
		}
	}
}

func (c *check) tolerationOperator(p path, t *corev1.Toleration) {
	switch t.Operator {
	case corev1.TolerationOpEqual, "":
		if msgs := validation.IsValidLabelValue(t.Value); !isLabelValue(t.Value) && len(msgs) > 0 {
			c.invalid(p, t.Value, strings.Join(msgs, ";"))
		}
	case corev1.TolerationOpExists:
		if t.Value != "" {
			c.invalid(p, t.Value, "value must be empty when `operator` is 'Exists'")
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt: // TaintTolerationComparisonOperators is alpha and off
		oneOf(c, p, "", corev1.TolerationOpEqual, corev1.TolerationOpExists, corev1.TolerationOpLt, corev1.TolerationOpGt)
		c.errs[len(c.errs)-1].BadValue = t.Operator
	default:
		oneOf(c, p, t.Operator, corev1.TolerationOpEqual, corev1.TolerationOpExists)
	}
}

func (c *check) taintEffect(p path, effect corev1.TaintEffect) {
	oneOf(c, p, effect, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)
}

// taints is validateNodeTaints.
func (c *check) taints(p path, taints []corev1.Taint) {
	for i := range taints {
		t, at := &taints[i], p.at(i)
		c.qualified(at.child("key"), t.Key)
		if !isLabelValue(t.Value) {
			c.invalid(at.child("value"), t.Value, strings.Join(validation.IsValidLabelValue(t.Value), ";"))
		}
		if t.Effect == "" {
			c.required(at.child("effect"), "")
		} else {
			c.taintEffect(at.child("effect"), t.Effect)
		}
		for j := range taints[:i] {
			if taints[j].Key == t.Key && taints[j].Effect == t.Effect {
				e := field.Duplicate(at.field(), shown(*t))
				e.Detail = "taints must be unique by key and effect pair"
				c.errs = append(c.errs, e)
				break
			}
		}
	}
}

// Bounds of a pod's resolver configuration.
const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchChars = 2048
)

// dnsConfig is validatePodDNSConfig.
func (c *check) dnsConfig(p path, d *corev1.PodDNSConfig, policy corev1.DNSPolicy) {
	if policy == corev1.DNSNone {
		if d == nil {
			c.required(p, "must provide `dnsConfig` when `dnsPolicy` is None")
			return
		}
		if len(d.Nameservers) == 0 {
			c.required(p.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None")
			return
		}
	}
	if d == nil {
		return
	}
	servers, searches, options := p.child("nameservers"), p.child("searches"), p.child("options")
	if len(d.Nameservers) > maxNameservers {
		c.invalid(servers, d.Nameservers, fmt.Sprintf("must not have more than %v nameservers", maxNameservers))
	}
	for i, s := range d.Nameservers {
		c.ip(servers.at(i), s)
	}
	if len(d.Searches) > maxSearches {
		c.invalid(searches, d.Searches, fmt.Sprintf("must not have more than %v search paths", maxSearches))
	}
	if len(strings.Join(d.Searches, " ")) > maxSearchChars {
		c.invalid(searches, d.Searches, fmt.Sprintf("must not have more than %v characters (including spaces) in the search list", maxSearchChars))
	}
	for i, s := range d.Searches {
		if s = strings.TrimSuffix(s, "."); s != "" || d.Searches[i] != "." {
			c.msgs(searches.at(i), s, validation.IsDNS1123SubdomainWithUnderscore(s))
		}
	}
	for i := range d.Options {
		if d.Options[i].Name == "" {
			c.required(options.at(i), "must not be empty")
		}
	}
}
