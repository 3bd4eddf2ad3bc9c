package shell

import (
	"errors"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// get: kubectl get (TYPE[,TYPE…] [NAME …] | TYPE/NAME … | -f FILE)
func (c *call) get() {
	q, err := c.askGet()
	switch {
	case err != nil:
		c.fail(err)
		return
	case c.on("watch") || c.on("watch-only"):
		c.wrong("a watch ends only with the terminal: use Shell.Watch, or `timeout 10 kubectl get … -w`")
		return
	}
	var groups []table.Group
	var objs []apiserver.Object
	for _, w := range q.wanted {
		if isTable(c.text("output")) { // the server makes the rows of what it keeps
			w.kind = w.kind.Stored()
		}
		found := c.objects(w)
		if len(found) > 0 || w.list {
			groups = append(groups, table.Group{Kind: w.kind, Objects: found})
		}
		objs = append(objs, found...)
	}
	if path := c.text("sort-by"); path != "" {
		if err := sortBy(path, groups, objs); err != nil {
			c.fail(err)
			return
		}
	}
	if output := c.text("output"); !isTable(output) {
		if len(objs) > 0 || q.listed {
			c.printAs(output, objs, q.single)
		}
		return
	}
	if len(objs) == 0 && (len(c.errs) > 0 || c.on("ignore-not-found") && !q.listed) {
		return
	}
	stdout, stderr := table.Get(groups, c.cluster.Now(), c.tableOptions())
	c.print("%s", stdout)
	c.warn("%s", stderr)
}

// askGet reads the arguments of get.
func (c *call) askGet() (request, error) {
	if len(c.args) == 0 && len(c.list("filename")) == 0 {
		c.warn("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\n")
		return request{}, errors.New("Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples")
	}
	if err := c.checkOutput(); err != nil {
		return request{}, err
	}
	if c.on("output-watch-events") && !c.on("watch") && !c.on("watch-only") {
		return request{}, errors.New("--output-watch-events option can only be used with --watch or --watch-only")
	}
	return c.ask(c.args, true)
}

func isTable(output string) bool { return output == "" || output == "wide" }

func (c *call) tableOptions() table.Options {
	return table.Options{Wide: c.text("output") == "wide", AllNamespaces: c.on("all-namespaces"), NoHeaders: c.on("no-headers"),
		ShowKind: c.on("show-kind"), ShowLabels: c.on("show-labels"), LabelColumns: c.list("label-columns"),
		WatchEvents: c.on("output-watch-events"), Namespace: c.namespace}
}

// describe: kubectl describe (TYPE [NAME …] | TYPE/NAME … | -f FILE)
func (c *call) describe() {
	if len(c.args) == 0 && len(c.list("filename")) == 0 {
		c.wrong("You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.")
		return
	}
	q, err := c.ask(c.args, true)
	if err != nil {
		c.fail(err)
		return
	}
	others, err := c.related()
	if err != nil {
		c.fail(err)
		return
	}
	var objs []apiserver.Object
	guessed := false // by the beginning of a name
	for _, w := range q.wanted {
		found := c.objectsLike(w)
		objs = append(objs, found...)
		guessed = guessed || !w.list && w.docs == nil && slices.ContainsFunc(found, func(obj apiserver.Object) bool {
			return !slices.Contains(w.names, apiserver.KeyOf(obj))
		})
	}
	describe := table.Describe
	if len(objs) > 1 || guessed {
		describe = table.DescribeWithoutEvents // --show-events is for one object alone
	}
	var pages []string
	for _, obj := range objs {
		pages = append(pages, describe(obj, others, c.cluster.Now()))
	}
	c.print("%s", strings.Join(pages, "\n\n"))
	if len(pages) == 0 && len(c.errs) == 0 {
		if slices.ContainsFunc(q.wanted, func(w wanted) bool { return !w.kind.Namespaced() }) || c.on("all-namespaces") {
			c.warn("No resources found\n")
		} else {
			c.warn("No resources found in %s namespace.\n", c.namespace)
		}
	}
}

// related returns the objects among which a description finds what belongs to
// its own.
func (c *call) related() ([]apiserver.Object, error) {
	var others []apiserver.Object
	for _, kind := range []apiserver.Kind{apiserver.Event, apiserver.Pod, apiserver.ReplicaSet, apiserver.EndpointSlice, apiserver.ResourceQuota, apiserver.KindNamed("limitranges"), apiserver.KindNamed("leases")} {
		objs, err := c.cluster.List(kind, "", "")
		if err != nil {
			return nil, err
		}
		others = append(others, objs...)
	}
	return others, nil
}

// objectsLike is objects, but that a name which nothing has is taken as the
// beginning of names (DescribeMatchingResources).
func (c *call) objectsLike(w wanted) []apiserver.Object {
	if w.list || w.docs != nil {
		return c.objects(w)
	}
	var objs []apiserver.Object
	for _, key := range w.names {
		obj, err := c.cluster.Get(w.kind, key.Namespace, key.Name)
		if err == nil {
			objs = append(objs, obj)
			continue
		}
		n := len(objs)
		all, _ := c.cluster.List(w.kind, key.Namespace, "")
		for _, obj := range all {
			if strings.HasPrefix(obj.GetName(), key.Name) {
				objs = append(objs, obj)
			}
		}
		if len(objs) == n {
			c.fail(err)
		}
	}
	return objs
}

// Terminal is a second terminal in which `kubectl get … -w` runs.
type Terminal struct {
	text strings.Builder
	stop func()
}

// Watch starts a `kubectl get TYPE … -w` that follows the cluster from now on,
// until Close. A line that is no such command is told by the Output, whose Code
// is then not 0.
func (s *Shell) Watch(line string) (*Terminal, Output) {
	args, err := parser().Parse(line)
	if err != nil || len(args) < 2 || args[0] != "kubectl" {
		return nil, failure("sh: no watch: %q", line)
	}
	return s.watch(args[1:])
}

// watch starts the watch of a line without its first word.
func (s *Shell) watch(args []string) (*Terminal, Output) {
	cmd, rest, out := find(args)
	if cmd == nil {
		return nil, out
	}
	line := strings.Join(args, " ")
	if cmd.name != "get" {
		return nil, failure("sh: no watch: %q", line)
	}
	c := &call{Shell: s, cluster: s.cluster, spec: cmd, flags: cmd.flagSet()}
	if err := c.flags.Parse(rest); err != nil {
		return nil, usage(cmd.name, err)
	}
	c.args, c.namespace = c.flags.Args(), c.text("namespace")
	if c.namespace == "" {
		c.namespace = "default"
	}
	if !c.on("watch") && !c.on("watch-only") {
		return nil, failure("sh: no watch: %q", line)
	}
	if err := c.check(commands["get"]); err != nil {
		return nil, failed(err)
	}
	return c.follow()
}

// follow starts the watch of a get.
func (c *call) follow() (*Terminal, Output) {
	q, err := c.askGet()
	switch {
	case err != nil:
		return nil, failed(err)
	case len(q.wanted) != 1 || len(q.wanted[0].names) > 1:
		return nil, failure("error: you may only specify a single resource type")
	case c.text("sort-by") != "":
		c.warn("Warning: --watch requested, --sort-by will be ignored for watch events received\n")
	}
	w := q.wanted[0]
	if isTable(c.text("output")) {
		w.kind = w.kind.Stored()
	}
	objs := c.objects(w)
	if len(c.errs) > 0 {
		c.tell()
		return nil, c.Output
	}
	selector, err := labels.Parse(c.text("selector"))
	if err != nil {
		return nil, failed(err)
	}
	t := &Terminal{}
	show, err := c.watchPrinter(w.kind)
	if err != nil {
		return nil, failed(err)
	}
	if !c.on("watch-only") {
		t.text.WriteString(show.list(objs, c.cluster.Now()))
	}
	t.stop = c.cluster.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind != w.kind.Stored() || !selector.Matches(labels.Set(rec.Object.GetLabels())) || !c.isWatched(w, rec) {
			return
		}
		t.text.WriteString(show.event(rec.As(w.kind), c.cluster.Now()))
	})
	return t, c.Output
}

func (c *call) isWatched(w wanted, rec *apiserver.Record) bool {
	if !w.list {
		return rec.Key == w.names[0]
	}
	return c.on("all-namespaces") || !w.kind.Namespaced() || rec.Key.Namespace == c.namespace
}

// watching prints what a watch brings.
type watching struct {
	list  func([]apiserver.Object, time.Time) string
	event func(*apiserver.Record, time.Time) string
}

// watchPrinter returns how a watch is printed: as rows, or object by object.
func (c *call) watchPrinter(kind apiserver.Kind) (watching, error) {
	if c.text("field-selector") != "" {
		return watching{}, errors.New("--field-selector of a watch is not modelled here")
	}
	if !isTable(c.text("output")) {
		return watching{
			list: func(objs []apiserver.Object, _ time.Time) string {
				text := ""
				for _, obj := range objs {
					text += c.textOf(obj)
				}
				return text
			},
			event: func(rec *apiserver.Record, _ time.Time) string { return c.textOf(rec.Object) },
		}, nil
	}
	w := table.NewWatcher(kind, c.tableOptions())
	return watching{
		list:  w.List,
		event: func(rec *apiserver.Record, now time.Time) string { return w.Event(rec.Type, rec.Object, now) },
	}, nil
}

// textOf prints one object as -o asks; what cannot be printed is told there.
func (c *call) textOf(obj apiserver.Object) string {
	one := &call{Shell: c.Shell, flags: c.flags, spec: c.spec}
	one.printAs(c.text("output"), []apiserver.Object{obj}, true)
	one.tell()
	return one.Text
}

// Read returns what was printed since the last Read.
func (t *Terminal) Read() string {
	text := t.text.String()
	t.text.Reset()
	return text
}

// Close ends the watch.
func (t *Terminal) Close() { t.stop() }
