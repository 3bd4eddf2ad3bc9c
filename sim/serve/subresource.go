package serve

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func versionText(v uint64) string { return strconv.FormatUint(v, 10) }

func structOf(kind apiserver.Kind) reflect.Value { return reflect.ValueOf(kind.New()).Elem() }

// subresource is what can be asked for below an object.
type subresource struct {
	name  string
	kind  schema.GroupVersionKind // of what is sent; empty means the object's
	verbs []string
	as    apiserver.Subresource
	// answer serves it; nil means get, update and patch of the object.
	answer func(*call, *target)
}

var (
	reading = []string{"get", "patch", "update"}
	scaleGV = autoscalingv1.SchemeGroupVersion.WithKind("Scale")
	coreV1  = corev1.SchemeGroupVersion
)

// subresources returns those of a kind, by name.
func subresources(kind apiserver.Kind) map[string]subresource {
	subs := map[string]subresource{}
	add := func(s subresource) { subs[s.name] = s }
	if hasStatus(kind) {
		add(subresource{name: "status", verbs: reading, as: apiserver.Status})
	}
	if kind.Scales() {
		add(subresource{name: "scale", kind: scaleGV, verbs: reading, as: apiserver.Scale})
	}
	switch kind {
	case apiserver.Namespace:
		add(subresource{name: "finalize", verbs: []string{"update"}, as: apiserver.Finalize})
	case apiserver.ServiceAccount:
		add(subresource{name: "token", kind: authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"), verbs: []string{"create"}, answer: (*call).token})
	case apiserver.Pod:
		add(subresource{name: "binding", kind: coreV1.WithKind("Binding"), verbs: []string{"create"}, answer: (*call).bind})
		add(subresource{name: "eviction", kind: policyv1.SchemeGroupVersion.WithKind("Eviction"), verbs: []string{"create"}, answer: (*call).evict})
		add(subresource{name: "log", verbs: []string{"get"}, answer: (*call).log})
		add(subresource{name: "exec", kind: coreV1.WithKind("PodExecOptions"), verbs: []string{"create", "get"}, answer: (*call).exec})
		add(subresource{name: "portforward", kind: coreV1.WithKind("PodPortForwardOptions"), verbs: []string{"create", "get"}, answer: (*call).portForward})
	}
	return subs
}

// subresourceOf is the API server's name of what a path asks for.
func subresourceOf(t *target) apiserver.Subresource { return t.subresources()[t.sub].as }

// subresources returns those of the target's kind, by name.
func (t *target) subresources() map[string]subresource {
	if t.def != nil {
		return customSubresources(t.def.Version(t.version.Version))
	}
	return subresources(t.kind)
}

// subresourceObject is what an update of it is made of.
func subresourceObject(t *target) (apiserver.Object, schema.GroupVersionKind) {
	if t.sub == "scale" {
		return &autoscalingv1.Scale{}, scaleGV
	}
	return t.empty(), t.gvk()
}

// respond answers with an object, or with its scale if that was asked for.
func (c *call) respond(code int, f form, t *target, obj apiserver.Object) {
	if t.sub != "scale" {
		c.answer(code, f, t, obj)
		return
	}
	scale, err := scaleOf(t, obj)
	if err != nil {
		c.fail(err)
		return
	}
	if scale == nil {
		c.fail(apierrors.NewNotFound(schema.GroupResource{Group: t.version.Group, Resource: t.resource + "/scale"}, t.name))
		return
	}
	c.answer(code, f, t, scale)
}

func scaleOf(t *target, obj apiserver.Object) (*autoscalingv1.Scale, error) {
	if t.def != nil {
		return t.def.Scale(t.version.Version, obj)
	}
	return apiserver.ScaleOf(obj), nil
}

// posted reads the body of a POST to a subresource.
func posted[T apiserver.Object](c *call, t *target, into T, gvk schema.GroupVersionKind) (obj T, f form, ok bool) {
	if c.r.Method != http.MethodPost {
		c.notAllowed()
		return obj, f, false
	}
	f, err := c.negotiate(false)
	var got apiserver.Object
	if err == nil {
		got, err = c.body(into, gvk, c.r.URL.Query().Get("fieldValidation"))
	}
	if err == nil {
		err = placed(got, t)
	}
	if err != nil {
		c.fail(err)
		return obj, f, false
	}
	return got.(T), f, true
}

// success is the Status of what has no other answer.
func (c *call) success(code int, f form) {
	f.as = ""
	c.encode(code, f, &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess, Code: int32(code)})
}

// dryRun reports whether nothing is to be changed.
func (c *call) dryRun() bool { return c.r.URL.Query().Get("dryRun") == metav1.DryRunAll }

// evict answers POST …/eviction.
func (c *call) evict(t *target) {
	eviction, f, ok := posted(c, t, &policyv1.Eviction{}, policyv1.SchemeGroupVersion.WithKind("Eviction"))
	if !ok {
		return
	}
	res := c.do(apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Eviction, Kind: apiserver.Pod, Key: t.key(), Object: eviction}, c.dryRun())
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	c.success(http.StatusCreated, f)
}

// bind answers POST …/binding.
func (c *call) bind(t *target) {
	binding, f, ok := posted(c, t, &corev1.Binding{}, coreV1.WithKind("Binding"))
	if !ok {
		return
	}
	switch {
	case binding.Target.Kind != "" && binding.Target.Kind != "Node":
		c.fail(apierrors.NewBadRequest("a pod is bound to a Node, not to a " + safe(binding.Target.Kind)))
		return
	case binding.Target.Name == "":
		c.fail(apierrors.NewBadRequest("target.name: Required value"))
		return
	}
	res := c.do(apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Binding, Kind: apiserver.Pod, Key: t.key(), Node: binding.Target.Name, UID: binding.UID}, c.dryRun())
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	c.success(http.StatusCreated, f)
}

// token answers POST …/token. What it gives is no credential: nothing here asks
// for one.
func (c *call) token(t *target) {
	asked, f, ok := posted(c, t, &authenticationv1.TokenRequest{}, authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"))
	if !ok {
		return
	}
	var err error
	var now time.Time
	c.look(func(cl *sim.Cluster) {
		now = cl.Now()
		_, err = t.get(cl)
	})
	if err != nil {
		c.fail(err)
		return
	}
	seconds := int64(3600)
	if s := asked.Spec.ExpirationSeconds; s != nil {
		seconds = *s
	}
	asked.Name, asked.Namespace = t.name, t.namespace
	asked.CreationTimestamp = metav1.NewTime(now.Truncate(time.Second))
	asked.Spec.ExpirationSeconds = &seconds
	asked.Status = authenticationv1.TokenRequestStatus{Token: "no-credential." + t.namespace + "." + t.name, ExpirationTimestamp: metav1.NewTime(now.Add(time.Duration(seconds) * time.Second).Truncate(time.Second))}
	asked.SetGroupVersionKind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"))
	c.encode(http.StatusCreated, f, asked)
}
