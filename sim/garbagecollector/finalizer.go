package garbagecollector

import (
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// removal is the part of a memo that removes a finalizer (removeFinalizer). It
// begins with the answer to a GET of the object.
type removal struct {
	patched bool // the patch was sent, not the GET
	tries   int
}

// removalTries is how often a conflict is met (retry.DefaultBackoff.Steps).
const removalTries = 4

// step takes an answer and returns the next request, an error, or an empty plan
// when the finalizer is gone.
func (r removal) step(known defined, item ref, finalizer string, res apiserver.Result) (controller.Plan, removal) {
	f, err := known.resource(item)
	if err != nil {
		return controller.Plan{Err: err}, r
	}
	if r.patched {
		r.tries++
		switch {
		case res.Err == nil:
			return controller.Plan{}, r
		case !apierrors.IsConflict(res.Err):
			return controller.Plan{Err: res.Err}, r
		case r.tries == removalTries:
			return controller.Plan{Err: fmt.Errorf("updateMaxRetries(%d) has reached. The garbage collector will retry later for owner %v", removalTries, item)}, r
		}
		r.patched = false
		return get(f), r
	}
	switch {
	case apierrors.IsNotFound(res.Err):
		return controller.Plan{}, r
	case res.Err != nil:
		return controller.Plan{Err: fmt.Errorf("cannot finalize owner %s, because cannot get it: %w. The garbage collector will retry later", item, res.Err)}, r
	case !isKept(res.Object, finalizer):
		return controller.Plan{}, r
	}
	r.patched = true
	return controller.Send(apiserver.Request{
		Verb: apiserver.Patch, Kind: f.kind, Key: f.key, ResourceVersion: res.Object.GetResourceVersion(),
		Patch: dropFinalizer{finalizer},
	}), r
}

func isKept(obj metav1.Object, finalizer string) bool {
	return slices.Contains(obj.GetFinalizers(), finalizer)
}

var errChanged = errors.New("the owner references of the object have changed")

// dropFinalizer removes a finalizer.
type dropFinalizer struct{ Finalizer string }

// Apply implements apiserver.Patcher.
func (p dropFinalizer) Apply(obj apiserver.Object) (apiserver.Object, error) {
	if !isKept(obj, p.Finalizer) {
		return obj, nil
	}
	next := apiserver.ShallowCopy(obj)
	next.SetFinalizers(without(obj.GetFinalizers(), func(f string) bool { return f == p.Finalizer }))
	return next, nil
}

// without returns a new list of the elements that drop does not name, or nil
// if there are none.
func without[E any](list []E, drop func(E) bool) []E {
	var kept []E
	for _, e := range list {
		if !drop(e) {
			kept = append(kept, e)
		}
	}
	return kept
}
