package whole

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/statefulset"
)

// lag is how long an answer is on its way. The server has carried the request
// out by then, so that every watch has delivered what came of it: a controller
// that waits for an answer sees its own write, on both sides.
const lag = 10 * time.Microsecond

// served is a server of ours that client-go's real REST client talks to. It is
// the transport: requests and answers are JSON, as on the wire.
type served struct {
	mu      sync.Mutex
	server  *apiserver.Server
	streams []*stream
	faults  []controller.Fault
	marks   *marks
	named   int // how many Events were given a name
}

// stream is a watch of a kind.
type stream struct {
	kind   apiserver.Kind
	events chan watchEvent
}

// watchEvent is metav1.WatchEvent with an object that is yet to be encoded.
type watchEvent struct {
	Type   watch.EventType  `json:"type"`
	Object apiserver.Object `json:"object"`
}

// streamBuffer is more than the records of a history.
const streamBuffer = 1 << 14

func newServed(gates apiserver.Gates, m *marks) *served {
	return &served{server: newServer(engine.New(engine.Strategy{}), gates), marks: m}
}

// now is the virtual time that the bubble's clock shows.
func now() engine.Time { return apiserver.VirtualTime(time.Now()) }

// do carries out a request and tells the watches.
func (s *served) do(by string, req apiserver.Request) apiserver.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	if by == statefulset.Name && req.Kind != apiserver.Event {
		if err := s.fault(&req); err != nil {
			s.marks.failed(&req, err)
			return apiserver.Result{Err: err}
		}
	}
	at := now()
	if req.Kind == apiserver.Event && req.Verb == apiserver.Create {
		// Events are named by the time, to the nanosecond. The bubble's clock
		// stands still while a batch goes on, as no real one does.
		s.named++
		req.Object.SetName(fmt.Sprintf("%s%x", req.Object.GetName(), s.named))
		req.Key.Name = req.Object.GetName()
	}
	before := s.server.Get(req.Kind, req.Key)
	res := s.server.Do(at, by, req)
	s.marks.served(at, by, &req, before, res)
	s.tell(s.server.Drain())
	return res
}

// tell hands records to the watches. The deletion of a pod that is terminating
// makes two, which the real controller may begin a sync between, or not; ours
// does not.
func (s *served) tell(records []*apiserver.Record) {
	for i, rec := range records {
		if i+1 < len(records) && records[i+1].Key == rec.Key && records[i+1].Kind == rec.Kind {
			continue
		}
		for _, o := range s.streams {
			if o.kind == rec.Kind {
				o.events <- watchEvent{rec.Type, apiserver.WithKind(rec.Object)}
			}
		}
	}
}

// fault is controller.Host's: the first that matches strikes.
func (s *served) fault(req *apiserver.Request) error {
	for i := range s.faults {
		f := &s.faults[i]
		if f.Verb != req.Verb || f.Kind != req.Kind || f.Key != (apiserver.Key{}) && f.Key != req.Key {
			continue
		}
		err := f.Err
		if f.Count--; f.Count <= 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return err
	}
	return nil
}

// end closes all watches.
func (s *served) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.streams {
		close(o.events)
	}
	s.streams = nil
}

var kindOf = map[string]apiserver.Kind{
	"pods": apiserver.Pod, "persistentvolumeclaims": apiserver.PersistentVolumeClaim, "statefulsets": apiserver.StatefulSet,
	"controllerrevisions": apiserver.ControllerRevision, "events": apiserver.Event,
}

// RoundTrip implements http.RoundTripper.
func (s *served) RoundTrip(r *http.Request) (*http.Response, error) {
	req, err := requestOf(r)
	if err != nil {
		panic(err) // an error would only have the controller try again
	}
	if r.Method == http.MethodGet && req.Key.Name == "" {
		if r.URL.Query().Get("watch") == "" {
			panic(fmt.Sprintf("whole: upstream lists %s, and does not watch", req.Kind))
		}
		return response(http.StatusOK, s.watch(req.Kind)), nil
	}
	res := s.do(statefulset.Name, req)
	time.Sleep(lag)
	if res.Err != nil {
		return refusal(res.Err)
	}
	return encoded(http.StatusOK, apiserver.WithKind(res.Object))
}

// requestOf reads a request of the API: /api/v1/namespaces/N/RESOURCE/NAME/SUB,
// /apis/apps/v1/…, or without namespace.
func requestOf(r *http.Request) (apiserver.Request, error) {
	var req apiserver.Request
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	path = path[min(len(path), map[string]int{"api": 2, "apis": 3}[path[0]]):]
	if len(path) > 2 && path[0] == "namespaces" {
		req.Key.Namespace, path = path[1], path[2:]
	}
	if len(path) == 0 || kindOf[path[0]] == 0 {
		return req, fmt.Errorf("whole: upstream asks for %s %s", r.Method, r.URL)
	}
	req.Kind = kindOf[path[0]]
	if len(path) > 1 {
		req.Key.Name = path[1]
	}
	if len(path) > 2 {
		if path[2] != "status" {
			return req, fmt.Errorf("whole: upstream asks for %s", r.URL)
		}
		req.Subresource = apiserver.Status
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return req, err
		}
	}
	switch r.Method {
	case http.MethodGet:
		req.Verb = apiserver.Get
	case http.MethodPost, http.MethodPut:
		obj, err := runtime.Decode(decoder, body)
		if err != nil {
			return req, err
		}
		req.Object = obj.(apiserver.Object)
		if req.Object.GetNamespace() == "" { // rest.EnsureObjectNamespaceMatchesRequestNamespace
			req.Object.SetNamespace(req.Key.Namespace)
		}
		req.Verb, req.Key.Name = apiserver.Update, req.Object.GetName()
		if r.Method == http.MethodPost {
			req.Verb = apiserver.Create
		}
	case http.MethodPatch:
		req.Verb, req.Patch = apiserver.Patch, apiserver.RawPatch{Type: types.PatchType(r.Header.Get("Content-Type")), Data: string(body)}
	case http.MethodDelete:
		obj, err := runtime.Decode(decoder, body)
		if err != nil {
			return req, err
		}
		if opts := obj.(*metav1.DeleteOptions); opts.Preconditions != nil || opts.GracePeriodSeconds != nil || opts.PropagationPolicy != nil {
			return req, fmt.Errorf("whole: a deletion with options: %s", body)
		}
		req.Verb = apiserver.Delete
	default:
		return req, fmt.Errorf("whole: method %s", r.Method)
	}
	return req, nil
}

// watch begins a watch with what there is and a bookmark at the end of it, as
// sendInitialEvents asks for.
func (s *served) watch(kind apiserver.Kind) io.ReadCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &stream{kind, make(chan watchEvent, streamBuffer)}
	for _, rec := range s.server.Live(kind) {
		o.events <- watchEvent{watch.Added, apiserver.WithKind(rec.Object)}
	}
	o.events <- watchEvent{watch.Bookmark, s.bookmark(kind)}
	s.streams = append(s.streams, o)
	from, to := io.Pipe()
	go func() {
		enc := json.NewEncoder(to)
		for ev := range o.events {
			if enc.Encode(ev) != nil {
				return // the client has gone
			}
		}
		to.Close()
	}()
	return from
}

func (s *served) bookmark(kind apiserver.Kind) apiserver.Object {
	obj, err := apiserver.Scheme().New(kind.GroupVersionKind())
	if err != nil {
		panic(err)
	}
	b := obj.(apiserver.Object)
	b.SetResourceVersion(fmt.Sprint(max(s.server.Version(), 1)))
	b.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	return apiserver.WithKind(b)
}

func refusal(err error) (*http.Response, error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil, err
	}
	st := status.Status()
	st.Kind, st.APIVersion = "Status", "v1"
	return encoded(int(st.Code), &st)
}

func encoded(code int, obj any) (*http.Response, error) {
	body, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return response(code, io.NopCloser(bytes.NewReader(body))), nil
}

func response(code int, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1}
}

// newServer returns a server with the namespace of the scripts.
func newServer(e *engine.Engine, gates apiserver.Gates) *apiserver.Server {
	s := apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, Gates: gates})
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if res := s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}); res.Err != nil {
		panic(res.Err)
	}
	return s
}
