package apiserver

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
	"github.com/statefulsim/statefulsim/sim/state"
)

// create stores a new object: defaults, admission, validation, identity, in the
// order of upstream's rest.BeforeCreate and registry store.
func (s *Server) create(req *Request) Result {
	obj, kind := req.Object, req.Kind
	if got := KindOf(obj); got != kind {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s: not a %s: %T", req.Key, kind, obj))}
	}
	if !req.Given {
		obj = ShallowCopy(obj)
	}
	clearKind(obj)
	wipeMeta(obj)
	if err := matchNamespace(kind, obj, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	warnings := dedupOwners(obj, twiceSent)
	defaults.Set(obj)
	s.manage(req, obj, nil)
	if req.Unadmitted {
		// It is older than the plugins.
	} else if err := s.admitCreate(kind, obj); err != nil {
		if missing, ok := err.(*accountError); ok {
			return Result{Err: missing.StatusError, Warnings: warnings, Again: req.Tries < accountTries-1}
		}
		return Result{Err: err, Warnings: warnings}
	}
	return s.store(kind, obj, warnings)
}

// store is the second half of a creation, in the registry: it gives the object
// its identity and validates it.
func (s *Server) store(kind Kind, obj Object, warnings []string) Result {
	if obj.GetName() == "" && obj.GetGenerateName() != "" {
		obj.SetName(s.generateName(kind, obj))
	}
	if kind == limitRangeKind && obj.GetName() == "" { // limitrangeStrategy, PrepareForCreate
		obj.SetName(string(s.uid(kind, KeyOf(obj))))
	}
	key := KeyOf(obj)
	obj.SetCreationTimestamp(Stamp(s.now))
	obj.SetUID(s.uid(kind, key))
	alloc, err := s.allocate(obj, nil)
	if err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	validation.Disable(obj, s.options())
	validation.PrepareCreate(obj)
	if err := append(validation.Create(obj, s.options()), s.checkDefinition(obj, nil)...); len(err) > 0 {
		return Result{Err: apierrors.NewInvalid(kind.GroupVersionKind().GroupKind(), obj.GetName(), err), Warnings: warnings}
	}
	s.stampNew(obj)
	warnings = append(warnings, validation.Warnings(obj, nil)...)
	admitted, err := s.admitValid(kind, obj, nil, false)
	warnings = append(warnings, admitted...)
	if err != nil {
		return Result{Err: err, Warnings: warnings}
	}
	if version, err := parseVersion(obj); err == nil && version != 0 {
		return Result{Err: unknownError(errVersionOnCreate), Warnings: warnings}
	}
	if there := s.Get(kind, key); there != nil {
		err := apierrors.NewAlreadyExists(kind.GroupResource(), key.Name)
		if obj.GetGenerateName() != "" { // even if the name was given
			err = apierrors.NewGenerateNameConflict(kind.GroupResource(), key.Name, 1)
		}
		if there.GetDeletionTimestamp() != nil {
			err.ErrStatus.Message = "object is being deleted: " + err.ErrStatus.Message
		}
		return Result{Err: err, Warnings: warnings}
	}
	obj.SetResourceVersion("")
	if kind != Event || s.by == User {
		if err := checkStorable(kind, obj); err != nil {
			return Result{Err: err, Warnings: warnings}
		}
	}
	alloc.commit()
	hide(obj)
	return Result{Object: s.write(watch.Added, kind, obj, nil), Warnings: warnings}
}

// stampNew fills what a strategy takes from its clock, or from a name that was
// generated.
func (s *Server) stampNew(obj Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		for i := range o.Status.Conditions { // the gated pod's, just made
			o.Status.Conditions[i].LastTransitionTime = Stamp(s.now)
		}
	case *corev1.PersistentVolume:
		now := Stamp(s.now)
		o.Status.LastPhaseTransitionTime = &now
	case *corev1.Namespace: // Canonicalize
		if o.Labels[corev1.LabelMetadataName] != o.Name {
			o.Labels = maps.Clone(o.Labels)
			if o.Labels == nil {
				o.Labels = map[string]string{}
			}
			o.Labels[corev1.LabelMetadataName] = o.Name
		}
	}
}

var errVersionOnCreate = errors.New("resourceVersion should not be set on objects to be created")

// wipeMeta takes from a new object's metadata what is the server's to say
// (rest.WipeObjectMetaSystemFields).
func wipeMeta(obj Object) {
	obj.SetDeletionTimestamp(nil)
	obj.SetDeletionGracePeriodSeconds(nil)
	obj.SetSelfLink("")
}

// nameOrUnknown is what admission calls an object whose name is not generated
// yet (admission.NewForbidden).
func nameOrUnknown(obj Object) string {
	if name := obj.GetName(); name != "" {
		return name
	}
	if base := obj.GetGenerateName(); base != "" {
		return base
	}
	return "Unknown"
}

// generateName appends five characters to the base, as upstream's name
// generator does: chosen by a hash of the base and of how often it was used.
func (s *Server) generateName(kind Kind, obj Object) string {
	const maxBase = 58
	base := obj.GetGenerateName()
	if len(base) > maxBase {
		base = base[:maxBase]
	}
	counter := kind.Resource() + "/" + obj.GetNamespace() + "/" + base + "*"
	for {
		n, turn := s.born.Next(state.HashText(counter))
		h := s.engine.Hash("generateName", counter+strconv.FormatUint(uint64(n)+uint64(turn)<<32, 10))
		name := randomEnd([]byte(base), h)
		if s.Get(kind, Key{obj.GetNamespace(), string(name)}) == nil {
			return string(name)
		}
	}
}

// randomEnd appends the five characters that a hash picks.
func randomEnd(name []byte, h uint64) []byte {
	const letters = "bcdfghjklmnpqrstvwxz2456789" // apimachinery util/rand
	for range 5 {
		name = append(name, letters[h%uint64(len(letters))])
		h /= uint64(len(letters))
	}
	return name
}
