package disrupting

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/informers"
	coreinformers "k8s.io/client-go/informers/core/v1"
	policyinformers "k8s.io/client-go/informers/policy/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/client-go/scale"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/controller/disruption"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// init takes away upstream's global brake on errors, which sleeps until a time
// of the last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }

// upstream plays a script to upstream's controller.
func upstream(t *testing.T, s script) string {
	var d diary
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := newWorld(s)
		ctx, stop := context.WithCancel(context.Background())
		w.start(ctx)
		time.Sleep(beginning)
		for i, st := range s.steps {
			w.mu.Lock()
			req, ok := st.request(w.server, apiserver.VirtualTime(time.Now()))
			w.mu.Unlock()
			if ok {
				d.note(i, w.do(apiserver.User, req))
			}
			time.Sleep(st.pause)
			synctest.Wait()
			d.rest(w.server)
		}
		stop()
		w.end()
		time.Sleep(time.Minute)
	})
	return d.String()
}

// start starts the controller as the controller manager does.
func (w *world) start(ctx context.Context) {
	client := w.client()
	factory := informers.NewSharedInformerFactory(client, 0)
	apps, core := factory.Apps().V1(), factory.Core().V1()
	c := disruption.NewDisruptionController(ctx, pods{core.Pods()}, budgets{factory.Policy().V1().PodDisruptionBudgets()},
		core.ReplicationControllers(), apps.ReplicaSets(), apps.Deployments(), apps.StatefulSets(),
		client, mapper(), scales{w: w}, &fakediscovery.FakeDiscovery{Fake: &clienttesting.Fake{Resources: resources}})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go c.Run(ctx, 1)
}

// mapper knows the kinds that pods of a script belong to, but for one.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, gvk := range []schema.GroupVersionKind{
		appsv1.SchemeGroupVersion.WithKind("StatefulSet"), appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), appsv1.SchemeGroupVersion.WithKind("Deployment"),
		corev1.SchemeGroupVersion.WithKind("ReplicationController"), batchv1.SchemeGroupVersion.WithKind("Job"),
	} {
		m.Add(gvk, meta.RESTScopeNamespace)
	}
	return m
}

// resources are what discovery says of scales.
var resources = []*metav1.APIResourceList{
	{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
		scaleOf("statefulsets"), scaleOf("replicasets"), scaleOf("deployments")}},
	{GroupVersion: "v1", APIResources: []metav1.APIResource{scaleOf("replicationcontrollers")}},
	{GroupVersion: "batch/v1", APIResources: []metav1.APIResource{{Name: "jobs", Kind: "Job"}}},
}

func scaleOf(resource string) metav1.APIResource {
	return metav1.APIResource{Name: resource + "/scale", Group: "autoscaling", Version: "v1", Kind: "Scale"}
}

// scales serves the scales of a world's objects.
type scales struct {
	scale.ScaleInterface // Get alone is called
	w                    *world
	namespace            string
}

func (s scales) Scales(namespace string) scale.ScaleInterface {
	return scales{w: s.w, namespace: namespace}
}

func (s scales) Get(_ context.Context, gr schema.GroupResource, name string, _ metav1.GetOptions) (*autoscalingv1.Scale, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	kind, ok := kindOf[gr.Resource]
	obj := s.w.server.Get(kind, apiserver.Key{Namespace: s.namespace, Name: name})
	if !ok || obj == nil {
		return nil, apierrors.NewNotFound(gr, name)
	}
	answer := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, UID: obj.GetUID()}}
	answer.Spec.Replicas = *replicasOf(obj)
	return answer, nil
}

// pods and budgets are informers whose listers list in the order of names, as
// far as the controller lists.
type pods struct{ coreinformers.PodInformer }

type budgets struct {
	policyinformers.PodDisruptionBudgetInformer
}

func (p pods) Lister() corelisters.PodLister { return podLister{p.PodInformer.Lister()} }
func (b budgets) Lister() policylisters.PodDisruptionBudgetLister {
	return budgetLister{b.PodDisruptionBudgetInformer.Lister()}
}

type podLister struct{ corelisters.PodLister }

func (l podLister) Pods(namespace string) corelisters.PodNamespaceLister {
	return podsIn{l.PodLister.Pods(namespace)}
}

type podsIn struct{ corelisters.PodNamespaceLister }

func (l podsIn) List(selector labels.Selector) ([]*corev1.Pod, error) {
	list, err := l.PodNamespaceLister.List(selector)
	slices.SortFunc(list, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

type budgetLister struct {
	policylisters.PodDisruptionBudgetLister
}

func (l budgetLister) GetPodPodDisruptionBudgets(pod *corev1.Pod) ([]*policyv1.PodDisruptionBudget, error) {
	list, err := l.PodDisruptionBudgetLister.GetPodPodDisruptionBudgets(pod)
	slices.SortFunc(list, func(a, b *policyv1.PodDisruptionBudget) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}
