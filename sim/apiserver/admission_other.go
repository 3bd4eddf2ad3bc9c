package apiserver

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// ingressClassKind is that of IngressClasses, which nobody watches.
var ingressClassKind = KindFor(networkingv1.SchemeGroupVersion.WithKind("IngressClass"))

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// setIngressClass is the plugin DefaultIngressClass: of several default classes
// the newest is taken, then the first by name.
func (s *Server) setIngressClass(ingress *networkingv1.Ingress) {
	if _, named := ingress.Annotations["kubernetes.io/ingress.class"]; named || ingress.Spec.IngressClassName != nil {
		return
	}
	var best *networkingv1.IngressClass
	for _, o := range s.List(ingressClassKind, "") {
		c := o.(*networkingv1.IngressClass)
		if c.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" && (best == nil || c.CreationTimestamp.After(best.CreationTimestamp.Time)) {
			best = c
		}
	}
	if best != nil {
		ingress.Spec.IngressClassName = &best.Name
	}
}

// admitSubject is the plugin CertificateSubjectRestriction: nobody becomes an
// administrator by a certificate that he asks for.
func admitSubject(csr *certificatesv1.CertificateSigningRequest) error {
	if csr.Spec.SignerName != certificatesv1.KubeAPIServerClientSignerName {
		return nil
	}
	kind := KindOf(csr)
	parsed, err := parseRequest(csr.Spec.Request)
	if err != nil {
		return forbidden(kind, csr, fmt.Errorf("failed to parse CSR: %v", err)) //nolint: upstream's words
	}
	if slices.Contains(parsed.Subject.Organization, "system:masters") {
		return forbidden(kind, csr, fmt.Errorf("use of %s signer with system:masters group is not allowed", certificatesv1.KubeAPIServerClientSignerName))
	}
	return nil
}

// parseRequest is ParseCSR.
func parseRequest(text []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("PEM block type must be CERTIFICATE REQUEST")
	}
	return x509.ParseCertificateRequest(block.Bytes)
}
