package apiserver

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ScaleOf returns the scale subresource of an object, as GET …/scale answers,
// with apiVersion and kind; nil if its kind has none. The object is one that is
// stored.
func ScaleOf(obj Object) *autoscalingv1.Scale {
	scale := scaleOf(obj)
	if scale == nil {
		return nil
	}
	return withKindOf(scale).(*autoscalingv1.Scale)
}

// Scales reports whether objects of a kind have a scale subresource.
func (k Kind) Scales() bool { return k == StatefulSet || k == Deployment || k == ReplicaSet }

// scaleOf returns the scale subresource of an object, or nil if it has none
// (scaleFromStatefulSet, scaleFromDeployment, scaleFromReplicaSet).
func scaleOf(obj Object) *autoscalingv1.Scale {
	var spec, status int32
	var selector *metav1.LabelSelector
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		spec, status, selector = *o.Spec.Replicas, o.Status.Replicas, o.Spec.Selector
	case *appsv1.Deployment:
		spec, status, selector = *o.Spec.Replicas, o.Status.Replicas, o.Spec.Selector
	case *appsv1.ReplicaSet:
		spec, status, selector = *o.Spec.Replicas, o.Status.Replicas, o.Spec.Selector
	default:
		return nil
	}
	scale := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: obj.GetName(), Namespace: obj.GetNamespace(), UID: obj.GetUID(),
			ResourceVersion: obj.GetResourceVersion(), CreationTimestamp: obj.GetCreationTimestamp()},
		Spec:   autoscalingv1.ScaleSpec{Replicas: spec},
		Status: autoscalingv1.ScaleStatus{Replicas: status},
	}
	if parsed, err := metav1.LabelSelectorAsSelector(selector); err == nil { // validated
		scale.Status.Selector = parsed.String()
	}
	return scale
}

// updateScale sets the replicas of an object from a Scale. The answer is the
// object.
func (s *Server) updateScale(req *Request) Result {
	scale, ok := req.Object.(*autoscalingv1.Scale)
	if !ok {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("not a Scale: %T", req.Object))}
	}
	next := *scale
	if err := matchNamespace(req.Kind, &next, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := matchName(&next, req.Key.Name); err != nil {
		return Result{Err: err}
	}
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if err := checkUID(req.Kind, req.Key, next.UID, old.GetUID()); err != nil {
		return Result{Err: err}
	}
	return s.scaled(req, old, func(was *autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error) {
		s.manageScale(req, &next, was)
		return &next, nil, nil
	})
}

// patchScale applies a patch to the Scale of an object.
func (s *Server) patchScale(req *Request, old Object) Result {
	return s.scaled(req, old, func(was *autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error) {
		obj, warnings, err := applied(req.Patch.Apply(was))
		if err != nil {
			return nil, nil, err
		}
		next := obj.(*autoscalingv1.Scale)
		s.manageScale(req, next, was)
		return next, warnings, nil
	})
}

func (s *Server) manageScale(req *Request, next, was *autoscalingv1.Scale) {
	if s.cfg.FieldManager == nil {
		next.ManagedFields = nil
		return
	}
	s.cfg.FieldManager.Update(s.writing(req), was, next)
}

// scaled changes an object through its Scale, whose successor is made by next.
func (s *Server) scaled(req *Request, old Object, next func(*autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error)) Result {
	was := scaleOf(old)
	if was == nil {
		return Result{Err: noScale(req.Kind)}
	}
	if fm := s.cfg.FieldManager; fm != nil {
		fields, err := fm.ScaleFields(req.Kind, old.GetManagedFields())
		if err != nil {
			return Result{Err: unknownError(err)}
		}
		was.ManagedFields = fields
	}
	scale, warnings, err := next(was)
	if err != nil {
		return Result{Err: statusOf(err)}
	}
	var res Result
	switch {
	case matchNamespace(req.Kind, scale, req.Key.Namespace) != nil:
		res.Err = matchNamespace(req.Kind, scale, req.Key.Namespace)
	case matchName(scale, req.Key.Name) != nil:
		res.Err = matchName(scale, req.Key.Name)
	default:
		res = s.scaleTo(req, old, scale)
	}
	if len(warnings) > 0 {
		res.Warnings = append(warnings, res.Warnings...)
	}
	return res
}

// scaleTo gives an object the replicas of a Scale (scaleUpdatedObjectInfo).
func (s *Server) scaleTo(req *Request, old Object, scale *autoscalingv1.Scale) Result {
	if scale.Spec.Replicas < 0 {
		return Result{Err: apierrors.NewInvalid(schema.GroupKind{Group: "autoscaling", Kind: "Scale"}, old.GetName(), field.ErrorList{
			field.Invalid(field.NewPath("spec", "replicas"), int64(scale.Spec.Replicas), "must be greater than or equal to 0")})}
	}
	if scale.UID != "" && scale.UID != old.GetUID() {
		return Result{Err: apierrors.NewConflict(schema.GroupResource{Group: req.Kind.GroupResource().Group, Resource: req.Kind.Resource() + "/scale"}, old.GetName(),
			uidMismatch(scale.UID, old.GetUID()))}
	}
	next := ShallowCopy(old)
	switch o := next.(type) {
	case *appsv1.StatefulSet:
		o.Spec.Replicas = &scale.Spec.Replicas
	case *appsv1.Deployment:
		o.Spec.Replicas = &scale.Spec.Replicas
	case *appsv1.ReplicaSet:
		o.Spec.Replicas = &scale.Spec.Replicas
	}
	next.SetResourceVersion(scale.ResourceVersion)
	plain := *req
	plain.Subresource, plain.scaled = None, true
	if fm := s.cfg.FieldManager; fm != nil {
		fields, err := fm.ParentFields(req.Kind, old.GetManagedFields(), scale.ManagedFields)
		if err != nil {
			return Result{Err: unknownError(err)}
		}
		next.SetManagedFields(fields)
		plain.managed = true
	}
	return s.replace(&plain, next, old)
}

func noScale(kind Kind) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: kind.GroupResource().Group, Resource: kind.Resource() + "/scale"}, "")
}
