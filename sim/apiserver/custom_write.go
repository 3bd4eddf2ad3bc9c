package apiserver

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
)

// sentCustom returns a copy of the object that a request brings.
func sentCustom(req *Request, d *Defined, version string) (*unstructured.Unstructured, error) {
	u, ok := req.Object.(*unstructured.Unstructured)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s: not a %s: %T", req.Key, d.CRD.Spec.Names.Kind, req.Object))
	}
	want := d.GroupKind().WithVersion(version)
	if got := u.GroupVersionKind(); got != want {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): it is a %s", want.Kind, got))
	}
	return Plain(u)
}

// Plain returns a copy of an object as it comes over the wire: of nothing but what
// JSON has, with whole numbers as int64.
func Plain(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(u.Object)
	next := &unstructured.Unstructured{}
	if err == nil {
		err = next.UnmarshalJSON(data)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return next, nil
}

// complete prunes an object and sets its defaults. What was pruned is warned of, or
// refused (schemaCoercingDecoder).
func (d *Defined) complete(req *Request, u *unstructured.Unstructured) (warnings []string, err error) {
	unknown, err := d.schemas.Complete(u)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if len(unknown) == 0 {
		return nil, nil
	}
	strict := make([]error, len(unknown))
	for i, path := range unknown {
		strict[i] = fmt.Errorf("unknown field %q", path)
		warnings = append(warnings, strict[i].Error())
	}
	if !req.Strict {
		return warnings, nil
	}
	err = runtime.NewStrictDecodingError(strict)
	if req.Verb == Patch {
		return nil, refused(string(mustJSON(u)), err.Error())
	}
	return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", u.GetKind(), u.GroupVersionKind().Version, u.GetKind(), err))
}

func mustJSON(u *unstructured.Unstructured) []byte {
	data, err := json.Marshal(u)
	if err != nil {
		panic(fmt.Sprintf("apiserver: %s: %v", KeyOf(u), err)) // it came as JSON
	}
	return data
}

// createCustom stores a new CustomResource (customResourceStrategy).
func (s *Server) createCustom(req *Request, d *Defined, version string) Result {
	if d.isTerminating() {
		return Result{Err: d.errTerminating()}
	}
	u, err := sentCustom(req, d, version)
	if err != nil {
		return Result{Err: err}
	}
	unknown, err := d.complete(req, u)
	if err != nil {
		return Result{Err: err}
	}
	if err := placeCustom(d, u, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	wipeMeta(u)
	warnings := append(unknown, dedupOwners(u, twiceSent)...)
	s.manageCustom(req, d, version, u, nil)
	res := s.storeCustom(d, version, u)
	res.Warnings = append(warnings, res.Warnings...)
	return res
}

// manageCustom sets the managedFields of an object that is being written.
func (s *Server) manageCustom(req *Request, d *Defined, version string, u, old *unstructured.Unstructured) {
	if s.cfg.FieldManager == nil {
		u.SetManagedFields(nil)
		return
	}
	if req.managed {
		return
	}
	if old == nil {
		old = d.empty(version)
	}
	s.cfg.FieldManager.Update(s.writingCustom(req, d, version), old, u)
}

// empty returns an object that says what it is and nothing else.
func (d *Defined) empty(version string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(d.GroupKind().WithVersion(version))
	return u
}

func (s *Server) writingCustom(req *Request, d *Defined, version string) Writing {
	w := s.writing(req)
	w.Custom, w.Version = d, version
	return w
}

// storeCustom is the second half of a creation.
func (s *Server) storeCustom(d *Defined, version string, u *unstructured.Unstructured) Result {
	var warnings []string
	if d.Namespaced() {
		if err := s.admitNamespace(CustomResource, u); err != nil {
			return Result{Err: err, Warnings: warnings}
		}
	}
	if u.GetName() == "" && u.GetGenerateName() != "" {
		u.SetName(s.generateName(CustomResource, u))
	}
	key := KeyOf(u)
	u.SetCreationTimestamp(Stamp(s.now))
	u.SetUID(s.uid(CustomResource, key))
	if d.HasStatus(version) {
		delete(u.Object, "status")
	}
	u.SetGeneration(1)
	if errs := d.schemas.Validate(u, nil, false); len(errs) > 0 {
		return Result{Err: apierrors.NewInvalid(d.GroupKind(), u.GetName(), errs), Warnings: warnings}
	}
	if number, err := parseVersion(u); err == nil && number != 0 {
		return Result{Err: unknownError(errVersionOnCreate), Warnings: warnings}
	}
	if there := s.Get(CustomResource, key); there != nil {
		err := apierrors.NewAlreadyExists(d.GroupResource(), u.GetName())
		if u.GetGenerateName() != "" {
			err = apierrors.NewGenerateNameConflict(d.GroupResource(), u.GetName(), 1)
		}
		if there.GetDeletionTimestamp() != nil {
			err.ErrStatus.Message = "object is being deleted: " + err.ErrStatus.Message
		}
		return Result{Err: err, Warnings: warnings}
	}
	u.SetResourceVersion("")
	u = d.In(d.Storage, u).(*unstructured.Unstructured)
	if err := customStorable(u); err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	return Result{Object: s.write(watch.Added, CustomResource, u, nil), Warnings: warnings}
}

// placeCustom gives an object the namespace of its request, or none.
func placeCustom(d *Defined, u *unstructured.Unstructured, namespace string) error {
	if !d.Namespaced() {
		u.SetNamespace("")
		return nil
	}
	return matchNamespace(CustomResource, u, namespace)
}

// customStorable refuses what etcd would not store: CustomResources are kept as JSON.
func customStorable(u *unstructured.Unstructured) error {
	switch size := len(mustJSON(u)); {
	case size > maxMessage:
		return unknownError(fmt.Errorf("rpc error: code = ResourceExhausted desc = trying to send message larger than max (%d vs. %d)", size, maxMessage))
	case size > maxStored:
		return unknownError(errTooLarge)
	}
	return nil
}

// updateCustom replaces a CustomResource, or its status.
func (s *Server) updateCustom(req *Request, d *Defined, version string) Result {
	u, err := sentCustom(req, d, version)
	if err != nil {
		return Result{Err: err}
	}
	warnings, err := d.complete(req, u)
	if err != nil {
		return Result{Err: err}
	}
	res := s.replaceCustom(req, d, version, u)
	res.Warnings = append(warnings, res.Warnings...)
	return res
}

// patchCustom applies a patch to a CustomResource in the version that was asked for.
// How lists of it merge no Go type tells: strategic merge patches are refused.
func (s *Server) patchCustom(req *Request, d *Defined, version string) Result {
	raw, ok := req.Patch.(RawPatch)
	switch {
	case ok && raw.Type == types.ApplyYAMLPatchType && req.Subresource != Scale:
		return s.applyCustom(req, d, version, raw)
	case ok && raw.Type != types.JSONPatchType && raw.Type != types.MergePatchType:
		return Result{Err: errNotPatched()}
	}
	if err := checkPatch(req.Patch); err != nil {
		return Result{Err: err}
	}
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if req.Subresource == Scale {
		return s.scaledCustom(req, d, version, old.(*unstructured.Unstructured), func(was *autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error) {
			obj, warnings, err := applied(req.Patch.Apply(was))
			if err != nil {
				return nil, nil, err
			}
			return obj.(*autoscalingv1.Scale), warnings, nil
		})
	}
	from := d.In(version, old)
	obj, warnings, err := applied(req.Patch.Apply(from))
	if err != nil {
		return Result{Err: err}
	}
	if obj == from {
		return Result{Object: old, Warnings: warnings}
	}
	u := obj.(*unstructured.Unstructured)
	unknown, err := d.complete(req, u)
	if err != nil {
		return Result{Err: err}
	}
	res := s.replaceCustom(req, d, version, u)
	res.Warnings = append(append(warnings, unknown...), res.Warnings...)
	return res
}

// applyCustom serves a server-side apply: it changes the object, or creates it.
func (s *Server) applyCustom(req *Request, d *Defined, version string, raw RawPatch) Result {
	if s.cfg.FieldManager == nil {
		return Result{Err: errNotApplied()}
	}
	config, err := configOf(raw)
	if err != nil {
		return Result{Err: err}
	}
	stored := s.Get(CustomResource, req.Key)
	live := d.empty(version)
	switch {
	case stored != nil:
		live = d.In(version, stored).(*unstructured.Unstructured)
	case req.Subresource != None:
		_, name := SplitCustom(req.Key)
		return Result{Err: apierrors.NewNotFound(d.GroupResource(), name)}
	case d.isTerminating():
		return Result{Err: d.errTerminating()}
	}
	obj, err := s.cfg.FieldManager.Apply(s.writingCustom(req, d, version), live, config, raw.Force)
	if err != nil {
		return Result{Err: statusOf(err)}
	}
	warnings, err := twiceStated(raw)
	if err != nil {
		return Result{Err: err}
	}
	u := obj.(*unstructured.Unstructured)
	unknown, err := d.complete(req, u)
	if err != nil {
		return Result{Err: err}
	}
	warnings = append(warnings, unknown...)
	applied := *req
	applied.managed = true
	var res Result
	if stored != nil {
		res = s.replaceCustom(&applied, d, version, u)
	} else {
		res = s.createAppliedCustom(req, d, version, u)
	}
	res.Warnings = append(warnings, res.Warnings...)
	return res
}

// createAppliedCustom stores an object that was applied and is not there yet.
func (s *Server) createAppliedCustom(req *Request, d *Defined, version string, u *unstructured.Unstructured) Result {
	_, name := SplitCustom(req.Key)
	if uid := u.GetUID(); uid != "" {
		return Result{Err: apierrors.NewConflict(d.GroupResource(), name,
			fmt.Errorf("uid mismatch: the provided object specified uid %s, and no existing object was found", uid))}
	}
	if err := placeCustom(d, u, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := matchName(u, name); err != nil {
		return Result{Err: err}
	}
	wipeMeta(u)
	warnings := dedupOwners(u, twiceAdmitted)
	u.SetResourceVersion("")
	res := s.storeCustom(d, version, u)
	res.Warnings = append(warnings, res.Warnings...)
	return res
}

// errNotPatched refuses a kind of patch that CustomResources do not have.
func errNotPatched() error {
	err := errNotApplied().(*apierrors.StatusError)
	err.ErrStatus.Message = fmt.Sprintf("the body of the request was in an unknown format - accepted media types include: %s, %s, %s", types.JSONPatchType, types.MergePatchType, types.ApplyYAMLPatchType)
	return err
}

// replaceCustom makes a complete object the successor of what is stored.
func (s *Server) replaceCustom(req *Request, d *Defined, version string, u *unstructured.Unstructured) Result {
	if err := placeCustom(d, u, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	_, name := SplitCustom(req.Key)
	if err := matchName(u, name); err != nil {
		return Result{Err: err}
	}
	warnings := dedupOwners(u, twiceSent)
	stored, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	if err := checkUID(CustomResource, req.Key, u.GetUID(), stored.GetUID()); err != nil {
		return Result{Err: err}
	}
	if err := checkVersion(CustomResource, u, stored); err != nil {
		return Result{Err: err}
	}
	old := d.In(version, stored).(*unstructured.Unstructured)
	s.manageCustom(req, d, version, u, old)
	inheritMeta(u, old)
	if req.Subresource == Status {
		if !d.HasStatus(version) {
			return Result{Err: errNotServed()}
		}
		u = withStatus(old, u)
	} else {
		u.SetGeneration(old.GetGeneration())
		d.prepare(version, u, old)
	}
	if errs := d.schemas.Validate(u, old, req.Subresource == Status); len(errs) > 0 {
		return Result{Err: apierrors.NewInvalid(d.GroupKind(), u.GetName(), errs), Warnings: warnings}
	}
	sparedStamps(u, old)
	if isFreed(u, old) {
		s.remove(CustomResource, stored)
		return Result{Object: u, Warnings: warnings}
	}
	u = d.In(d.Storage, u).(*unstructured.Unstructured)
	if apiequality.Semantic.DeepEqual(u.Object, stored.(*unstructured.Unstructured).Object) {
		return Result{Object: stored, Warnings: warnings}
	}
	if err := customStorable(u); err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	return Result{Object: s.write(watch.Modified, CustomResource, u, stored), Warnings: warnings}
}

// withStatus returns an object with the status of another (statusStrategy,
// PrepareForUpdate).
func withStatus(old, u *unstructured.Unstructured) *unstructured.Unstructured {
	status, ok := u.Object["status"]
	next := old.DeepCopy()
	next.SetManagedFields(u.GetManagedFields())
	if ok {
		next.Object["status"] = status
	} else {
		delete(next.Object, "status")
	}
	return next
}

// prepare keeps the status of an object that has it as a subresource, and counts its
// generations (PrepareForUpdate).
func (d *Defined) prepare(version string, u, old *unstructured.Unstructured) {
	if d.HasStatus(version) {
		if status, ok := old.Object["status"]; ok {
			u.Object["status"] = runtime.DeepCopyJSONValue(status)
		} else {
			delete(u.Object, "status")
		}
	}
	if !apiequality.Semantic.DeepEqual(withoutMeta(u), withoutMeta(old)) {
		u.SetGeneration(old.GetGeneration() + 1)
	}
}

func withoutMeta(u *unstructured.Unstructured) map[string]any {
	rest := make(map[string]any, len(u.Object))
	for name, v := range u.Object { // into a map
		if name != "metadata" {
			rest[name] = v
		}
	}
	return rest
}

// HasStatus reports whether a version has its status as a subresource.
func (d *Defined) HasStatus(version string) bool {
	v := d.Version(version)
	return v != nil && v.Subresources != nil && v.Subresources.Status != nil
}

// scale returns how a version has its scale, or nil.
func (d *Defined) scale(version string) *apiextensionsv1.CustomResourceSubresourceScale {
	if v := d.Version(version); v != nil && v.Subresources != nil {
		return v.Subresources.Scale
	}
	return nil
}

// unset is what a Scale says whose object does not say how many replicas it wants.
const unset = math.MinInt32

func pathOf(text string) []string { return strings.Split(strings.TrimPrefix(text, "."), ".") }

// Scale returns the scale subresource of an object of a version, with apiVersion and
// kind; nil if there is none (scaleFromCustomResource).
func (d *Defined) Scale(version string, obj Object) (*autoscalingv1.Scale, error) {
	paths := d.scale(version)
	if paths == nil {
		return nil, nil
	}
	u := obj.(*unstructured.Unstructured)
	wanted, found, err := unstructured.NestedInt64(u.Object, pathOf(paths.SpecReplicasPath)...)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	if !found {
		return nil, apierrors.NewInternalError(fmt.Errorf("the spec replicas field %q does not exist", paths.SpecReplicasPath))
	}
	return scaleWith(u, paths, wanted)
}

func scaleWith(u *unstructured.Unstructured, paths *apiextensionsv1.CustomResourceSubresourceScale, wanted int64) (*autoscalingv1.Scale, error) {
	running, _, err := unstructured.NestedInt64(u.Object, pathOf(paths.StatusReplicasPath)...)
	selector := ""
	if err == nil && paths.LabelSelectorPath != nil && *paths.LabelSelectorPath != "" {
		selector, _, err = unstructured.NestedString(u.Object, pathOf(*paths.LabelSelectorPath)...)
	}
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return &autoscalingv1.Scale{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"},
		ObjectMeta: metav1.ObjectMeta{Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(),
			ResourceVersion: u.GetResourceVersion(), CreationTimestamp: u.GetCreationTimestamp()},
		Spec:   autoscalingv1.ScaleSpec{Replicas: int32(wanted)},
		Status: autoscalingv1.ScaleStatus{Replicas: int32(running), Selector: selector},
	}, nil
}

// scaleCustom sets the replicas of an object from a Scale. The answer is the object.
func (s *Server) scaleCustom(req *Request, d *Defined, version string) Result {
	scale, ok := req.Object.(*autoscalingv1.Scale)
	if !ok {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("not a Scale: %T", req.Object))}
	}
	old, err := s.existing(req)
	if err != nil {
		return Result{Err: err}
	}
	return s.scaledCustom(req, d, version, old.(*unstructured.Unstructured), func(*autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error) {
		next := *scale
		return &next, nil, nil
	})
}

// scaledCustom changes an object through its Scale, whose successor is made by next
// (scaleUpdatedObjectInfo).
func (s *Server) scaledCustom(req *Request, d *Defined, version string, stored *unstructured.Unstructured,
	next func(*autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error)) Result {
	paths := d.scale(version)
	if paths == nil {
		return Result{Err: errNotServed()}
	}
	wanted, found, err := unstructured.NestedInt64(stored.Object, pathOf(paths.SpecReplicasPath)...)
	if err != nil {
		return Result{Err: apierrors.NewInternalError(err)}
	}
	if !found {
		wanted = unset
	}
	was, err := scaleWith(stored, paths, wanted)
	if err != nil {
		return Result{Err: err}
	}
	scale, warnings, err := next(was)
	if err != nil {
		return Result{Err: statusOf(err)}
	}
	_, name := SplitCustom(req.Key)
	if err := matchName(scale, name); err != nil {
		return Result{Err: err}
	}
	if scale.Spec.Replicas == unset {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("the spec replicas field %q cannot be empty", paths.SpecReplicasPath))}
	}
	if scale.Spec.Replicas < 0 {
		return Result{Err: apierrors.NewInvalid(schema.GroupKind{Group: "autoscaling", Kind: "Scale"}, name, field.ErrorList{
			field.Invalid(field.NewPath("spec", "replicas"), int64(scale.Spec.Replicas), "must be greater than or equal to 0")})}
	}
	u := d.In(version, stored).DeepCopyObject().(*unstructured.Unstructured)
	if err := unstructured.SetNestedField(u.Object, int64(scale.Spec.Replicas), pathOf(paths.SpecReplicasPath)...); err != nil {
		return Result{Err: apierrors.NewInternalError(err)}
	}
	if scale.ResourceVersion != "" {
		u.SetResourceVersion(scale.ResourceVersion)
	}
	if scale.UID != "" {
		u.SetUID(scale.UID)
	}
	plain := *req
	plain.Subresource, plain.scaled = None, true
	res := s.replaceCustom(&plain, d, version, u)
	res.Warnings = append(warnings, res.Warnings...)
	return res
}
