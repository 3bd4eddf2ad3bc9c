package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// ErrSkipped says that an operation has nothing to act on.
var ErrSkipped = errors.New("nothing to act on")

// IsAnswer reports whether an error of an operation is an answer of the API, as a user
// may get one, and no failure of the search.
func IsAnswer(err error) bool {
	return errors.Is(err, ErrSkipped) || apierrors.ReasonForError(err) != metav1.StatusReasonUnknown
}

// Builtin returns the commands of this package for a world: what users do, what goes
// wrong (see Misfortune), and the passing of time. What is drawn are its own sets, pods,
// claims, nodes and images; what is written can name any object, as kind/name,
// kind/namespace/name, or kind[selector] for all that match, in the order of their
// names.
func Builtin(w World) (Vocabulary, error) {
	c, err := w.New(0, false)
	if err != nil {
		return nil, err
	}
	d := domainOf(c, w)
	v := Vocabulary{
		{Name: "scale", Args: []Argument{object("SET", d.sets), number("REPLICAS", 0, 5)}, Least: 2, Weight: 3, Do: spec("replicas", func(s string) any { return raw(s) })},
		{Name: "image", Args: []Argument{object("SET", d.sets), {Name: "IMAGE", Some: d.images}}, Least: 2, Weight: 3, Do: setImage},
		{Name: "partition", Args: []Argument{object("SET", d.sets), number("ORDINAL", 0, 5)}, Least: 2, Do: spec("updateStrategy", func(s string) any {
			return map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"partition": raw(s)}}
		})},
		{Name: "max-unavailable", Args: []Argument{object("SET", d.sets), number("PODS", 1, 2)}, Least: 2, Do: spec("updateStrategy", func(s string) any {
			return map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxUnavailable": raw(s)}}
		})},
		{Name: "strategy", Args: []Argument{object("SET", d.sets), oneOf("STRATEGY", "RollingUpdate", "OnDelete")}, Least: 2, Do: spec("updateStrategy", func(s string) any {
			return map[string]any{"type": s, "rollingUpdate": nil}
		})},
		{Name: "min-ready", Args: []Argument{object("SET", d.sets), number("SECONDS", 0, 2)}, Least: 2, Do: spec("minReadySeconds", func(s string) any { return raw(s) })},
		{Name: "patch", Args: []Argument{object("OBJECT", nil), {Name: "MERGE-PATCH", Check: isJSON}}, Least: 2, Do: mergePatch},
		{Name: "delete", Args: []Argument{object("OBJECT", nil), oneOf("HOW", "force", "background", "foreground", "orphan")}, Least: 1, Do: remove},
		{Name: "delete-pod", Args: []Argument{object("POD", d.pods), oneOf("HOW", "force")}, Least: 1, Weight: 3, Do: remove},
		{Name: "delete-claim", Args: []Argument{object("CLAIM", d.claims)}, Least: 1, Do: remove},
		{Name: "delete-set", Args: []Argument{object("SET", d.sets), oneOf("HOW", "background", "foreground", "orphan")}, Least: 1, Do: remove},
		{Name: "evict", Args: []Argument{object("POD", d.pods)}, Least: 1, Do: each(func(c *sim.Cluster, o target, _ []string) error { return c.Evict(o.key.Namespace, o.key.Name) })},
		{Name: "apply", Do: func(c *sim.Cluster, _ []string) error { return w.Apply(c) }},
		{Name: "cordon", Args: []Argument{{Name: "NODE", Some: d.nodes}}, Least: 1, Do: func(c *sim.Cluster, a []string) error { return c.Cordon(a[0], true) }},
		{Name: "uncordon", Args: []Argument{{Name: "NODE", Some: d.nodes}}, Least: 1, Do: func(c *sim.Cluster, a []string) error { return c.Cordon(a[0], false) }},
		{Name: "drain", Args: []Argument{{Name: "NODE", Some: d.nodes}}, Least: 1, Do: drain},
		{Name: "wait", Args: []Argument{span("SPAN", "10ms", "100ms", "1s", "5s", "30s", "2m")}, Least: 1, Weight: -1, Do: func(c *sim.Cluster, a []string) error {
			d, err := time.ParseDuration(a[0])
			if err != nil {
				return err
			}
			return c.Run(d)
		}},
		{Name: "settle", Weight: -1, Do: func(c *sim.Cluster, _ []string) error {
			_, err := c.Settle()
			return err
		}},
	}
	return append(v, misfortunes(d)...), nil
}

// domain is what a world has that operations can be about.
type domain struct{ sets, pods, claims, nodes, images, components []string }

// ordinals is for how many ordinals of a set there are pods and claims to draw.
const ordinals = 4

func domainOf(c *sim.Cluster, w World) (d domain) {
	for _, rec := range c.Newest(apiserver.StatefulSet, "") {
		set := rec.Object.(*appsv1.StatefulSet)
		d.sets = append(d.sets, named(apiserver.StatefulSet, rec.Key))
		for i := range ordinals {
			pod := rec.Key
			pod.Name = fmt.Sprintf("%s-%d", set.Name, i)
			d.pods = append(d.pods, named(apiserver.Pod, pod))
			for _, t := range set.Spec.VolumeClaimTemplates {
				d.claims = append(d.claims, named(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: set.Namespace, Name: t.Name + "-" + pod.Name}))
			}
		}
		if image := set.Spec.Template.Spec.Containers[0].Image; !slices.Contains(d.images, image) {
			name, _, _ := strings.Cut(image, ":")
			d.images = append(d.images, image, name+":next", name+":other")
		}
	}
	d.images = append(d.images, w.Bad...)
	for _, rec := range c.Newest(apiserver.Node, "") {
		d.nodes = append(d.nodes, rec.Key.Name)
	}
	d.components = c.Components()
	return d
}

// named is how an object is written.
func named(kind apiserver.Kind, key apiserver.Key) string {
	if key.Namespace == "" || key.Namespace == sim.DefaultNamespace {
		return strings.ToLower(kind.String()) + "/" + key.Name
	}
	return strings.ToLower(kind.String()) + "/" + key.Namespace + "/" + key.Name
}

// target is an object that an operation is about.
type target struct {
	kind apiserver.Kind
	key  apiserver.Key
}

// parseTarget reads kind/name, kind/namespace/name or kind[selector]. The selector is ""
// for a single object.
func parseTarget(text string) (t target, selector string, err error) {
	kind, rest, isOne := strings.Cut(text, "/")
	if name, sel, ok := strings.Cut(text, "["); ok && (!isOne || len(name) < len(kind)) {
		kind, selector, isOne = name, strings.TrimSuffix(sel, "]"), false
		if !strings.HasSuffix(sel, "]") || selector == "" {
			return t, "", fmt.Errorf("%q is not kind[selector]", text)
		}
	} else if !isOne {
		return t, "", fmt.Errorf("%q is neither kind/name nor kind[selector]", text)
	}
	if t.kind = apiserver.KindNamed(kind); t.kind == 0 {
		return t, "", fmt.Errorf("%q: the server has no kind %q", text, kind)
	}
	if !isOne {
		return t, selector, nil
	}
	namespace, name, has := strings.Cut(rest, "/")
	if !has {
		namespace, name = sim.DefaultNamespace, rest
	}
	if !t.kind.Namespaced() {
		namespace = ""
	}
	if name == "" {
		return t, "", fmt.Errorf("%q has no name", text)
	}
	t.key = apiserver.Key{Namespace: namespace, Name: name}
	return t, "", nil
}

// targets returns the objects that a text means. None is ErrSkipped.
func targets(c *sim.Cluster, text string) ([]target, error) {
	one, selector, err := parseTarget(text)
	if err != nil || selector == "" {
		return []target{one}, err
	}
	objs, err := c.List(one.kind, "", selector)
	if err != nil {
		return nil, err
	}
	var list []target
	for _, obj := range objs {
		list = append(list, target{one.kind, apiserver.KeyOf(obj)})
	}
	if len(list) == 0 {
		return nil, ErrSkipped
	}
	return list, nil
}

// each makes a command of what is done to every object that the first argument means.
func each(do func(c *sim.Cluster, t target, args []string) error) func(*sim.Cluster, []string) error {
	return func(c *sim.Cluster, args []string) error {
		list, err := targets(c, args[0])
		if err != nil {
			return err
		}
		for _, t := range list {
			if err := do(c, t, args[1:]); err != nil {
				return err
			}
		}
		return nil
	}
}

func patchWith(c *sim.Cluster, t target, patch string) error {
	_, _, err := c.Patch(t.kind, t.key.Namespace, t.key.Name, types.MergePatchType, patch)
	return err
}

// spec is a command that changes one field of a spec.
func spec(field string, value func(string) any) func(*sim.Cluster, []string) error {
	return each(func(c *sim.Cluster, t target, args []string) error {
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{field: value(args[0])}})
		if err != nil {
			return fmt.Errorf("%q: %w", args[0], err)
		}
		return patchWith(c, t, string(patch))
	})
}

// raw is a number as it was written.
func raw(s string) any { return json.RawMessage(s) }

var mergePatch = each(func(c *sim.Cluster, t target, args []string) error { return patchWith(c, t, args[0]) })

// setImage sets the image of the first container of a template.
var setImage = each(func(c *sim.Cluster, t target, args []string) error {
	if t.kind == apiserver.StatefulSet {
		return c.SetImage(t.key.Namespace, t.key.Name, "*", args[0])
	}
	patch, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": args[0]}})
	if err == nil {
		_, _, err = c.Patch(t.kind, t.key.Namespace, t.key.Name, types.JSONPatchType, string(patch))
	}
	return err
})

var remove = each(func(c *sim.Cluster, t target, args []string) error {
	var opts sim.DeleteOptions
	if len(args) > 0 && args[0] == "force" {
		opts.GracePeriodSeconds = new(int64)
	} else if len(args) > 0 {
		opts.Propagation = map[string]metav1.DeletionPropagation{"background": metav1.DeletePropagationBackground,
			"foreground": metav1.DeletePropagationForeground, "orphan": metav1.DeletePropagationOrphan}[args[0]]
	}
	return c.Delete(t.kind, t.key.Namespace, t.key.Name, opts)
})

// drain cordons a node and asks for the eviction of its pods, once each.
func drain(c *sim.Cluster, args []string) error {
	if err := c.Cordon(args[0], true); err != nil {
		return err
	}
	for _, rec := range c.Newest(apiserver.Pod, "") {
		if rec.Object.(*corev1.Pod).Spec.NodeName != args[0] {
			continue
		}
		if err := c.Evict(rec.Key.Namespace, rec.Key.Name); err != nil && !IsAnswer(err) {
			return err
		}
	}
	return nil
}

func object(name string, some []string) Argument {
	return Argument{name, some, func(s string) error {
		_, _, err := parseTarget(s)
		return err
	}}
}

// oneOf is an argument with just these values.
func oneOf(name string, values ...string) Argument {
	return Argument{name, values, func(s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(values, ", "))
		}
		return nil
	}}
}

// number is a count up to a bound that is drawn; any count can be written.
func number(name string, least, most int) Argument {
	var some []string
	for i := least; i <= most; i++ {
		some = append(some, strconv.Itoa(i))
	}
	return Argument{name, some, func(s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < least || n > 100_000 || strconv.Itoa(n) != s {
			return fmt.Errorf("%q is no number from %d to 100000", s, least)
		}
		return nil
	}}
}

// span is a duration.
func span(name string, some ...string) Argument {
	return Argument{name, some, func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d < 0 || d > 24*time.Hour {
			return fmt.Errorf("%q is no span up to 24h", s)
		}
		return nil
	}}
}

func isJSON(s string) error {
	if !json.Valid([]byte(s)) {
		return fmt.Errorf("%q is no JSON", s)
	}
	return nil
}
