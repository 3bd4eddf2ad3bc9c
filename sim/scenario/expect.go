package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// expectation is what an object is to be like. Its states are all to hold.
type expectation struct {
	object object
	states []string
}

// expectation takes an object and states.
func (a *arguments) expectation(flags ...func(*pflag.FlagSet)) expectation {
	e := expectation{object: a.object(0, flags...)}
	for a.has() {
		e.states = append(e.states, a.next("STATE"))
	}
	if len(e.states) == 0 {
		a.fail("STATE is missing")
	}
	for _, s := range e.states {
		if column, _, ok := strings.Cut(s, "="); a.err == nil && ok && s[0] != '{' && !hasColumn(e.object.kind, column) {
			a.fail("kubectl shows no column %q of a %s; it shows %s", column, e.object.kind, strings.Join(columnNames(e.object.kind), ", "))
		}
		if (s == "gone" || s == "exists") && len(e.states) > 1 {
			a.fail("%q stands alone", s)
		}
	}
	return e
}

// columnNames are the heads of a kind's columns, as kubectl prints them.
func columnNames(kind apiserver.Kind) []string {
	var names []string
	for _, c := range table.Columns(kind) {
		names = append(names, strings.ToUpper(c.Name))
	}
	return names
}

func hasColumn(kind apiserver.Kind, name string) bool {
	return slices.Contains(columnNames(kind), strings.ReplaceAll(name, "_", " "))
}

// check returns what does not hold, with why.
func (e expectation) check(p *player) error {
	wrong := e.holds(p)
	if wrong == "" {
		return nil
	}
	if r := p.cluster.Why(e.object.kind, e.object.namespace, e.object.name); !r.IsZero() {
		wrong += "\n\t" + strings.Join(r.Lines(), "\n\t")
	}
	return fmt.Errorf("%s", wrong)
}

// holds returns what does not hold, or "".
func (e expectation) holds(p *player) string {
	obj, err := p.cluster.Get(e.object.kind, e.object.namespace, e.object.name)
	switch {
	case apierrors.IsNotFound(err) && e.states[0] == "gone":
		return ""
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("there is no %s", e.object)
	case err != nil:
		return err.Error()
	case e.states[0] == "exists":
		return ""
	}
	row := rowOf(p, e.object.kind, obj)
	for _, state := range e.states {
		if wrong := row.lacks(p, e.object, state); wrong != "" {
			return fmt.Sprintf("%s is not %s: %s", e.object, state, wrong)
		}
	}
	return ""
}

// row is an object as kubectl shows it.
type row struct {
	obj   apiserver.Object
	names []string
	cells []string
}

func rowOf(p *player, kind apiserver.Kind, obj apiserver.Object) row {
	t := table.New(kind, []apiserver.Object{obj}, p.cluster.Now())
	return row{obj, columnNames(kind), t.Rows[0].Cells}
}

// cell returns a cell by its column.
func (r row) cell(name string) string {
	if i := slices.Index(r.names, strings.ReplaceAll(name, "_", " ")); i >= 0 && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// text is the row without what changes by itself.
func (r row) text() string {
	var parts []string
	for i, name := range r.names {
		if name != "NAME" && name != "AGE" && i < len(r.cells) && r.cells[i] != "" && r.cells[i] != "<none>" && r.cells[i] != "<unset>" {
			parts = append(parts, name+" "+r.cells[i])
		}
	}
	return strings.Join(parts, ", ")
}

// lacks returns what there is in place of a state, or "" if it is there.
func (r row) lacks(p *player, o object, state string) string {
	if strings.HasPrefix(state, "{") {
		end := strings.LastIndexByte(state, '}')
		path, want, ok := strings.Cut(state[end+1:], "=")
		if end < 0 || !ok || path != "" {
			return "it is no {JSONPATH}=VALUE"
		}
		out := p.shell.Run(fmt.Sprintf("kubectl get %s %s -n '%s' -o 'jsonpath=%s'", o.kind.Qualified(), o.name, o.namespace, state[:end+1]))
		if out.Code != 0 || out.Stdout != want {
			return strings.TrimSpace(fmt.Sprintf("it is %q %s", out.Stdout, out.Stderr))
		}
		return ""
	}
	if column, want, ok := strings.Cut(state, "="); ok {
		if got := r.cell(column); got != want {
			return r.text()
		}
		return ""
	}
	if r.is(state) {
		return ""
	}
	return r.text()
}

// is reports whether an object is in a state that one word names.
func (r row) is(state string) bool {
	switch set, isSet := r.obj.(*appsv1.StatefulSet); {
	case isSet && (state == "Ready" || state == "NotReady"):
		ready := set.Status.ObservedGeneration >= set.Generation && set.Status.ReadyReplicas == *set.Spec.Replicas && set.Status.Replicas == *set.Spec.Replicas
		return ready == (state == "Ready")
	case state == "NotReady":
		return !hasCondition(r.obj, "Ready") || strings.HasPrefix(r.cell("STATUS"), "NotReady")
	case hasCondition(r.obj, state):
		return true
	}
	return slices.Contains(strings.Split(r.cell("STATUS"), ","), state)
}

// hasCondition reports whether a condition of an object is True.
func hasCondition(obj sim.Object, name string) bool {
	var view struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	data, err := json.Marshal(obj)
	if err != nil || json.Unmarshal(data, &view) != nil {
		return false // no kind without conditions gets here by mistake: it has none
	}
	for _, c := range view.Status.Conditions {
		if c.Type == name {
			return c.Status == "True"
		}
	}
	return false
}
