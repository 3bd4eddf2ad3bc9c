package apiserver

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
)

// delete removes an object, or begins to: what is left to do is in its
// deletionTimestamp, its grace period and its finalizers (upstream's registry
// store, Delete and updateForGracefulDeletionAndFinalizers).
func (s *Server) delete(req *Request) Result {
	if err := checkPropagation(req.Propagation); err != nil {
		return Result{Err: err}
	}
	old := s.Get(req.Kind, req.Key)
	if old == nil {
		return Result{Err: apierrors.NewNotFound(req.Kind.GroupResource(), req.Key.Name)}
	}
	if req.Kind == Namespace {
		return s.deleteNamespace(req, old.(*corev1.Namespace))
	}
	if err := checkPreconditions(req, old); err != nil {
		return Result{Err: err}
	}
	if crd, ok := old.(*apiextensionsv1.CustomResourceDefinition); ok && s.cfg.CustomResources != nil && crd.DeletionTimestamp == nil {
		return s.beginTermination(crd)
	}
	return s.deleteNow(req, old)
}

// deleteNow is delete for an object that may be deleted.
func (s *Server) deleteNow(req *Request, old Object) Result {
	next := ShallowCopy(old)
	graceful, pending := false, false
	if req.Kind == Pod {
		graceful, pending = s.beginGrace(next.(*corev1.Pod), req.GracePeriodSeconds)
	}
	if pending {
		return Result{Object: old}
	}
	propagation := req.Propagation
	switch req.Kind {
	case Event: // its garbage collection is unsupported
		propagation = metav1.DeletePropagationBackground
	case Job: // its default in batch/v1 is to orphan (shouldOrphanDependents)
		if propagation == "" && !slices.ContainsFunc(next.GetFinalizers(), isCollectors) {
			propagation = metav1.DeletePropagationOrphan
		}
	}
	next.SetFinalizers(collectorFinalizers(next.GetFinalizers(), propagation))
	waits := len(next.GetFinalizers()) > 0
	if !graceful && !waits {
		if req.ResourceVersion != "" && len(old.GetFinalizers()) > 0 {
			// Upstream compares with the version of an update that did not happen.
			return Result{Err: broken(req.Kind, req.Key, versionMismatch("", old.GetResourceVersion()))}
		}
		next.SetFinalizers(old.GetFinalizers()) // nothing else has changed
		return Result{Object: s.removeAs(req.Kind, next, old)}
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

// checkPropagation is ValidateDeleteOptions.
func checkPropagation(p metav1.DeletionPropagation) error {
	switch p {
	case "", metav1.DeletePropagationForeground, metav1.DeletePropagationBackground, metav1.DeletePropagationOrphan:
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "DeleteOptions"}, "", field.ErrorList{
		field.NotSupported(field.NewPath("propagationPolicy"), new(p), []string{string(metav1.DeletePropagationForeground),
			string(metav1.DeletePropagationBackground), string(metav1.DeletePropagationOrphan), "nil"})})
}

// checkPreconditions compares what a deletion asks for with what is stored
// (rest.BeforeDelete).
func checkPreconditions(req *Request, obj Object) error {
	resource := schema.GroupResource{Group: req.Kind.GroupResource().Group, Resource: req.Kind.String()}
	if req.UID != "" && req.UID != obj.GetUID() {
		return recreated(resource, obj, req.UID)
	}
	if req.ResourceVersion != "" && req.ResourceVersion != obj.GetResourceVersion() {
		return modified(resource, obj, req.ResourceVersion)
	}
	return nil
}

// recreated is the conflict of a deletion that means another object of the name.
func recreated(resource schema.GroupResource, obj Object, uid types.UID) error {
	return apierrors.NewConflict(resource, obj.GetName(), fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). "+
		"The object might have been deleted and then recreated", uid, obj.GetUID()))
}

// modified is the conflict of a deletion that means another state of the object.
func modified(resource schema.GroupResource, obj Object, version string) error {
	return apierrors.NewConflict(resource, obj.GetName(), fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). "+
		"The object might have been modified", version, obj.GetResourceVersion()))
}

// deleteNamespace makes a Namespace terminate; the second time it goes, if
// nothing holds it (namespace storage, Delete).
func (s *Server) deleteNamespace(req *Request, old *corev1.Namespace) Result {
	switch gr := Namespace.GroupResource(); {
	case req.UID != "" && req.UID != old.UID:
		return Result{Err: apierrors.NewConflict(gr, old.Name, uidMismatch(req.UID, old.UID))}
	case req.ResourceVersion != "" && req.ResourceVersion != old.ResourceVersion:
		return Result{Err: apierrors.NewConflict(gr, old.Name, versionMismatch(req.ResourceVersion, old.ResourceVersion))}
	}
	if old.DeletionTimestamp != nil {
		if len(old.Spec.Finalizers) > 0 {
			return Result{Object: old}
		}
		if err := mayDeleteNamespace(req.Key.Name); err != nil {
			return Result{Err: err}
		}
		return s.deleteNow(req, old)
	}
	if err := mayDeleteNamespace(req.Key.Name); err != nil {
		return Result{Err: err}
	}
	next := ShallowCopy(old).(*corev1.Namespace)
	now := Stamp(s.now)
	next.DeletionTimestamp, next.Status.Phase = &now, corev1.NamespaceTerminating
	if fs := collectorFinalizers(next.Finalizers, req.Propagation); !slices.Equal(fs, next.Finalizers) {
		// Upstream makes a set of them, in the order of a map.
		fs = slices.Clone(fs)
		slices.Sort(fs)
		next.Finalizers = slices.Compact(fs)
	}
	return Result{Object: s.write(watch.Modified, Namespace, next, old)}
}

// mayDeleteNamespace keeps the namespaces that every cluster has
// (NamespaceLifecycle).
func mayDeleteNamespace(name string) error {
	switch name {
	case metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic:
		return apierrors.NewForbidden(Namespace.GroupResource(), name, fmt.Errorf("this namespace may not be deleted"))
	}
	return nil
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
		if at.Before(WallTime(s.now)) { // not yet in whole seconds
			at = Stamp(s.now).Time
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
	}
	if t := obj.GetDeletionTimestamp(); t == nil || t.After(WallTime(s.now)) {
		now := Stamp(s.now)
		obj.SetDeletionTimestamp(&now)
	}
	if g := obj.GetDeletionGracePeriodSeconds(); g == nil || *g != 0 {
		obj.SetDeletionGracePeriodSeconds(new(int64))
	}
}

// isCollectors reports whether a finalizer is one of the garbage collector's two.
func isCollectors(finalizer string) bool {
	return finalizer == metav1.FinalizerOrphanDependents || finalizer == metav1.FinalizerDeleteDependents
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
	isOther := func(f string) bool { return isCollectors(f) && f != want }
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
	return s.removeAs(kind, ShallowCopy(old), old)
}

// removeAs is remove for whom has a copy of the object already.
func (s *Server) removeAs(kind Kind, last, old Object) Object {
	s.release(last)
	return s.write(watch.Deleted, kind, last, old)
}
