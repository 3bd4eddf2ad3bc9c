package table

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// envFrom writes the sources that whole sets of variables come from.
func (p *page) envFrom(sources []corev1.EnvFromSource) {
	if len(sources) == 0 {
		return
	}
	p.line(2, "Environment Variables from:")
	for i := range sources {
		from, name, optional := "", "", (*bool)(nil)
		if ref := sources[i].ConfigMapRef; ref != nil {
			from, name, optional = "ConfigMap", ref.Name, ref.Optional
		} else if ref := sources[i].SecretRef; ref != nil {
			from, name, optional = "Secret", ref.Name, ref.Optional
		}
		if prefix := sources[i].Prefix; prefix != "" {
			from += fmt.Sprintf(" with prefix '%s'", prefix)
		}
		p.line(3, "%s\t%s\tOptional: %t", name, from, isSet(optional))
	}
}

// env writes the variables of a container; pod is nil for a template.
func (p *page) env(c *corev1.Container, pod *corev1.Pod) {
	empty := ""
	if len(c.Env) == 0 {
		empty = "\t<none>"
	}
	p.line(2, "Environment:%s", empty)
	for i := range c.Env {
		e := &c.Env[i]
		if e.ValueFrom == nil {
			p.line(3, "%s:\t%s", e.Name, strings.ReplaceAll(e.Value, "\n", "\n      \t"))
			continue
		}
		switch from := e.ValueFrom; {
		case from.FieldRef != nil:
			p.line(3, "%s:\t%s (%s:%s)", e.Name, fieldValue(pod, from.FieldRef.FieldPath),
				from.FieldRef.APIVersion, from.FieldRef.FieldPath)
		case from.ResourceFieldRef != nil:
			p.line(3, "%s:\t%s (%s)", e.Name, resourceValue(c, from.ResourceFieldRef), from.ResourceFieldRef.Resource)
		case from.SecretKeyRef != nil:
			p.line(3, "%s:\t<set to the key '%s' in secret '%s'>\tOptional: %t", e.Name,
				from.SecretKeyRef.Key, from.SecretKeyRef.Name, isSet(from.SecretKeyRef.Optional))
		case from.ConfigMapKeyRef != nil:
			p.line(3, "%s:\t<set to the key '%s' of config map '%s'>\tOptional: %t", e.Name,
				from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Name, isSet(from.ConfigMapKeyRef.Optional))
		}
	}
}

// fieldValue is the pod's field as kubectl knows it: its name or namespace, and
// nothing for other fields.
func fieldValue(pod *corev1.Pod, path string) string {
	switch {
	case pod != nil && path == "metadata.name":
		return pod.Name
	case pod != nil && path == "metadata.namespace":
		return pod.Namespace
	}
	return ""
}

// resourceValue is a request or limit in units of the divisor, rounded up. A
// limit of cpu or memory that is not set is what the node can give.
func resourceValue(c *corev1.Container, ref *corev1.ResourceFieldSelector) string {
	side, name, _ := strings.Cut(ref.Resource, ".")
	list := c.Resources.Requests
	if side == "limits" {
		list = c.Resources.Limits
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	q := list[corev1.ResourceName(name)]
	var value float64
	switch {
	case name == "cpu":
		value = float64(q.MilliValue()) / float64(divisor.MilliValue())
	case name == "memory", name == "ephemeral-storage", strings.HasPrefix(name, corev1.ResourceHugePagesPrefix):
		value = float64(q.Value()) / float64(divisor.Value())
	default:
		return ""
	}
	if value == 0 && side == "limits" && (name == "cpu" || name == "memory") {
		return "node allocatable"
	}
	return strconv.FormatInt(int64(math.Ceil(value)), 10)
}

func isSet(b *bool) bool { return b != nil && *b }

// sortedKeys returns the keys of a map in order.
func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
