package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// ours is the simulator's server.
type ours struct {
	server *apiserver.Server
}

// do serves a call at the time that the clock shows.
func (o *ours) do(c *call) (answer, apiserver.Object) {
	req, err := requestOf(c)
	if err != nil {
		panic(err) // the generator draws what can be read
	}
	res := o.server.Do(apiserver.VirtualTime(time.Now()), apiserver.User, req)
	if res.Err != nil {
		a := refusal(res.Err)
		a.Warnings = res.Warnings
		return a, nil
	}
	a := answer{Code: http.StatusOK, Warnings: res.Warnings}
	if c.Verb == "create" {
		a.Code = http.StatusCreated
	}
	switch {
	case c.Verb == "deletecollection":
	case c.Sub == "binding" || c.Sub == "eviction":
		a.Body = map[string]any{"status": "Success"}
	case c.Sub == "scale":
		a.Body = treeOf(scaleOf(res.Object.(*appsv1.StatefulSet)))
	default:
		a.Body = treeOf(apiserver.WithKind(res.Object))
	}
	return a, res.Object
}

// refusal is an error as the answer that it is over the wire.
func refusal(err error) answer {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return answer{Code: -1, Body: map[string]any{"message": err.Error()}}
	}
	s := status.Status()
	return answer{Code: int(s.Code), Body: treeOf(&s)}
}

// requestOf translates a call.
func requestOf(c *call) (apiserver.Request, error) {
	kind := c.kind()
	req := apiserver.Request{Kind: kind, Key: c.key(), UID: types.UID(c.UID), ResourceVersion: c.Version,
		GracePeriodSeconds: c.Grace, Propagation: metav1.DeletionPropagation(c.Propagation)}
	req.Subresource = map[string]apiserver.Subresource{"status": apiserver.Status, "scale": apiserver.Scale,
		"binding": apiserver.Binding, "finalize": apiserver.Finalize, "eviction": apiserver.Eviction}[c.Sub]
	switch c.Verb {
	case "create":
		req.Verb = apiserver.Create
	case "update":
		req.Verb = apiserver.Update
	case "patch":
		req.Verb = apiserver.Patch
		req.Patch = apiserver.RawPatch{Type: types.PatchType(c.Type), Data: c.Patch, Strict: c.Strict}
	case "delete":
		req.Verb = apiserver.Delete
	case "deletecollection":
		req.Verb = apiserver.DeleteCollection
	case "get":
		req.Verb = apiserver.Get
	default:
		return req, fmt.Errorf("no verb %q", c.Verb)
	}
	if c.Object == nil {
		return req, nil
	}
	if c.Sub == "binding" {
		target, _ := c.Object["target"].(map[string]any)
		req.Node, _ = target["name"].(string)
		return req, nil
	}
	obj := kind.New()
	switch c.Sub {
	case "scale":
		obj = &autoscalingv1.Scale{}
	case "eviction":
		obj = &policyv1.Eviction{}
	}
	text, err := json.Marshal(c.Object)
	if err != nil {
		return req, err
	}
	req.Object = obj
	return req, json.Unmarshal(text, obj)
}

// scaleOf is the scale of a set, as the real server shows it.
func scaleOf(set *appsv1.StatefulSet) *autoscalingv1.Scale {
	selector := ""
	if s, err := metav1.LabelSelectorAsSelector(set.Spec.Selector); err == nil {
		selector = s.String()
	}
	return &autoscalingv1.Scale{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"},
		ObjectMeta: metav1.ObjectMeta{Name: set.Name, Namespace: set.Namespace, UID: set.UID,
			ResourceVersion: set.ResourceVersion, CreationTimestamp: set.CreationTimestamp},
		Spec:   autoscalingv1.ScaleSpec{Replicas: *set.Spec.Replicas},
		Status: autoscalingv1.ScaleStatus{Replicas: set.Status.Replicas, Selector: selector},
	}
}

// treeOf is an object as JSON decodes it.
func treeOf(obj any) map[string]any {
	text, err := json.Marshal(obj)
	if err != nil {
		panic(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		panic(err)
	}
	return tree
}

func typeOf(kind apiserver.Kind) reflect.Type { return reflect.TypeOf(kind.New()).Elem() }
