package apiserver

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// errModified is the detail of every conflict by version (A8).
var errModified = errors.New("the object has been modified; please apply your changes to the latest version and try again")

// update replaces an object, or its status.
func (s *Server) update(req *Request) Result {
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if got := KindOf(req.Object); got != req.Kind {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s: not a %s: %T", req.Key, req.Kind, req.Object))}
	}
	return s.replace(req, ShallowCopy(req.Object), old)
}

// patch lets the request's Patcher make the successor.
func (s *Server) patch(req *Request) Result {
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if req.Subresource == Scale {
		return s.patchScale(req, old)
	}
	obj, err := req.Patch.Apply(old)
	var warned *patchWarning
	if err != nil && !errors.As(err, &warned) {
		return Result{Err: err}
	}
	res := Result{Object: old}
	if obj != old {
		res = s.replace(req, obj, old)
	}
	if warned != nil {
		res.Warnings = append(warned.warnings, res.Warnings...)
	}
	return res
}

// replace makes obj the successor of old. A successor equal to old is not
// written: its version stays.
func (s *Server) replace(req *Request, obj, old Object) Result {
	kind := req.Kind
	if v := obj.GetResourceVersion(); v != "" && v != old.GetResourceVersion() {
		return Result{Err: apierrors.NewConflict(kind.GroupResource(), old.GetName(), errModified)} // A8
	}
	if u := obj.GetUID(); u != "" && u != old.GetUID() {
		return Result{Err: apierrors.NewConflict(kind.GroupResource(), old.GetName(),
			fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", u, old.GetUID()))}
	}
	clearKind(obj)
	inheritMeta(obj, old)
	obj.SetGeneration(old.GetGeneration())
	var errs field.ErrorList
	if req.Subresource == Status {
		defaults.SetStatus(obj)
		validation.PrepareStatusUpdate(obj, old)
		s.stampPhase(obj, old)
		errs = validation.UpdateStatus(obj, old)
	} else {
		defaults.Set(obj)
		validation.Disable(obj, s.options())
		validation.PrepareUpdate(obj, old)
		if err := s.admitUpdate(obj, old); err != nil {
			return Result{Err: err}
		}
		errs = validation.Update(obj, old, s.options())
	}
	if len(errs) > 0 {
		return Result{Err: apierrors.NewInvalid(kind.GroupVersionKind().GroupKind(), old.GetName(), errs)}
	}
	obj.SetResourceVersion(old.GetResourceVersion())
	if s.unchanged(kind, obj, old) {
		return Result{Object: old}
	}
	if err := s.allocate(obj, old); err != nil {
		return Result{Err: err}
	}
	if isFreed(obj) {
		return Result{Object: s.remove(kind, old)}
	}
	var warnings []string
	if req.Subresource == None {
		warnings = validation.Warnings(obj, old)
	}
	return Result{Object: s.write(watch.Modified, kind, obj, old), Warnings: warnings}
}

// unchanged compares a successor with what is stored, nil and empty alike and
// quantities by value, as on the wire (A11). The components that
// write these kinds compare for themselves, and they write often.
func (s *Server) unchanged(kind Kind, obj, old Object) bool {
	if s.by != User {
		switch kind {
		case Pod, StatefulSet, Event, EndpointSlice, PersistentVolume, PersistentVolumeClaim:
			return false
		}
	}
	return apiequality.Semantic.DeepEqual(obj, old)
}

// User is the author of what is done from outside the cluster.
const User = "kubectl"

// isFreed reports whether an object that waits for its deletion has just lost
// its last finalizer (A9).
func isFreed(obj Object) bool {
	grace := obj.GetDeletionGracePeriodSeconds()
	return obj.GetDeletionTimestamp() != nil && !isHeld(obj) && (grace == nil || *grace == 0)
}

// stampPhase keeps the time of a volume's last change of phase
// (persistentvolume strategy).
func (s *Server) stampPhase(obj, old Object) {
	pv, ok := obj.(*corev1.PersistentVolume)
	if !ok {
		return
	}
	was := old.(*corev1.PersistentVolume)
	changed := was.Status.Phase != pv.Status.Phase
	switch t := pv.Status.LastPhaseTransitionTime; {
	case !changed && t == nil:
		pv.Status.LastPhaseTransitionTime = was.Status.LastPhaseTransitionTime
	case changed && (t == nil || t.Equal(was.Status.LastPhaseTransitionTime)):
		now := Stamp(s.now)
		pv.Status.LastPhaseTransitionTime = &now
	}
}

// scaleOf returns the scale subresource of a StatefulSet.
func scaleOf(set *appsv1.StatefulSet) *autoscalingv1.Scale {
	return &autoscalingv1.Scale{
		ObjectMeta: *set.ObjectMeta.DeepCopy(),
		Spec:       autoscalingv1.ScaleSpec{Replicas: *set.Spec.Replicas},
		Status:     autoscalingv1.ScaleStatus{Replicas: set.Status.Replicas},
	}
}

// updateScale sets the replicas of a StatefulSet from a Scale.
func (s *Server) updateScale(req *Request) Result {
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	scale, ok := req.Object.(*autoscalingv1.Scale)
	if !ok {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("not a Scale: %T", req.Object))}
	}
	return s.scaleTo(req, old, scale.Spec.Replicas, scale.ResourceVersion)
}

// patchScale applies a patch to the Scale of an object.
func (s *Server) patchScale(req *Request, old Object) Result {
	set, ok := old.(*appsv1.StatefulSet)
	if !ok {
		return Result{Err: noScale(req.Kind)}
	}
	scale := scaleOf(set)
	obj, err := req.Patch.Apply(scale)
	var warned *patchWarning
	if err != nil && !errors.As(err, &warned) {
		return Result{Err: err}
	}
	return s.scaleTo(req, old, obj.(*autoscalingv1.Scale).Spec.Replicas, "")
}

func (s *Server) scaleTo(req *Request, old Object, replicas int32, version string) Result {
	set, ok := old.(*appsv1.StatefulSet)
	if !ok {
		return Result{Err: noScale(req.Kind)}
	}
	if replicas < 0 {
		return Result{Err: apierrors.NewInvalid(schema.GroupKind{Group: "autoscaling", Kind: "Scale"}, set.Name, field.ErrorList{
			field.Invalid(field.NewPath("spec", "replicas"), replicas, "must be greater than or equal to 0")})}
	}
	next := *set
	next.Spec.Replicas = &replicas
	next.ResourceVersion = version
	plain := *req
	plain.Subresource = None
	return s.replace(&plain, &next, set)
}

func noScale(kind Kind) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: kind.GroupResource().Group, Resource: kind.Resource() + "/scale"}, "")
}
