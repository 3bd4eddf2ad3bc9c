package client_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/client"
)

// A real clientset creates a pod and watches it start. In a bubble of
// testing/synctest it would take no time at all; here it takes a moment.
func Example() {
	cl := client.New(sim.New(sim.Config{}))
	defer cl.Close()
	set, err := kubernetes.NewForConfig(cl.Config())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx"}}}}
	if _, err := set.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		log.Fatal(err)
	}
	watch, err := set.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=web,status.phase=Running"})
	if err != nil {
		log.Fatal(err)
	}
	defer watch.Stop()
	ev := <-watch.ResultChan()
	fmt.Println(ev.Type, strings.ToLower(string(ev.Object.(*corev1.Pod).Status.Phase)))
	// Output:
	// ADDED running
}
