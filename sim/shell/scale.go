package shell

import (
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// scalable are the resources with a subresource scale.
var scalable = []string{"statefulsets", "deployments", "replicasets", "replicationcontrollers"}

// scale: kubectl scale TYPE NAME --replicas=N [--current-replicas=N]
func (c *call) scale() {
	want := c.number("replicas")
	switch {
	case !c.flags.Changed("replicas"):
		c.wrong("required flag(s) \"replicas\" not set")
		return
	case want < 0:
		c.wrong("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
		return
	}
	for _, obj := range c.targets(c.args, false) {
		kind := apiserver.KindOf(obj)
		if !slices.Contains(scalable, kind.Resource()) {
			c.fail(&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonNotFound, Message: "the server could not find the requested resource"}})
			return // the first error ends it
		}
		if err := c.precondition(obj); err != nil {
			c.fail(err)
			return
		}
		sub := apiserver.None
		if kind.Scales() {
			sub = apiserver.Scale
		}
		res := c.patched(obj, sub, types.MergePatchType, fmt.Sprintf(`{"spec":{"replicas":%d}}`, want))
		if res.Err != nil {
			c.fail(res.Err)
			return
		}
		c.report(kind, res.Object, table.Scaled)
	}
}

// precondition holds --current-replicas and --resource-version.
func (c *call) precondition(obj apiserver.Object) error {
	data, err := content(obj)
	if err != nil {
		return err
	}
	replicas, _ := data["spec"].(map[string]any)["replicas"].(int64)
	if want := c.number("current-replicas"); want >= 0 && want != replicas {
		return fmt.Errorf("Expected replicas to be %d, was %d", want, replicas)
	}
	if want := c.text("resource-version"); want != "" && want != obj.GetResourceVersion() {
		return fmt.Errorf("Expected resource version to be %s, was %s", want, obj.GetResourceVersion())
	}
	return nil
}

// setImage: kubectl set image TYPE NAME CONTAINER=IMAGE …
func (c *call) setImage() {
	var names, images []string
	for _, arg := range c.args {
		switch {
		case strings.Contains(arg, "="):
			images = append(images, arg)
		default:
			names = append(names, arg)
		}
	}
	if len(names) > 0 || len(c.list("filename")) > 0 {
		if len(images) == 0 {
			c.wrong("at least one image update is required")
			return
		}
	}
	for _, obj := range c.targets(names, false) {
		c.setImageOf(obj, images)
	}
}

func (c *call) setImageOf(obj apiserver.Object, images []string) {
	kind := apiserver.KindOf(obj)
	data, err := content(obj)
	if err != nil {
		c.fail(err)
		return
	}
	spec, wrap := podSpec(data)
	if spec == nil {
		c.wrong("%s/%s the object is not a pod or does not have a pod template: %s", kind.Resource(), obj.GetName(), obj.GetName())
		return
	}
	change := map[string]any{}
	for _, pair := range images {
		name, image, _ := strings.Cut(pair, "=")
		found := false
		for _, list := range []string{"initContainers", "containers"} {
			containers, _ := spec[list].([]any)
			for _, item := range containers {
				x, _ := item.(map[string]any)
				if x["name"] != name && name != "*" {
					continue
				}
				found = true
				if x["image"] != image {
					entries, _ := change[list].([]any)
					change[list] = append(entries, map[string]any{"name": x["name"], "image": image})
				}
			}
		}
		if !found {
			c.wrong("unable to find container named %q", name)
		}
	}
	if len(change) == 0 {
		return
	}
	patch, err := asJSON(wrap(change), "")
	if err != nil {
		c.fail(err)
		return
	}
	res := c.patched(obj, apiserver.None, types.StrategicMergePatchType, patch)
	if res.Err != nil {
		c.wrong("failed to patch image update to pod template: %v", res.Err)
		return
	}
	c.report(kind, res.Object, table.ImageUpdated)
}

// podSpec returns the spec of a pod or of an object's pod template, and what
// puts a change of it in its place.
func podSpec(data map[string]any) (map[string]any, func(any) any) {
	spec, _ := data["spec"].(map[string]any)
	if template, ok := spec["template"].(map[string]any); ok {
		inner, _ := template["spec"].(map[string]any)
		return inner, func(x any) any {
			return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": x}}}
		}
	}
	if _, ok := spec["containers"]; ok {
		return spec, func(x any) any { return map[string]any{"spec": x} }
	}
	return nil, nil
}
