package simtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var (
	nodes = free("node", "node-1", "node-2", "node-3")
	pods  = free("pod", "web-0", "web-1", "web-2", "web-3", "web-4")
	spans = span("span", "10ms", "100ms", "1s", "5s", "30s", "2m")
)

// operations are all kinds, sorted by name.
var operations = []operation{
	{"cordon", []argument{nodes}, 1, func(r *run, a []string) error { return r.c.Cordon(a[0], true) }},
	{"crash", []argument{nodes}, 1, crash},
	{"create-set", nil, 0, createSet},
	{"delete-claim", []argument{free("claim", "data-web-0", "data-web-1", "data-web-2", "data-web-3", "data-web-4")}, 1,
		func(r *run, a []string) error { return r.c.Delete(apiserver.PersistentVolumeClaim, "", a[0]) }},
	{"delete-pod", []argument{pods, oneOf("how", "force")}, 1, deletePod},
	{"delete-set", []argument{oneOf("how", "background", "foreground", "orphan")}, 1, deleteSet},
	{"fail", []argument{
		// The endpointslice controller is left out: while it backs off, DNS
		// answers pods that are gone, for as long as it likes.
		free("component", "statefulset-controller", "kubelet", "default-scheduler", "persistentvolume-controller", "generic-garbage-collector"),
		oneOf("verb", "Create", "Update", "Patch", "Delete", "Get"),
		oneOf("kind", "Pod", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "ControllerRevision"),
		number("count", 1, 5), oneOf("error", "internal", "timeout", "conflict"),
	}, 5, fail},
	{"hold", []argument{
		free("component", "statefulset-controller", "kubelet/node-1", "default-scheduler", "persistentvolume-controller", "endpointslice-controller", "generic-garbage-collector"),
		oneOf("kind", "Pod", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "ControllerRevision", "Node", "EndpointSlice", "Service"),
		span("span", "100ms", "1s", "5s", "30s"),
	}, 3, hold},
	{"image", []argument{oneOf("image", "web:1", "web:2", "web:3", badImage)}, 1, image},
	{"partition", []argument{number("ordinal", 0, 5)}, 1, func(r *run, a []string) error {
		return r.patch(`{"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":` + a[0] + `}}}}`)
	}},
	{"restart", []argument{nodes}, 1, func(r *run, a []string) error {
		if r.c.IsDown(a[0]) {
			r.mark("a node returned")
		}
		return r.c.RestartNode(a[0])
	}},
	{"scale", []argument{number("replicas", 0, 5)}, 1, scale},
	{"strategy", []argument{oneOf("strategy", "RollingUpdate", "OnDelete"), oneOf("how", "bare")}, 1, strategy},
	{"uncordon", []argument{nodes}, 1, func(r *run, a []string) error { return r.c.Cordon(a[0], false) }},
	{"wait", []argument{spans}, 1, func(r *run, a []string) error {
		d, _ := time.ParseDuration(a[0]) // checked
		return r.c.Run(d)
	}},
}

// span is a duration.
func span(name string, some ...string) argument {
	return argument{name, some, func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > 24*time.Hour {
			return fmt.Errorf("%q is no span up to 24h", s)
		}
		return nil
	}}
}

func crash(r *run, a []string) error {
	for _, p := range r.pods() {
		if p.Spec.NodeName != a[0] {
			continue
		}
		switch {
		case p.DeletionTimestamp != nil:
			r.mark("crash under a terminating pod")
		case p.Status.Phase == corev1.PodPending:
			r.mark("crash under a starting pod")
		default:
			r.mark("crash under a running pod")
		}
	}
	if claims, _ := sim.List[*corev1.PersistentVolumeClaim](r.c, "", ""); len(claims) > 0 {
		for _, claim := range claims {
			if claim.Status.Phase == corev1.ClaimPending {
				r.mark("crash during binding")
			}
		}
	}
	return r.c.CrashNode(a[0])
}

func createSet(r *run, _ []string) error {
	if r.set() != nil {
		return errSkipped
	}
	if len(r.pods()) > 0 {
		r.mark("re-created while old pods are there")
	}
	_, err := r.c.Apply(r.manifest())
	return err
}

func deletePod(r *run, a []string) error {
	pod, err := sim.Get[*corev1.Pod](r.c, "", a[0])
	if err != nil {
		return err
	}
	if pod.DeletionTimestamp != nil {
		r.mark("deleted twice")
	}
	var opts sim.DeleteOptions
	if len(a) > 1 {
		opts.GracePeriodSeconds = new(int64)
		if pod.Status.Phase == corev1.PodRunning {
			r.mark("running pod force-deleted")
		}
	}
	return r.c.Delete(apiserver.Pod, "", a[0], opts)
}

func deleteSet(r *run, a []string) error {
	if set := r.set(); set != nil && set.Status.UpdatedReplicas != set.Status.Replicas {
		r.mark("set deleted during a rollout")
	}
	policy := map[string]metav1.DeletionPropagation{"background": metav1.DeletePropagationBackground,
		"foreground": metav1.DeletePropagationForeground, "orphan": metav1.DeletePropagationOrphan}[a[0]]
	return r.c.Delete(apiserver.StatefulSet, "", setName, sim.DeleteOptions{Propagation: policy})
}

var verbs = map[string]apiserver.Verb{"Get": apiserver.Get, "Create": apiserver.Create, "Update": apiserver.Update, "Patch": apiserver.Patch, "Delete": apiserver.Delete}

func kindNamed(name string) apiserver.Kind {
	for _, k := range apiserver.Kinds() {
		if k < apiserver.Behaving && k.String() == name {
			return k
		}
	}
	return 0
}

func fail(r *run, a []string) error {
	n, _ := strconv.Atoi(a[3]) // checked
	kind := kindNamed(a[2])
	cause := map[string]error{
		"internal": apierrors.NewInternalError(errors.New("etcdserver: leader changed")),
		"timeout":  apierrors.NewServerTimeout(kind.GroupResource(), strings.ToLower(a[1]), 1),
		"conflict": apierrors.NewConflict(kind.GroupResource(), "", errors.New("the object has been modified; please apply your changes to the latest version and try again")),
	}[a[4]]
	return r.c.FailRequests(a[0], verbs[a[1]], kind, n, cause)
}

// hold makes a view late. The endpointslice controller's own slices are left
// out: it then fails and backs off, as under the operation fail.
func hold(r *run, a []string) error {
	if a[0] == "endpointslice-controller" && a[1] == "EndpointSlice" {
		return errSkipped
	}
	d, _ := time.ParseDuration(a[2]) // checked
	if set := r.set(); set != nil && a[0] == setController && set.Status.UpdatedReplicas != set.Status.Replicas {
		r.mark("late view during a rollout")
	}
	if err := r.c.Hold(a[0], kindNamed(a[1]), d); err != nil {
		return errSkipped // it does not watch that kind
	}
	return nil
}

func image(r *run, a []string) error {
	set := r.set()
	if set == nil {
		return errSkipped
	}
	if set.Status.UpdatedReplicas != set.Status.Replicas && set.Spec.Template.Spec.Containers[0].Image != a[0] {
		r.mark("rollout superseded")
	}
	r.image = a[0]
	return r.c.SetImage("", setName, "*", a[0])
}

func scale(r *run, a []string) error {
	n, _ := strconv.Atoi(a[0]) // checked
	set := r.set()
	if set == nil {
		return errSkipped
	}
	switch rolling := set.Status.UpdatedReplicas != set.Status.Replicas; {
	case rolling && int32(n) < *set.Spec.Replicas:
		r.mark("scale-down during a rollout")
	case rolling && int32(n) > *set.Spec.Replicas:
		r.mark("scale-up during a rollout")
	}
	r.replicas = n
	return r.c.Scale("", setName, int32(n))
}

// strategy sets the update strategy, RollingUpdate with partition 0 or, bare,
// without its parameters.
//
// Bare and Parallel together are left out: Kubernetes then re-creates a missing
// pod at the old revision if its ordinal is below status.currentReplicas (S11,
// newVersionedStatefulSetPod) and deletes it again at once, as an unavailable
// pod of the old revision (S27, phase 1), as fast as it can and for ever. See
// TestBareParallelRolloutSpins.
func strategy(r *run, a []string) error {
	parameters := "null"
	if a[0] == "RollingUpdate" {
		parameters = `{"partition":0}`
		if len(a) > 1 {
			if r.policy == appsv1.ParallelPodManagement {
				return errSkipped
			}
			parameters = "null"
		}
	}
	return r.patch(`{"spec":{"updateStrategy":{"type":"` + a[0] + `","rollingUpdate":` + parameters + `}}}`)
}

func (r *run) patch(text string) error {
	_, _, err := r.c.Patch(apiserver.StatefulSet, "", setName, types.MergePatchType, text)
	return err
}

// set returns the StatefulSet as the API has it, or nil.
func (r *run) set() *appsv1.StatefulSet {
	set, err := sim.Get[*appsv1.StatefulSet](r.c, "", setName)
	if err != nil {
		return nil
	}
	return set
}

// pods returns the pods of the namespace.
func (r *run) pods() []*corev1.Pod {
	pods, err := sim.List[*corev1.Pod](r.c, sim.DefaultNamespace, "")
	if err != nil {
		panic(err) // the selector is empty
	}
	return pods
}
