package validation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
)

// storageClass is ValidateStorageClass without the metadata.
func (c *check) storageClass(s *storagev1.StorageClass) {
	provisioner := in("provisioner")
	if s.Provisioner != "" {
		name := strings.ToLower(s.Provisioner)
		c.msgs(provisioner, name, validation.IsQualifiedName(name))
	}
	c.parameters(in("parameters"), s.Parameters)
	if r := s.ReclaimPolicy; r != nil && *r != "" {
		oneOf(c, in("reclaimPolicy"), *r, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRetain)
	}
	if s.VolumeBindingMode == nil {
		c.required(in("volumeBindingMode"), "")
	} else {
		oneOf(c, in("volumeBindingMode"), *s.VolumeBindingMode, storagev1.VolumeBindingImmediate, storagev1.VolumeBindingWaitForFirstConsumer)
	}
	topologies := in("allowedTopologies")
	for i, t := range s.AllowedTopologies {
		at := topologies.at(i)
		c.topology(at.child("matchLabelExpressions"), t.MatchLabelExpressions)
		if len(t.MatchLabelExpressions) == 0 { // equal to upstream's placeholders
			c.duplicate(at.child("matchLabelExpressions"), "")
			continue
		}
		for _, o := range s.AllowedTopologies[:i] {
			if sameTopology(t, o) {
				c.duplicate(at.child("matchLabelExpressions"), "")
			}
		}
	}
	if s.Provisioner == "" { // declarative, and so behind the others
		c.required(provisioner, "")
	}
}

func (c *check) parameters(p path, params map[string]string) {
	const most, mostBytes = 512, 256 << 10
	if len(params) > most {
		c.tooLong(p, most)
		return
	}
	size := 0
	for k, v := range params { // a sum: order does not matter
		size += len(k) + len(v)
	}
	if _, ok := params[""]; ok {
		c.invalid(p, "", "field can not be empty.")
	}
	if size > mostBytes {
		c.tooLong(p, mostBytes)
	}
}

func (c *check) topology(p path, exprs []corev1.TopologySelectorLabelRequirement) {
	for i, e := range exprs {
		at := p.at(i)
		values := at.child("values")
		if len(e.Values) == 0 {
			c.required(values, "")
		}
		for j, v := range e.Values {
			if slices.Contains(e.Values[:j], v) {
				c.duplicate(values.at(j), v)
			}
		}
		c.qualified(at.child("key"), e.Key)
		if slices.ContainsFunc(exprs[:i], func(o corev1.TopologySelectorLabelRequirement) bool { return o.Key == e.Key }) {
			c.duplicate(at.child("key"), e.Key)
		}
	}
}

// sameTopology compares terms by their keys and sets of values; the last of
// equal keys counts.
func sameTopology(a, b corev1.TopologySelectorTerm) bool {
	return maps.EqualFunc(valuesByKey(a), valuesByKey(b), slices.Equal[[]string])
}

func valuesByKey(t corev1.TopologySelectorTerm) map[string][]string {
	m := map[string][]string{}
	for _, e := range t.MatchLabelExpressions {
		m[e.Key] = slices.Compact(slices.Sorted(slices.Values(e.Values)))
	}
	return m
}

func (c *check) storageClassUpdate(s, old *storagev1.StorageClass) {
	c.storageClass(s)
	// These four come from declarative validation, which shows no value.
	for _, f := range [...]struct {
		name string
		same bool
	}{
		{"provisioner", s.Provisioner == old.Provisioner},
		{"parameters", apiequality.Semantic.DeepEqual(s.Parameters, old.Parameters)},
		{"reclaimPolicy", apiequality.Semantic.DeepEqual(s.ReclaimPolicy, old.ReclaimPolicy)},
		{"volumeBindingMode", apiequality.Semantic.DeepEqual(s.VolumeBindingMode, old.VolumeBindingMode)},
	} {
		if !f.same {
			c.invalid(in(f.name), nil, isImmutable)
		}
	}
}

// systemClasses are the names that only the system may use, and their values.
var systemClasses = map[string]int32{
	"system-node-critical":    2_000_001_000,
	"system-cluster-critical": 2_000_000_000,
}

const highestUserPriority = 1_000_000_000

// priorityClass is ValidatePriorityClass without the metadata.
func (c *check) priorityClass(p *schedulingv1.PriorityClass) {
	if strings.HasPrefix(p.Name, "system-") {
		problem := ""
		if value, ok := systemClasses[p.Name]; !ok {
			problem = p.Name + " is not a known system priority class"
		} else if p.Value != value {
			problem = fmt.Sprintf("value of %v PriorityClass must be %v", p.Name, value)
		} else if p.GlobalDefault {
			problem = fmt.Sprintf("globalDefault of %v PriorityClass must be false", p.Name)
		}
		if problem != "" {
			c.forbidden(metadata.child("name"), "priority class names with 'system-' prefix are reserved for system use only. error: "+problem)
		}
	} else if p.Value > highestUserPriority {
		c.forbidden(in("value"), fmt.Sprintf("maximum allowed value of a user defined priority is %v", highestUserPriority))
	}
	if p.PreemptionPolicy != nil {
		present(c, in("preemptionPolicy"), *p.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)
	}
}

func (c *check) priorityClassUpdate(p, old *schedulingv1.PriorityClass) {
	if p.Value != old.Value {
		c.forbidden(in("value"), "may not be changed in an update.")
	}
	fixed(c, in("preemptionPolicy"), p.PreemptionPolicy, old.PreemptionPolicy)
}
