package kubelet_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// One node runs one pod, which answers over HTTP.
func Example() {
	e := engine.New(engine.Strategy{})
	world := kubelet.NewWorld(kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
		"nginx": {HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
			return kubelet.HTTPResponse{Body: "I am " + r.Files.Hostname}
		}},
	}})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, world)
	host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "default"},
		Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}})
	host.Add(kubelet.New(kubelet.Config{Node: "node-1", PodCIDR: "172.16.5.0/24"}))
	host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: "web-0"}, Object: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0"},
		Spec:       corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "nginx", Image: "nginx:1.14"}}},
	}})
	for host.Step() {
	}
	for _, p := range world.Processes() {
		res, err := world.HTTP(e.Now(), p.IP, 80, "/")
		fmt.Println(p.Pod, p.Node, p.IP, res.Body, err)
	}
	// Output: default/web-0 node-1 172.16.5.2 I am web-0 <nil>
}
