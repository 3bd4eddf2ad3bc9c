package deploying

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var serverConfig = apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}

var errFault = errors.New("no luck")

// step is one request of a user, or a failure of requests to come, followed by a
// span in which the controllers run. It is data: it is played to two servers.
type step struct {
	verb   string // create, delete, orphan, kill, fail, or the name of an edit
	object apiserver.Object
	kind   apiserver.Kind
	name   string
	value  string
	number int32
	fails  apiserver.Verb
	pause  time.Duration
}

func (s step) String() string {
	text := fmt.Sprintf("%s %s %s %s %d %s", s.verb, s.kind, s.name, s.value, s.number, s.fails)
	if s.object != nil {
		text += " " + shown(s.object)
	}
	return fmt.Sprintf("%s, then %v", text, s.pause)
}

// victim returns the pod whose deletion is to fail; none where any request is. Pods
// are deleted side by side: which comes first is a race.
func (s step) victim(server *apiserver.Server) (key apiserver.Key) {
	if pods := server.List(apiserver.Pod, "default"); s.fails == apiserver.Delete && len(pods) > 0 {
		key = apiserver.KeyOf(pods[int(s.number)%len(pods)])
	}
	return key
}

// request returns what is asked of a server, or false if there is nothing to ask. An
// object without a name is the one of a number.
func (s step) request(server *apiserver.Server, now engine.Time) (apiserver.Request, bool) {
	req := apiserver.Request{Kind: s.kind, Key: apiserver.Key{Namespace: "default", Name: s.name}}
	if s.verb == "create" {
		req.Verb, req.Object = apiserver.Create, s.object.DeepCopyObject().(apiserver.Object)
		return req, true
	}
	old := server.Get(s.kind, req.Key)
	if list := server.List(s.kind, "default"); s.name == "" && len(list) > 0 {
		old = list[int(s.number)%len(list)]
		req.Key = apiserver.KeyOf(old)
	}
	if old == nil {
		return req, false
	}
	switch s.verb {
	case "delete":
		req.Verb = apiserver.Delete
		return req, true
	case "orphan":
		req.Verb, req.Propagation = apiserver.Delete, metav1.DeletePropagationOrphan
		return req, true
	case "kill":
		req.Verb, req.GracePeriodSeconds = apiserver.Delete, new(int64)
		return req, true
	}
	req.Verb, req.Object = apiserver.Update, old.DeepCopyObject().(apiserver.Object)
	switch o := req.Object.(type) {
	case *corev1.Pod:
		req.Subresource = s.editPod(o, now)
	case *appsv1.ReplicaSet:
		s.editSet(o)
	case *appsv1.Deployment:
		s.editDeployment(o)
	}
	return req, true
}

func (s step) editPod(p *corev1.Pod, now engine.Time) apiserver.Subresource {
	switch s.verb {
	case "relabel":
		p.Labels["app"] = s.value
		return apiserver.None
	case "cost":
		p.Annotations = map[string]string{corev1.PodDeletionCost: s.value}
		return apiserver.None
	case "phase":
		p.Status.Phase = corev1.PodPhase(s.value)
		return apiserver.Status
	}
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionStatus(s.value), LastTransitionTime: apiserver.Stamp(now)}}
	return apiserver.Status
}

func (s step) editSet(rs *appsv1.ReplicaSet) {
	switch s.verb {
	case "relabel":
		rs.Labels = map[string]string{"app": s.value}
	case "scale":
		rs.Spec.Replicas = new(s.number % 6)
	case "revision":
		rs.Annotations = map[string]string{"deployment.kubernetes.io/revision": s.value}
	}
}

func (s step) editDeployment(d *appsv1.Deployment) {
	switch s.verb {
	case "image":
		d.Spec.Template.Spec.Containers[0].Image = s.value
	case "scale":
		d.Spec.Replicas = new(s.number)
	case "pause":
		d.Spec.Paused = s.value == "true"
	case "strategy":
		d.Spec.Strategy = strategy(s.value)
	case "minReady":
		d.Spec.MinReadySeconds = s.number
	case "history":
		d.Spec.RevisionHistoryLimit = new(s.number)
	case "deadline":
		d.Spec.ProgressDeadlineSeconds = new(s.number)
	case "annotate", "rollback":
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		d.Annotations[map[string]string{"annotate": "why", "rollback": appsv1.DeprecatedRollbackTo}[s.verb]] = s.value
	}
}

// strategy reads "1 25%": surge and unavailable; or "Recreate".
func strategy(text string) appsv1.DeploymentStrategy {
	surge, unavailable, ok := strings.Cut(text, " ")
	if !ok {
		return appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	}
	parse := func(s string) *intstr.IntOrString {
		if n, err := strconv.Atoi(s); err == nil {
			return new(intstr.FromInt(n))
		}
		return new(intstr.FromString(s))
	}
	return appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: parse(surge), MaxUnavailable: parse(unavailable)}}
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

// before returns the requests that every history begins with.
func (s script) before() []apiserver.Request {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	return []apiserver.Request{{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}}
}
