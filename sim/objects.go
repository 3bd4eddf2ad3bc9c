package sim

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume"
)

// Object is an API object of a type in k8s.io/api.
type Object = apiserver.Object

// DefaultNamespace is used where a namespaced object or call names none.
const DefaultNamespace = "default"

// Create stores a new object and returns it as the server completed it.
func (c *Cluster) Create(obj Object) (Object, error) {
	kind := apiserver.KindOf(obj)
	if kind == 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %T", obj))
	}
	obj = own(obj, kind)
	return c.do(apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj})
}

// CreatePool creates the volumes of a pool of NFS exports.
func (c *Cluster) CreatePool(pool volume.NFSPool) error {
	volumes, err := pool.Volumes()
	if err != nil {
		return err
	}
	for _, pv := range volumes {
		if _, err := c.Create(pv); err != nil {
			return err
		}
	}
	return nil
}

// Update replaces an object; everything but its status. The resourceVersion, if
// set, must be the stored one's.
func (c *Cluster) Update(obj Object) (Object, error) { return c.updateAt(obj, apiserver.None) }

// UpdateStatus replaces the status of an object.
func (c *Cluster) UpdateStatus(obj Object) (Object, error) { return c.updateAt(obj, apiserver.Status) }

func (c *Cluster) updateAt(obj Object, sub apiserver.Subresource) (Object, error) {
	kind := apiserver.KindOf(obj)
	if kind == 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("no kind of this server: %T", obj))
	}
	obj = own(obj, kind)
	return c.do(apiserver.Request{Verb: apiserver.Update, Kind: kind, Subresource: sub, Key: apiserver.KeyOf(obj), Object: obj})
}

// Patch changes an object by a patch of the given type: strategic merge, merge
// or JSON. Unknown fields are dropped, with the warnings that kubectl prints.
func (c *Cluster) Patch(kind apiserver.Kind, namespace, name string, typ types.PatchType, patch string) (Object, []string, error) {
	res := c.result(apiserver.Request{Verb: apiserver.Patch, Kind: kind, Key: keyFor(kind, namespace, name),
		Patch: apiserver.RawPatch{Type: typ, Data: patch}})
	return copyOf(res.Object), res.Warnings, res.Err
}

// Scale sets the replicas of a StatefulSet.
func (c *Cluster) Scale(namespace, name string, replicas int32) error {
	key := keyFor(apiserver.StatefulSet, namespace, name)
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	scale.Namespace, scale.Name = key.Namespace, key.Name
	_, err := c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Subresource: apiserver.Scale, Key: key, Object: scale})
	return err
}

// SetImage sets the image of a container, or init container, in a StatefulSet's
// template. The container "*" means all of them.
func (c *Cluster) SetImage(namespace, name, container, image string) error {
	set, err := Get[*appsv1.StatefulSet](c, namespace, name)
	if err != nil {
		return err
	}
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
	_, err = c.Update(set)
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
	objs, err := c.List(apiserver.KindOf(zero), namespace, selector)
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
	return c.do(apiserver.Request{Verb: apiserver.Get, Kind: kind, Key: keyFor(kind, namespace, name)})
}

// List returns the objects of a kind in a namespace (empty means all), by
// namespace and name, that match a label selector (empty means all).
func (c *Cluster) List(kind apiserver.Kind, namespace, selector string) ([]Object, error) {
	if kind == 0 {
		return nil, apierrors.NewBadRequest("no kind of this server")
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
	if req.Key.Name == "" && (req.Verb != apiserver.Create || req.Object.GetGenerateName() == "") {
		return apiserver.Result{Err: apierrors.NewBadRequest("resource name may not be empty")}
	}
	res := c.host.Do(apiserver.User, req)
	c.collect()
	return res
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
	return obj.DeepCopyObject().(Object)
}

func keyFor(kind apiserver.Kind, namespace, name string) apiserver.Key {
	switch {
	case kind == 0 || !kind.Namespaced():
		return apiserver.Key{Name: name}
	case namespace == "":
		namespace = DefaultNamespace
	}
	return apiserver.Key{Namespace: namespace, Name: strings.TrimSpace(name)}
}
