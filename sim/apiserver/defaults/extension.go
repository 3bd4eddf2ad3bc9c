package defaults

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// apiService: the port of the server behind it.
func apiService(s *apiregistrationv1.APIService) {
	through(&s.Spec.Service, func(r *apiregistrationv1.ServiceReference) *apiregistrationv1.ServiceReference {
		o := own[apiregistrationv1.ServiceReference]{v: r}
		if r.Port == nil {
			fill(&o.write().Port, 443)
		}
		return o.v
	})
}

// customResourceDefinition asks the types' own package, which writes to what the
// conversion's pointer shows.
func customResourceDefinition(d *apiextensionsv1.CustomResourceDefinition) {
	if d.Spec.Conversion != nil && d.Spec.Conversion.Webhook != nil {
		d.Spec.Conversion = d.Spec.Conversion.DeepCopy()
	}
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(d)
}
