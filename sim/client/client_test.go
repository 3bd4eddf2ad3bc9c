package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/client"
)

// web is a set of three replicas.
func web() *appsv1.StatefulSet {
	replicas := int32(3)
	labels := map[string]string{"app": "web"}
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.StatefulSetSpec{Replicas: &replicas,
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}}}}}
}

// begin returns a client of a new cluster, and its clientset.
func begin(t *testing.T) (*client.Client, kubernetes.Interface) {
	cl := client.New(sim.New(sim.Config{}))
	t.Cleanup(cl.Close)
	set, err := kubernetes.NewForConfig(cl.Config())
	require.NoError(t, err)
	return cl, set
}

// TestBubble: an informer follows a set that becomes ready, by the bubble's
// clock, which is the cluster's.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cl, set := begin(t)
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		cl.Do(func(c *sim.Cluster) { assert.True(t, began.Equal(c.Now())) })

		factory := informers.NewSharedInformerFactory(set, 0)
		ready := make(chan time.Time, 1)
		_, err := factory.Apps().V1().StatefulSets().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, obj any) {
			if obj.(*appsv1.StatefulSet).Status.ReadyReplicas == 3 {
				select {
				case ready <- time.Now():
				default:
				}
			}
		}})
		require.NoError(t, err)
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		_, err = set.AppsV1().StatefulSets("default").Create(ctx, web(), metav1.CreateOptions{})
		require.NoError(t, err)

		at := <-ready
		took := at.Sub(began)
		assert.Greater(t, took, time.Second) // three pods, one after the other
		assert.Less(t, took, time.Minute)
		pods, err := set.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
		require.NoError(t, err)
		assert.Len(t, pods.Items, 3)
		_, err = set.CoreV1().Pods("default").Get(ctx, "db-0", metav1.GetOptions{})
		assert.True(t, apierrors.IsNotFound(err))

		time.Sleep(time.Hour)
		cl.Do(func(c *sim.Cluster) { assert.True(t, time.Now().Equal(c.Now()), c.Now()) })
		stop()
		factory.Shutdown()
		cl.Close()
	})
}

// TestLeader: leader election goes by Leases of the cluster, and a second
// candidate takes over when the first is gone.
func TestLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cl, set := begin(t)
		leads := make(chan string, 2)
		elect := func(ctx context.Context, name string) {
			lock := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Namespace: "default", Name: "lock"}, Client: set.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: name}}
			leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
				Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { leads <- name }, OnStoppedLeading: func() {}}})
		}
		first, end := context.WithCancel(t.Context())
		go elect(first, "a")
		assert.Equal(t, "a", <-leads)
		second, stop := context.WithCancel(t.Context())
		go elect(second, "b")
		time.Sleep(time.Minute)
		assert.Empty(t, leads)
		end()
		gone := time.Now()
		assert.Equal(t, "b", <-leads)
		assert.Less(t, time.Since(gone), 30*time.Second)
		stop()
		synctest.Wait()
		cl.Close()
	})
}

// TestOutside: without a bubble, the cluster goes on while its clients wait. The
// dynamic client works, too.
func TestOutside(t *testing.T) {
	cl, set := begin(t)
	ctx := t.Context()
	watch, err := set.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	defer watch.Stop()
	_, err = set.AppsV1().StatefulSets("default").Create(ctx, web(), metav1.CreateOptions{})
	require.NoError(t, err)
	running := map[string]bool{}
	for ev := range watch.ResultChan() {
		if pod := ev.Object.(*corev1.Pod); pod.Status.Phase == corev1.PodRunning {
			running[pod.Name] = true
		}
		if len(running) == 3 {
			break
		}
	}
	dyn, err := dynamic.NewForConfig(cl.Config())
	require.NoError(t, err)
	var obj *unstructured.Unstructured
	obj, err = dyn.Resource(appsv1.SchemeGroupVersion.WithResource("statefulsets")).Namespace("default").Get(ctx, "web", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, "web", obj.GetName())
}
