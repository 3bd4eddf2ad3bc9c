package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// limitRange is ValidateLimitRange, but for the metadata.
func (c *check) limitRange(l *corev1.LimitRange) {
	var seen []corev1.LimitType
	limits := spec.child("limits")
	for i := range l.Spec.Limits {
		item, at := &l.Spec.Limits[i], limits.at(i)
		c.limitType(at.child("type"), item.Type)
		if slices.Contains(seen, item.Type) {
			c.duplicate(at.child("type"), item.Type)
		}
		seen = append(seen, item.Type)
		c.limitNames(at, item)
		if item.Type == corev1.LimitTypePersistentVolumeClaim {
			_, least := item.Min[corev1.ResourceStorage]
			_, most := item.Max[corev1.ResourceStorage]
			if !least && !most {
				c.required(at.child("limits"), "either minimum or maximum storage value is required, but neither was provided")
			}
		}
		all := map[corev1.ResourceName]bool{}
		for _, list := range []corev1.ResourceList{item.Max, item.Min, item.MaxLimitRequestRatio, item.Default, item.DefaultRequest} {
			for name := range list { // a set
				all[name] = true
			}
		}
		for _, name := range sorted(all) {
			c.limit(at, item, name)
		}
	}
}

// limitType is validateLimitRangeTypeName.
func (c *check) limitType(p path, t corev1.LimitType) {
	msgs := validation.IsQualifiedName(string(t))
	for _, m := range msgs {
		c.invalid(p, t, m)
	}
	standard := t == corev1.LimitTypePod || t == corev1.LimitTypeContainer || t == corev1.LimitTypePersistentVolumeClaim
	if len(msgs) == 0 && !strings.Contains(string(t), "/") && !standard {
		c.invalid(p, t, "must be a standard limit type or fully qualified")
	}
}

// limitNames holds the names of resources to what the type allows.
func (c *check) limitNames(at path, item *corev1.LimitRangeItem) {
	names := func(field string, list corev1.ResourceList) {
		p := at.child(field)
		for _, name := range sorted(list) {
			if item.Type == corev1.LimitTypePod || item.Type == corev1.LimitTypeContainer {
				c.resourceName(p.key(string(name)), name, containerResource)
			} else {
				c.anyResource(p.key(string(name)), name)
			}
		}
	}
	names("max", item.Max)
	names("min", item.Min)
	if item.Type == corev1.LimitTypePod {
		if len(item.Default) > 0 {
			c.forbidden(at.child("default"), "may not be specified when `type` is 'Pod'")
		}
		if len(item.DefaultRequest) > 0 {
			c.forbidden(at.child("defaultRequest"), "may not be specified when `type` is 'Pod'")
		}
	} else {
		names("default", item.Default)
		names("defaultRequest", item.DefaultRequest)
	}
	names("maxLimitRequestRatio", item.MaxLimitRequestRatio)
}

// anyResource is validateResourceName.
func (c *check) anyResource(p path, name corev1.ResourceName) {
	msgs := validation.IsQualifiedName(string(name))
	for _, m := range msgs {
		c.invalid(p, name, m)
	}
	if len(msgs) == 0 && !strings.Contains(string(name), "/") && !isStandard(name) {
		c.invalid(p, name, "must be a standard resource type or fully qualified")
	}
}

// limit holds the values for one resource to each other.
func (c *check) limit(at path, item *corev1.LimitRangeItem, name corev1.ResourceName) {
	least, hasLeast := item.Min[name]
	most, hasMost := item.Max[name]
	var limit, request resource.Quantity
	var hasLimit, hasRequest bool
	if item.Type != corev1.LimitTypePod {
		limit, hasLimit = item.Default[name]
		request, hasRequest = item.DefaultRequest[name]
	}
	key := string(name)
	on := func(field string) path { p := at.child(field); return p.key(key) }
	if hasLeast && hasMost && least.Cmp(most) > 0 {
		c.invalid(on("min"), least, fmt.Sprintf("min value %s is greater than max value %s", least.String(), most.String()))
	}
	if hasRequest && hasLeast && least.Cmp(request) > 0 {
		c.invalid(on("defaultRequest"), request, fmt.Sprintf("min value %s is greater than default request value %s", least.String(), request.String()))
	}
	if hasRequest && hasMost && request.Cmp(most) > 0 {
		c.invalid(on("defaultRequest"), request, fmt.Sprintf("default request value %s is greater than max value %s", request.String(), most.String()))
	}
	if hasRequest && hasLimit && request.Cmp(limit) > 0 {
		c.invalid(on("defaultRequest"), request, fmt.Sprintf("default request value %s is greater than default limit value %s", request.String(), limit.String()))
	}
	if hasLimit && hasLeast && least.Cmp(limit) > 0 {
		c.invalid(on("default"), least, fmt.Sprintf("min value %s is greater than default value %s", least.String(), limit.String()))
	}
	if hasLimit && hasMost && limit.Cmp(most) > 0 {
		c.invalid(on("default"), most, fmt.Sprintf("default value %s is greater than max value %s", limit.String(), most.String()))
	}
	if ratio, ok := item.MaxLimitRequestRatio[name]; ok {
		c.limitRatio(on("maxLimitRequestRatio"), ratio, least, most, hasLeast && hasMost)
	}
	if !isOvercommitted(name) && hasLimit && hasRequest && limit.Cmp(request) != 0 {
		c.invalid(on("defaultRequest"), request, fmt.Sprintf("default value %s must equal to defaultRequest value %s in %s", limit.String(), request.String(), name))
	}
}

// limitRatio: a ratio is at least 1, and no more than that of the bounds.
func (c *check) limitRatio(p path, ratio, least, most resource.Quantity, bounded bool) {
	if ratio.Cmp(*resource.NewQuantity(1, resource.DecimalSI)) < 0 {
		c.invalid(p, ratio, fmt.Sprintf("ratio %s is less than 1", ratio.String()))
	}
	if !bounded {
		return
	}
	value, low, high := float64(ratio.Value()), least.Value(), most.Value()
	if ratio.Value() < resource.MaxMilliValue && low < resource.MaxMilliValue && high < resource.MaxMilliValue {
		value, low, high = float64(ratio.MilliValue())/1000, least.MilliValue(), most.MilliValue()
	}
	if bound := float64(high) / float64(low); value > bound {
		c.invalid(p, ratio, fmt.Sprintf("ratio %s is greater than max/min = %f", ratio.String(), bound))
	}
}
