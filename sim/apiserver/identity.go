package apiserver

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// matchNamespace fills an object's namespace from the request's, and refuses
// another one (rest.EnsureObjectNamespaceMatchesRequestNamespace).
func matchNamespace(kind Kind, obj Object, namespace string) error {
	if !kind.Namespaced() {
		namespace = ""
	}
	switch has := obj.GetNamespace(); {
	case has == namespace:
	case has == "" || namespace == "":
		obj.SetNamespace(namespace)
	default:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

// matchName holds a successor to the name of the request (handlers, checkName).
func matchName(obj Object, name string) error {
	switch has := obj.GetName(); has {
	case name:
		return nil
	case "": // the namer's words
		return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s based on URL) was undeterminable: name must be provided", name))
	default:
		return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", has, name))
	}
}

// The ends of the warnings of owners that stand twice.
const (
	twiceSent     = ""
	twiceAdmitted = " after mutating admission happens"
)

// dedupOwners removes owner references that stand twice, and warns of them
// (handlers, dedupOwnerReferencesAndAddWarning).
func dedupOwners(obj Object, when string) []string {
	refs := obj.GetOwnerReferences()
	if len(refs) < 2 {
		return nil
	}
	var kept []metav1.OwnerReference
	var twice []string
	for i := range refs {
		if hasOwner(kept, &refs[i]) {
			twice = append(twice, string(refs[i].UID))
		} else {
			kept = append(kept, refs[i])
		}
	}
	if len(twice) == 0 {
		return nil
	}
	obj.SetOwnerReferences(kept)
	return []string{fmt.Sprintf(".metadata.ownerReferences contains duplicate entries%s; API server dedups owner references in 1.20+, "+
		"and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: %v", when, strings.Join(twice, ", "))}
}

func hasOwner(refs []metav1.OwnerReference, ref *metav1.OwnerReference) bool {
	for i := range refs {
		if refs[i].UID == ref.UID && reflect.DeepEqual(refs[i], *ref) {
			return true
		}
	}
	return false
}

// checkVersion compares the version that a successor names with the stored one,
// and fills it in where the kind allows an update of whatever there is (A8;
// registry store, Update).
func checkVersion(kind Kind, obj, old Object) error {
	number, err := parseVersion(obj)
	if err != nil {
		return err
	}
	if number == 0 {
		if !unconditional(obj) {
			gk := schema.GroupKind{Group: kind.GroupResource().Group, Kind: kind.Resource()}
			return apierrors.NewInvalid(gk, old.GetName(), field.ErrorList{
				field.Invalid(field.NewPath("metadata", "resourceVersion"), number, "must be specified for an update")})
		}
		obj.SetResourceVersion(old.GetResourceVersion())
		return nil
	}
	if obj.GetResourceVersion() != old.GetResourceVersion() {
		return apierrors.NewConflict(kind.GroupResource(), old.GetName(), errModified)
	}
	return nil
}

// parseVersion reads a resourceVersion; none is 0.
func parseVersion(obj Object) (uint64, error) {
	v := obj.GetResourceVersion()
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return 0, unknownError(err)
	}
	return n, nil
}

// unconditional reports whether an update need not name a version
// (AllowUnconditionalUpdate).
func unconditional(obj Object) bool {
	switch obj.(type) {
	case *policyv1.PodDisruptionBudget, *unstructured.Unstructured:
		return false
	}
	return true
}

// createsOnUpdate reports whether an update of what does not exist creates it
// (AllowCreateOnUpdate).
func createsOnUpdate(obj Object) bool {
	switch obj.(type) {
	case *corev1.Service, *corev1.Event:
		return true
	}
	return false
}

// checkUID is the precondition that an update states with its object, in the
// words of the storage (storage.Preconditions).
func checkUID(kind Kind, key Key, want, has types.UID) error {
	if want == "" || want == has {
		return nil
	}
	return broken(kind, key, uidMismatch(want, has))
}

func uidMismatch(want, has types.UID) error {
	return fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", want, has) //nolint: upstream's words
}

// broken is the answer to a precondition that does not hold: a
// storage.StorageError, with the key that the object has in etcd.
func broken(kind Kind, key Key, why error) error {
	return apierrors.NewConflict(kind.GroupResource(), key.Name,
		fmt.Errorf("StorageError: invalid object, Code: 4, Key: /registry/%s/%s, ResourceVersion: 0, AdditionalErrorMsg: %v", prefix(kind), key, why)) //nolint: upstream's words
}

// prefix is where etcd has the objects of a kind
// (SpecialDefaultResourcePrefixes).
func prefix(kind Kind) string {
	switch r := kind.Resource(); r {
	case "replicationcontrollers":
		return "controllers"
	case "endpoints":
		return "services/endpoints"
	case "nodes":
		return "minions"
	case "services":
		return "services/specs"
	case "ingresses":
		return "ingress"
	default:
		return r
	}
}

// unknownError is what an error without a status becomes on its way to the
// client (responsewriters.ErrorToAPIStatus).
func unknownError(err error) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError,
		Reason: metav1.StatusReasonUnknown, Message: err.Error()}}
}
