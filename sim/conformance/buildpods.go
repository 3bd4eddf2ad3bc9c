package conformance

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/controller/history"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func (c *cluster) buildPods() {
	for i := range c.state.Pods {
		p := &c.state.Pods[i]
		obj := c.do(apiserver.Request{Verb: apiserver.Create, Object: c.pod(p)})
		if p.Terminating {
			c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(obj)})
			obj = c.host.Server().Get(apiserver.Pod, apiserver.KeyOf(obj))
		}
		pod := obj.(*corev1.Pod).DeepCopy()
		pod.Status.Phase = p.Phase
		if p.Ready != "" {
			cond := corev1.PodCondition{Type: corev1.PodReady, Status: p.Ready}
			if p.ReadyAgo != nil {
				cond.LastTransitionTime = metav1.Time{Time: apiserver.WallTime(0).Add(now - time.Duration(*p.ReadyAgo)*time.Second)}
			}
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: "True"}, cond}
		}
		c.do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Object: pod})
	}
}

// pod is a pod as somebody created it.
func (c *cluster) pod(p *PodState) *corev1.Pod {
	s := &c.state.Set
	t := s.template(s.Image)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: namespace, Finalizers: t.Finalizers,
			Labels: map[string]string{"app": setName, appsv1.StatefulSetPodNameLabel: p.Name}},
		Spec: t.Spec,
	}
	pod.Spec.NodeName = "node-1" // else a deletion is not graceful
	if ref := c.refOf(p.Owner, 0); ref != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*ref}
	}
	if r := c.revision(p.Revision); r != "" {
		pod.Labels[appsv1.StatefulSetRevisionLabel] = r
	}
	if p.Unselected {
		pod.Labels["app"] = "other"
	}
	switch p.NameLabel {
	case LabelMissing:
		delete(pod.Labels, appsv1.StatefulSetPodNameLabel)
	case LabelWrong:
		pod.Labels[appsv1.StatefulSetPodNameLabel] = "web-77"
	}
	if p.NoLabels {
		pod.Labels = nil
	}
	var volumes []corev1.Volume
	for i, name := range s.Claims {
		v := corev1.Volume{Name: name}
		claim := fmt.Sprintf("%s-%s-%d", name, setName, ordinalIn(p.Name))
		switch {
		case p.Volumes == VolumesMissing && i == len(s.Claims)-1:
			continue
		case p.Volumes == VolumesOther && i == 0:
			claim += "-old"
		case p.Volumes == VolumesEmpty && i == 0:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
		if v.EmptyDir == nil {
			v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}
		}
		volumes = append(volumes, v)
	}
	for _, v := range pod.Spec.Volumes { // of the template
		if !s.hasClaim(v.Name) {
			volumes = append(volumes, v)
		}
	}
	pod.Spec.Volumes = volumes
	return pod
}

func (s *SetState) hasClaim(name string) bool {
	for _, c := range s.Claims {
		if c == name {
			return true
		}
	}
	return false
}

func (c *cluster) buildClaims() {
	for i := range c.state.Claims {
		cl := &c.state.Claims[i]
		claim := c.state.Set.claimTemplate(cl.Template)
		claim.Name, claim.Namespace = cl.Template+"-"+setName+"-"+strconv.Itoa(cl.Ordinal), namespace
		for _, o := range cl.Owners {
			if ref := c.refOf(o, cl.Ordinal); ref != nil && !hasConflict(claim.OwnerReferences, ref) {
				claim.OwnerReferences = append(claim.OwnerReferences, *ref)
			}
		}
		obj := c.do(apiserver.Request{Verb: apiserver.Create, Object: &claim})
		if cl.Deleting {
			c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(obj)})
		}
	}
}

// hasConflict reports whether an object cannot have one more owner: only one
// may control it.
func hasConflict(refs []metav1.OwnerReference, ref *metav1.OwnerReference) bool {
	for i := range refs {
		if refs[i].UID == ref.UID || refs[i].Controller != nil && *refs[i].Controller && ref.Controller != nil && *ref.Controller {
			return true
		}
	}
	return false
}

func (c *cluster) buildStatus() {
	st := &c.state.Set.Status
	set := c.set().DeepCopy()
	s := appsv1.StatefulSetStatus{
		ObservedGeneration: max(set.Generation-st.Observed, 0),
		Replicas:           st.Replicas, ReadyReplicas: st.Ready, AvailableReplicas: st.Available,
		CurrentReplicas: st.CurrentN, UpdatedReplicas: st.UpdatedN,
		CurrentRevision: c.revision(st.Current), UpdateRevision: c.revision(st.Update),
		CollisionCount: st.Collisions,
	}
	then := apiserver.Stamp(c.engine.Now())
	if st.OtherCondition {
		s.Conditions = append(s.Conditions, appsv1.StatefulSetCondition{Type: "Example", Status: "True", Reason: "Because", LastTransitionTime: then})
	}
	if st.Progressing != "" {
		cond := appsv1.StatefulSetCondition{Type: appsv1.StatefulSetProgressing, Status: st.Progressing, Reason: st.ProgressingReason, LastTransitionTime: then}
		switch st.ProgressingReason {
		case "RecreateInProgress":
			cond.Message = "Deleting old revision pods"
		case "RecreateCompleted":
			cond.Message = "All pods recreated successfully"
		}
		s.Conditions = append(s.Conditions, cond)
	}
	set.Status = s
	c.do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Object: set})
}

// write does what somebody else does behind the controllers' backs.
func (c *cluster) write(w *Write) {
	switch w.Kind {
	case WriteDeletePod, WriteReplacePod:
		c.deletePod(c.pick(apiserver.Pod, w), w.Kind == WriteReplacePod)
	case WriteOwnPod:
		if obj := c.pick(apiserver.Pod, w); obj != nil {
			pod := obj.(*corev1.Pod).DeepCopy()
			pod.OwnerReferences = []metav1.OwnerReference{*c.refOf(OwnerForeign, 0)}
			c.try(apiserver.Request{Verb: apiserver.Update, Object: pod})
		}
	case WriteCreatePod:
		c.try(apiserver.Request{Verb: apiserver.Create, Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("%s-%d", setName, w.Index)},
			Spec: c.state.Set.template(0).Spec}})
	case WriteCreateClaim:
		if n := len(c.state.Set.Claims); n > 0 {
			claim := c.state.Set.claimTemplate(c.state.Set.Claims[0])
			claim.Namespace, claim.Name = namespace, fmt.Sprintf("%s-%s-%d", claim.Name, setName, w.Index)
			c.try(apiserver.Request{Verb: apiserver.Create, Object: &claim})
		}
	case WriteCreateRevision:
		c.createRevision(w)
	case WriteDeleteSet, WriteReplaceSet:
		c.deleteSet(w.Kind == WriteReplaceSet)
	case WriteDeleteClaim:
		c.delete(c.pick(apiserver.PersistentVolumeClaim, w))
	case WriteDeleteRevision:
		c.delete(c.pick(apiserver.ControllerRevision, w))
	case WriteTouchPod:
		c.touch(c.pick(apiserver.Pod, w))
	case WriteTouchClaim:
		c.touch(c.pick(apiserver.PersistentVolumeClaim, w))
	case WriteTouchSet:
		c.touch(c.pick(apiserver.StatefulSet, w))
	case WriteTouchRevision:
		c.touch(c.pick(apiserver.ControllerRevision, w))
	}
}

// pick returns the object that a write is about, or nil if there is none.
func (c *cluster) pick(kind apiserver.Kind, w *Write) apiserver.Object {
	if list := c.host.Server().List(kind, namespace); len(list) > 0 {
		return list[w.Index%len(list)]
	}
	return nil
}

// touch gives an object a new version.
func (c *cluster) touch(obj apiserver.Object) {
	if obj != nil {
		next := obj.DeepCopyObject().(apiserver.Object)
		next.SetAnnotations(map[string]string{"touched": "yes"})
		c.try(apiserver.Request{Verb: apiserver.Update, Object: next})
	}
}

func (c *cluster) delete(obj apiserver.Object) {
	if obj != nil {
		c.try(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj)})
	}
}

// deletePod deletes a pod at once, and perhaps creates another in its place.
func (c *cluster) deletePod(obj apiserver.Object, again bool) {
	if obj == nil {
		return
	}
	c.try(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(obj), GracePeriodSeconds: new(int64)})
	if again {
		c.try(apiserver.Request{Verb: apiserver.Create, Object: c.pod(&PodState{Name: obj.GetName(), Revision: -1, Owner: OwnerNone})})
	}
}

// createRevision creates a revision with the name that the set's template asks for.
func (c *cluster) createRevision(w *Write) {
	data := c.dataOf(c.state.Set.Image, ContentWhole)
	name := history.ControllerRevisionName(setName, hashOf(data, int32(w.Index%2)))
	if !w.Same {
		data = c.dataOf(c.state.Set.Image+1, ContentWhole)
	}
	c.try(apiserver.Request{Verb: apiserver.Create, Object: &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: runtime.RawExtension{Raw: data}, Revision: 9}})
}

// deleteSet deletes the set, and perhaps creates another one in its place.
func (c *cluster) deleteSet(again bool) {
	set := c.set()
	if set == nil {
		return
	}
	c.try(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet, Key: key})
	if again && len(set.Finalizers) == 0 {
		next := set.DeepCopy()
		next.ObjectMeta = metav1.ObjectMeta{Name: setName, Namespace: namespace}
		c.try(apiserver.Request{Verb: apiserver.Create, Object: next})
	}
}
