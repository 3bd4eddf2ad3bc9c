package validation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// env is ValidateEnv.
func (c *check) env(p path, vars []corev1.EnvVar) {
	for i := range vars {
		v, at := &vars[i], p.at(i)
		if v.Name == "" {
			c.required(at.child("name"), "")
		} else {
			c.envName(at.child("name"), v.Name)
		}
		if v.ValueFrom != nil {
			c.envSource(at.child("valueFrom"), v)
		}
	}
}

func (c *check) envName(p path, name string) {
	for i := 0; i < len(name); i++ {
		if b := name[i]; b != '_' && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z') {
			c.msgs(p, name, validation.IsRelaxedEnvVarName(name))
			return
		}
	}
}

// envSource is validateEnvVarValueFrom.
func (c *check) envSource(p path, v *corev1.EnvVar) {
	s, n := v.ValueFrom, 0
	if s.FieldRef != nil {
		n++
		c.fieldRef(p.child("fieldRef"), s.FieldRef, envFields)
	}
	if s.ResourceFieldRef != nil {
		n++
		c.resourceField(p.child("resourceFieldRef"), s.ResourceFieldRef, false)
	}
	if r := s.ConfigMapKeyRef; r != nil {
		n++
		c.keyRef(p.child("configMapKeyRef"), r.Name, r.Key)
	}
	if r := s.SecretKeyRef; r != nil {
		n++
		c.keyRef(p.child("secretKeyRef"), r.Name, r.Key)
	}
	if r := s.FileKeyRef; r != nil {
		n++
		c.fileKey(p.child("fileKeyRef"), r)
	}
	switch {
	case n == 0:
		c.invalid(p, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
	case v.Value != "":
		c.invalid(p, "", "may not be specified when `value` is not empty")
	case n > 1:
		c.invalid(p, "", "may not have more than one field specified at a time")
	}
}

// keyRef names a key of a ConfigMap or Secret.
func (c *check) keyRef(p path, name, key string) {
	c.name(p.child("name"), name, subdomainName)
	if key == "" {
		c.required(p.child("key"), "")
	} else if !isNamePart(key) {
		c.msgs(p.child("key"), key, validation.IsConfigMapKey(key))
	}
}

func (c *check) fileKey(p path, r *corev1.FileKeySelector) {
	if r.Key == "" {
		c.required(p.child("key"), "")
	} else {
		c.envName(p.child("key"), r.Key)
	}
	if r.VolumeName == "" {
		c.required(p.child("volumeName"), "")
	} else {
		c.name(p.child("volumeName"), r.VolumeName, labelName)
	}
	if r.Path == "" {
		c.required(p.child("path"), "")
	} else {
		c.noBackstep(p.child("path"), r.Path)
	}
}

// fileKeys is validateFileKeyRefVolumes.
func (c *check) fileKeys(p path, s *corev1.PodSpec) {
	eachContainer(s, func(list string, i int, ctr *corev1.Container) {
		in := p.child(list)
		at := in.at(i)
		env := at.child("env")
		for i := range ctr.Env {
			if ctr.Env[i].ValueFrom == nil || ctr.Env[i].ValueFrom.FileKeyRef == nil {
				continue
			}
			name := ctr.Env[i].ValueFrom.FileKeyRef.VolumeName
			one := env.at(i)
			at := one.child("valueFrom.fileKeyRef.volumeName")
			parts := podParts{vols: s.Volumes}
			if v := parts.volume(name); v == nil {
				c.notFound(at, name)
			} else if v.EmptyDir == nil {
				c.invalid(at, name, "referenced volume must be of type emptyDir")
			}
		}
	})
}

// eachContainer visits init containers, containers and ephemeral containers
// (VisitContainersWithPath). It names the list and not the path, which would
// cost memory.
func eachContainer(s *corev1.PodSpec, visit func(list string, i int, ctr *corev1.Container)) {
	for i := range s.InitContainers {
		visit("initContainers", i, &s.InitContainers[i])
	}
	for i := range s.Containers {
		visit("containers", i, &s.Containers[i])
	}
	for i := range s.EphemeralContainers {
		visit("ephemeralContainers", i, (*corev1.Container)(&s.EphemeralContainers[i].EphemeralContainerCommon))
	}
}

// envFrom is ValidateEnvFrom. The last two errors name the list: upstream's.
func (c *check) envFrom(p path, sources []corev1.EnvFromSource) {
	for i := range sources {
		s, at, n := &sources[i], p.at(i), 0
		if s.Prefix != "" {
			c.envName(at.child("prefix"), s.Prefix)
		}
		if r := s.ConfigMapRef; r != nil {
			n++
			c.envFromName(at.child("configMapRef"), r.Name)
		}
		if r := s.SecretRef; r != nil {
			n++
			c.envFromName(at.child("secretRef"), r.Name)
		}
		if n == 0 {
			c.invalid(p, "", "must specify one of: `configMapRef` or `secretRef`")
		} else if n > 1 {
			c.invalid(p, "", "may not have more than one field specified at a time")
		}
	}
}

func (c *check) envFromName(p path, name string) {
	if name == "" {
		c.required(p.child("name"), "")
	} else if !isSubdomain(name) {
		c.msgs(p.child("name"), name, subdomainName.slow(name, true))
	}
}

// The fields that the downward API offers, sorted.
var (
	envFields = []string{"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}
	volumeFields = []string{"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"}
	knownFields  = []string{"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
		"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "spec.schedulerName", "status.phase",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}
	resourceFields = []string{"limits.cpu", "limits.ephemeral-storage", "limits.memory",
		"requests.cpu", "requests.ephemeral-storage", "requests.memory"}
)

// fieldRef is validateObjectFieldSelector.
func (c *check) fieldRef(p path, f *corev1.ObjectFieldSelector, allowed []string) {
	if f.APIVersion == "" {
		c.required(p.child("apiVersion"), "")
		return
	}
	if f.FieldPath == "" {
		c.required(p.child("fieldPath"), "")
		return
	}
	at := p.child("fieldPath")
	if f.APIVersion != "v1" {
		c.invalid(at, f.FieldPath, "error converting fieldPath: unsupported pod version: "+f.APIVersion)
		return
	}
	name, subscript, ok := splitSubscript(f.FieldPath)
	switch {
	case ok && name == "metadata.annotations":
		c.qualified(p, strings.ToLower(subscript))
	case ok && name == "metadata.labels":
		c.qualified(p, subscript)
	case ok:
		c.invalid(at, f.FieldPath, "error converting fieldPath: field label does not support subscript: "+f.FieldPath)
	case name == "spec.host":
		oneOf(c, at, "spec.nodeName", allowed...)
	case !slices.Contains(knownFields, name):
		c.invalid(at, f.FieldPath, "error converting fieldPath: field label not supported: "+f.FieldPath)
	default:
		oneOf(c, at, name, allowed...)
	}
}

// splitSubscript splits metadata.labels['key'].
func splitSubscript(s string) (string, string, bool) {
	inner, ok := strings.CutSuffix(s, "']")
	if !ok {
		return s, "", false
	}
	name, key, ok := strings.Cut(inner, "['")
	if !ok || name == "" {
		return s, "", false
	}
	return name, key, true
}

// resourceField is validateContainerResourceFieldSelector.
func (c *check) resourceField(p path, f *corev1.ResourceFieldSelector, volume bool) {
	huge := strings.HasPrefix(f.Resource, "requests.hugepages-") || strings.HasPrefix(f.Resource, "limits.hugepages-")
	switch {
	case volume && f.ContainerName == "":
		c.required(p.child("containerName"), "")
	case f.Resource == "":
		c.required(p.child("resource"), "")
	case !huge:
		oneOf(c, p.child("resource"), f.Resource, resourceFields...)
	}
	c.divisor(p.child("divisor"), f.Resource, f.Divisor, huge)
}

func (c *check) divisor(p path, name string, divisor resource.Quantity, huge bool) {
	if divisor.IsZero() {
		return
	}
	_, kind, _ := strings.Cut(name, ".")
	d := divisor.String()
	switch {
	case kind == "cpu":
		if d != "1" && d != "1m" {
			c.invalid(p, name, "only divisor's values 1m and 1 are supported with the cpu resource")
		}
		return
	case huge:
		kind = "hugepages"
	case kind == "ephemeral-storage":
		kind = "local ephemeral storage"
	case kind != "memory":
		return
	}
	units := []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
	if !slices.Contains(units, d) {
		c.errs = append(c.errs, field.Invalid(p.field(), name, "only divisor's values "+strings.Join(units, ", ")+" are supported with the "+kind+" resource"))
	}
}
