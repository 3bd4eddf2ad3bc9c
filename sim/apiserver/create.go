package apiserver

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// create stores a new object: defaults, admission, validation, identity, in the
// order of upstream's rest.BeforeCreate and registry store.
func (s *Server) create(req *Request) Result {
	obj, kind := req.Object, req.Kind
	if got := KindOf(obj); got != kind {
		return Result{Err: apierrors.NewBadRequest(fmt.Sprintf("%s: not a %s: %T", req.Key, kind, obj))}
	}
	obj = ShallowCopy(obj)
	clearKind(obj)
	if !kind.Namespaced() {
		obj.SetNamespace("")
	} else if err := s.checkNamespace(kind, obj); err != nil {
		return Result{Err: err}
	}
	if obj.GetResourceVersion() != "" {
		return Result{Err: apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")}
	}
	if obj.GetName() == "" && obj.GetGenerateName() != "" {
		obj.SetName(s.generateName(kind, obj))
	}
	key := KeyOf(obj)
	defaults.Set(obj)
	obj.SetDeletionTimestamp(nil)
	obj.SetDeletionGracePeriodSeconds(nil)
	obj.SetManagedFields(nil)
	obj.SetCreationTimestamp(Stamp(s.now))
	obj.SetUID(s.uid(kind, key))
	validation.Disable(obj, s.options())
	validation.PrepareCreate(obj)
	if err := s.admitCreate(kind, obj); err != nil {
		return Result{Err: err}
	}
	if errs := validation.Create(obj, s.options()); len(errs) > 0 {
		return Result{Err: apierrors.NewInvalid(kind.GroupVersionKind().GroupKind(), obj.GetName(), errs)}
	}
	if s.Get(kind, key) != nil {
		return Result{Err: apierrors.NewAlreadyExists(kind.GroupResource(), key.Name)}
	}
	if err := s.allocate(obj, nil); err != nil {
		return Result{Err: err}
	}
	if kind == Event {
		s.expiry = append(s.expiry, expiring{s.now.Add(eventTTL), key})
	}
	return Result{Object: s.write(watch.Added, kind, obj, nil), Warnings: validation.Warnings(obj, nil)}
}

// checkNamespace holds a new object to an existing namespace (the
// NamespaceLifecycle admission).
func (s *Server) checkNamespace(kind Kind, obj Object) error {
	name := obj.GetNamespace()
	if name == "" {
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	ns, _ := s.Get(Namespace, Key{Name: name}).(*corev1.Namespace)
	if ns == nil {
		return apierrors.NewNotFound(Namespace.GroupResource(), name)
	}
	if ns.DeletionTimestamp != nil {
		err := apierrors.NewForbidden(kind.GroupResource(), obj.GetName(),
			fmt.Errorf("unable to create new content in namespace %s because it is being terminated", name))
		return err
	}
	return nil
}

// generateName appends five characters to the base, as upstream's name
// generator does: chosen by a hash of the base and of how often it was used.
func (s *Server) generateName(kind Kind, obj Object) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789" // apimachinery util/rand
	const maxBase = 58
	base := obj.GetGenerateName()
	if len(base) > maxBase {
		base = base[:maxBase]
	}
	counter := kind.Resource() + "/" + obj.GetNamespace() + "/" + base + "*"
	for {
		n, turn := s.born.Next(hashText(counter))
		h := s.engine.Hash("generateName", counter+strconv.FormatUint(uint64(n)+uint64(turn)<<32, 10))
		name := []byte(base)
		for range 5 {
			name = append(name, letters[h%uint64(len(letters))])
			h /= uint64(len(letters))
		}
		if s.Get(kind, Key{obj.GetNamespace(), string(name)}) == nil {
			return string(name)
		}
	}
}
