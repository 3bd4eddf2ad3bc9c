package deployment

import (
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// rollbackOf returns the revision that a Deployment is to roll back to (getRollbackTo).
func rollbackOf(d *appsv1.Deployment) (int64, bool) {
	n, err := strconv.ParseInt(d.Annotations[appsv1.DeprecatedRollbackTo], 10, 64)
	return n, err == nil
}

// rollBack is W12 (rollback): to the revision, or to the last one if it is 0.
func (s *sync) rollBack(sets []*appsv1.ReplicaSet, to int64) error {
	fresh, old, err := s.revise(sets, true)
	if err != nil {
		return err
	}
	sets = all(old, fresh)
	if to == 0 {
		if to = lastRevision(sets); to == 0 {
			s.note(corev1.EventTypeWarning, "DeploymentRollbackRevisionNotFound", "Unable to find last revision.")
			return s.clearRollback()
		}
	}
	for _, rs := range sets {
		if n, err := RevisionOf(rs); err != nil || n != to {
			continue
		}
		if SameTemplate(&s.d.Spec.Template, &rs.Spec.Template) {
			s.note(corev1.EventTypeWarning, "DeploymentRollbackTemplateUnchanged", fmt.Sprintf("The rollback revision contains the same template as current deployment %q", s.d.Name))
			return s.clearRollback()
		}
		s.d.Spec.Template = *rs.Spec.Template.DeepCopy()
		delete(s.d.Spec.Template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
		s.d.Annotations = Annotations(s.d.Annotations, rs.Annotations)
		err := s.clearRollback()
		if err == nil {
			s.note(corev1.EventTypeNormal, "DeploymentRollback", fmt.Sprintf("Rolled back deployment %q to revision %d", s.d.Name, to))
		}
		return err
	}
	s.note(corev1.EventTypeWarning, "DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.")
	return s.clearRollback()
}

// Annotations are those of a Deployment that rolls back: a former ReplicaSet's, but
// for those that each has for itself (SetDeploymentAnnotationsTo).
func Annotations(own, former map[string]string) map[string]string {
	merged := map[string]string{}
	for name, value := range own { // into a map
		if kept[name] {
			merged[name] = value
		}
	}
	for name, value := range former { // into a map
		if !kept[name] {
			merged[name] = value
		}
	}
	return merged
}

// clearRollback writes the Deployment without the annotation.
func (s *sync) clearRollback() error {
	delete(s.d.Annotations, appsv1.DeprecatedRollbackTo)
	return s.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Deployment, Key: apiserver.KeyOf(s.d), Object: s.d}).Err
}

// lastRevision is the second highest of the revisions (LastRevision).
func lastRevision(sets []*appsv1.ReplicaSet) int64 {
	first, second := int64(0), int64(0)
	for _, rs := range sets {
		n, err := RevisionOf(rs)
		switch {
		case err != nil:
		case n >= first:
			first, second = n, first
		case n > second:
			second = n
		}
	}
	return second
}
