package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Call is a request with its answer.
type Call struct {
	Req apiserver.Request
	Err error
}

func (c Call) String() string {
	sub := ""
	if c.Req.Subresource == apiserver.Status {
		sub = "/status"
	}
	s := fmt.Sprintf("%s %s%s %s", verbs[c.Req.Verb], c.Req.Kind, sub, c.Req.Key.Name)
	if c.Req.UID != "" {
		s += " uid=" + string(c.Req.UID)
	}
	if c.Req.Patch != nil {
		s += fmt.Sprintf(" %T", c.Req.Patch)
	}
	if c.Err != nil {
		s += " → " + c.Err.Error()
	}
	return s
}

var verbs = [...]string{apiserver.Get: "get", apiserver.Create: "create", apiserver.Update: "update",
	apiserver.Patch: "patch", apiserver.Delete: "delete"}

// wire carries requests to a server, with faults, and takes them down. Upstream
// uses it from several goroutines at once.
type wire struct {
	mu     sync.Mutex
	serve  func(apiserver.Request) apiserver.Result
	faults []Fault
	claims int            // how many claim templates the set has
	hits   map[string]int // by fault and object: how many requests matched
	calls  []Call
}

func newWire(serve func(apiserver.Request) apiserver.Result, s *State) *wire {
	return &wire{serve: serve, faults: s.Faults, claims: len(s.Set.Claims), hits: map[string]int{}}
}

func (w *wire) do(req apiserver.Request) apiserver.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if pod, ok := req.Object.(*corev1.Pod); ok {
		req.Object = w.sorted(pod)
	}
	taken := req
	if req.Object != nil {
		taken.Object = apiserver.ShallowCopy(req.Object)
	}
	res := w.answer(req)
	w.calls = append(w.calls, Call{taken, res.Err})
	return res
}

// sorted returns a pod with the volumes of its claims, which come first, in the
// order of their names: upstream's order is that of a map, and shows in the
// texts of errors.
func (w *wire) sorted(pod *corev1.Pod) *corev1.Pod {
	if w.claims < 2 || len(pod.Spec.Volumes) < w.claims {
		return pod
	}
	p := *pod
	p.Spec.Volumes = slices.Clone(pod.Spec.Volumes)
	slices.SortStableFunc(p.Spec.Volumes[:w.claims], func(a, b corev1.Volume) int { return strings.Compare(a.Name, b.Name) })
	return &p
}

func (w *wire) answer(req apiserver.Request) apiserver.Result {
	for i := range w.faults {
		f := &w.faults[i]
		if !f.matches(&req) {
			continue
		}
		key := fmt.Sprint(i, req.Verb, req.Kind, req.Key)
		n := w.hits[key]
		w.hits[key] = n + 1
		if n < f.Skip || n >= f.Skip+f.Count {
			continue
		}
		if f.Kind == FaultLost {
			w.serve(req)
		}
		return apiserver.Result{Err: f.error(&req)}
	}
	return w.serve(req)
}

func (f *Fault) matches(req *apiserver.Request) bool {
	return (f.Verb == "" || f.Verb == verbs[req.Verb]) && (f.What == "" || f.What == req.Kind.String()) &&
		(f.Only < 0 || ordinalIn(req.Key.Name) == f.Only)
}

func (f *Fault) error(req *apiserver.Request) error {
	gr, name := req.Kind.GroupResource(), req.Key.Name
	switch f.Kind {
	case FaultInternal:
		return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
	case FaultQuota:
		return apierrors.NewForbidden(gr, name, errors.New("exceeded quota: q"))
	case FaultConflict:
		return apierrors.NewConflict(gr, name, errors.New("the object has been modified"))
	case FaultNotFound:
		return apierrors.NewNotFound(gr, name)
	case FaultExists:
		return apierrors.NewAlreadyExists(gr, name)
	case FaultInvalid:
		return apierrors.NewInvalid(req.Kind.GroupVersionKind().GroupKind(), name,
			field.ErrorList{field.Invalid(field.NewPath("spec"), "x", "made up")})
	case FaultTimeout:
		return apierrors.NewTimeoutError("request did not complete", 1)
	case FaultLost:
		return errors.New("unexpected EOF")
	}
	return errors.New("connection refused")
}

// ordinalIn returns the number at the end of a name, or -1.
func ordinalIn(name string) int {
	i := strings.LastIndexByte(name, '-')
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	if i < 0 || err != nil {
		return -1
	}
	return int(n)
}
