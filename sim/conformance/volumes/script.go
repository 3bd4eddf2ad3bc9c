package volumes

import (
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// step is one request of a user, followed by a span in which the controllers
// run. It is data: it is played to two servers.
type step struct {
	verb   string // create, delete, or the name of an edit
	object apiserver.Object
	kind   apiserver.Kind
	key    apiserver.Key
	value  string
	pause  time.Duration
	fault  fault
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s", s.verb, s.kind, s.key)
	if s.value != "" {
		text += " " + s.value
	}
	if s.object != nil {
		text += " " + shown(s.object)
	}
	return fmt.Sprintf("%s, then %v%v", text, s.pause, s.fault)
}

// request returns what is asked of a server, or false if there is nothing left
// to ask.
func (s step) request(server *apiserver.Server) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: s.key}
	switch s.verb {
	case "create":
		req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
		return req, true
	case "delete":
		zero := int64(0)
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, &zero
		return req, server.Get(s.kind, s.key) != nil
	}
	old := server.Get(s.kind, s.key)
	if old == nil {
		return req, false
	}
	next := old.DeepCopyObject().(apiserver.Object)
	req.Verb = apiserver.Update
	switch o := next.(type) {
	case *corev1.PersistentVolume:
		claim, _ := server.Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: s.value}).(*corev1.PersistentVolumeClaim)
		if s.verb == "prebind" && (claim == nil || o.Spec.ClaimRef != nil) {
			return req, false
		}
		s.editVolume(o, claim)
	case *corev1.PersistentVolumeClaim:
		s.editClaim(o)
	case *storagev1.StorageClass:
		o.Annotations = map[string]string{defaultClass: s.value}
	case *corev1.Pod:
		o.Status.Phase = corev1.PodSucceeded
		req.Subresource = apiserver.Status
	}
	req.Object = next
	return req, true
}

// editVolume changes a volume. The claim is that of the value's name, or nil.
func (s step) editVolume(v *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) {
	switch s.verb {
	case "prebind": // the scheduler's part of a delayed binding (GetBindVolumeToClaim)
		v.Spec.ClaimRef = &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion}
		v.Annotations = maps.Clone(v.Annotations)
		if v.Annotations == nil {
			v.Annotations = map[string]string{}
		}
		v.Annotations["pv.kubernetes.io/bound-by-controller"] = "yes"
	case "free":
		v.Spec.ClaimRef = nil
	case "reserve":
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: s.value}
	case "forget-uid":
		if v.Spec.ClaimRef != nil {
			v.Spec.ClaimRef.UID = ""
		}
	case "policy":
		v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimPolicy(s.value)
	case "unprotect":
		v.Finalizers = nil
	case "label":
		v.Labels = map[string]string{"tier": s.value}
	}
}

func (s step) editClaim(c *corev1.PersistentVolumeClaim) {
	switch s.verb {
	case "select-node":
		c.Annotations = maps.Clone(c.Annotations)
		if c.Annotations == nil {
			c.Annotations = map[string]string{}
		}
		c.Annotations["volume.kubernetes.io/selected-node"] = s.value
	case "name-volume":
		if c.Spec.VolumeName == "" {
			c.Spec.VolumeName = s.value
		}
	case "unmark":
		c.Annotations = nil
	case "grow":
		c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(s.value)}
	}
}

// script is a history's input.
type script struct {
	seed    uint64 // of upstream's spans
	classes []*storagev1.StorageClass
	steps   []step
}

func (s script) String() string {
	var b strings.Builder
	for _, c := range s.classes {
		fmt.Fprintf(&b, "class %s %s %s default=%s\n", c.Name, c.Provisioner, *c.VolumeBindingMode, c.Annotations[defaultClass])
	}
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%2d. %v\n", i, st)
	}
	return b.String()
}

// before returns the requests that every history begins with.
func (s script) before() []apiserver.Request {
	objs := []apiserver.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}
	for _, c := range s.classes {
		objs = append(objs, c)
	}
	var reqs []apiserver.Request
	for _, o := range objs {
		copied := o.DeepCopyObject().(apiserver.Object)
		reqs = append(reqs, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: copied})
	}
	return reqs
}
