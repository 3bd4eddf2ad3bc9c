package serve

import (
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Who may do what is not modelled: everybody is a member of system:masters, and
// may do everything, as the administrator's kubeconfig says in a new cluster.
const allowed = "nobody is asked for credentials here, and everybody may do everything"

// admin is who asks.
var admin = authenticationv1.UserInfo{Username: "kubernetes-admin", Groups: []string{"system:masters", "system:authenticated"}}

// reviews are resources that are not stored: what is posted comes back answered.
var reviews = map[schema.GroupVersionResource]struct {
	kind       string
	namespaced bool
	answer     func() apiserver.Object
	fill       func(apiserver.Object)
}{
	authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews"): {"SelfSubjectAccessReview", false,
		func() apiserver.Object { return &authorizationv1.SelfSubjectAccessReview{} },
		func(o apiserver.Object) { o.(*authorizationv1.SelfSubjectAccessReview).Status = yes }},
	authorizationv1.SchemeGroupVersion.WithResource("subjectaccessreviews"): {"SubjectAccessReview", false,
		func() apiserver.Object { return &authorizationv1.SubjectAccessReview{} },
		func(o apiserver.Object) { o.(*authorizationv1.SubjectAccessReview).Status = yes }},
	authorizationv1.SchemeGroupVersion.WithResource("localsubjectaccessreviews"): {"LocalSubjectAccessReview", true,
		func() apiserver.Object { return &authorizationv1.LocalSubjectAccessReview{} },
		func(o apiserver.Object) { o.(*authorizationv1.LocalSubjectAccessReview).Status = yes }},
	authorizationv1.SchemeGroupVersion.WithResource("selfsubjectrulesreviews"): {"SelfSubjectRulesReview", false,
		func() apiserver.Object { return &authorizationv1.SelfSubjectRulesReview{} },
		func(o apiserver.Object) {
			o.(*authorizationv1.SelfSubjectRulesReview).Status = authorizationv1.SubjectRulesReviewStatus{
				ResourceRules:    []authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}},
				NonResourceRules: []authorizationv1.NonResourceRule{{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}}}}
		}},
	authenticationv1.SchemeGroupVersion.WithResource("selfsubjectreviews"): {"SelfSubjectReview", false,
		func() apiserver.Object { return &authenticationv1.SelfSubjectReview{} },
		func(o apiserver.Object) { o.(*authenticationv1.SelfSubjectReview).Status.UserInfo = admin }},
	authenticationv1.SchemeGroupVersion.WithResource("tokenreviews"): {"TokenReview", false,
		func() apiserver.Object { return &authenticationv1.TokenReview{} },
		func(o apiserver.Object) {
			o.(*authenticationv1.TokenReview).Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: admin}
		}},
	corev1.SchemeGroupVersion.WithResource("bindings"): {"Binding", true, nil, nil},
}

var yes = authorizationv1.SubjectAccessReviewStatus{Allowed: true, Reason: allowed}

// review answers POST to a resource that is not stored.
func (c *call) review(t *target) {
	r, ok := reviews[t.version.WithResource(t.resource)]
	switch {
	case !ok || t.name != "" || r.namespaced != t.scoped:
		c.notFound()
		return
	case c.r.Method != http.MethodPost:
		c.notAllowed()
		return
	case r.kind == "Binding":
		c.bindNamed(t)
		return
	}
	f, err := c.negotiate(false)
	gvk := t.version.WithKind(r.kind)
	var obj apiserver.Object
	if err == nil {
		obj, err = c.body(r.answer(), gvk, c.r.URL.Query().Get("fieldValidation"))
	}
	if err != nil {
		c.fail(err)
		return
	}
	if f.as != "" {
		c.fail(unacceptable(false))
		return
	}
	r.fill(obj)
	obj.GetObjectKind().SetGroupVersionKind(gvk)
	f.as = ""
	c.encode(http.StatusCreated, f, obj)
}

// bindNamed answers POST of a Binding to its collection, which names its pod
// itself.
func (c *call) bindNamed(t *target) {
	binding, f, ok := posted(c, &target{kind: apiserver.Pod, namespace: t.namespace}, &corev1.Binding{}, coreV1.WithKind("Binding"))
	if !ok {
		return
	}
	res := c.do(apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Binding, Kind: apiserver.Pod,
		Key: apiserver.Key{Namespace: t.namespace, Name: binding.Name}, Node: binding.Target.Name}, c.dryRun())
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	c.success(http.StatusCreated, f)
}
