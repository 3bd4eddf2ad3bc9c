package apiserver

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// delete removes an object, or begins to: what is left to do is in its
// deletionTimestamp, its grace period and its finalizers (upstream's registry
// store, Delete and updateForGracefulDeletionAndFinalizers).
func (s *Server) delete(req *Request) Result {
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if req.Kind == Namespace && (req.Key.Name == "default" || req.Key.Name == "kube-system" || req.Key.Name == "kube-public") {
		return Result{Err: apierrors.NewForbidden(Namespace.GroupResource(), req.Key.Name, fmt.Errorf("this namespace may not be deleted"))}
	}
	next := ShallowCopy(old)
	graceful, pending := false, false
	if req.Kind == Pod {
		graceful, pending = s.beginGrace(next.(*corev1.Pod), req.GracePeriodSeconds)
	}
	if pending {
		return Result{Object: old}
	}
	next.SetFinalizers(collectorFinalizers(next.GetFinalizers(), req.Propagation))
	waits := isHeld(next)
	if !graceful && !waits {
		return Result{Object: s.remove(req.Kind, old)}
	}
	if !graceful {
		s.markDeleting(next)
	}
	if !s.unchanged(req.Kind, next, old) {
		old = s.write(watch.Modified, req.Kind, next, old)
	}
	if grace := next.GetDeletionGracePeriodSeconds(); waits || *grace > 0 {
		return Result{Object: old}
	}
	return Result{Object: s.remove(req.Kind, old)}
}

// isHeld reports whether an object's finalizers keep it; a Namespace has some in
// its spec, too.
func isHeld(obj Object) bool {
	if ns, ok := obj.(*corev1.Namespace); ok && len(ns.Spec.Finalizers) > 0 {
		return true
	}
	return len(obj.GetFinalizers()) > 0
}

// deleteCollection deletes all objects of a kind in a namespace.
func (s *Server) deleteCollection(req *Request) Result {
	for _, obj := range s.List(req.Kind, req.Key.Namespace) {
		one := *req
		one.Key = KeyOf(obj)
		if res := s.delete(&one); res.Err != nil && !apierrors.IsNotFound(res.Err) {
			return res
		}
	}
	return Result{Items: s.List(req.Kind, req.Key.Namespace)}
}

// finalize takes over the spec.finalizers of a Namespace; without any, one that
// is being deleted goes.
func (s *Server) finalize(req *Request) Result {
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	ns, ok := ShallowCopy(old).(*corev1.Namespace)
	if !ok {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s has no subresource finalize", req.Kind))}
	}
	ns.Spec.Finalizers = req.Object.(*corev1.Namespace).Spec.Finalizers
	if ns.DeletionTimestamp != nil && !isHeld(ns) {
		return Result{Object: s.remove(Namespace, old)}
	}
	return Result{Object: s.write(watch.Modified, Namespace, ns, old)}
}

// beginGrace sets or shortens a pod's grace period (rest.BeforeDelete and the
// pod strategy's CheckGracefulDelete). It reports whether the pod changed, or
// whether an equal or shorter period runs already (A9).
func (s *Server) beginGrace(pod *corev1.Pod, seconds *int64) (graceful, pending bool) {
	period := int64(0)
	if seconds != nil {
		period = max(*seconds, -1)
	}
	if pod.DeletionTimestamp != nil {
		grace := pod.DeletionGracePeriodSeconds
		if grace == nil || *grace == 0 {
			return false, false
		}
		if period < 0 {
			period = 1
		}
		if seconds == nil || period >= *grace {
			return false, true
		}
		at := pod.DeletionTimestamp.Add(time.Duration(period-*grace) * time.Second)
		if now := Stamp(s.now); at.Before(now.Time) {
			at = now.Time
			if period != 0 {
				period = 1
			}
		}
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &metav1.Time{Time: at}, &period
		return true, false
	}
	if seconds == nil && pod.Spec.TerminationGracePeriodSeconds != nil {
		period = *pod.Spec.TerminationGracePeriodSeconds
	}
	if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		period = 0 // K14
	}
	if period < 0 {
		period = 1
	}
	at := Stamp(s.now.Add(time.Duration(period) * time.Second))
	pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &at, &period
	pod.Generation++ // A7
	return true, false
}

// markDeleting gives an object that its finalizers keep a deletionTimestamp
// (A7, A9).
func (s *Server) markDeleting(obj Object) {
	if obj.GetDeletionTimestamp() == nil {
		if g := obj.GetGeneration(); g > 0 {
			obj.SetGeneration(g + 1)
		}
		now := Stamp(s.now)
		obj.SetDeletionTimestamp(&now)
	}
	if g := obj.GetDeletionGracePeriodSeconds(); g == nil || *g != 0 {
		obj.SetDeletionGracePeriodSeconds(new(int64))
	}
	if ns, ok := obj.(*corev1.Namespace); ok {
		ns.Status.Phase = corev1.NamespaceTerminating
	}
}

// collectorFinalizers returns the finalizers with the garbage collector's two
// set as the propagation asks; without one they stay as they are.
func collectorFinalizers(fs []string, p metav1.DeletionPropagation) []string {
	var want string
	switch p {
	case "":
		return fs
	case metav1.DeletePropagationOrphan:
		want = metav1.FinalizerOrphanDependents
	case metav1.DeletePropagationForeground:
		want = metav1.FinalizerDeleteDependents
	}
	isOther := func(f string) bool {
		return (f == metav1.FinalizerOrphanDependents || f == metav1.FinalizerDeleteDependents) && f != want
	}
	if slices.ContainsFunc(fs, isOther) {
		fs = slices.DeleteFunc(slices.Clone(fs), isOther)
	}
	if want != "" && !slices.Contains(fs, want) {
		fs = append(slices.Clip(fs), want)
	}
	return fs
}

// remove takes an object out of the store.
func (s *Server) remove(kind Kind, old Object) Object {
	last := ShallowCopy(old)
	s.release(last)
	return s.write(watch.Deleted, kind, last, old)
}

// Events live for an hour (A10).
const eventTTL = time.Hour

type expiring struct {
	at  engine.Time
	key Key
}

// expireEvents removes the Events whose time has come. As in etcd it happens
// when somebody looks.
func (s *Server) expireEvents() {
	for len(s.expiry) > 0 && s.expiry[0].at <= s.now {
		if obj := s.Get(Event, s.expiry[0].key); obj != nil {
			s.remove(Event, obj)
		}
		s.expiry = s.expiry[1:]
	}
}
