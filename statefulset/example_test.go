package statefulset_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/statefulset"
)

// A set of three is scaled to one. The loop plays the kubelet: every pod is
// ready as soon as it exists.
func Example() {
	e := engine.New(engine.Strategy{})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	host.Add(statefulset.New(apiserver.Gates{}))

	send := func(verb apiserver.Verb, sub apiserver.Subresource, obj apiserver.Object) {
		req := apiserver.Request{Verb: verb, Kind: apiserver.KindOf(obj), Subresource: sub, Key: apiserver.KeyOf(obj), Object: obj}
		if res := host.Do("user", req); res.Err != nil {
			panic(res.Err)
		}
	}
	run := func() {
		for more := true; more; more = host.Step() {
			for _, rec := range append([]*apiserver.Record(nil), host.Drain()...) {
				pod, ok := rec.Object.(*corev1.Pod)
				if !ok || rec.Type == watch.Modified {
					continue
				}
				fmt.Println(rec.Type, pod.Name)
				if rec.Type == watch.Added {
					ready := pod.DeepCopy()
					ready.Status.Phase = corev1.PodRunning
					ready.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
					send(apiserver.Update, apiserver.Status, ready)
				}
			}
		}
	}

	labels := map[string]string{"app": "web"}
	replicas := int32(3)
	send(apiserver.Create, apiserver.None, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	send(apiserver.Create, apiserver.None, &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	})
	run()
	set := host.Server().Get(apiserver.StatefulSet, apiserver.Key{Namespace: "default", Name: "web"}).(*appsv1.StatefulSet).DeepCopy()
	*set.Spec.Replicas = 1
	send(apiserver.Update, apiserver.None, set)
	run()
	// Output:
	// ADDED web-0
	// ADDED web-1
	// ADDED web-2
	// DELETED web-2
	// DELETED web-1
}
