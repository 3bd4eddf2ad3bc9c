package whole

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/controller/history"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/statefulset"
)

type revision = *appsv1.ControllerRevision

// setSpec is a set as it is created.
type setSpec struct {
	Replicas    int32
	Start       int32
	Parallel    bool
	Strategy    string
	Partition   int32
	Unavailable int // 0: no maxUnavailable given
	MinReady    int32
	Limit       int32
	Retain      string // whenDeleted/whenScaled
	Claims      bool
	Image       int
}

var yes = true

// stranger is the owner of what belongs to somebody else.
var stranger = metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: types.UID("00000000-0000-4000-8000-000000000002"), Controller: &yes}

func image(n int) string { return string(rune('a' + n)) }

func podName(n int) string   { return fmt.Sprintf("%s-%d", setName, n) }
func claimName(n int) string { return "data-" + podName(n) }

func (s *setSpec) object() *appsv1.StatefulSet {
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: setName, Namespace: namespace, Annotations: map[string]string{"owner": "me"}},
		Spec: appsv1.StatefulSetSpec{
			Replicas:             &s.Replicas,
			Selector:             &metav1.LabelSelector{MatchLabels: map[string]string{"app": setName}},
			Template:             template(s.Image),
			ServiceName:          "svc",
			MinReadySeconds:      s.MinReady,
			RevisionHistoryLimit: &s.Limit,
			UpdateStrategy:       appsv1.StatefulSetUpdateStrategy{Type: appsv1.StatefulSetUpdateStrategyType(s.Strategy)},
		},
	}
	if s.Parallel {
		set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	}
	if s.Strategy == "" || s.Strategy == string(appsv1.RollingUpdateStatefulSetStrategyType) {
		set.Spec.UpdateStrategy.RollingUpdate = rolling(s.Partition, s.Unavailable)
	}
	if s.Start > 0 {
		set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: s.Start}
	}
	set.Spec.PersistentVolumeClaimRetentionPolicy = retention(s.Retain)
	if s.Claims {
		set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data", Labels: map[string]string{"tier": "gold"}},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}}
	}
	return set
}

func template(n int) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": setName}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image(n)}}},
	}
}

func rolling(partition int32, unavailable int) *appsv1.RollingUpdateStatefulSetStrategy {
	r := &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition}
	if unavailable > 0 {
		n := intstr.FromInt(unavailable)
		r.MaxUnavailable = &n
	}
	return r
}

// retention reads "Delete/Retain": whenDeleted, then whenScaled.
func retention(text string) *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	deleted, scaled, ok := strings.Cut(text, "/")
	if !ok {
		return nil
	}
	return &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
		WhenDeleted: appsv1.PersistentVolumeClaimRetentionPolicyType(deleted), WhenScaled: appsv1.PersistentVolumeClaimRetentionPolicyType(scaled)}
}

// ops are all that may be done to a cluster.
var ops = map[string]func(*player, op){
	"wait": func(*player, op) {},
	// The kubelets and the scheduler.
	"tend":    func(p *player, o op) { p.tend(o.N) },
	"bind":    func(p *player, o op) { p.bind(podName(o.N)) },
	"run":     func(p *player, o op) { p.run(podName(o.N), corev1.PodRunning, corev1.ConditionTrue) },
	"unready": func(p *player, o op) { p.run(podName(o.N), corev1.PodRunning, corev1.ConditionFalse) },
	"end":     func(p *player, o op) { p.run(podName(o.N), corev1.PodPhase(o.Text), corev1.ConditionFalse) },
	"kill":    func(p *player, o op) { p.delete(apiserver.Pod, podName(o.N)) },
	"gone":    func(p *player, o op) { p.delete(apiserver.Pod, podName(o.N), 0) },
	// The set.
	"create": func(p *player, o op) { p.do(apiserver.Request{Verb: apiserver.Create, Object: o.Set.object()}) },
	"delete": func(p *player, o op) {
		if p.get(apiserver.StatefulSet, setName) != nil {
			p.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet, Key: apiserver.Key{Namespace: namespace, Name: setName},
				Propagation: metav1.DeletionPropagation(o.Text)})
		}
	},
	"collect":   func(p *player, o op) { p.collect() },
	"scale":     onSet(func(s *appsv1.StatefulSet, o op) { n := int32(o.N); s.Spec.Replicas = &n }),
	"image":     onSet(func(s *appsv1.StatefulSet, o op) { s.Spec.Template.Spec.Containers[0].Image = image(o.N) }),
	"note":      onSet(func(s *appsv1.StatefulSet, o op) { s.Annotations = map[string]string{"owner": image(o.N)} }),
	"min-ready": onSet(func(s *appsv1.StatefulSet, o op) { s.Spec.MinReadySeconds = int32(o.N) }),
	"limit":     onSet(func(s *appsv1.StatefulSet, o op) { n := int32(o.N); s.Spec.RevisionHistoryLimit = &n }),
	"start":     onSet(func(s *appsv1.StatefulSet, o op) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: int32(o.N)} }),
	"retain":    onSet(func(s *appsv1.StatefulSet, o op) { s.Spec.PersistentVolumeClaimRetentionPolicy = retention(o.Text) }),
	"partition": onSet(func(s *appsv1.StatefulSet, o op) {
		if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil {
			n := int32(o.N)
			r.Partition = &n
		}
	}),
	"strategy": onSet(func(s *appsv1.StatefulSet, o op) {
		s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.StatefulSetUpdateStrategyType(o.Text)}
		if o.Text == "RollingUpdate" && o.N >= 0 {
			s.Spec.UpdateStrategy.RollingUpdate = rolling(0, o.N)
		}
	}),
	// Somebody's hands on pods.
	"orphan":  onPod(func(pod *corev1.Pod, o op) { pod.OwnerReferences = nil }),
	"grab":    onPod(func(pod *corev1.Pod, o op) { pod.OwnerReferences = []metav1.OwnerReference{stranger} }),
	"relabel": onPod(func(pod *corev1.Pod, o op) { relabel(pod, "app", o.Text) }),
	"unname":  onPod(func(pod *corev1.Pod, o op) { relabel(pod, appsv1.StatefulSetPodNameLabel, "") }),
	"stray":   func(p *player, o op) { p.do(apiserver.Request{Verb: apiserver.Create, Object: stray(o)}) },
	// On claims.
	"claim-delete": func(p *player, o op) { p.delete(apiserver.PersistentVolumeClaim, claimName(o.N)) },
	"claim-free":   onClaim(func(c *corev1.PersistentVolumeClaim, o op) { c.Finalizers = nil }),
	"claim-grab":   onClaim(func(c *corev1.PersistentVolumeClaim, o op) { c.OwnerReferences = []metav1.OwnerReference{stranger} }),
	// On revisions.
	"rev-orphan": onRevision(func(p *player, r revision) {
		edit(p, apiserver.ControllerRevision, r.Name, apiserver.None, func(r revision) { r.OwnerReferences = nil })
	}),
	"rev-delete": onRevision(func(p *player, r revision) { p.delete(apiserver.ControllerRevision, r.Name) }),
	"rev-orphans": func(p *player, o op) {
		for _, r := range p.revisions() {
			edit(p, apiserver.ControllerRevision, r.Name, apiserver.None, func(r revision) { r.OwnerReferences = nil })
		}
	},
	"rev-stray": func(p *player, o op) { p.straysRevision(o) },
	"rev-taken": func(p *player, o op) { p.takesName(o) },
	// Of the API.
	"fail": func(p *player, o op) { p.fails(o) },
	"heal": func(p *player, o op) { p.heal() },
}

func onSet(change func(*appsv1.StatefulSet, op)) func(*player, op) {
	return func(p *player, o op) {
		edit(p, apiserver.StatefulSet, setName, apiserver.None, func(s *appsv1.StatefulSet) { change(s, o) })
	}
}

func onPod(change func(*corev1.Pod, op)) func(*player, op) {
	return func(p *player, o op) {
		edit(p, apiserver.Pod, podName(o.N), apiserver.None, func(pod *corev1.Pod) { change(pod, o) })
	}
}

func onClaim(change func(*corev1.PersistentVolumeClaim, op)) func(*player, op) {
	return func(p *player, o op) {
		edit(p, apiserver.PersistentVolumeClaim, claimName(o.N), apiserver.None, func(c *corev1.PersistentVolumeClaim) { change(c, o) })
	}
}

// onRevision does something to the N-th revision, oldest first.
func onRevision(do func(*player, revision)) func(*player, op) {
	return func(p *player, o op) {
		if list := p.revisions(); len(list) > 0 {
			do(p, list[o.N%len(list)])
		}
	}
}

func relabel(pod *corev1.Pod, key, value string) {
	pod.Labels = maps.Clone(pod.Labels)
	if value == "" {
		delete(pod.Labels, key)
		return
	}
	pod.Labels[key] = value
}

// stray is a pod that the set did not make.
func stray(o op) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: podName(o.N), Labels: map[string]string{"app": setName}}, Spec: template(0).Spec}
	switch o.Text {
	case "foreign":
		pod.OwnerReferences = []metav1.OwnerReference{stranger}
	case "unmatched":
		pod.Labels["app"] = "other"
	}
	return pod
}

func (p *player) revisions() []revision {
	var list []revision
	for _, o := range p.list(apiserver.ControllerRevision) {
		list = append(list, o.(revision))
	}
	slices.SortFunc(list, byNumber)
	return list
}

// dataOf is what the revision of the set's template with an image holds
// (SSU, getPatch).
func dataOf(set *appsv1.StatefulSet, n int) []byte {
	t := set.Spec.Template.DeepCopy()
	t.Spec.Containers[0].Image = image(n)
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(err)
	}
	m["$patch"] = "replace"
	if raw, err = json.Marshal(map[string]any{"spec": map[string]any{"template": m}}); err != nil {
		panic(err)
	}
	return raw
}

// straysRevision creates a revision of the set's that nobody controls, under a
// name of its own.
func (p *player) straysRevision(o op) {
	set, _ := p.get(apiserver.StatefulSet, setName).(*appsv1.StatefulSet)
	if set == nil {
		return
	}
	p.do(apiserver.Request{Verb: apiserver.Create, Object: &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "stray-" + image(o.N), Labels: map[string]string{"app": setName}},
		Data:       runtime.RawExtension{Raw: dataOf(set, o.N)}, Revision: int64(o.N),
	}})
}

// takesName creates a revision with the name that the controller will give to
// the next one of an image, and with other data: a collision (S7).
func (p *player) takesName(o op) {
	set, _ := p.get(apiserver.StatefulSet, setName).(*appsv1.StatefulSet)
	if set == nil {
		return
	}
	count := int32(0)
	if set.Status.CollisionCount != nil {
		count = *set.Status.CollisionCount
	}
	hash := history.HashControllerRevision(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: dataOf(set, o.N)}}, &count)
	p.do(apiserver.Request{Verb: apiserver.Create, Object: &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: history.ControllerRevisionName(setName, hash)},
		Data:       runtime.RawExtension{Raw: []byte(`{"spec":{}}`)}, Revision: 1,
	}})
}

var verbs = map[string]apiserver.Verb{"get": apiserver.Get, "create": apiserver.Create, "update": apiserver.Update, "patch": apiserver.Patch, "delete": apiserver.Delete}

// maxOrdinal is the highest ordinal in a script.
const maxOrdinal = 3

// fails has the controller's next N requests of a kind fail: for pods and claims
// those about each one, because the real controller has no order among them.
func (p *player) fails(o op) {
	part := strings.Fields(o.Text)
	f := controller.Fault{By: statefulset.Name, Verb: verbs[part[0]], Kind: kindOf[part[1]], Count: o.N}
	gr := f.Kind.GroupResource()
	errorOf := func(name string) error {
		switch part[2] {
		case "internal":
			return apierrors.NewInternalError(fmt.Errorf("etcdserver: leader changed"))
		case "quota":
			return apierrors.NewForbidden(gr, name, fmt.Errorf("exceeded quota: q"))
		case "conflict":
			return apierrors.NewConflict(gr, name, fmt.Errorf("the object has been modified"))
		case "timeout":
			return apierrors.NewTimeoutError("request did not complete", 1)
		case "exists":
			return apierrors.NewAlreadyExists(gr, name)
		}
		return apierrors.NewNotFound(gr, name)
	}
	name := map[apiserver.Kind]func(int) string{apiserver.Pod: podName, apiserver.PersistentVolumeClaim: claimName}[f.Kind]
	if name == nil {
		f.Err = errorOf(setName)
		p.fail(f)
		return
	}
	for n := range maxOrdinal + 1 {
		f.Key = apiserver.Key{Namespace: namespace, Name: name(n)}
		f.Err = errorOf(f.Key.Name)
		p.fail(f)
	}
}

// collect does once what the garbage collector does: dependents of the gone go,
// a set that waits for its dependents has them deleted or orphaned.
func (p *player) collect() {
	set, _ := p.get(apiserver.StatefulSet, setName).(*appsv1.StatefulSet)
	waiting := false
	for _, kind := range []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.ControllerRevision} {
		for _, o := range p.list(kind) {
			ref := metav1.GetControllerOf(o)
			if ref == nil || ref.UID == stranger.UID {
				continue
			}
			held := set != nil && ref.UID == set.UID
			switch {
			case held && slices.Contains(set.Finalizers, metav1.FinalizerOrphanDependents):
				p.disown(kind, o, ref.UID)
			case held && slices.Contains(set.Finalizers, metav1.FinalizerDeleteDependents), !held && !p.exists(ref):
				waiting = true
				if o.GetDeletionTimestamp() == nil {
					p.delete(kind, o.GetName())
				}
			}
		}
	}
	if set != nil && set.DeletionTimestamp != nil && !waiting {
		edit(p, apiserver.StatefulSet, setName, apiserver.None, func(s *appsv1.StatefulSet) { s.Finalizers = nil })
	}
}

func (p *player) disown(kind apiserver.Kind, o apiserver.Object, uid types.UID) {
	p.do(apiserver.Request{Verb: apiserver.Patch, Kind: kind, Key: apiserver.KeyOf(o), UID: o.GetUID(), Patch: controller.Release{Owner: uid}})
}

// exists reports whether the set or pod of a reference is there.
func (p *player) exists(ref *metav1.OwnerReference) bool {
	kind := apiserver.StatefulSet
	if ref.Kind == "Pod" {
		kind = apiserver.Pod
	}
	o := p.get(kind, ref.Name)
	return o != nil && o.GetUID() == ref.UID
}
