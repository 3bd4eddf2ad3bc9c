package apiserver

import (
	"fmt"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
)

// definer is who keeps the statuses of definitions: it runs in the API server.
const definer = "kube-apiserver"

// settleDefinitions follows a request that may have changed what is defined: names
// are accepted, kinds begin to be served, and what is being deleted goes with its
// objects (NamingConditionController, EstablishingController, CRDFinalizer). Upstream
// does so a few milliseconds later.
func (s *Server) settleDefinitions(req *Request) {
	if s.cfg.CustomResources == nil || req.Verb == Get {
		return
	}
	switch req.Kind {
	case crdKind:
	case CustomResource:
		if !slices.ContainsFunc(s.defined.Read().list, func(d *Defined) bool { return d.CRD.DeletionTimestamp != nil }) {
			return
		}
	default:
		return
	}
	by := s.by
	s.by = definer
	defer func() { s.by = by }()
	for _, obj := range s.List(crdKind, "") {
		s.settleDefinition(obj.(*apiextensionsv1.CustomResourceDefinition))
	}
	s.define()
}

// settleDefinition brings the status of a definition up to date.
func (s *Server) settleDefinition(crd *apiextensionsv1.CustomResourceDefinition) {
	next := crd.DeepCopy()
	if crd.DeletionTimestamp != nil {
		if !slices.Contains(crd.Finalizers, apiextensionsv1.CustomResourceCleanupFinalizer) {
			return
		}
		if d := s.definedBy(crd); d != nil {
			if left := s.deleteCustom(&Request{Kind: CustomResource}, d).Items; len(left) > 0 {
				s.setCondition(next, apiextensionsv1.Terminating, apiextensionsv1.ConditionTrue, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
				s.writeDefinition(next, crd)
				return
			}
		}
		next.Finalizers = without(next.Finalizers, apiextensionsv1.CustomResourceCleanupFinalizer)
		if len(next.Finalizers) == 0 {
			s.remove(crdKind, crd)
			return
		}
		s.writeDefinition(next, crd)
		return
	}
	s.acceptNames(next)
	s.writeDefinition(next, crd)
}

func without(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == name })
}

func (s *Server) writeDefinition(next, crd *apiextensionsv1.CustomResourceDefinition) {
	if !apiequality.Semantic.DeepEqual(next, crd) {
		s.write(watch.Modified, crdKind, next, crd)
	}
}

// acceptNames gives a definition the names that no other of its group has, and has it
// served once it has them all (calculateNamesAndConditions).
func (s *Server) acceptNames(crd *apiextensionsv1.CustomResourceDefinition) {
	resources, kinds := s.namesTaken(crd)
	want, has := crd.Spec.Names, &crd.Status.AcceptedNames
	reason, message := "NoConflicts", "no conflicts found"
	take := func(wanted string, accepted *string, taken map[string]bool, why string) {
		if wanted != *accepted && taken[wanted] {
			reason, message = why, fmt.Sprintf("%q is already in use", wanted)
			return
		}
		*accepted = wanted
	}
	take(want.Plural, &has.Plural, resources, "PluralConflict")
	take(want.Singular, &has.Singular, resources, "SingularConflict")
	free := true
	for _, short := range want.ShortNames {
		if !slices.Contains(has.ShortNames, short) && resources[short] {
			reason, message, free = "ShortNamesConflict", fmt.Sprintf("%q is already in use", short), false
		}
	}
	if free {
		has.ShortNames = want.ShortNames
	}
	take(want.Kind, &has.Kind, kinds, "KindConflict")
	take(want.ListKind, &has.ListKind, kinds, "ListKindConflict")
	has.Categories = want.Categories
	if reason != "NoConflicts" {
		s.setCondition(crd, apiextensionsv1.NamesAccepted, apiextensionsv1.ConditionFalse, reason, message)
		if conditionOf(crd, apiextensionsv1.Established) == nil {
			s.setCondition(crd, apiextensionsv1.Established, apiextensionsv1.ConditionFalse, "NotAccepted", "not all names are accepted")
		}
		return
	}
	s.setCondition(crd, apiextensionsv1.NamesAccepted, apiextensionsv1.ConditionTrue, reason, message)
	if c := conditionOf(crd, apiextensionsv1.Established); c == nil || c.Status != apiextensionsv1.ConditionTrue {
		s.setCondition(crd, apiextensionsv1.Established, apiextensionsv1.ConditionTrue, "InitialNamesAccepted", "the initial names have been accepted")
	}
}

// namesTaken are the names that the other definitions of a group have.
func (s *Server) namesTaken(crd *apiextensionsv1.CustomResourceDefinition) (resources, kinds map[string]bool) {
	resources, kinds = map[string]bool{}, map[string]bool{}
	for _, obj := range s.List(crdKind, "") {
		other := obj.(*apiextensionsv1.CustomResourceDefinition)
		if other.Name == crd.Name || other.Spec.Group != crd.Spec.Group {
			continue
		}
		names := &other.Status.AcceptedNames
		for _, n := range append([]string{names.Plural, names.Singular}, names.ShortNames...) {
			resources[n] = n != ""
		}
		kinds[names.Kind], kinds[names.ListKind] = true, true
	}
	return resources, kinds
}

func conditionOf(crd *apiextensionsv1.CustomResourceDefinition, typ apiextensionsv1.CustomResourceDefinitionConditionType) *apiextensionsv1.CustomResourceDefinitionCondition {
	for i := range crd.Status.Conditions {
		if c := &crd.Status.Conditions[i]; c.Type == typ {
			return c
		}
	}
	return nil
}

// setCondition sets a condition, whose time changes with its status (SetCRDCondition).
func (s *Server) setCondition(crd *apiextensionsv1.CustomResourceDefinition, typ apiextensionsv1.CustomResourceDefinitionConditionType,
	status apiextensionsv1.ConditionStatus, reason, message string) {
	next := apiextensionsv1.CustomResourceDefinitionCondition{Type: typ, Status: status, Reason: reason, Message: message, LastTransitionTime: Stamp(s.now)}
	c := conditionOf(crd, typ)
	if c == nil {
		crd.Status.Conditions = append(crd.Status.Conditions, next)
		return
	}
	if c.Status == status {
		next.LastTransitionTime = c.LastTransitionTime
	}
	*c = next
}

// definedBy returns what a definition has had served, or nil.
func (s *Server) definedBy(crd *apiextensionsv1.CustomResourceDefinition) *Defined {
	for _, d := range s.defined.Read().list {
		if d.CRD.UID == crd.UID {
			return d
		}
	}
	return nil
}

// define reads what is defined anew. What has not changed is kept.
func (s *Server) define() {
	was := s.defined.Read().list
	var list []*Defined
	for _, obj := range s.List(crdKind, "") {
		crd := obj.(*apiextensionsv1.CustomResourceDefinition)
		if c := conditionOf(crd, apiextensionsv1.Established); c == nil || c.Status != apiextensionsv1.ConditionTrue {
			continue
		}
		old := s.definedBy(crd)
		switch {
		case old != nil && old.CRD.ResourceVersion == crd.ResourceVersion:
			list = append(list, old)
		case old != nil && old.CRD.Generation == crd.Generation:
			list = append(list, &Defined{CRD: crd, Storage: old.Storage, schemas: old.schemas, since: old.since})
		default:
			schemas, err := s.cfg.CustomResources.Define(crd)
			if err != nil { // it was checked: somebody has restored what no server would store
				continue
			}
			d := &Defined{CRD: crd, Storage: storageVersion(crd), schemas: schemas}
			if number, err := parseVersion(crd); err == nil && old != nil {
				d.since = number
			}
			list = append(list, d)
		}
	}
	if !slices.Equal(list, was) {
		s.defined.Write().list = list
	}
}

func storageVersion(crd *apiextensionsv1.CustomResourceDefinition) string {
	for i := range crd.Spec.Versions {
		if v := &crd.Spec.Versions[i]; v.Storage {
			return v.Name
		}
	}
	return ""
}

// checkDefinition says what is wrong with an object that is a definition, where that
// will be served. old is nil for a new one.
func (s *Server) checkDefinition(obj, old Object) field.ErrorList {
	crd, ok := obj.(*apiextensionsv1.CustomResourceDefinition)
	if !ok || s.cfg.CustomResources == nil {
		return nil
	}
	if old == nil {
		return s.cfg.CustomResources.Check(crd, nil)
	}
	return s.cfg.CustomResources.Check(crd, old.(*apiextensionsv1.CustomResourceDefinition))
}

// beginTermination is the first request to delete a definition: its finalizer keeps
// it until its objects are gone (the registry's Delete).
func (s *Server) beginTermination(crd *apiextensionsv1.CustomResourceDefinition) Result {
	next := crd.DeepCopy()
	now := Stamp(s.now)
	next.DeletionTimestamp = &now
	if !slices.Contains(next.Finalizers, apiextensionsv1.CustomResourceCleanupFinalizer) {
		next.Finalizers = append(next.Finalizers, apiextensionsv1.CustomResourceCleanupFinalizer)
	}
	s.setCondition(next, apiextensionsv1.Terminating, apiextensionsv1.ConditionTrue, "InstanceDeletionPending",
		"CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon")
	return Result{Object: s.write(watch.Modified, crdKind, next, crd)}
}
