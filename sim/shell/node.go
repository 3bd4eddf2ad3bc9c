package shell

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// cordon: kubectl cordon NODE …
func (c *call) cordon() { c.schedulable(c.nodes(), true) }

// uncordon: kubectl uncordon NODE …
func (c *call) uncordon() { c.schedulable(c.nodes(), false) }

// nodes returns the nodes that cordon, uncordon or drain are about; none if one
// of them does not exist.
func (c *call) nodes() []*corev1.Node {
	selector := c.text("selector")
	switch {
	case len(c.args) == 0 && !c.flags.Changed("selector"):
		c.misused("USAGE: %s NODE [flags]", c.spec.name)
		return nil
	case len(c.args) > 0 && selector != "":
		c.misused("error: cannot specify both a node name and a --selector option")
		return nil
	}
	var w wanted
	if selector != "" {
		w = wanted{kind: apiserver.Node, list: true}
	} else {
		w = wanted{kind: apiserver.Node}
		for _, name := range c.args {
			w.names = append(w.names, apiserver.Key{Name: strings.TrimPrefix(strings.TrimPrefix(name, "node/"), "nodes/")})
		}
	}
	var nodes []*corev1.Node
	for _, obj := range c.objects(w) {
		nodes = append(nodes, obj.(*corev1.Node))
	}
	if len(c.errs) > 0 {
		c.errs = c.errs[:1] // the first one ends the command
		return nil
	}
	return nodes
}

// schedulable marks nodes (RunCordonOrUncordon).
func (c *call) schedulable(nodes []*corev1.Node, unschedulable bool) {
	word, op := "uncordon", table.Uncordoned
	if unschedulable {
		word, op = "cordon", table.Cordoned
	}
	for _, node := range nodes {
		if node.Spec.Unschedulable == unschedulable {
			c.print("node/%s already %s%s\n", node.Name, op, c.suffix)
			continue
		}
		patch := `{"spec":{"unschedulable":null}}`
		if unschedulable {
			patch = `{"spec":{"unschedulable":true}}`
		}
		if res := c.patched(node, apiserver.None, types.StrategicMergePatchType, patch); res.Err != nil {
			c.warn("error: unable to %s node %q: %v\n", word, node.Name, res.Err)
			continue
		}
		c.print("node/%s %s%s\n", node.Name, op, c.suffix)
	}
}

// taint: kubectl taint node NAME … KEY[=VALUE]:EFFECT … KEY[:EFFECT]- …
func (c *call) taint() {
	var names, changes []string
	for _, arg := range c.args {
		isTaint := strings.ContainsAny(arg, "=:") || strings.HasSuffix(arg, "-")
		switch {
		case isTaint:
			changes = append(changes, arg)
		case len(changes) > 0:
			c.wrong("all resources must be specified before taint changes: %s", arg)
			return
		default:
			names = append(names, arg)
		}
	}
	switch {
	case len(names) == 0:
		c.wrong("one or more resources must be specified as <resource> <name>")
		return
	case len(changes) == 0:
		c.wrong("at least one taint update is required")
		return
	}
	add, remove, err := parseTaints(changes)
	if err != nil {
		c.misused("%v", err)
		return
	}
	if err := c.checkTaint(names, add, remove); err != nil {
		c.fail(err)
		return
	}
	w := wanted{kind: apiserver.Node, list: c.on("all") || c.text("selector") != ""}
	for _, name := range names[1:] {
		w.names = append(w.names, apiserver.Key{Name: name})
	}
	for _, obj := range c.objects(w) {
		c.taintOne(obj.(*corev1.Node), add, remove)
	}
}

func (c *call) checkTaint(names []string, add, remove []corev1.Taint) error {
	kinds, err := kindsNamed(strings.ToLower(names[0]))
	switch {
	case err != nil:
		return err
	case len(kinds) != 1 || kinds[0] != apiserver.Node:
		return fmt.Errorf("invalid resource type %s, only node types are supported", strings.ToLower(names[0]))
	}
	var both []string
	for _, a := range add {
		for _, r := range remove {
			if a.Key == r.Key && (r.Effect == "" || a.Effect == r.Effect) {
				both = append(both, fmt.Sprintf("%s=%s", r.Key, r.Effect))
			}
		}
	}
	switch {
	case len(both) > 0:
		return fmt.Errorf("can not both modify and remove the following taint(s) in the same command: %s", strings.Join(both, ", "))
	case c.on("all") && c.text("selector") != "":
		return fmt.Errorf("setting 'all' parameter with a non empty selector is prohibited")
	case !c.on("all") && c.text("selector") == "" && len(names) < 2:
		return fmt.Errorf("at least one resource name must be specified since 'all' parameter is not set")
	}
	return nil
}

// taintOne changes the taints of one node (updateTaints, reorganizeTaints).
func (c *call) taintOne(node *corev1.Node, add, remove []corev1.Taint) {
	if !c.on("overwrite") {
		var taken []string
		for _, a := range add {
			for _, t := range node.Spec.Taints {
				if t.MatchTaint(&a) {
					taken = append(taken, a.Key)
				}
			}
		}
		if len(taken) > 0 {
			c.wrong("node %s already has %s taint(s) with same effect(s) and --overwrite is false", node.Name, strings.Join(taken, ","))
			return
		}
	}
	taints := append([]corev1.Taint{}, add...)
	for _, old := range node.Spec.Taints {
		if !hasTaint(taints, &old) {
			taints = append(taints, old)
		}
	}
	added := len(taints) != len(node.Spec.Taints)
	removed := false
	for _, r := range remove {
		var kept []corev1.Taint
		for _, t := range taints {
			if t.Key != r.Key || r.Effect != "" && t.Effect != r.Effect {
				kept = append(kept, t)
			}
		}
		if removed = len(kept) != len(taints); !removed {
			c.wrong("taint %q not found", r.ToString())
		}
		taints = kept
	}
	if len(c.errs) > 0 {
		return
	}
	op := table.Operation("untainted")
	switch {
	case added && removed || c.on("overwrite"):
		op = "modified"
	case added:
		op = "tainted"
	}
	patch, err := taintPatch(node, taints)
	if err != nil {
		c.fail(err)
		return
	}
	res := c.patched(node, apiserver.None, types.StrategicMergePatchType, patch)
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	c.report(apiserver.Node, res.Object, op)
}

func hasTaint(list []corev1.Taint, t *corev1.Taint) bool {
	for i := range list {
		if list[i].MatchTaint(t) {
			return true
		}
	}
	return false
}

// taintPatch is the two-way merge patch to other taints.
func taintPatch(node *corev1.Node, taints []corev1.Taint) (string, error) {
	before, err := json.Marshal(node)
	if err != nil {
		return "", err
	}
	changed := node.DeepCopy()
	changed.Spec.Taints = taints
	after, err := json.Marshal(changed)
	if err != nil {
		return "", err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, node)
	return string(patch), err
}

func parseTaints(specs []string) (add, remove []corev1.Taint, err error) {
	for _, text := range specs {
		if rest, ok := strings.CutSuffix(text, "-"); ok {
			t, err := parseTaint(rest)
			if err != nil {
				return nil, nil, err
			}
			remove = append(remove, corev1.Taint{Key: t.Key, Effect: t.Effect})
			continue
		}
		t, err := parseTaint(text)
		switch {
		case err != nil:
			return nil, nil, err
		case t.Effect == "":
			return nil, nil, fmt.Errorf("invalid taint spec: %v", text)
		case hasTaint(add, &t):
			return nil, nil, fmt.Errorf("duplicated taints with the same key and effect: %v", t)
		}
		add = append(add, t)
	}
	return add, remove, nil
}

// parseTaint reads KEY, KEY:EFFECT or KEY=VALUE:EFFECT.
func parseTaint(text string) (corev1.Taint, error) {
	var t corev1.Taint
	key, effect, hasEffect := strings.Cut(text, ":")
	if strings.Contains(effect, ":") {
		return t, fmt.Errorf("invalid taint spec: %v", text)
	}
	t.Key, t.Effect = key, corev1.TaintEffect(effect)
	if hasEffect {
		switch t.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		default:
			return t, fmt.Errorf("invalid taint effect: %v, unsupported taint effect", t.Effect)
		}
		t.Key, t.Value, _ = strings.Cut(key, "=")
		if strings.Contains(t.Value, "=") {
			return t, fmt.Errorf("invalid taint spec: %v", text)
		}
		if faults := validation.IsValidLabelValue(t.Value); len(faults) > 0 {
			return t, fmt.Errorf("invalid taint spec: %v, %s", text, strings.Join(faults, "; "))
		}
	}
	if faults := validation.IsQualifiedName(t.Key); len(faults) > 0 {
		return t, fmt.Errorf("invalid taint spec: %v, %s", text, strings.Join(faults, "; "))
	}
	return t, nil
}
