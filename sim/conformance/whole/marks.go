package whole

import (
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/statefulset"
)

// marks counts the situations that the real controller came into, as its
// requests show them.
type marks map[string]int

// situations are those that random scripts have to reach.
var situations = []string{
	"pod adopted", "pod released", "revision adopted", "revision created", "revision made newest again", "collision resolved",
	"history truncated", "available after minReadySeconds", "name held by a foreign pod, tried again", "failed pod deleted",
	"pod repaired", "claim's owners changed", "claim being deleted", "pod of an older revision deleted", "scaled down", "status conflict",
	"request failed: get", "request failed: create", "request failed: update", "request failed: patch", "request failed: delete",
	"set being deleted synced", "second set of the name",
}

// failed notes a request that a fault answered.
func (m marks) failed(req *apiserver.Request, err error) {
	for name, verb := range verbs {
		if verb == req.Verb {
			m["request failed: "+name]++
		}
	}
	if apierrors.IsConflict(err) && req.Kind == apiserver.StatefulSet {
		m["status conflict"]++
	}
}

// served notes a request that the server answered. before is the object before it.
func (m marks) served(at engine.Time, by string, req *apiserver.Request, before apiserver.Object, res apiserver.Result) {
	if by != statefulset.Name {
		if set, ok := res.Object.(*appsv1.StatefulSet); ok && res.Err == nil && req.Verb == apiserver.Create {
			if m["set "+string(set.UID)]++; m["sets"] > 0 {
				m["second set of the name"]++
			}
			m["sets"]++
		}
		return
	}
	switch req.Kind {
	case apiserver.Pod:
		m.pod(req, before, res)
	case apiserver.PersistentVolumeClaim:
		if req.Verb == apiserver.Update && res.Err == nil {
			m["claim's owners changed"]++
		}
	case apiserver.ControllerRevision:
		m.revision(req, res)
	case apiserver.StatefulSet:
		if req.Verb == apiserver.Update && res.Err == nil {
			m.status(at, before.(*appsv1.StatefulSet), res.Object.(*appsv1.StatefulSet))
		}
	case apiserver.Event:
		if e, ok := req.Object.(*corev1.Event); ok && strings.HasSuffix(e.Message, "is being deleted") {
			m["claim being deleted"]++
		}
	}
}

func (m marks) pod(req *apiserver.Request, before apiserver.Object, res apiserver.Result) {
	pod, _ := before.(*corev1.Pod)
	switch {
	case req.Verb == apiserver.Create && apierrors.IsAlreadyExists(res.Err):
		if m["taken "+req.Key.Name]++; m["taken "+req.Key.Name] > 1 {
			m["name held by a foreign pod, tried again"]++
		}
	case res.Err != nil:
	case req.Verb == apiserver.Patch && len(pod.OwnerReferences) < len(res.Object.GetOwnerReferences()):
		m["pod adopted"]++
	case req.Verb == apiserver.Patch:
		m["pod released"]++
	case req.Verb == apiserver.Update:
		m["pod repaired"]++
	case req.Verb == apiserver.Delete && (pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded):
		m["failed pod deleted"]++
	case req.Verb == apiserver.Delete && m["number of "+pod.Labels[appsv1.ControllerRevisionHashLabelKey]] < m["revisions"]:
		m["pod of an older revision deleted"]++
	case req.Verb == apiserver.Delete:
		m["scaled down"]++
	}
}

func (m marks) revision(req *apiserver.Request, res apiserver.Result) {
	switch {
	case req.Verb == apiserver.Create && apierrors.IsAlreadyExists(res.Err):
		m["collision"]++
	case res.Err != nil:
	case req.Verb == apiserver.Create:
		m["revision created"]++
		if m["collision"] > 0 {
			m["collision resolved"]++
		}
		m["collision"] = 0
		m.newest(res)
	case req.Verb == apiserver.Patch:
		m["revision adopted"]++
	case req.Verb == apiserver.Update:
		m["revision made newest again"]++
		m.newest(res)
	case req.Verb == apiserver.Delete:
		m["history truncated"]++
	}
}

// newest notes the revision that pods are to have from now on.
func (m marks) newest(res apiserver.Result) {
	m["revisions"]++
	m["number of "+res.Object.GetName()] = m["revisions"]
}

func (m marks) status(at engine.Time, before, after *appsv1.StatefulSet) {
	// Ops never happen near a whole second; the check of availability does.
	sub := at.Sub(0) % time.Second
	if after.Status.AvailableReplicas > before.Status.AvailableReplicas && sub < 5*time.Millisecond {
		m["available after minReadySeconds"]++
	}
	if after.DeletionTimestamp != nil {
		m["set being deleted synced"]++
	}
}
