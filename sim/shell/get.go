package shell

import (
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// query is a parsed kubectl get.
type query struct {
	groups    []wanted
	namespace string // empty for all
	selector  string
	output    string // "", wide, yaml, json or name
	watch     bool
	options   table.Options
}

// wanted is one kind, with the names asked for; none means all.
type wanted struct {
	kind  apiserver.Kind
	names []string
}

// parseGet reads kubectl get KIND[,KIND…] [NAME …] with -o, -w, -A, -l,
// --no-headers and --show-labels.
func parseGet(args []string) (query, Output) {
	f, ns := newFlags("get")
	output := f.StringP("output", "o", "", "")
	watch := f.BoolP("watch", "w", false, "")
	all := f.BoolP("all-namespaces", "A", false, "")
	selector := f.StringP("selector", "l", "", "")
	noHeaders := f.Bool("no-headers", false, "")
	showLabels := f.Bool("show-labels", false, "")
	if err := f.Parse(args); err != nil {
		return query{}, usage("get", err)
	}
	q := query{namespace: *ns, selector: *selector, output: *output, watch: *watch,
		options: table.Options{Wide: *output == "wide", AllNamespaces: *all, NoHeaders: *noHeaders, ShowLabels: *showLabels, Namespace: *ns}}
	if *all {
		q.namespace = ""
	}
	if !slices.Contains([]string{"", "wide", "yaml", "json", "name"}, *output) {
		return q, failure("error: unable to match a printer suitable for the output format %q, allowed formats are: json,name,wide,yaml", *output)
	}
	rest := f.Args()
	if len(rest) == 0 {
		return q, failure("error: Required resource not specified.")
	}
	if strings.Contains(rest[0], "/") {
		list, out := targets(rest)
		for _, t := range list {
			q.groups = append(q.groups, wanted{t.kind, []string{t.name}})
		}
		return q, out
	}
	for name := range strings.SplitSeq(rest[0], ",") {
		kind := apiserver.KindNamed(name)
		if kind == 0 {
			return q, failure("error: the server doesn't have a resource type %q", name)
		}
		q.groups = append(q.groups, wanted{kind, rest[1:]})
	}
	return q, Output{}
}

// get: kubectl get, once.
func (s *Shell) get(args []string) Output {
	q, out := parseGet(args)
	if out.Code != 0 {
		return out
	}
	if q.watch {
		return failure("error: a watch never ends; use Shell.Watch")
	}
	groups, out := s.find(q)
	if out.Code != 0 && len(groups) == 0 {
		return out
	}
	now := s.cluster.Now()
	switch q.output {
	case "yaml", "json":
		return printObjects(groups, q, out)
	case "name":
		for _, g := range groups {
			for _, obj := range g.Objects {
				out.Text += table.Name(g.Kind, obj.GetName()) + "\n"
			}
		}
		return out
	}
	stdout, stderr := table.Get(groups, now, q.options)
	out.Text = stdout + stderr + out.Text
	return out
}

// find returns the objects that a query names; what is not found is told in
// the Output.
func (s *Shell) find(q query) ([]table.Group, Output) {
	var groups []table.Group
	var out Output
	for _, w := range q.groups {
		g := table.Group{Kind: w.kind}
		if len(w.names) == 0 {
			objs, err := s.cluster.List(w.kind, namespaceOf(target{kind: w.kind}, q.namespace), q.selector)
			if err != nil {
				return nil, failed(err)
			}
			g.Objects = objs
		}
		for _, name := range w.names {
			obj, err := s.cluster.Get(w.kind, q.namespace, name)
			if err != nil {
				e := failed(err)
				out.Text, out.Code = out.Text+e.Text, e.Code
				continue
			}
			g.Objects = append(g.Objects, obj)
		}
		if len(w.names) == 0 || len(g.Objects) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, out
}

func printObjects(groups []table.Group, q query, out Output) Output {
	var objs []apiserver.Object
	for _, g := range groups {
		objs = append(objs, g.Objects...)
	}
	one := len(q.groups) == 1 && len(q.groups[0].names) == 1 && len(objs) == 1
	var text string
	var err error
	switch {
	case q.output == "yaml" && one:
		text, err = table.YAML(objs[0])
	case q.output == "yaml":
		text, err = table.YAMLList(objs)
	case one:
		text, err = table.JSON(objs[0])
	default:
		text, err = table.JSONList(objs)
	}
	if err != nil {
		return failed(err)
	}
	out.Text = text + out.Text
	return out
}

// describe: kubectl describe KIND [NAME …]
func (s *Shell) describe(args []string) Output {
	q, out := parseGet(args)
	if out.Code != 0 {
		return out
	}
	groups, out := s.find(q)
	if out.Code != 0 && len(groups) == 0 {
		return out
	}
	var others []apiserver.Object
	for _, kind := range []apiserver.Kind{apiserver.Event, apiserver.Pod, apiserver.EndpointSlice} {
		objs, err := s.cluster.List(kind, "", "")
		if err != nil {
			return failed(err)
		}
		others = append(others, objs...)
	}
	var pages []string
	for _, g := range groups {
		for _, obj := range g.Objects {
			pages = append(pages, table.Describe(obj, others, s.cluster.Now()))
		}
	}
	out.Text = strings.Join(pages, "\n\n") + out.Text
	return out
}
