package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume"
)

// Object is an API object of a type in k8s.io/api.
type Object = apiserver.Object

// DefaultNamespace is used where a namespaced object or call names none.
const DefaultNamespace = "default"

// Create stores a new object and returns it as the server completed it. A nil
// object is a BadRequest, here as in Update and UpdateStatus.
func (c *Cluster) Create(obj Object) (Object, error) {
	c.drive("Create")
	defer c.done()
	return c.create(obj)
}

func (c *Cluster) create(obj Object) (Object, error) {
	kind, err := kindOf(obj)
	if err != nil {
		return nil, err
	}
	obj = own(obj, kind)
	return c.do(apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj})
}

// CreatePool creates the volumes of a pool of NFS exports.
func (c *Cluster) CreatePool(pool volume.NFSPool) error {
	c.drive("CreatePool")
	defer c.done()
	volumes, err := pool.Volumes()
	if err != nil {
		return err
	}
	for _, pv := range volumes {
		if _, err := c.create(pv); err != nil {
			return err
		}
	}
	return nil
}

// Update replaces an object; everything but its status. The resourceVersion, if
// set, must be the stored one's.
func (c *Cluster) Update(obj Object) (Object, error) {
	c.drive("Update")
	defer c.done()
	return c.update(obj, apiserver.None)
}

// UpdateStatus replaces the status of an object.
func (c *Cluster) UpdateStatus(obj Object) (Object, error) {
	c.drive("UpdateStatus")
	defer c.done()
	return c.update(obj, apiserver.Status)
}

func (c *Cluster) update(obj Object, sub apiserver.Subresource) (Object, error) {
	kind, err := kindOf(obj)
	if err != nil {
		return nil, err
	}
	obj = own(obj, kind)
	return c.do(apiserver.Request{Verb: apiserver.Update, Kind: kind, Subresource: sub, Key: apiserver.KeyOf(obj), Object: obj})
}

// Patch changes an object by a patch of the given type: strategic merge, merge
// or JSON. Unknown fields are dropped, with the warnings that kubectl prints.
func (c *Cluster) Patch(kind apiserver.Kind, namespace, name string, typ types.PatchType, patch string) (Object, []string, error) {
	c.drive("Patch")
	defer c.done()
	res := c.result(apiserver.Request{Verb: apiserver.Patch, Kind: kind, Key: keyFor(kind, namespace, name),
		Patch: apiserver.RawPatch{Type: typ, Data: patch}})
	return copyOf(res.Object), res.Warnings, res.Err
}

// Scale sets the replicas of a StatefulSet.
func (c *Cluster) Scale(namespace, name string, replicas int32) error {
	c.drive("Scale")
	defer c.done()
	key := keyFor(apiserver.StatefulSet, namespace, name)
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	scale.Namespace, scale.Name = key.Namespace, key.Name
	_, err := c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Subresource: apiserver.Scale, Key: key, Object: scale})
	return err
}

// SetImage sets the image of a container, or init container, in a StatefulSet's
// template. The container "*" means all of them.
func (c *Cluster) SetImage(namespace, name, container, image string) error {
	c.drive("SetImage")
	defer c.done()
	obj, err := c.read(apiserver.StatefulSet, namespace, name)
	if err != nil {
		return err
	}
	set := obj.(*appsv1.StatefulSet)
	found := false
	for _, list := range [][]corev1.Container{set.Spec.Template.Spec.InitContainers, set.Spec.Template.Spec.Containers} {
		for i := range list {
			if list[i].Name == container || container == "*" {
				list[i].Image = image
				found = true
			}
		}
	}
	if !found {
		return fmt.Errorf("unable to find container named %q in StatefulSet %s", container, name)
	}
	_, err = c.update(set, apiserver.None)
	return err
}

// DeleteOptions narrow a Delete. The zero value is kubectl's default:
// Background, and the object's own grace period.
type DeleteOptions struct {
	Propagation        metav1.DeletionPropagation
	GracePeriodSeconds *int64
	UID                types.UID
}

// Delete deletes an object, or begins to.
func (c *Cluster) Delete(kind apiserver.Kind, namespace, name string, opts ...DeleteOptions) error {
	c.drive("Delete")
	defer c.done()
	return c.delete(kind, namespace, name, opts...)
}

func (c *Cluster) delete(kind apiserver.Kind, namespace, name string, opts ...DeleteOptions) error {
	req := apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: keyFor(kind, namespace, name), Propagation: metav1.DeletePropagationBackground}
	for _, o := range opts {
		req.GracePeriodSeconds, req.UID = o.GracePeriodSeconds, o.UID
		if o.Propagation != "" {
			req.Propagation = o.Propagation
		}
	}
	_, err := c.do(req)
	return err
}

// Evict deletes a pod if its PodDisruptionBudget allows that, as `kubectl drain`
// and the cluster's own tools do: the call POST …/pods/NAME/eviction. A budget
// that allows no disruption refuses with 429 (apierrors.IsTooManyRequests), and
// its cause says how many healthy pods it needs; try again when the pods that go
// are replaced. Pods that are pending, have ended or are being deleted pass the
// budget by (N7). Of the options Propagation is none by default.
func (c *Cluster) Evict(namespace, name string, opts ...DeleteOptions) error {
	c.drive("Evict")
	defer c.done()
	key := keyFor(apiserver.Pod, namespace, name)
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, DeleteOptions: &metav1.DeleteOptions{}}
	for _, o := range opts {
		eviction.DeleteOptions.GracePeriodSeconds = o.GracePeriodSeconds
		if o.UID != "" {
			eviction.DeleteOptions.Preconditions = &metav1.Preconditions{UID: &o.UID}
		}
		if o.Propagation != "" {
			eviction.DeleteOptions.PropagationPolicy = &o.Propagation
		}
	}
	_, err := c.do(apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Eviction, Kind: apiserver.Pod, Key: key, Object: eviction})
	return err
}

// Get returns an object of type T. The namespace may be empty for cluster-wide
// kinds, and means "default" for others.
func Get[T Object](c *Cluster, namespace, name string) (T, error) {
	var zero T
	kind := apiserver.KindOf(zero)
	if kind == 0 {
		return zero, apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %T", zero))
	}
	obj, err := c.Get(kind, namespace, name)
	if err != nil {
		return zero, err
	}
	return obj.(T), nil
}

// List returns the objects of type T in a namespace (empty means all), by
// namespace and name, that match a label selector (empty means all).
func List[T Object](c *Cluster, namespace, selector string) ([]T, error) {
	var zero T
	kind := apiserver.KindOf(zero)
	if kind == 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %T", zero))
	}
	objs, err := c.List(kind, namespace, selector)
	if err != nil {
		return nil, err
	}
	list := make([]T, len(objs))
	for i := range objs {
		list[i] = objs[i].(T)
	}
	return list, nil
}

// Get returns an object by kind.
func (c *Cluster) Get(kind apiserver.Kind, namespace, name string) (Object, error) {
	defer c.end(c.look("Get"))
	return c.read(kind, namespace, name)
}

// read answers a Get. It asks the storage, not the server: nothing happens by
// it, even in the middle of another request.
func (c *Cluster) read(kind apiserver.Kind, namespace, name string) (Object, error) {
	if !kind.Exists() {
		return nil, noKind(kind)
	}
	key := keyFor(kind, namespace, name)
	if key.Name == "" {
		return nil, errNoName
	}
	obj := c.host.Server().Get(kind, key)
	if obj == nil {
		return nil, apierrors.NewNotFound(kind.GroupResource(), key.Name)
	}
	obj = copyOf(obj)
	c.renew(obj)
	return obj, nil
}

// List returns the objects of a kind in a namespace (empty means all), by
// namespace and name, that match a label selector (empty means all).
func (c *Cluster) List(kind apiserver.Kind, namespace, selector string) ([]Object, error) {
	defer c.end(c.look("List"))
	if !kind.Exists() {
		return nil, noKind(kind)
	}
	sel, err := labels.Parse(selector)
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("selector %q: %v", selector, err))
	}
	objs := slices.DeleteFunc(c.host.Server().List(kind, namespace), func(o Object) bool {
		return !sel.Matches(labels.Set(o.GetLabels()))
	})
	for i := range objs {
		objs[i] = copyOf(objs[i])
		c.renew(objs[i])
	}
	return objs, nil
}

// do sends a user's request and returns a copy of the answer.
func (c *Cluster) do(req apiserver.Request) (Object, error) {
	res := c.result(req)
	if res.Err != nil {
		return nil, res.Err
	}
	return copyOf(res.Object), nil
}

func (c *Cluster) result(req apiserver.Request) apiserver.Result {
	if !req.Kind.Exists() {
		return apiserver.Result{Err: noKind(req.Kind)}
	}
	if req.Key.Name == "" && (req.Verb != apiserver.Create || req.Object.GetGenerateName() == "") {
		return apiserver.Result{Err: errNoName}
	}
	res := c.host.Do(apiserver.User, req)
	c.collect()
	return res
}

var errNoName = apierrors.NewBadRequest("resource name may not be empty")

func noKind(kind apiserver.Kind) error {
	return apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %d", uint8(kind)))
}

// kindOf returns the kind of an object that a user gives.
func kindOf(obj Object) (apiserver.Kind, error) {
	if v := reflect.ValueOf(obj); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("the object is nil: %T", obj))
	}
	kind := apiserver.KindOf(obj)
	if kind == 0 {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %T", obj))
	}
	if u, ok := obj.(*unstructured.Unstructured); ok {
		_, err := apiserver.Plain(u)
		return kind, err
	}
	return kind, nil
}

// own returns a copy of a user's object that the server may keep, in the
// default namespace if it needs one.
func own(obj Object, kind apiserver.Kind) Object {
	obj = copyOf(obj)
	if kind.Namespaced() && obj.GetNamespace() == "" {
		obj.SetNamespace(DefaultNamespace)
	}
	return obj
}

func copyOf(obj Object) Object {
	if obj == nil {
		return nil
	}
	if u, ok := obj.(*unstructured.Unstructured); ok { // numbers of Go's own are none of its copies'
		if plain, err := apiserver.Plain(u); err == nil {
			return plain
		}
	}
	return obj.DeepCopyObject().(Object)
}

func keyFor(kind apiserver.Kind, namespace, name string) apiserver.Key {
	switch {
	case !kind.Exists() || !kind.Namespaced():
		return apiserver.Key{Name: name}
	case namespace == "":
		namespace = DefaultNamespace
	}
	return apiserver.Key{Namespace: namespace, Name: strings.TrimSpace(name)}
}
