package dns_test

import (
	"fmt"

	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/dns"
)

// The name of a pod of a StatefulSet, as the cluster's name service and the pod
// itself find it.
func Example() {
	ready := true
	hostname := "web-0"
	index, err := dns.Of(dns.Config{},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec:       corev1.ServiceSpec{ClusterIP: "None"},
		},
		&discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-x", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
			Endpoints: []discoveryv1.Endpoint{{
				Addresses: []string{"10.0.0.7"}, Hostname: &hostname, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
			}},
		},
	)
	if err != nil {
		panic(err)
	}
	reply := index.Answer(dns.Query(1, "web-0.web.default.svc.cluster.local", miekg.TypeA))
	fmt.Println(miekg.RcodeToString[reply.Rcode], reply.Answer[0].(*miekg.A).A)

	other := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "client"}}
	res, err := dns.Resolver{DNS: index}.Lookup(other, "web-0.web")
	fmt.Println(res.Canonical, res.Addresses, err)
	_, err = dns.Resolver{DNS: index}.Lookup(other, "web-1.web")
	fmt.Println(err)
	// Output:
	// NOERROR 10.0.0.7
	// web-0.web.default.svc.cluster.local [10.0.0.7] <nil>
	// pod default/client: looking up "web-1.web": Name does not resolve
}
