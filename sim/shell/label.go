package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// label: kubectl label TYPE NAME … KEY=VALUE … KEY- …
func (c *call) label() { c.mark("label") }

// annotate: kubectl annotate TYPE NAME … KEY=VALUE … KEY- …
func (c *call) annotate() { c.mark("annotation") }

// mark sets and removes labels or annotations (RunLabel, RunAnnotate).
func (c *call) mark(what string) {
	names, changes, err := splitChanges(c.args, what)
	switch {
	case err != nil:
		c.fail(err)
		return
	case len(names) == 0 && len(c.list("filename")) == 0:
		c.wrong("one or more resources must be specified as <resource> <name> or <resource>/<name>")
		return
	case len(changes) == 0 && !c.on("list"):
		c.wrong("at least one %s update is required", what)
		return
	}
	set, remove, err := parseChanges(changes, what)
	if err != nil {
		c.fail(err)
		return
	}
	for _, obj := range c.targets(names, false) {
		c.markOne(what, obj, set, remove)
	}
}

func (c *call) markOne(what string, obj apiserver.Object, set map[string]string, remove []string) {
	old := obj.GetLabels()
	if what == "annotation" {
		old = obj.GetAnnotations()
	}
	if c.on("list") {
		for _, key := range sortedNames(old) {
			c.print("%s=%s\n", key, old[key])
		}
		return
	}
	if errs := c.overwrites(what, old, set); len(errs) > 0 {
		c.errs = append(c.errs, errs...)
		return
	}
	now := maps.Clone(old)
	if now == nil {
		now = map[string]string{}
	}
	change := map[string]any{}
	for key, value := range set { // into maps
		now[key], change[key] = value, value
	}
	for _, key := range remove {
		if _, ok := old[key]; !ok && what == "label" {
			c.print("label %q not found.\n", key)
		}
		delete(now, key)
		change[key] = nil
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{what + "s": change}})
	if err != nil {
		c.fail(err)
		return
	}
	res := c.patched(obj, apiserver.None, types.MergePatchType, string(body))
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	op := table.Annotated
	if what == "label" {
		op = table.NotLabeled
		switch {
		case reflect.DeepEqual(now, old) || len(now)+len(old) == 0:
		case !c.on("overwrite") && len(now) < len(old):
			op = table.Unlabeled
		default:
			op = table.Labeled
		}
	}
	c.report(apiserver.KindOf(obj), res.Object, op)
}

// overwrites refuses another value for a key that has one, without --overwrite.
func (c *call) overwrites(what string, old, set map[string]string) []error {
	if c.on("overwrite") {
		return nil
	}
	var errs []error
	var taken []string
	for _, key := range sortedNames(set) {
		value, ok := old[key]
		switch {
		case !ok || value == set[key] || what == "annotation" && key == "kubernetes.io/change-cause":
		case what == "label":
			errs = append(errs, fmt.Errorf("'%s' already has a value (%s), and --overwrite is false", key, value))
		default:
			taken = append(taken, fmt.Sprintf("'%s' already has a value (%s)", key, value))
		}
	}
	if len(taken) > 0 {
		errs = append(errs, fmt.Errorf("--overwrite is false but found the following declared annotation(s): %s", strings.Join(taken, "; ")))
	}
	return errs
}

// splitChanges parts the arguments that name objects from the changes, which
// come after them.
func splitChanges(args []string, what string) (names, changes []string, err error) {
	for _, arg := range args {
		isChange := strings.IndexByte(arg, '=') > 0 || len(arg) > 1 && strings.HasSuffix(arg, "-")
		switch {
		case isChange:
			changes = append(changes, arg)
		case len(changes) > 0:
			return nil, nil, fmt.Errorf("all resources must be specified before %s changes: %s", what, arg)
		default:
			names = append(names, arg)
		}
	}
	return names, changes, nil
}

// parseChanges reads KEY=VALUE and KEY- (parseLabels, ParsePairs).
func parseChanges(changes []string, what string) (set map[string]string, remove []string, err error) {
	set = map[string]string{}
	for _, change := range changes {
		key, value, sets := strings.Cut(change, "=")
		switch {
		case !sets:
			remove = append(remove, strings.TrimSuffix(key, "-"))
			continue
		case what == "annotation" && key == "":
			return nil, nil, fmt.Errorf("invalid annotation format: %s", change)
		case what == "label" && strings.Contains(value, "="):
			return nil, nil, fmt.Errorf("invalid label spec: %v", change)
		}
		if faults := validation.IsValidLabelValue(value); what == "label" && len(faults) > 0 {
			return nil, nil, fmt.Errorf("invalid label value: %q: %s", change, strings.Join(faults, ";"))
		}
		set[key] = value
	}
	for _, key := range remove {
		if _, ok := set[key]; ok && what == "annotation" {
			return nil, nil, fmt.Errorf("can not both modify and remove the following annotation(s) in the same command: %s", key)
		} else if ok {
			return nil, nil, errors.New("can not both modify and remove a label in the same command")
		}
	}
	return set, remove, nil
}
