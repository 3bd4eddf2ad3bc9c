package deployment

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// The annotations by which the controller remembers.
const (
	Revision        = "deployment.kubernetes.io/revision"
	RevisionHistory = "deployment.kubernetes.io/revision-history"
	DesiredReplicas = "deployment.kubernetes.io/desired-replicas"
	MaxReplicas     = "deployment.kubernetes.io/max-replicas"
)

// kept are the annotations that a Deployment and its ReplicaSets have each for
// themselves.
var kept = map[string]bool{corev1.LastAppliedConfigAnnotation: true, Revision: true, RevisionHistory: true,
	DesiredReplicas: true, MaxReplicas: true, appsv1.DeprecatedRollbackTo: true}

// older orders ReplicaSets by their age, then their names.
func older(a, b *appsv1.ReplicaSet) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// SameTemplate reports whether two templates are equal but for the label
// pod-template-hash (EqualIgnoreHash).
func SameTemplate(a, b *corev1.PodTemplateSpec) bool {
	x, y := withoutHash(a), withoutHash(b)
	return apiequality.Semantic.DeepEqual(&x, &y)
}

func withoutHash(t *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	c := *t
	if _, ok := c.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; ok {
		c.Labels = maps.Clone(c.Labels)
		delete(c.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	}
	return c
}

// NewSet returns the ReplicaSet that is a Deployment's now: the oldest with its
// template, of a list that is sorted by age; nil if there is none (W6,
// FindNewReplicaSet).
func NewSet(d *appsv1.Deployment, sets []*appsv1.ReplicaSet) *appsv1.ReplicaSet {
	for _, rs := range sets {
		if SameTemplate(&rs.Spec.Template, &d.Spec.Template) {
			return rs
		}
	}
	return nil
}

// RevisionOf is the number of a ReplicaSet's revision; 0 without one.
func RevisionOf(rs *appsv1.ReplicaSet) (int64, error) {
	text, ok := rs.Annotations[Revision]
	if !ok {
		return 0, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// revise returns the new ReplicaSet, with its revision in order, and the old ones
// (getAllReplicaSetsAndSyncRevision). It makes the new one if it is to.
func (s *sync) revise(sets []*appsv1.ReplicaSet, create bool) (fresh *appsv1.ReplicaSet, old []*appsv1.ReplicaSet, err error) {
	fresh = NewSet(s.d, sets)
	revision := int64(0)
	for _, rs := range sets {
		if rs == fresh {
			continue
		}
		old = append(old, rs)
		if n, err := RevisionOf(rs); err == nil {
			revision = max(revision, n)
		}
	}
	revision++
	switch {
	case fresh != nil:
		fresh, err = s.renew(fresh, revision)
	case create:
		fresh, err = s.create(old, revision)
	}
	return fresh, old, err
}

// renew brings the annotations of the new ReplicaSet and of the Deployment up to
// date (getNewReplicaSet, its first half).
func (s *sync) renew(found *appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	d, rs := s.d, found.DeepCopy()
	if annotate(d, rs, revision, true) || rs.Spec.MinReadySeconds != d.Spec.MinReadySeconds {
		rs.Spec.MinReadySeconds = d.Spec.MinReadySeconds
		return s.updateSet(rs)
	}
	changed := setRevision(d, rs.Annotations[Revision])
	if hasDeadline(d) && conditionOf(&d.Status, appsv1.DeploymentProgressing) == nil {
		s.setCondition(&d.Status, appsv1.DeploymentProgressing, corev1.ConditionTrue, "FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", rs.Name))
		changed = true
	}
	if changed {
		if err := s.writeStatus(); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

func (s *sync) updateSet(rs *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
	res := s.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.ReplicaSet, Key: apiserver.KeyOf(rs), Object: rs})
	if res.Err != nil {
		return nil, res.Err
	}
	return res.Object.(*appsv1.ReplicaSet), nil
}

// create makes the new ReplicaSet (getNewReplicaSet, its second half).
func (s *sync) create(old []*appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	d := s.d
	rs, err := s.build(old, revision)
	if err != nil {
		return nil, err
	}
	size := *rs.Spec.Replicas
	res := s.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ReplicaSet, Key: apiserver.KeyOf(rs), Object: rs})
	created, _ := res.Object.(*appsv1.ReplicaSet)
	exists := false
	switch {
	case apierrors.IsAlreadyExists(res.Err):
		exists = true
		if created, err = s.collided(rs.Name, res.Err); err != nil {
			return nil, err
		}
	case podcontrol.IsNamespaceTerminating(res.Err):
		return nil, res.Err
	case res.Err != nil:
		message := fmt.Sprintf("Failed to create new replica set %q: %v", rs.Name, res.Err)
		if hasDeadline(d) {
			s.setCondition(&d.Status, appsv1.DeploymentProgressing, corev1.ConditionFalse, "ReplicaSetCreateError", message)
			_ = s.writeStatus() // the other error matters more
		}
		s.note(corev1.EventTypeWarning, "ReplicaSetCreateError", message)
		return nil, res.Err
	}
	if !exists && size > 0 {
		s.note(corev1.EventTypeNormal, "ScalingReplicaSet", fmt.Sprintf("Scaled up replica set %s from 0 to %d", created.Name, size))
	}
	changed := setRevision(d, strconv.FormatInt(revision, 10))
	if !exists && hasDeadline(d) {
		s.setCondition(&d.Status, appsv1.DeploymentProgressing, corev1.ConditionTrue, "NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", created.Name))
		changed = true
	}
	if changed {
		err = s.writeStatus()
	}
	return created, err
}

// build returns the new ReplicaSet as it is to be created.
func (s *sync) build(old []*appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	d := s.d
	template := *d.Spec.Template.DeepCopy()
	hash := podcontrol.TemplateHash(&template, d.Status.CollisionCount)
	with := func(labels map[string]string) map[string]string {
		c := maps.Clone(labels)
		if c == nil {
			c = map[string]string{}
		}
		c[appsv1.DefaultDeploymentUniqueLabelKey] = hash
		return c
	}
	template.Labels = with(d.Spec.Template.Labels)
	selector := d.Spec.Selector.DeepCopy()
	selector.MatchLabels = with(selector.MatchLabels)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: setName(d.Name, hash), Namespace: d.Namespace, Labels: template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, apiserver.Deployment.GroupVersionKind())},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: new(int32), MinReadySeconds: d.Spec.MinReadySeconds, Selector: selector, Template: template},
	}
	size, err := newSize(d, all(old, rs), rs)
	if err != nil {
		return nil, err
	}
	*rs.Spec.Replicas = size
	annotate(d, rs, revision, false)
	return rs, nil
}

// collided finds out who has the name of the new ReplicaSet: it is the one, if the
// watch was late; if not, the next name is tried in the next sync.
func (s *sync) collided(name string, conflict error) (*appsv1.ReplicaSet, error) {
	d := s.d
	rs := controller.Object[*appsv1.ReplicaSet](s.Replay, apiserver.ReplicaSet, apiserver.Key{Namespace: d.Namespace, Name: name})
	if rs == nil {
		return nil, apierrors.NewNotFound(apiserver.ReplicaSet.GroupResource(), name)
	}
	if metav1.IsControlledBy(rs, d) && SameTemplate(&d.Spec.Template, &rs.Spec.Template) {
		return rs, nil
	}
	count := int32(1)
	if d.Status.CollisionCount != nil {
		count += *d.Status.CollisionCount
	}
	d.Status.CollisionCount = &count
	_ = s.writeStatus() // the sync fails anyway
	return nil, conflict
}

// setName is the name of a ReplicaSet (generateReplicaSetName).
func setName(deployment, hash string) string {
	most := validation.DNS1123SubdomainMaxLength - 1 - len(hash)
	return deployment[:min(len(deployment), most)] + "-" + hash
}

// setRevision says in the Deployment which revision it is at.
func setRevision(d *appsv1.Deployment, revision string) (changed bool) {
	changed = d.Annotations[Revision] != revision
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[Revision] = revision
	return changed
}

// maxHistory is how long the list of a ReplicaSet's former revisions may get.
const maxHistory = 2000

// annotate gives a ReplicaSet the Deployment's annotations and its revision, and a
// new one the replicas that it is made for (SetNewReplicaSetAnnotations).
func annotate(d *appsv1.Deployment, rs *appsv1.ReplicaSet, revision int64, exists bool) (changed bool) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	for k, v := range d.Annotations { // into a map
		if has, ok := rs.Annotations[k]; !kept[k] && (!ok || has != v) {
			rs.Annotations[k] = v
			changed = true
		}
	}
	text, had := rs.Annotations[Revision]
	old, err := strconv.ParseInt(text, 10, 64)
	if err != nil && text != "" {
		return false
	}
	if old < revision {
		rs.Annotations[Revision] = strconv.FormatInt(revision, 10)
		changed = true
		if had {
			remember(rs, text)
		}
	}
	return !exists && annotateSize(rs, *d.Spec.Replicas, *d.Spec.Replicas+MaxSurge(d)) || changed
}

// remember adds a revision to the list of those that a ReplicaSet was.
func remember(rs *appsv1.ReplicaSet, revision string) {
	text := rs.Annotations[RevisionHistory]
	list := strings.Split(text, ",")
	if list[0] == "" {
		rs.Annotations[RevisionHistory] = revision
		return
	}
	length := len(text) + len(revision) + 1
	for length > maxHistory && len(list) > 0 {
		length -= len(list[0]) + 1
		list = list[1:]
	}
	if length <= maxHistory {
		rs.Annotations[RevisionHistory] = strings.Join(append(slices.Clone(list), revision), ",")
	}
}

// annotateSize says in a ReplicaSet which replicas it is scaled for
// (SetReplicasAnnotations).
func annotateSize(rs *appsv1.ReplicaSet, desired, most int32) (changed bool) {
	changed = !isAnnotated(rs, desired, most)
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	rs.Annotations[DesiredReplicas], rs.Annotations[MaxReplicas] = fmt.Sprint(desired), fmt.Sprint(most)
	return changed
}

func isAnnotated(rs *appsv1.ReplicaSet, desired, most int32) bool {
	return rs.Annotations[DesiredReplicas] == fmt.Sprint(desired) && rs.Annotations[MaxReplicas] == fmt.Sprint(most)
}

// annotatedNumber is a number in an annotation, if there is one
// (getNonNegativeInt32FromAnnotation).
func annotatedNumber(rs *appsv1.ReplicaSet, name string) (int32, bool) {
	n, err := strconv.ParseUint(rs.Annotations[name], 10, 31)
	return int32(n), err == nil
}
