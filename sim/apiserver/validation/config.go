package validation

import (
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
)

const whenImmutable = "field is immutable when `immutable` is set"

var (
	dataPath   = in("data")
	binaryPath = in("binaryData")
)

// configMap is ValidateConfigMap without the metadata.
func (c *check) configMap(m *corev1.ConfigMap) {
	size := 0
	for _, k := range sorted(m.Data) {
		c.dataKey(dataPath, k)
		if _, twice := m.BinaryData[k]; twice {
			c.invalid(dataPath.key(k), k, "duplicate of key present in binaryData")
		}
		size += len(m.Data[k])
	}
	for _, k := range sorted(m.BinaryData) {
		c.dataKey(binaryPath, k)
		size += len(m.BinaryData[k])
	}
	if size > corev1.MaxSecretSize {
		c.tooLong(in(""), corev1.MaxSecretSize)
	}
}

func (c *check) dataKey(p path, k string) {
	if !isNamePart(k) {
		c.msgs(p.key(k), k, validation.IsConfigMapKey(k))
	}
}

func (c *check) configMapUpdate(m, old *corev1.ConfigMap) {
	if old.Immutable != nil && *old.Immutable {
		if m.Immutable == nil || !*m.Immutable {
			c.forbidden(in("immutable"), whenImmutable)
		}
		if !maps.Equal(m.Data, old.Data) {
			c.forbidden(dataPath, whenImmutable)
		}
		if !apiequality.Semantic.DeepEqual(m.BinaryData, old.BinaryData) {
			c.forbidden(binaryPath, whenImmutable)
		}
	}
	c.generateName(&m.ObjectMeta, subdomainName)
	c.configMap(m)
}

// secret is ValidateSecret without the metadata.
func (c *check) secret(s *corev1.Secret) {
	size := 0
	for _, k := range sorted(s.Data) {
		c.dataKey(dataPath, k)
		size += len(s.Data[k])
	}
	if size > corev1.MaxSecretSize {
		c.tooLong(dataPath, corev1.MaxSecretSize)
	}
	need := func(keys ...string) {
		for _, k := range keys {
			if _, ok := s.Data[k]; !ok {
				c.required(dataPath.key(k), "")
			}
		}
	}
	switch s.Type {
	case corev1.SecretTypeServiceAccountToken:
		if s.Annotations[corev1.ServiceAccountNameKey] == "" {
			at := metadata.child("annotations")
			c.required(at.key(corev1.ServiceAccountNameKey), "")
		}
	case corev1.SecretTypeDockercfg:
		need(corev1.DockerConfigKey)
		c.object(corev1.DockerConfigKey, s.Data)
	case corev1.SecretTypeDockerConfigJson:
		need(corev1.DockerConfigJsonKey)
		c.object(corev1.DockerConfigJsonKey, s.Data)
	case corev1.SecretTypeBasicAuth:
		_, user := s.Data[corev1.BasicAuthUsernameKey]
		_, password := s.Data[corev1.BasicAuthPasswordKey]
		if !user && !password {
			need(corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey)
		}
	case corev1.SecretTypeSSHAuth:
		if len(s.Data[corev1.SSHAuthPrivateKey]) == 0 {
			c.required(dataPath.key(corev1.SSHAuthPrivateKey), "")
		}
	case corev1.SecretTypeTLS:
		need(corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
	}
}

// object holds a key of a Secret, if it is there, to a JSON object.
func (c *check) object(key string, data map[string][]byte) {
	text, ok := data[key]
	if !ok {
		return
	}
	if err := json.Unmarshal(text, &map[string]any{}); err != nil {
		c.invalid(dataPath.key(key), "<secret contents redacted>", err.Error())
	}
}

func (c *check) secretUpdate(s, old *corev1.Secret) {
	if s.Type != old.Type {
		c.invalid(in("type"), s.Type, isImmutable)
	}
	if old.Immutable != nil && *old.Immutable {
		if s.Immutable == nil || !*s.Immutable {
			c.forbidden(in("immutable"), whenImmutable)
		}
		if !apiequality.Semantic.DeepEqual(s.Data, old.Data) {
			c.forbidden(dataPath, whenImmutable)
		}
	}
	c.generateName(&s.ObjectMeta, subdomainName)
	c.secret(s)
}
