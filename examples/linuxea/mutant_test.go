package main

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// rogue is a component with a defect: at its moment, once, it sends a request
// that no correct component would send.
type rogue struct {
	name   string
	kinds  []apiserver.Kind
	moment func(controller.View, *apiserver.Record) *apiserver.Request
	done   bool
}

func (r *rogue) Name() string              { return r.name }
func (r *rogue) Watches() []apiserver.Kind { return r.kinds }
func (r *rogue) Observe(env *controller.Env, rec *apiserver.Record) {
	if r.done {
		return
	}
	if req := r.moment(env.View, rec); req != nil {
		r.done = true
		env.Send(0, *req)
	}
}
func (r *rogue) Respond(_ *controller.Env, _ uint64, res apiserver.Result) {
	if res.Err != nil {
		panic(res.Err) // the mutant must act
	}
}
func (r *rogue) Wake(*controller.Env, uint64)              {}
func (r *rogue) Waiting(*controller.Env) []controller.Wait { return nil }
func (r *rogue) Fork() controller.Actor                    { f := *r; return &f }

// isRunning reports whether a record shows a pod of the story running and
// ready.
func isRunning(rec *apiserver.Record, name string) *corev1.Pod {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok || pod.Name != name || pod.DeletionTimestamp != nil || len(pod.Status.ContainerStatuses) == 0 || !pod.Status.ContainerStatuses[0].Ready {
		return nil
	}
	return pod
}

// TestMutants plants a defect for each invariant and expects just that
// invariant, perhaps among others, to notice.
func TestMutants(t *testing.T) {
	pods := []apiserver.Kind{apiserver.Pod}
	remove := func(kind apiserver.Kind, name string, grace *int64) *apiserver.Request {
		return &apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: apiserver.Key{Namespace: "default", Name: name}, GracePeriodSeconds: grace}
	}
	mutants := []struct {
		invariant string
		rogue     rogue
	}{
		{"one claim, one volume", rogue{name: "persistentvolume-binder", kinds: []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolume, apiserver.PersistentVolumeClaim},
			moment: func(v controller.View, rec *apiserver.Record) *apiserver.Request {
				claim := v.Claim(apiserver.Key{Namespace: "default", Name: "wwwdata-satefulset-0"})
				pv := v.Volume("linuxea-5")
				if isRunning(rec, "satefulset-0") == nil || claim == nil || pv == nil {
					return nil
				}
				next := *pv
				next.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
				return &apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: pv.Name}, Object: &next}
			}}},
		{"no claim lost", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if rec.Key.Name != "satefulset-4" || rec.Type != "DELETED" {
					return nil
				}
				return remove(apiserver.PersistentVolumeClaim, "wwwdata-satefulset-4", nil)
			}}},
		{"creation order", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(v controller.View, rec *apiserver.Record) *apiserver.Request {
				pod, ok := rec.Object.(*corev1.Pod)
				if !ok || pod.Name != "satefulset-2" || rec.Type != "ADDED" {
					return nil
				}
				next := pod.DeepCopy()
				next.ObjectMeta = metav1.ObjectMeta{Namespace: pod.Namespace, Name: "satefulset-3", Labels: pod.Labels, OwnerReferences: pod.OwnerReferences}
				next.Labels["statefulset.kubernetes.io/pod-name"] = "satefulset-3"
				next.Status = corev1.PodStatus{}
				next.Spec.Hostname = "satefulset-3"
				next.Spec.Volumes[0].PersistentVolumeClaim.ClaimName = "wwwdata-satefulset-3"
				return &apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.KeyOf(next), Object: next}
			}}},
		{"deletion order", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if rec.Key.Name != "satefulset-4" || rec.Object.GetDeletionTimestamp() == nil {
					return nil
				}
				return remove(apiserver.Pod, "satefulset-2", nil)
			}}},
		{"update order", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if rec.Object.GetLabels()["controller-revision-hash"] != "satefulset-5b8bf6d897" || rec.Key.Name != "satefulset-3" {
					return nil
				}
				return remove(apiserver.Pod, "satefulset-1", nil)
			}}},
		{"one process for one identity", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if isRunning(rec, "satefulset-1") == nil {
					return nil
				}
				now := int64(0)
				return remove(apiserver.Pod, "satefulset-1", &now) // a force deletion: the process runs on for a while
			}}},
		{"own claims", rogue{name: "statefulset-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				pod := isRunning(rec, "satefulset-1")
				if pod == nil {
					return nil
				}
				next := pod.DeepCopy()
				next.ObjectMeta = metav1.ObjectMeta{Namespace: pod.Namespace, Name: "satefulset-9", Labels: pod.Labels, OwnerReferences: pod.OwnerReferences}
				next.Status = corev1.PodStatus{}
				next.Spec.NodeName = ""
				next.Spec.Hostname = "satefulset-9" // and the claim of ordinal 1
				return &apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.KeyOf(next), Object: next}
			}}},
		{"DNS answers ready pods only", rogue{name: "endpointslice-controller", kinds: pods,
			moment: func(_ controller.View, rec *apiserver.Record) *apiserver.Request {
				if isRunning(rec, "satefulset-1") == nil {
					return nil
				}
				ready := true
				hostname := "satefulset-1"
				slice := &discoveryv1.EndpointSlice{
					ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "rogue", Labels: map[string]string{
						discoveryv1.LabelServiceName: "satefulset-linuxea", discoveryv1.LabelManagedBy: "rogue"}},
					AddressType: discoveryv1.AddressTypeIPv4,
					Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"172.16.5.250"}, Hostname: &hostname,
						Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
				}
				return &apiserver.Request{Verb: apiserver.Create, Kind: apiserver.EndpointSlice, Key: apiserver.KeyOf(slice), Object: slice}
			}}},
	}
	for _, m := range mutants {
		t.Run(m.invariant, func(t *testing.T) {
			r, acted := m.rogue, false
			r.moment = func(v controller.View, rec *apiserver.Record) *apiserver.Request {
				req := m.rogue.moment(v, rec)
				acted = acted || req != nil // the actor itself is copied when the cluster is
				return req
			}
			var monitor *simtest.Monitor
			_, _ = Tell(io.Discard, Setting{Seed: articleSeed, Actors: []controller.Actor{&r}, // it may well fail
				Begin:     func(c *sim.Cluster) { monitor = simtest.Watch(c, simtest.All()...) },
				Workloads: map[string]kubelet.Workload{"marksugar/nginx": {StopAfter: 5 * time.Second}}})
			require.True(t, acted, "the defect had no occasion")
			assert.ErrorContains(t, monitor.Err(), ": "+m.invariant+": ")
		})
	}
}
