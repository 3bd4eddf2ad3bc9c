package endpointslice_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/endpointslice"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// A Service with a selector gets a slice that lists the addresses of its pods.
func Example() {
	e := engine.New(engine.Strategy{})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	host.Add(endpointslice.New())
	for _, obj := range []apiserver.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec:       corev1.ServiceSpec{ClusterIP: "None", IPFamilies: []corev1.IPFamily{"IPv4"}, Selector: map[string]string{"app": "web"}},
		},
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0", Labels: map[string]string{"app": "web"}},
			Spec: corev1.PodSpec{
				NodeName: "n1", Hostname: "web-0", Subdomain: "web",
				Containers: []corev1.Container{{Name: "nginx", Image: "nginx"}},
			},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: "10.0.0.7", PodIPs: []corev1.PodIP{{IP: "10.0.0.7"}},
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		},
	} {
		obj = obj.DeepCopyObject().(apiserver.Object)
		status := obj.DeepCopyObject().(apiserver.Object)
		kind, key := apiserver.KindOf(obj), apiserver.KeyOf(obj)
		host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: key, Object: obj})
		host.Do("kubelet", apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: kind, Key: key, Object: status})
	}
	for host.Step() {
	}
	for _, o := range host.Server().List(apiserver.EndpointSlice, "default") {
		for _, ep := range o.(*discoveryv1.EndpointSlice).Endpoints {
			fmt.Println(*ep.Hostname, ep.Addresses, "ready:", *ep.Conditions.Ready)
		}
	}
	// Output: web-0 [10.0.0.7] ready: true
}
