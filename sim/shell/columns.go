package shell

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// customColumns prints HEADER:PATH,… (CustomColumnsPrinter).
func (c *call) customColumns(text string, objs []apiserver.Object) (string, error) {
	var heads []string
	var paths []*expression
	for part := range strings.SplitSeq(text, ",") {
		head, expr, ok := strings.Cut(part, ":")
		if !ok {
			return "", fmt.Errorf("unexpected custom-columns spec: %s, expected <header>:<json-path-expr>", part)
		}
		expr, err := relax(expr)
		if err != nil {
			return "", err
		}
		p, err := parsePath(expr)
		if err != nil {
			return "", err
		}
		heads, paths = append(heads, head), append(paths, p)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 6, 4, 3, ' ', 0)
	if !c.on("no-headers") {
		fmt.Fprintln(w, strings.Join(heads, "\t"))
	}
	for _, obj := range objs {
		data, err := content(obj)
		if err != nil {
			return "", err
		}
		cells := make([]string, len(paths))
		for i, p := range paths {
			if cells[i], err = p.cell(data); err != nil {
				return "", err
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	err := w.Flush()
	return b.String(), err
}

// cell is what a column shows of an object.
func (p *expression) cell(data any) (string, error) {
	results, err := p.find(data)
	if err != nil {
		return "", err
	}
	var words []string
	if len(results) == 0 || len(results[0]) == 0 {
		words = append(words, "<none>")
	}
	for _, values := range results {
		for _, v := range values {
			words = append(words, strings.NewReplacer("\x1b", "^[", "\r", `\r`).Replace(fmt.Sprint(v)))
		}
	}
	return strings.Join(words, ","), nil
}

// sortBy orders the rows of each kind, and all objects, by a path
// (TableSorter, RuntimeSort).
func sortBy(text string, groups []table.Group, objs []apiserver.Object) error {
	expr, err := relax(text)
	if err != nil {
		expr = text
	}
	p, err := parsePath(expr)
	if err != nil {
		return fmt.Errorf("sorting error: %w", err)
	}
	for _, g := range groups {
		if err := p.sort(expr, g.Objects); err != nil {
			return err
		}
	}
	if len(groups) == 1 {
		copy(objs, groups[0].Objects)
		return nil
	}
	return p.sort(expr, objs)
}

// sort orders objects by the first value of the path. An object without one
// comes first, and the order is that of sort.Sort: kubectl's is not stable.
func (p *expression) sort(expr string, objs []apiserver.Object) error {
	s := &sorter{objs: objs, keys: make([]any, len(objs)), has: make([]bool, len(objs))}
	found := len(objs) == 0
	for i, obj := range objs {
		data, err := content(obj)
		if err != nil {
			return err
		}
		results, err := p.find(data)
		if err != nil {
			return err
		}
		if len(results) > 0 && len(results[0]) > 0 {
			s.keys[i], s.has[i], found = results[0][0], true, true
		}
	}
	if !found {
		return fmt.Errorf("couldn't find any field with path %q in the list of objects", expr)
	}
	sort.Sort(s)
	return s.err
}

type sorter struct {
	objs []apiserver.Object
	keys []any
	has  []bool
	err  error
}

func (s *sorter) Len() int { return len(s.objs) }

func (s *sorter) Swap(i, j int) {
	s.objs[i], s.objs[j] = s.objs[j], s.objs[i]
	s.keys[i], s.keys[j] = s.keys[j], s.keys[i]
	s.has[i], s.has[j] = s.has[j], s.has[i]
}

func (s *sorter) Less(i, j int) bool {
	switch {
	case !s.has[i]:
		return true
	case !s.has[j]:
		return false
	}
	less, err := isLess(s.keys[i], s.keys[j])
	if err != nil {
		s.err = err
	}
	return less
}

// isLess compares two values; texts that are quantities as such.
func isLess(a, b any) (bool, error) {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return x < y, nil
		}
	case float64:
		if y, ok := b.(float64); ok {
			return x < y, nil
		}
	case string:
		y, ok := b.(string)
		if !ok {
			break
		}
		p, isQuantity := quantity(x)
		q, areBoth := quantity(y)
		if !isQuantity || !areBoth {
			return x < y, nil
		}
		return p.Cmp(q) < 0, nil
	default:
		return false, fmt.Errorf("unsortable type: %T", a)
	}
	return false, errors.New("unsortable interface: interface")
}

// quantity reads a quantity. An exponent of more than three digits makes none:
// to compare it would take for ever.
func quantity(text string) (resource.Quantity, bool) {
	if i := strings.LastIndexAny(text, "eE"); i >= 0 && len(strings.TrimLeft(text[i+1:], "+-")) > 3 {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}
