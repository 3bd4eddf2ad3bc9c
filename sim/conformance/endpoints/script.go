package endpoints

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const namespace = "default"

// step is a request of a user. It is data: it is played to two servers.
type step struct {
	do     string
	kind   apiserver.Kind
	name   string
	object apiserver.Object // to be created, or to take something from
	value  string
	n      int
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s", s.do, s.kind, s.name)
	if s.object != nil {
		text += " " + strings.ReplaceAll(shown(s.object), `"creationTimestamp":null,`, "")
	}
	if s.value != "" || s.n != 0 {
		text += fmt.Sprintf(" %s %d", s.value, s.n)
	}
	return text
}

// isAboutWriter reports whether a step changes a slice without changing its
// generation, so that what follows depends on who wrote it last.
func (s step) isAboutWriter() bool {
	return s.kind == apiserver.EndpointSlice && !slices.Contains([]string{"create", "delete", "strip", "unready", "unhint"}, s.do)
}

// group is what a user does at one go, and which requests of the controller
// fail meanwhile.
type group struct {
	steps  []step
	faults []fault
}

// fault has some of the controller's requests about slices fail.
type fault struct {
	verb  apiserver.Verb
	class string
	count int
}

func (f fault) err() error {
	gr := apiserver.EndpointSlice.GroupResource()
	switch f.class {
	case "conflict":
		return apierrors.NewConflict(gr, "a slice", errors.New("the object has been modified"))
	case "terminating":
		err := apierrors.NewForbidden(gr, "a slice", errors.New("the namespace is being terminated"))
		err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
		return err
	}
	return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
}

// script is a history's input.
type script struct {
	limit  int // of endpoints in a slice
	before []step
	groups []group
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "at most %d endpoints in a slice\n", s.limit)
	for _, st := range s.before {
		fmt.Fprintf(&b, "    %v\n", st)
	}
	for i, g := range s.groups {
		fmt.Fprintf(&b, "group %d, fails %v\n", i, g.faults)
		for _, st := range g.steps {
			fmt.Fprintf(&b, "    %v\n", st)
		}
	}
	return b.String()
}

// requests returns what is asked of a server, or nothing if there is nothing to
// ask.
func (s step) requests(server *apiserver.Server, now time.Duration) []apiserver.Request {
	key := apiserver.Key{Namespace: namespace, Name: s.name}
	if !s.kind.Namespaced() {
		key.Namespace = ""
	}
	if s.kind == apiserver.EndpointSlice && s.do != "create" {
		list := restOf(server, nil, nil).slices
		if len(list) == 0 {
			return nil
		}
		key = apiserver.KeyOf(list[s.n%len(list)])
	}
	old := server.Get(s.kind, key)
	req := apiserver.Request{Kind: s.kind, Key: key}
	switch {
	case s.do == "create" && old == nil:
		return s.creation(req, now)
	case s.do == "create" || old == nil:
		return nil
	case s.do == "delete" || s.do == "finish":
		req.Verb = apiserver.Delete
		if s.do == "finish" {
			req.GracePeriodSeconds = new(int64)
		}
		return []apiserver.Request{req}
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	switch o := req.Object.(type) {
	case *corev1.Pod:
		if s.do != "label" {
			req.Subresource = apiserver.Status
		}
		s.editPod(o, now)
	case *corev1.Service:
		s.editService(o)
	case *corev1.Node:
		o.Labels = map[string]string{corev1.LabelTopologyZone: s.value}
	case *discoveryv1.EndpointSlice:
		s.editSlice(o)
	}
	if s.do == "hold" { // what is held goes on being deleted
		return []apiserver.Request{req, {Verb: apiserver.Delete, Kind: req.Kind, Key: key}}
	}
	return []apiserver.Request{req}
}

// creation creates an object, and a pod with its status.
func (s step) creation(req apiserver.Request, now time.Duration) []apiserver.Request {
	req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
	pod, ok := s.object.(*corev1.Pod)
	if !ok {
		return []apiserver.Request{req}
	}
	status := pod.DeepCopy()
	for i := range status.Status.Conditions {
		status.Status.Conditions[i].LastTransitionTime = apiserver.Stamp(engine.Time(now))
	}
	return []apiserver.Request{req, {Verb: apiserver.Update, Subresource: apiserver.Status, Kind: req.Kind, Key: req.Key, Object: status}}
}

func (s step) editPod(p *corev1.Pod, now time.Duration) {
	switch s.do {
	case "label":
		p.Labels = map[string]string{"app": s.value}
	case "ready":
		for i := range p.Status.Conditions {
			c := &p.Status.Conditions[i]
			c.LastTransitionTime = apiserver.Stamp(engine.Time(now))
			if c.Status == corev1.ConditionTrue {
				c.Status = corev1.ConditionFalse
			} else {
				c.Status = corev1.ConditionTrue
			}
		}
	case "phase":
		p.Status.Phase = corev1.PodPhase(s.value)
	case "ips":
		from := s.object.(*corev1.Pod).Status
		p.Status.PodIP, p.Status.PodIPs = from.PodIP, from.PodIPs
	}
}

func (s step) editService(o *corev1.Service) {
	from, _ := s.object.(*corev1.Service)
	switch s.do {
	case "ports":
		o.Spec.Ports = from.Spec.Ports
	case "selector":
		o.Spec.Selector = from.Spec.Selector
	case "traffic":
		o.Spec.TrafficDistribution = from.Spec.TrafficDistribution
	case "publish":
		o.Spec.PublishNotReadyAddresses = !o.Spec.PublishNotReadyAddresses
	case "labels":
		o.Labels = map[string]string{"team": s.value}
	case "touch":
		o.Annotations = map[string]string{"touched": s.value}
	}
}

func (s step) editSlice(o *discoveryv1.EndpointSlice) {
	o.Labels = maps.Clone(o.Labels)
	switch s.do {
	case "strip":
		if len(o.Endpoints) > 0 {
			slices.SortFunc(o.Endpoints, func(a, b discoveryv1.Endpoint) int { return strings.Compare(shown(a), shown(b)) })
			o.Endpoints = o.Endpoints[1:]
		}
	case "unready":
		for i := range o.Endpoints {
			o.Endpoints[i].Conditions.Ready = new(bool)
		}
	case "unhint":
		for i := range o.Endpoints {
			o.Endpoints[i].Hints = nil
		}
	case "take": // from the controller
		o.Labels[discoveryv1.LabelManagedBy] = "somebody-else"
	case "give":
		o.Labels[discoveryv1.LabelManagedBy] = "endpointslice-controller.k8s.io"
	case "move": // to another Service
		o.Labels[discoveryv1.LabelServiceName] = s.value
	case "label":
		o.Labels["team"] = s.value
	case "hold":
		o.Finalizers = []string{"example.com/hold"}
	case "release":
		o.Finalizers = nil
	case "disown":
		o.OwnerReferences = nil
	}
}
