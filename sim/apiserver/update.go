package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// errModified is the detail of every conflict by version (A8).
var errModified = errors.New("the object has been modified; please apply your changes to the latest version and try again")

// update replaces an object, or its status.
func (s *Server) update(req *Request) Result {
	if got := KindOf(req.Object); got != req.Kind {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s: not a %s: %T", req.Key, req.Kind, req.Object))}
	}
	obj := req.Object
	if !req.Given {
		obj = ShallowCopy(obj)
	}
	if err := matchNamespace(req.Kind, obj, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := matchName(obj, req.Key.Name); err != nil {
		return Result{Err: err}
	}
	warnings := dedupOwners(obj, twiceSent)
	old, err := s.existing(req)
	if err != nil {
		if apierrors.IsNotFound(err) && req.Subresource == None && createsOnUpdate(obj) {
			if err := checkUID(req.Kind, req.Key, obj.GetUID(), ""); err != nil { // of an object that is not there
				return Result{Err: err, Warnings: warnings}
			}
			return s.createByUpdate(req, obj, warnings)
		}
		return Result{Err: err, Warnings: warnings}
	}
	if err := checkUID(req.Kind, req.Key, obj.GetUID(), old.GetUID()); err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	res := s.replace(req, obj, old)
	if len(warnings) > 0 {
		res.Warnings = append(warnings, res.Warnings...)
	}
	return res
}

// createByUpdate is the creation of an object by an update.
func (s *Server) createByUpdate(req *Request, obj Object, warnings []string) Result {
	clearKind(obj)
	wipeMeta(obj)
	defaults.Set(obj)
	s.manage(req, obj, nil)
	if err := s.admitNamespace(req.Kind, obj); err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	if _, err := parseVersion(obj); err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	obj.SetResourceVersion("")
	return s.store(req.Kind, obj, warnings)
}

// patch lets the request's Patcher make the successor.
func (s *Server) patch(req *Request) Result {
	if raw, ok := req.Patch.(RawPatch); ok && raw.Type == types.ApplyYAMLPatchType {
		return s.applyConfig(req, raw)
	}
	if err := checkPatch(req.Patch); err != nil {
		return Result{Err: err}
	}
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if req.Subresource == Scale {
		return s.patchScale(req, old)
	}
	obj, warnings, err := applied(req.Patch.Apply(old))
	if err != nil {
		return Result{Err: err}
	}
	res := Result{Object: old}
	if obj != old {
		res = s.patched(req, obj, old)
	}
	if len(warnings) > 0 {
		res.Warnings = append(warnings, res.Warnings...)
	}
	return res
}

// checkPatch refuses a patch that cannot be read at all.
func checkPatch(p Patcher) error {
	if raw, ok := p.(RawPatch); ok && !json.Valid([]byte(raw.Data)) {
		return apierrors.NewBadRequest("invalid JSON patch")
	}
	return nil
}

// patched replaces an object by what a patch has made of it.
func (s *Server) patched(req *Request, obj, old Object) Result {
	if err := matchNamespace(req.Kind, obj, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := matchName(obj, req.Key.Name); err != nil {
		return Result{Err: err}
	}
	warnings := dedupOwners(obj, twiceAdmitted)
	res := s.replace(req, obj, old)
	if len(warnings) > 0 {
		res.Warnings = append(warnings, res.Warnings...)
	}
	return res
}

// replace makes obj the successor of old. A successor equal to old is not
// written: its version stays.
func (s *Server) replace(req *Request, obj, old Object) Result {
	kind := req.Kind
	s.manage(req, obj, old)
	if req.Subresource == None {
		s.admitChange(obj, old)
	}
	if err := checkVersion(kind, obj, old); err != nil {
		return Result{Err: err}
	}
	clearKind(obj)
	obj.SetGeneration(old.GetGeneration())
	var errs field.ErrorList
	var alloc *allocation
	switch req.Subresource {
	case Finalize: // namespaceFinalizeStrategy
		obj.(*corev1.Namespace).Status = old.(*corev1.Namespace).Status
		inheritMeta(obj, old)
		errs = validation.UpdateFinalizers(obj.(*corev1.Namespace), old.(*corev1.Namespace))
	case Status:
		defaults.SetStatus(obj)
		validation.PrepareStatusUpdate(obj, old)
		inheritMeta(obj, old)
		s.stampPhase(obj, old)
		errs = validation.UpdateStatus(obj, old)
	default:
		defaults.Set(obj)
		var err error
		if alloc, err = s.allocate(obj, old); err != nil {
			return Result{Err: err}
		}
		validation.Disable(obj, s.options())
		validation.PrepareUpdate(obj, old)
		inheritMeta(obj, old)
		errs = append(validation.Update(obj, old, s.options()), s.checkDefinition(obj, old)...)
	}
	if len(errs) > 0 {
		return Result{Err: apierrors.NewInvalid(kind.GroupVersionKind().GroupKind(), obj.GetName(), errs)}
	}
	sparedStamps(obj, old)
	var warnings []string
	if req.Subresource == None {
		warnings = validation.Warnings(obj, old)
		admitted, err := s.admitValid(kind, obj, old, req.scaled)
		warnings = append(warnings, admitted...)
		if err != nil {
			return Result{Err: err, Warnings: warnings}
		}
	}
	if req.Subresource == Status {
		if err := s.charge(kind, obj, old, true); err != nil {
			return Result{Err: err}
		}
	}
	hide(obj)
	if isFreed(obj, old) { // the answer is what was sent, the last state what was stored
		s.remove(kind, old)
		return Result{Object: obj, Warnings: warnings}
	}
	if s.unchanged(kind, obj, old) {
		return Result{Object: old, Warnings: warnings}
	}
	if s.by == User {
		if err := checkStorable(kind, obj); err != nil {
			return Result{Err: err, Warnings: warnings}
		}
	}
	alloc.commit()
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
	if kind == PersistentVolumeClaim && s.kept(kind).find(KeyOf(obj)).Type == watch.Added {
		// A new claim is stored without its phase, which it has whenever it is
		// read: the next write makes a difference.
		return false
	}
	return shared.Equal(obj.GetLabels(), old.GetLabels()) && shared.Equal(obj.GetAnnotations(), old.GetAnnotations()) && // mostly those change
		apiequality.Semantic.DeepEqual(obj, old)
}

// User is the author of what is done from outside the cluster.
const User = "kubectl"

// isFreed reports whether an object that waits for its deletion has just lost
// its last finalizer (A9; registry store, ShouldDeleteDuringUpdate).
func isFreed(obj, old Object) bool {
	grace := old.GetDeletionGracePeriodSeconds()
	return old.GetDeletionTimestamp() != nil && !isHeld(obj) && (grace == nil || *grace == 0)
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
