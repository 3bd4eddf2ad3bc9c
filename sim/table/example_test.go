package table_test

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// Example prints a set and its pod, then the pod as a watch sees it go.
func Example() {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one := int32(1)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", CreationTimestamp: metav1.NewTime(start)},
		Spec:       appsv1.StatefulSetSpec{Replicas: &one},
		Status:     appsv1.StatefulSetStatus{ReadyReplicas: 1},
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "default", CreationTimestamp: metav1.NewTime(start)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "nginx", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}},
	}
	out, _ := table.Get([]table.Group{
		{Kind: apiserver.StatefulSet, Objects: []apiserver.Object{set}},
		{Kind: apiserver.Pod, Objects: []apiserver.Object{pod}},
	}, start.Add(5*time.Second), table.Options{})
	fmt.Print(out)

	fmt.Println("$ kubectl get pods -w")
	w := table.NewWatcher(apiserver.Pod, table.Options{})
	fmt.Print(w.List([]apiserver.Object{pod}, start.Add(5*time.Second)))
	deleted := pod.DeepCopy()
	deleted.DeletionTimestamp = &metav1.Time{Time: start.Add(time.Minute)}
	fmt.Print(w.Event(watch.Modified, deleted, start.Add(30*time.Second)))
	fmt.Println(table.DeletedLine(apiserver.StatefulSet, apiserver.KeyOf(set), false))
	// Output:
	// NAME                   READY   AGE
	// statefulset.apps/web   1/1     5s
	//
	// NAME        READY   STATUS    RESTARTS   AGE
	// pod/web-0   1/1     Running   0          5s
	// $ kubectl get pods -w
	// NAME    READY   STATUS    RESTARTS   AGE
	// web-0   1/1     Running   0          5s
	// web-0   1/1     Terminating   0          30s
	// statefulset.apps "web" deleted from default namespace
}
