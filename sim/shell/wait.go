package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// condition is what wait waits for: met says whether an object satisfies it; of
// a deletion it is nil.
type condition struct {
	met func(apiserver.Object) (bool, error)
}

// wait: kubectl wait --for=create|delete|condition=NAME[=VALUE]|jsonpath=PATH[=VALUE]
func (c *call) wait() {
	conditions, create, err := parseConditions(c.array("for"))
	if err != nil {
		c.fail(err)
		return
	}
	limit := c.span("timeout")
	if limit < 0 {
		limit = 168 * time.Hour
	}
	end := c.cluster.Now().Add(limit)
	r, err := c.ask(c.args, false)
	if err != nil {
		c.fail(err)
		return
	}
	if create && !c.awaitCreated(r, limit) {
		return
	}
	met := 0
	for _, w := range r.wanted {
		for _, obj := range c.waitedFor(w, conditions) {
			met++
			c.awaitConditions(obj, conditions, create, limit, end)
		}
	}
	if met == 0 && len(c.errs) == 0 && !slices.ContainsFunc(conditions, condition.isDeletion) {
		c.wrong("no matching resources found")
	}
}

func (x condition) isDeletion() bool { return x.met == nil }

// waitedFor returns the objects to wait for; for a deletion those that are gone
// already are fine.
func (c *call) waitedFor(w wanted, conditions []condition) []apiserver.Object {
	n := len(c.errs)
	objs := c.objects(w)
	if slices.ContainsFunc(conditions, condition.isDeletion) {
		c.errs = append(c.errs[:n], slices.DeleteFunc(slices.Clone(c.errs[n:]), apierrors.IsNotFound)...)
	}
	return objs
}

// awaitCreated looks every half second whether all that was named is there.
func (c *call) awaitCreated(r request, limit time.Duration) bool {
	end := c.cluster.Now().Add(limit)
	for {
		n := len(c.errs)
		found := 0
		for _, w := range r.wanted {
			found += len(c.objects(w))
		}
		missing := len(c.errs) > n
		c.errs = c.errs[:n]
		switch {
		case found > 0 && !missing:
			return true
		case !c.cluster.Now().Before(end):
			c.wrong("timed out waiting for the condition")
			return false
		}
		if err := c.cluster.Run(min(500*time.Millisecond, end.Sub(c.cluster.Now()))); err != nil {
			c.fail(err)
			return false
		}
	}
}

// awaitConditions waits for one object and says when a condition is met.
func (c *call) awaitConditions(obj apiserver.Object, conditions []condition, create bool, limit time.Duration, end time.Time) {
	kind := apiserver.KindOf(obj)
	key := apiserver.KeyOf(obj)
	name := kind.Resource() + "/" + key.Name
	if create {
		c.print("%s\n", table.Line(kind, key.Name, "condition met"))
	}
	for _, x := range conditions {
		var failure error
		last := ""
		done, err := c.cluster.Await(max(end.Sub(c.cluster.Now()), 0), func() bool {
			now, err := c.cluster.Get(kind, key.Namespace, key.Name)
			switch {
			case x.isDeletion():
				return err != nil || now.GetUID() != obj.GetUID()
			case err != nil:
				failure = err
				return true
			case now.GetResourceVersion() == last:
				return false
			}
			last = now.GetResourceVersion()
			met, err := x.met(now)
			failure = err
			return met || err != nil
		})
		switch {
		case err != nil || failure != nil:
			c.fail(errors.Join(err, failure))
			return
		case !done && limit == 0:
			c.wrong("condition not met for %s", name)
			return
		case !done:
			c.wrong("timed out waiting for the condition on %s", name)
			return
		}
		c.print("%s\n", table.Line(kind, key.Name, "condition met"))
	}
}

// parseConditions reads the values of --for; create is waited for first.
func parseConditions(texts []string) (list []condition, create bool, err error) {
	for _, text := range texts {
		switch lower := strings.ToLower(text); {
		case lower == "delete":
			list = append(list, condition{})
		case lower == "create":
			create = true
		case strings.HasPrefix(text, "condition="):
			list = append(list, condition{statusCondition(strings.TrimPrefix(text, "condition="))})
		case strings.HasPrefix(text, "jsonpath="):
			met, err := pathCondition(strings.TrimPrefix(text, "jsonpath="))
			if err != nil {
				return nil, false, err
			}
			list = append(list, condition{met})
		default:
			return nil, false, fmt.Errorf("unrecognized condition: %q", text)
		}
	}
	if len(texts) == 0 {
		return nil, false, fmt.Errorf("unrecognized condition: %q", texts)
	}
	return list, create, nil
}

// statusCondition asks for a condition in the status, of the present
// generation if it says which one it is of (ConditionalWait.checkCondition).
func statusCondition(text string) func(apiserver.Object) (bool, error) {
	name, want, ok := strings.Cut(text, "=")
	if !ok {
		want = "true"
	}
	return func(obj apiserver.Object) (bool, error) {
		data, err := content(obj)
		if err != nil {
			return false, err
		}
		status, _ := data["status"].(map[string]any)
		list, _ := status["conditions"].([]any)
		for _, item := range list {
			x, _ := item.(map[string]any)
			typ, _ := x["type"].(string)
			value, hasValue := x["status"].(string)
			if !strings.EqualFold(typ, name) || !hasValue {
				continue
			}
			observed, known := x["observedGeneration"].(int64)
			if !known {
				observed, known = status["observedGeneration"].(int64)
			}
			if known && observed < obj.GetGeneration() {
				return false, nil
			}
			return strings.EqualFold(value, want), nil
		}
		return false, nil
	}
}

// pathCondition asks for the value at a path, or for any (JSONPathWait).
func pathCondition(text string) (func(apiserver.Object) (bool, error), error) {
	parts := splitSingle(text)
	if len(parts) > 2 {
		return nil, errors.New("jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'")
	}
	expr, err := relax(parts[0])
	if err != nil {
		return nil, err
	}
	want := ""
	if len(parts) == 2 {
		if want = strings.Trim(parts[1], `'"`); want == "" {
			return nil, errors.New("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3")
		}
	}
	if expr == "" {
		return nil, errors.New("jsonpath expression cannot be empty")
	}
	p, err := parsePath(expr)
	if err != nil {
		return nil, err
	}
	return func(obj apiserver.Object) (bool, error) {
		data, err := content(obj)
		if err != nil {
			return false, err
		}
		results, err := p.find(data)
		switch {
		case err != nil:
			return false, err
		case len(results) == 0 || len(results[0]) == 0:
			return false, nil
		case len(results) > 1:
			return false, errors.New("given jsonpath expression matches more than one list")
		case len(results[0]) > 1:
			return false, errors.New("given jsonpath expression matches more than one value")
		case want == "":
			return true, nil
		}
		switch v := results[0][0].(type) {
		case map[string]any, []any:
			return false, errors.New("jsonpath leads to a nested object or list which is not supported")
		default:
			return strings.TrimSpace(fmt.Sprint(v)) == strings.TrimSpace(want), nil
		}
	}, nil
}

// splitSingle splits at single equal signs; double ones stay.
func splitSingle(text string) []string {
	parts := strings.Split(strings.ReplaceAll(text, "==", "\x00"), "=")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", "==")
	}
	return parts
}
