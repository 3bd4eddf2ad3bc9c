package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// ref names an object that a command is about.
type ref struct {
	kind apiserver.Kind
	key  apiserver.Key
	doc  *manifest.Document // of the file that names it, or nil
}

// request is what a command's arguments ask for, as kubectl's resource.Builder
// reads them: one kind after the other, each with names or as a list.
type request struct {
	wanted []wanted
	// single says that one object was asked for by name: it is printed alone.
	single bool
	// listed says that nothing was asked for by name.
	listed bool
}

// wanted is one kind: objects by name, or a list.
type wanted struct {
	kind  apiserver.Kind
	names []apiserver.Key
	docs  []*manifest.Document // of names, if files gave them
	list  bool
}

// everything is what "all" stands for, in the order of the API's groups.
var everything = []string{"pods", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "statefulsets",
	"horizontalpodautoscalers", "cronjobs", "jobs"}

// errNoResource is how kubectl asks for more.
var errNoResource = errors.New(`You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`)

// ask reads the arguments TYPE[,TYPE…] [NAME …], TYPE/NAME … and the flags that
// choose objects. bare says that a type alone means all of its objects, as for
// get; otherwise a selector or --all must say so.
func (c *call) ask(args []string, bare bool) (request, error) {
	selected := c.text("selector") != "" || c.text("field-selector") != ""
	if c.on("all") && c.text("selector") != "" {
		return request{}, errors.New("setting 'all' parameter but found a non empty selector. ")
	}
	if files := c.list("filename"); len(files) > 0 {
		if len(args) > 0 {
			return request{}, errors.New("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well")
		}
		return c.askFiles(files)
	}
	if len(args) == 0 {
		return request{}, errNoResource
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "/") }) {
		if selected || c.on("all") {
			return request{}, errors.New("name cannot be provided when a selector is specified")
		}
		return c.askPairs(args)
	}
	kinds, err := kindsNamed(args[0])
	switch {
	case err != nil:
		return request{}, err
	case len(args) == 1 && !bare && !selected && !c.on("all"):
		return request{}, errors.New("resource(s) were provided, but no name was specified")
	case len(args) > 1 && (selected || c.on("all")):
		return request{}, errors.New("name cannot be provided when a selector is specified")
	case len(args) > 1 && c.on("all-namespaces") && slices.ContainsFunc(kinds, apiserver.Kind.Namespaced):
		return request{}, errors.New("a resource cannot be retrieved by name across all namespaces")
	}
	r := request{listed: len(args) == 1, single: len(args) == 2 && len(kinds) == 1}
	for _, kind := range kinds {
		w := wanted{kind: kind, list: len(args) == 1}
		for _, name := range args[1:] {
			w.names = append(w.names, c.key(kind, name))
		}
		r.wanted = append(r.wanted, w)
	}
	return r, nil
}

// askPairs reads TYPE/NAME ….
func (c *call) askPairs(args []string) (request, error) {
	r := request{single: len(args) == 1}
	for _, arg := range args {
		resource, name, ok := strings.Cut(arg, "/")
		switch {
		case !ok:
			return r, errors.New("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'")
		case resource == "" || name == "" || strings.Contains(name, "/"):
			return r, fmt.Errorf("arguments in resource/name form must have a single resource and name")
		}
		kinds, err := kindsNamed(resource)
		if err != nil {
			return r, err
		}
		if c.on("all-namespaces") && kinds[0].Namespaced() {
			return r, errors.New("a resource cannot be retrieved by name across all namespaces")
		}
		r.wanted = append(r.wanted, wanted{kind: kinds[0], names: []apiserver.Key{c.key(kinds[0], name)}})
	}
	return r, nil
}

// askFiles takes the names from files.
func (c *call) askFiles(files []string) (request, error) {
	docs, err := c.documents(files)
	if err != nil {
		return request{}, err
	}
	r := request{single: len(docs) == 1}
	for i := range docs {
		d := &docs[i]
		r.wanted = append(r.wanted, wanted{kind: d.Kind, names: []apiserver.Key{apiserver.KeyOf(d.Object)}, docs: []*manifest.Document{d}})
	}
	return r, nil
}

// key names an object in the call's namespace.
func (c *call) key(kind apiserver.Kind, name string) apiserver.Key {
	if !kind.Namespaced() {
		return apiserver.Key{Name: name}
	}
	return apiserver.Key{Namespace: c.namespace, Name: name}
}

// kindsNamed reads "TYPE[,TYPE…]"; all is a type, too.
func kindsNamed(text string) ([]apiserver.Kind, error) {
	var kinds []apiserver.Kind
	for word := range strings.SplitSeq(text, ",") {
		words := []string{word}
		if word == "all" {
			words = everything
		}
		for _, name := range words {
			kind := apiserver.KindNamed(name)
			if kind == 0 {
				return nil, fmt.Errorf("the server doesn't have a resource type %q", name)
			}
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

// objects returns what is wanted of one kind; what does not exist is an error
// that is told at the end.
func (c *call) objects(w wanted) []apiserver.Object {
	if w.list {
		objs, err := c.listed(w.kind)
		if err != nil {
			c.fail(err)
		}
		return objs
	}
	var objs []apiserver.Object
	for _, key := range w.names {
		obj, err := c.cluster.Get(w.kind, key.Namespace, key.Name)
		switch {
		case err == nil:
			objs = append(objs, obj)
		case !apierrors.IsNotFound(err) || !c.on("ignore-not-found"):
			c.fail(err)
		}
	}
	return objs
}

// listed returns the objects of a kind that the selectors choose.
func (c *call) listed(kind apiserver.Kind) ([]apiserver.Object, error) {
	namespace := c.namespace
	if c.on("all-namespaces") || !kind.Namespaced() {
		namespace = ""
	}
	label, err := labels.Parse(c.text("selector"))
	if err != nil {
		return nil, err
	}
	field, err := fields.ParseSelector(c.text("field-selector"))
	if err != nil {
		return nil, err
	}
	for _, req := range field.Requirements() {
		if why := unknownField(kind, req.Field); why != "" {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("Unable to find %q that match label selector %q, field selector %q: %s",
				kind.GroupResource(), label, field, why))
		}
	}
	objs, err := c.cluster.List(kind, namespace, "")
	return slices.DeleteFunc(objs, func(obj apiserver.Object) bool {
		return !label.Matches(labels.Set(obj.GetLabels())) || !field.Empty() && !field.Matches(fieldsOf(obj))
	}), err
}

// targets returns the objects that a command changes, in order; what is wrong
// is told at the end.
func (c *call) targets(args []string, bare bool) []apiserver.Object {
	r, err := c.ask(args, bare)
	if err != nil {
		c.fail(err)
		return nil
	}
	var objs []apiserver.Object
	for _, w := range r.wanted {
		objs = append(objs, c.objects(w)...)
	}
	return objs
}

// documents reads the objects of files and directories. A namespace that was
// given by a flag must be theirs.
func (c *call) documents(names []string) ([]manifest.Document, error) {
	var docs []manifest.Document
	for _, name := range names {
		paths, err := c.expand(name)
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			data, err := c.readFile(p)
			if err != nil {
				return nil, fmt.Errorf("the path %q does not exist", p)
			}
			source := p
			if p == "-" {
				source = "STDIN"
			}
			ds, err := manifest.ReadEach(source, data)
			docs = append(docs, c.usable(ds, err)...)
		}
	}
	for i := range docs {
		docs[i].SetNamespace(c.namespace)
		if ns := docs[i].Object.GetNamespace(); docs[i].Kind != 0 && docs[i].Kind.Namespaced() && c.flags.Changed("namespace") && ns != c.namespace {
			return nil, fmt.Errorf("the namespace from the provided object %q does not match the namespace %q. You must pass '--namespace=%s' to perform this operation.", ns, c.namespace, ns)
		}
	}
	if len(docs) == 0 && len(c.errs) == 0 {
		return nil, errors.New("no objects passed to " + c.spec.name)
	}
	return docs, nil
}

// usable remembers what is wrong with a source and returns the documents that a
// command goes on with: apply alone knows what to say of custom resources.
func (c *call) usable(docs []manifest.Document, err error) []manifest.Document {
	errs := []error{err}
	var several manifest.Errors
	if errors.As(err, &several) {
		errs = several
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, manifest.ErrNoObjects) {
			c.fail(err)
		}
	}
	return slices.DeleteFunc(docs, func(d manifest.Document) bool {
		unknown := d.Kind == 0 && c.spec.name != "apply"
		if unknown {
			c.fail(d.Refused())
		}
		return unknown
	})
}

// expand returns the files that a name given by -f means: itself, or the
// manifests in a directory, with --recursive also those below.
func (c *call) expand(name string) ([]string, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return nil, fmt.Errorf("-f %s: there is no network here to read from", name)
	}
	if name == "-" {
		return []string{name}, nil
	}
	clean := path.Clean(name)
	if c.files == nil {
		return nil, fmt.Errorf("the path %q does not exist", name)
	}
	info, err := fs.Stat(c.files, clean)
	if err != nil {
		return nil, fmt.Errorf("the path %q does not exist", name)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var paths []string
	err = fs.WalkDir(c.files, clean, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != clean && !c.on("recursive"):
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(p)):
			paths = append(paths, p)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("error reading [%s]: recognized file extensions are [.json .yaml .yml]", name)
	}
	return paths, err
}
