package tenants

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// errFault is what a write is answered that is made to fail.
var errFault = apierrors.NewInternalError(errors.New("out of order"))

// defaultNamespace is there when the controllers begin.
var defaultNamespace = apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "default"},
	Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}

// step is one request of a user, followed by a span in which the controllers run.
// It is data: it is played to two servers.
type step struct {
	op        string // create, delete, kill, fail, or the name of an edit
	object    apiserver.Object
	kind      apiserver.Kind
	namespace string
	name      string
	number    int
	pause     time.Duration
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s/%s %d", s.op, s.kind, s.namespace, s.name, s.number)
	if s.object != nil {
		text += fmt.Sprintf(" %+v", s.object)
	}
	return fmt.Sprintf("%s, then %v", text, s.pause)
}

// script is a history's input.
type script struct{ steps []step }

func (s script) String() string {
	var b strings.Builder
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%2d. %v\n", i, st)
	}
	return b.String()
}

// request returns what is asked of a server, or false if there is nothing to ask.
func (s step) request(server *apiserver.Server) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: apiserver.Key{Namespace: s.namespace, Name: s.name}}
	if s.op == "create" {
		req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
		return req, true
	}
	old := server.Get(s.kind, req.Key)
	if old == nil {
		return req, false
	}
	switch s.op {
	case "delete":
		req.Verb = apiserver.Delete
		return req, true
	case "kill":
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, new(int64)
		return req, true
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	req.Object.SetResourceVersion("")
	req.Subresource = s.edit(req.Object)
	if req.Subresource == apiserver.Status { // a quota's needs its version
		req.Object.SetResourceVersion(old.GetResourceVersion())
	}
	return req, true
}

func (s step) edit(obj apiserver.Object) apiserver.Subresource {
	switch o := obj.(type) {
	case *corev1.ConfigMap:
		if s.number == 0 {
			o.Data = map[string]string{"ca.crt": "mine"}
		} else {
			o.Annotations = nil
		}
	case *corev1.Pod:
		switch s.op {
		case "phase":
			o.Status.Phase = []corev1.PodPhase{corev1.PodRunning, corev1.PodFailed, corev1.PodSucceeded}[s.number%3]
			return apiserver.Status
		case "deadline":
			o.Spec.ActiveDeadlineSeconds = new(int64(100 - s.number))
		}
	case *corev1.PersistentVolumeClaim:
		switch s.op {
		case "release":
			o.Finalizers = nil
		case "allocate":
			o.Status.AllocatedResources = corev1.ResourceList{"storage": resource.MustParse(fmt.Sprintf("%dGi", s.number))}
			return apiserver.Status
		}
	case *corev1.Service:
		o.Spec.Type = []corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer}[s.number%3]
	case *corev1.ResourceQuota:
		switch s.op {
		case "respec":
			o.Spec.Hard = hards[s.number%len(hards)]
		case "rescope":
			o.Spec.ScopeSelector = selectors[s.number%len(selectors)]
		case "lie":
			for name := range o.Status.Used { // each for itself
				o.Status.Used[name] = resource.MustParse(fmt.Sprint(s.number))
			}
			return apiserver.Status
		}
	}
	return apiserver.None
}
