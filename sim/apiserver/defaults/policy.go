package defaults

import (
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	corev1 "k8s.io/api/core/v1"
)

// networkPolicy is SetDefaults_NetworkPolicy.
func networkPolicy(p *networkingv1.NetworkPolicy) {
	s := &p.Spec
	if len(s.PolicyTypes) == 0 {
		s.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(s.Egress) > 0 {
			s.PolicyTypes = append(s.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	each(&s.Ingress, func(r *networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicyIngressRule {
		o := own[networkingv1.NetworkPolicyIngressRule]{v: r}
		if ports := r.Ports; each(&ports, policyPort) {
			o.write().Ports = ports
		}
		return o.v
	})
	each(&s.Egress, func(r *networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicyEgressRule {
		o := own[networkingv1.NetworkPolicyEgressRule]{v: r}
		if ports := r.Ports; each(&ports, policyPort) {
			o.write().Ports = ports
		}
		return o.v
	})
}

func policyPort(p *networkingv1.NetworkPolicyPort) *networkingv1.NetworkPolicyPort {
	o := own[networkingv1.NetworkPolicyPort]{v: p}
	if p.Protocol == nil {
		fill(&o.write().Protocol, corev1.ProtocolTCP)
	}
	return o.v
}

// roleBinding is the same for RoleBinding and ClusterRoleBinding.
func roleBinding(ref *rbacv1.RoleRef, subjects *[]rbacv1.Subject) {
	zero(&ref.APIGroup, rbacv1.GroupName)
	each(subjects, func(s *rbacv1.Subject) *rbacv1.Subject {
		o := own[rbacv1.Subject]{v: s}
		if s.APIGroup == "" && (s.Kind == rbacv1.UserKind || s.Kind == rbacv1.GroupKind) {
			o.write().APIGroup = rbacv1.GroupName
		}
		return o.v
	})
}
