package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// fakeClient is a clientset that sends our requests. What upstream's sync does
// not call is nil.
type fakeClient struct {
	kubernetes.Interface
	w *wire
}

func (c *fakeClient) CoreV1() coreclient.CoreV1Interface { return coreClient{nil, c.w} }
func (c *fakeClient) AppsV1() appsclient.AppsV1Interface { return appsClient{nil, c.w} }

type coreClient struct {
	coreclient.CoreV1Interface
	w *wire
}

func (c coreClient) Pods(ns string) coreclient.PodInterface {
	return podClient{typed: typed[*corev1.Pod]{c.w, apiserver.Pod, ns, func() *corev1.Pod { return &corev1.Pod{} }}}
}

func (c coreClient) PersistentVolumeClaims(ns string) coreclient.PersistentVolumeClaimInterface {
	return claimClient{typed: typed[*corev1.PersistentVolumeClaim]{c.w, apiserver.PersistentVolumeClaim, ns,
		func() *corev1.PersistentVolumeClaim { return &corev1.PersistentVolumeClaim{} }}}
}

type appsClient struct {
	appsclient.AppsV1Interface
	w *wire
}

func (c appsClient) StatefulSets(ns string) appsclient.StatefulSetInterface {
	return setClient{typed: typed[*appsv1.StatefulSet]{c.w, apiserver.StatefulSet, ns, func() *appsv1.StatefulSet { return &appsv1.StatefulSet{} }}}
}

func (c appsClient) ControllerRevisions(ns string) appsclient.ControllerRevisionInterface {
	return revisionClient{typed: typed[*appsv1.ControllerRevision]{c.w, apiserver.ControllerRevision, ns,
		func() *appsv1.ControllerRevision { return &appsv1.ControllerRevision{} }}}
}

// typed is client-go's gentype.Client as far as a sync uses it. Like the real
// one it answers with an empty object beside an error, and refuses an empty
// name before anything is sent.
type typed[T apiserver.Object] struct {
	w         *wire
	kind      apiserver.Kind
	namespace string
	empty     func() T
}

var errNoName = errors.New("resource name may not be empty") // rest.Request.Name

func (t typed[T]) send(req apiserver.Request) (T, error) {
	req.Kind, req.Key.Namespace = t.kind, t.namespace
	if req.Key.Name == "" {
		return t.empty(), errNoName
	}
	res := t.w.do(req)
	if res.Err != nil {
		return t.empty(), res.Err
	}
	if req.Verb == apiserver.Delete {
		return t.empty(), nil
	}
	return res.Object.DeepCopyObject().(T), nil
}

func (t typed[T]) create(obj T) (T, error) {
	if obj.GetNamespace() == "" { // rest.EnsureObjectNamespaceMatchesRequestNamespace
		obj = apiserver.ShallowCopy(obj).(T)
		obj.SetNamespace(t.namespace)
	}
	return t.send(apiserver.Request{Verb: apiserver.Create, Key: apiserver.Key{Name: obj.GetName()}, Object: obj})
}

func (t typed[T]) update(obj T, sub apiserver.Subresource) (T, error) {
	return t.send(apiserver.Request{Verb: apiserver.Update, Subresource: sub, Key: apiserver.Key{Name: obj.GetName()}, Object: obj})
}

func (t typed[T]) get(name string) (T, error) {
	return t.send(apiserver.Request{Verb: apiserver.Get, Key: apiserver.Key{Name: name}})
}

func (t typed[T]) delete(name string, opts metav1.DeleteOptions) error {
	if opts.Preconditions != nil || opts.GracePeriodSeconds != nil || opts.PropagationPolicy != nil {
		panic("conformance: a deletion with options")
	}
	_, err := t.send(apiserver.Request{Verb: apiserver.Delete, Key: apiserver.Key{Name: name}})
	return err
}

func (t typed[T]) patch(name string, typ types.PatchType, data []byte) (T, error) {
	req := ownerPatch(typ, data)
	req.Verb, req.Key.Name = apiserver.Patch, name
	return t.send(req)
}

// ownerPatch reads the two patches that upstream sends: one that adds an owner
// and one that removes it, each with the object's UID as precondition. It
// panics on any other.
func ownerPatch(typ types.PatchType, data []byte) apiserver.Request {
	var p struct {
		Metadata struct {
			UID             types.UID         `json:"uid"`
			OwnerReferences []json.RawMessage `json:"ownerReferences"`
		} `json:"metadata"`
	}
	strictly(data, &p)
	if typ != types.StrategicMergePatchType || len(p.Metadata.OwnerReferences) != 1 {
		panic(fmt.Sprintf("conformance: a patch of another form: %s", data))
	}
	ref := p.Metadata.OwnerReferences[0]
	req := apiserver.Request{UID: p.Metadata.UID}
	if bytes.Contains(ref, []byte(`"$patch"`)) {
		var del struct {
			Patch string    `json:"$patch"`
			UID   types.UID `json:"uid"`
		}
		strictly(ref, &del)
		if del.Patch != "delete" {
			panic(fmt.Sprintf("conformance: a patch of another form: %s", data))
		}
		req.Patch = controller.Release{Owner: del.UID}
		return req
	}
	var owner metav1.OwnerReference
	strictly(ref, &owner)
	req.Patch = controller.Adopt{Owner: owner}
	return req
}

func strictly(data []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		panic(fmt.Sprintf("conformance: %v in %s", err, data))
	}
}

type podClient struct {
	coreclient.PodInterface
	typed typed[*corev1.Pod]
}

func (c podClient) Create(_ context.Context, o *corev1.Pod, _ metav1.CreateOptions) (*corev1.Pod, error) {
	return c.typed.create(o)
}

func (c podClient) Update(_ context.Context, o *corev1.Pod, _ metav1.UpdateOptions) (*corev1.Pod, error) {
	return c.typed.update(o, apiserver.None)
}

func (c podClient) Delete(_ context.Context, name string, opts metav1.DeleteOptions) error {
	return c.typed.delete(name, opts)
}

func (c podClient) Patch(_ context.Context, name string, typ types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*corev1.Pod, error) {
	return c.typed.patch(name, typ, data)
}

type claimClient struct {
	coreclient.PersistentVolumeClaimInterface
	typed typed[*corev1.PersistentVolumeClaim]
}

func (c claimClient) Create(_ context.Context, o *corev1.PersistentVolumeClaim, _ metav1.CreateOptions) (*corev1.PersistentVolumeClaim, error) {
	return c.typed.create(o)
}

func (c claimClient) Update(_ context.Context, o *corev1.PersistentVolumeClaim, _ metav1.UpdateOptions) (*corev1.PersistentVolumeClaim, error) {
	return c.typed.update(o, apiserver.None)
}

type setClient struct {
	appsclient.StatefulSetInterface
	typed typed[*appsv1.StatefulSet]
}

func (c setClient) Get(_ context.Context, name string, _ metav1.GetOptions) (*appsv1.StatefulSet, error) {
	return c.typed.get(name)
}

func (c setClient) UpdateStatus(_ context.Context, o *appsv1.StatefulSet, _ metav1.UpdateOptions) (*appsv1.StatefulSet, error) {
	return c.typed.update(o, apiserver.Status)
}

type revisionClient struct {
	appsclient.ControllerRevisionInterface
	typed typed[*appsv1.ControllerRevision]
}

func (c revisionClient) Get(_ context.Context, name string, _ metav1.GetOptions) (*appsv1.ControllerRevision, error) {
	return c.typed.get(name)
}

func (c revisionClient) Create(_ context.Context, o *appsv1.ControllerRevision, _ metav1.CreateOptions) (*appsv1.ControllerRevision, error) {
	return c.typed.create(o)
}

func (c revisionClient) Update(_ context.Context, o *appsv1.ControllerRevision, _ metav1.UpdateOptions) (*appsv1.ControllerRevision, error) {
	return c.typed.update(o, apiserver.None)
}

func (c revisionClient) Delete(_ context.Context, name string, opts metav1.DeleteOptions) error {
	return c.typed.delete(name, opts)
}

func (c revisionClient) Patch(_ context.Context, name string, typ types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*appsv1.ControllerRevision, error) {
	return c.typed.patch(name, typ, data)
}
