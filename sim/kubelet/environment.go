package kubelet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// The kinds that a kubelet reads and that have no behaviour of their own.
var (
	configMapKind = apiserver.KindFor(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	secretKind    = apiserver.KindFor(corev1.SchemeGroupVersion.WithKind("Secret"))
)

// ref is a ConfigMap or Secret that a pod refers to.
type ref struct {
	kind     apiserver.Kind
	name     string
	optional bool
}

func (r ref) notFound() error {
	return fmt.Errorf("%s %q not found", strings.ToLower(r.kind.String()), r.name)
}

// envRefs lists the objects that a container's environment needs, in the order
// of the manifest.
func envRefs(c *corev1.Container) []ref {
	var refs []ref
	for i := range c.EnvFrom {
		switch e := &c.EnvFrom[i]; {
		case e.ConfigMapRef != nil:
			refs = append(refs, ref{configMapKind, e.ConfigMapRef.Name, yes(e.ConfigMapRef.Optional)})
		case e.SecretRef != nil:
			refs = append(refs, ref{secretKind, e.SecretRef.Name, yes(e.SecretRef.Optional)})
		}
	}
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		switch {
		case from == nil:
		case from.ConfigMapKeyRef != nil:
			refs = append(refs, ref{configMapKind, from.ConfigMapKeyRef.Name, yes(from.ConfigMapKeyRef.Optional)})
		case from.SecretKeyRef != nil:
			refs = append(refs, ref{secretKind, from.SecretKeyRef.Name, yes(from.SecretKeyRef.Optional)})
		}
	}
	return refs
}

// environment resolves a container's environment (makeEnvironmentVariables);
// got answers refs in order, nil for an object that does not exist. Deviation:
// the variables of Services are left out.
func (k *Kubelet) environment(p *pod, c *corev1.Container, refs []ref, got []apiserver.Object) ([]corev1.EnvVar, error) {
	if len(c.Env) == 0 && len(c.EnvFrom) == 0 {
		return nil, nil
	}
	var vars []corev1.EnvVar
	n := 0
	take := func() (data map[string]string, err error) {
		r, obj := refs[n], got[n]
		n++
		if obj == nil && !r.optional {
			return nil, r.notFound()
		}
		if m, ok := obj.(*corev1.ConfigMap); ok {
			return m.Data, nil // what is binary is for files
		}
		return dataOf(obj), nil
	}
	for i := range c.EnvFrom {
		if c.EnvFrom[i].ConfigMapRef == nil && c.EnvFrom[i].SecretRef == nil {
			continue
		}
		data, err := take()
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			vars = append(vars, corev1.EnvVar{Name: c.EnvFrom[i].Prefix + key, Value: data[key]})
		}
	}
	for i := range c.Env {
		e := &c.Env[i]
		value, skip := "", false
		switch from := e.ValueFrom; {
		case from == nil:
			value = expand(e.Value, vars)
		case from.FieldRef != nil:
			value = k.field(p, from.FieldRef.FieldPath)
		case from.ResourceFieldRef != nil:
			value = k.resourceField(p, c, from.ResourceFieldRef)
		case from.ConfigMapKeyRef != nil || from.SecretKeyRef != nil:
			r := refs[n]
			data, err := take()
			if err != nil {
				return nil, err
			}
			key, kind := "", "ConfigMap"
			if from.ConfigMapKeyRef != nil {
				key = from.ConfigMapKeyRef.Key
			} else {
				key, kind = from.SecretKeyRef.Key, "Secret"
			}
			v, ok := data[key]
			if !ok && !r.optional {
				return nil, fmt.Errorf("couldn't find key %v in %s %v/%v", key, kind, p.key.Namespace, r.name)
			}
			value, skip = v, !ok
		}
		if !skip {
			vars = append(vars, corev1.EnvVar{Name: e.Name, Value: value})
		}
	}
	return vars, nil
}

// dataOf returns the content of a ConfigMap or Secret.
func dataOf(obj apiserver.Object) map[string]string {
	data := map[string]string{}
	switch o := obj.(type) {
	case *corev1.ConfigMap:
		maps.Copy(data, o.Data)
		for key, v := range o.BinaryData { // a map into a map
			data[key] = string(v)
		}
	case *corev1.Secret:
		for key, v := range o.Data { // a map into a map
			data[key] = string(v)
		}
	}
	return data
}

// field returns a field of the pod for the downward API.
func (k *Kubelet) field(p *pod, path string) string {
	obj := p.api
	if name, arg, ok := strings.Cut(path, "['"); ok {
		arg = strings.TrimSuffix(arg, "']")
		switch name {
		case "metadata.labels":
			return obj.Labels[arg]
		case "metadata.annotations":
			return obj.Annotations[arg]
		}
		return ""
	}
	switch path {
	case "metadata.name":
		return obj.Name
	case "metadata.namespace":
		return obj.Namespace
	case "metadata.uid":
		return string(obj.UID)
	case "metadata.labels":
		return formatMap(obj.Labels)
	case "metadata.annotations":
		return formatMap(obj.Annotations)
	case "spec.nodeName":
		return obj.Spec.NodeName
	case "spec.serviceAccountName":
		return obj.Spec.ServiceAccountName
	case "status.hostIP", "status.hostIPs":
		return k.hostIP()
	case "status.podIP", "status.podIPs":
		return p.sandbox.ip
	}
	return ""
}

func formatMap(m map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, fmt.Sprintf("%v=%q", key, m[key]))
	}
	return strings.Join(lines, "\n")
}

// resourceField returns a container's request or limit, divided and rounded up;
// a limit that is not set is the node's.
func (k *Kubelet) resourceField(p *pod, c *corev1.Container, sel *corev1.ResourceFieldSelector) string {
	if sel.ContainerName != "" {
		for i := range p.containers {
			if p.containers[i].name == sel.ContainerName {
				c = p.containers[i].spec(p.api)
			}
		}
	}
	which, name, _ := strings.Cut(sel.Resource, ".")
	list := c.Resources.Requests
	if which == "limits" {
		list = c.Resources.Limits
	}
	q, ok := list[corev1.ResourceName(name)]
	if !ok && which == "limits" && k.node != nil {
		q = k.node.Status.Allocatable[corev1.ResourceName(name)]
	}
	by := sel.Divisor
	if by.IsZero() {
		by = resource.MustParse("1")
	}
	milli := by.MilliValue()
	return strconv.FormatInt((q.MilliValue()+milli-1)/milli, 10)
}

// expand replaces $(NAME) by the variables before, and $$ by $.
func expand(s string, vars []corev1.EnvVar) string {
	return expandWith(s, func(name string) (string, bool) {
		c := Container{Env: vars}
		return c.Getenv(name), slices.ContainsFunc(vars, func(v corev1.EnvVar) bool { return v.Name == name })
	})
}

// expandWith is expand with any source of values, which says if it has one.
func expandWith(s string, value func(name string) (string, bool)) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && i+1 < len(s) {
			if s[i+1] == '$' {
				b.WriteByte('$')
				i++
				continue
			}
			if end := strings.IndexByte(s[i:], ')'); s[i+1] == '(' && end > 0 {
				if v, ok := value(s[i+2 : i+end]); ok {
					b.WriteString(v)
					i += end
					continue
				}
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func yes(b *bool) bool { return b != nil && *b }
