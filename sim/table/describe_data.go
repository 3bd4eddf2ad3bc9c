package table

import corev1 "k8s.io/api/core/v1"

// configMap writes a ConfigMap with its data.
func (p *page) configMap(c *corev1.ConfigMap) {
	p.identity(&c.ObjectMeta)
	p.about(&c.ObjectMeta)
	p.line(0, "\nData\n====")
	for _, k := range sortedKeys(c.Data) {
		p.line(0, "%s:\n----", k)
		p.line(0, "%s\n", c.Data[k])
	}
	p.line(0, "\nBinaryData\n====")
	for _, k := range sortedKeys(c.BinaryData) {
		p.line(0, "%s: %d bytes", k, len(c.BinaryData[k]))
	}
	p.line(0, "")
}

// secret writes a Secret: how long its data is, and of a service account's
// token the token (describeSecret). It has no events.
func (p *page) secret(s *corev1.Secret) {
	p.identity(&s.ObjectMeta)
	p.about(&s.ObjectMeta)
	p.line(0, "\nType:\t%s", s.Type)
	p.line(0, "\nData\n====")
	for _, k := range sortedKeys(s.Data) {
		if k == corev1.ServiceAccountTokenKey && s.Type == corev1.SecretTypeServiceAccountToken {
			p.line(0, "%s:\t%s", k, s.Data[k])
			continue
		}
		p.line(0, "%s:\t%d bytes", k, len(s.Data[k]))
	}
}
