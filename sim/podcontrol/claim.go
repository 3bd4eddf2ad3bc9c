package podcontrol

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Claimer takes over and lets go of objects for an owner
// (PodControllerRefManager, ReplicaSetControllerRefManager).
type Claimer struct {
	Owner     apiserver.Object
	OwnerKind apiserver.Kind
	Finalizer string // that adopted objects get and released ones lose
	// Patched is told of every object that was adopted or released.
	Patched func(obj apiserver.Object)

	checked bool
	refused error
}

// Claim releases the owned objects that do not match and adopts the orphans that
// do, in that order, and returns those that it has adopted, as they were
// (W1, ClaimObject). An owner that is being deleted does neither.
//
// Upstream goes through all objects in an order that is nobody's; here the
// releases come first.
func (c *Claimer) Claim(r *controller.Replay, misfits, orphans []apiserver.Object) (adopted []apiserver.Object, err error) {
	if c.Owner.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	var errs []error
	for _, obj := range misfits {
		if err := c.release(r, obj); err != nil {
			errs = append(errs, err)
		}
	}
	for _, obj := range orphans {
		switch err := c.adopt(r, obj); {
		case err == nil:
			adopted = append(adopted, obj)
		case !apierrors.IsNotFound(err):
			errs = append(errs, err)
		}
	}
	return adopted, utilerrors.NewAggregate(errs)
}

func (c *Claimer) release(r *controller.Replay, obj apiserver.Object) error {
	res := r.Do(c.patch(obj, controller.Release{Owner: c.Owner.GetUID(), Finalizer: c.Finalizer}))
	switch {
	case res.Err == nil:
		r.Once(func(engine.Time) { c.Patched(res.Object) })
	case apierrors.IsNotFound(res.Err), apierrors.IsInvalid(res.Err):
		return nil
	}
	return res.Err
}

func (c *Claimer) adopt(r *controller.Replay, obj apiserver.Object) error {
	if !c.checked {
		c.checked, c.refused = true, c.recheck(r)
	}
	if c.refused != nil {
		return fmt.Errorf("can't adopt %v %v/%v (%v): %v", apiserver.KindOf(obj), obj.GetNamespace(), obj.GetName(), obj.GetUID(), c.refused)
	}
	ref := *metav1.NewControllerRef(c.Owner, c.OwnerKind.GroupVersionKind())
	res := r.Do(c.patch(obj, controller.Adopt{Owner: ref, Finalizer: c.Finalizer}))
	if res.Err == nil {
		r.Once(func(engine.Time) { c.Patched(res.Object) })
	}
	return res.Err
}

func (c *Claimer) patch(obj apiserver.Object, patch apiserver.Patcher) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), UID: obj.GetUID(), Patch: patch}
}

// recheck reads the owner from the server, once, before the first adoption
// (RecheckDeletionTimestamp).
func (c *Claimer) recheck(r *controller.Replay) error {
	key := apiserver.KeyOf(c.Owner)
	res := r.Do(apiserver.Request{Verb: apiserver.Get, Kind: c.OwnerKind, Key: key})
	if res.Err != nil {
		return fmt.Errorf("can't recheck DeletionTimestamp: %v", res.Err)
	}
	if uid := res.Object.GetUID(); uid != c.Owner.GetUID() {
		return fmt.Errorf("can't recheck DeletionTimestamp: original %v %v is gone: got uid %v, wanted %v", c.OwnerKind, key, uid, c.Owner.GetUID())
	}
	if at := res.Object.GetDeletionTimestamp(); at != nil {
		return fmt.Errorf("%v has just been deleted at %v", key, at)
	}
	return nil
}
