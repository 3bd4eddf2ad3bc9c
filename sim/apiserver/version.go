package apiserver

import (
	"errors"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver/convert"
)

// servedVersion is how a kind that is served, but kept as another one, is turned into
// that and back. The results share memory with what they are made of.
type servedVersion struct {
	kind, stored Kind
	store, serve func(Object) Object
}

// versions has the kinds that are kept as another one.
var versions = func() map[Kind]*servedVersion {
	list := []*servedVersion{
		{KindOf(&eventsv1.Event{}), Event,
			func(o Object) Object { return convert.EventFromGroup(o.(*eventsv1.Event)) },
			func(o Object) Object { return convert.EventToGroup(o.(*corev1.Event)) }},
		{KindOf(&autoscalingv1.HorizontalPodAutoscaler{}), KindOf(&autoscalingv2.HorizontalPodAutoscaler{}),
			func(o Object) Object { return convert.AutoscalerFromV1(o.(*autoscalingv1.HorizontalPodAutoscaler)) },
			func(o Object) Object { return convert.AutoscalerToV1(o.(*autoscalingv2.HorizontalPodAutoscaler)) }},
	}
	m := map[Kind]*servedVersion{}
	for _, v := range list {
		m[v.kind] = v
		kinds[v.kind].stored = v.stored
	}
	return m
}()

// eventOfGroup is the Event of events.k8s.io, which is held to more.
var eventOfGroup = KindOf(&eventsv1.Event{})

// Stored returns the kind as which the server keeps the objects of a kind: itself,
// but for the second version of what is served in two. Records, Logs and the Views
// of controllers have only such kinds; requests and reads can have any.
func (k Kind) Stored() Kind {
	if k == 0 || kinds[k].stored == 0 {
		return k
	}
	return kinds[k].stored
}

// served returns an object that is kept, as a request for a kind is answered with
// it. Nil stays nil.
func served(kind Kind, obj Object) Object {
	if obj == nil || kind.Stored() == kind || KindOf(obj) != kind.Stored() {
		return obj
	}
	return versions[kind].serve(obj)
}

// In returns an object in another version of its kind, if the server serves it in
// that, or else as it is.
func In(obj Object, gv schema.GroupVersion) Object {
	kind := KindOf(obj)
	for as, v := range versions { // at most one fits
		if v.stored == kind && as.GroupVersionKind().GroupVersion() == gv {
			return v.serve(obj)
		}
		if as == kind && v.stored.GroupVersionKind().GroupVersion() == gv {
			return v.store(obj)
		}
	}
	return obj
}

func servedList(kind Kind, objs []Object) []Object {
	if kind.Stored() == kind {
		return objs
	}
	for i := range objs {
		objs[i] = served(kind, objs[i])
	}
	return objs
}

// As returns a record of the kind as which a kind is kept, as a watch of that one
// shows it.
func (r *Record) As(kind Kind) *Record {
	if r.Kind == kind || r.Kind != kind.Stored() {
		return r
	}
	return &Record{Version: r.Version, Type: r.Type, Kind: kind, Key: r.Key, Object: served(kind, r.Object), Old: served(kind, r.Old),
		Time: r.Time, By: r.By, Cause: r.Cause, place: r.place}
}

// inVersion serves a request for a kind that is kept as another one.
func (s *Server) inVersion(req Request) Result {
	kind := req.Kind
	v := versions[kind]
	req.Kind = v.stored
	if req.Object != nil && KindOf(req.Object) == kind {
		req.Object, req.Given = v.store(req.Object), false
	}
	if raw, ok := req.Patch.(RawPatch); req.Patch != nil && !(ok && raw.Type == types.ApplyYAMLPatchType) {
		if err := checkPatch(req.Patch); err != nil {
			return Result{Err: err}
		}
		req.Patch = versionPatch{req.Patch, v}
	}
	res := s.serve(&req)
	res.Err = v.rename(res.Err)
	res.Object, res.Items = served(kind, res.Object), servedList(kind, res.Items)
	return res
}

// rename says of which resource an object is not there, or not as it should be: of
// the one that was asked for. Whose fields are invalid is told by the internal kind.
func (v *servedVersion) rename(err error) error {
	was, is := v.stored.GroupResource().String(), v.kind.GroupResource().String()
	var status *apierrors.StatusError
	if was == is || !errors.As(err, &status) {
		return err
	}
	switch status.ErrStatus.Reason {
	case metav1.StatusReasonNotFound, metav1.StatusReasonAlreadyExists, metav1.StatusReasonConflict:
		next := *status
		next.ErrStatus.Message = strings.Replace(next.ErrStatus.Message, was+" ", is+" ", 1)
		if d := next.ErrStatus.Details; d != nil {
			details := *d
			details.Group = v.kind.GroupVersionKind().Group
			next.ErrStatus.Details = &details
		}
		return &next
	}
	return err
}

// versionPatch applies a patch to an object in the version in which it was written.
type versionPatch struct {
	Patcher
	version *servedVersion
}

// Apply implements Patcher. Beside warnings there is an object, too.
func (p versionPatch) Apply(obj Object) (Object, error) {
	shown := p.version.serve(obj)
	next, err := p.Patcher.Apply(shown)
	if next == nil {
		return nil, err
	}
	if next == shown {
		return obj, err
	}
	return p.version.store(next), err
}
