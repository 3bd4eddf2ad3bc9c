package collecting

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// kinds are those that the collector watches.
var kinds = []apiserver.Kind{apiserver.Namespace, apiserver.Node, apiserver.StatefulSet, apiserver.ControllerRevision,
	apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.Service}

// owner is an owner reference before it is known which UID it means.
type owner struct {
	object
	// ago says which of the objects under the key is meant: the latest, the one
	// before. Where there is none, a UID is made up.
	ago int
	// kindAs, nameAs and versionAs are what the reference says instead of the truth.
	kindAs, nameAs, versionAs string
	block                     *bool
	controller                *bool
}

func (o owner) String() string {
	s := fmt.Sprintf("%v~%d", o.object, o.ago)
	if o.kindAs+o.nameAs+o.versionAs != "" {
		s += fmt.Sprintf(" as %q %q %q", o.versionAs, o.kindAs, o.nameAs)
	}
	return s + mark("c", o.controller) + mark("b", o.block)
}

func (o owner) ref(d *diary) metav1.OwnerReference {
	gvk := o.kind.GroupVersionKind()
	r := metav1.OwnerReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: o.key.Name,
		Controller: o.controller, BlockOwnerDeletion: o.block}
	uids := d.born[o.object]
	if i := len(uids) - 1 - o.ago; i >= 0 {
		r.UID = uids[i]
	} else {
		r.UID = types.UID(fmt.Sprintf("nobody-%s-%s-%d", gvk.Kind, o.key.Name, o.ago))
	}
	for _, as := range []struct {
		is   *string
		says string
	}{{&r.Kind, o.kindAs}, {&r.Name, o.nameAs}, {&r.APIVersion, o.versionAs}} {
		if as.says != "" {
			*as.is = as.says
		}
	}
	return r
}

func refs(owners []owner, d *diary) []metav1.OwnerReference {
	var list []metav1.OwnerReference
	for _, o := range owners {
		list = append(list, o.ref(d))
	}
	return list
}

// step is one request of a user, followed by a span in which the collector
// runs. It is data: it is played to two servers.
type step struct {
	verb string // create, delete, owners, finalizers, touch
	object
	owners      []owner
	finalizers  []string
	node        string // of a pod
	propagation metav1.DeletionPropagation
	grace       *int64
	faults      []fault
	ambush      *ambush
	pause       time.Duration
}

func (s step) String() string {
	text := fmt.Sprintf("%s %v", s.verb, s.object)
	switch s.verb {
	case "create":
		text += fmt.Sprintf(" owners %v finalizers %v node %q", s.owners, s.finalizers, s.node)
	case "owners":
		text += fmt.Sprintf(" %v", s.owners)
	case "finalizers":
		text += fmt.Sprintf(" %v", s.finalizers)
	case "delete":
		text += " " + string(s.propagation)
		if s.grace != nil {
			text += fmt.Sprintf(" grace=%d", *s.grace)
		}
	}
	for _, f := range s.faults {
		text += fmt.Sprintf("; fails %d: %s %s %v %s", f.count, verbs[f.verb], f.kind, f.key, f.class)
	}
	if a := s.ambush; a != nil {
		text += fmt.Sprintf("; behind %s %s %v: %v", verbs[a.verb], a.kind, a.key, a.step)
	}
	return text
}

// request returns what is asked of a server, or false if there is nothing to
// ask.
func (s step) request(server *apiserver.Server, d *diary) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: s.key}
	old := server.Get(s.kind, s.key)
	switch s.verb {
	case "create":
		req.Verb, req.Object = apiserver.Create, s.made(d)
		return req, old == nil
	case "delete":
		req.Verb, req.Propagation, req.GracePeriodSeconds = apiserver.Delete, s.propagation, s.grace
		return req, old != nil
	}
	if old == nil {
		return req, false
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	switch s.verb {
	case "owners":
		req.Object.SetOwnerReferences(refs(s.owners, d))
	case "finalizers":
		req.Object.SetFinalizers(s.finalizers)
	case "touch":
		req.Object.SetAnnotations(map[string]string{"touched": fmt.Sprint(server.Version())})
	}
	return req, true
}

// made returns a valid object.
func (s step) made(d *diary) apiserver.Object {
	labels := map[string]string{"app": s.key.Name}
	container := corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}}
	var o apiserver.Object
	switch s.kind {
	case apiserver.Namespace:
		o = &corev1.Namespace{}
	case apiserver.Node:
		o = &corev1.Node{}
	case apiserver.StatefulSet:
		o = &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: container}}}
	case apiserver.ControllerRevision:
		o = &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: []byte(`{"a":1}`)}, Revision: 1}
	case apiserver.Pod:
		o = &corev1.Pod{Spec: container}
		o.(*corev1.Pod).Spec.NodeName = s.node
	case apiserver.PersistentVolumeClaim:
		o = &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}}
	case apiserver.Service:
		o = &corev1.Service{Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: labels}}
	default:
		panic(fmt.Sprintf("collecting: no %s", s.kind))
	}
	o.SetNamespace(s.key.Namespace)
	o.SetName(s.key.Name)
	o.SetOwnerReferences(refs(s.owners, d))
	o.SetFinalizers(s.finalizers)
	return o
}

// script is a history's input: what there is when the collector starts, and
// what happens then.
type script struct {
	before, steps []step
}

func (s script) String() string {
	var b strings.Builder
	for _, st := range s.before {
		fmt.Fprintf(&b, "    %v\n", st)
	}
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%2d. %v, then %v\n", i, st, st.pause)
	}
	return b.String()
}
