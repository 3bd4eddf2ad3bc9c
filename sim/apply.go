package sim

import (
	"errors"
	"fmt"
	"os"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// Applied is what Apply did to one object.
type Applied struct {
	Kind apiserver.Kind // 0 for what was skipped
	Key  apiserver.Key
	// Action is created, configured or unchanged; or skipped, for the object of a
	// custom resource whose definition is stored, in a cluster that does not serve it
	// (Config.CustomResources).
	Action string
	// Custom is the kind of a custom resource, skipped or not.
	Custom schema.GroupVersionKind
	// Warnings are what kubectl prints after "Warning: ", and what nothing here
	// acts on (package unmodelled): once for each kind and for each field of one.
	Warnings []string
}

// Apply applies manifests as `kubectl apply` does on the client side: objects
// that do not exist are created, others are patched three-way. Each manifest is
// the text of a YAML or JSON stream. Objects without a namespace go to
// "default".
//
// If anything is wrong with any of them, nothing is applied, and the error lists
// all that is wrong, by document, object and field: they are tried on a copy of
// the server first.
//
// The first object reaches the server at the present moment and each other one
// when the requests before it have been answered (Latency.Apply); meanwhile the
// cluster goes on, so that controllers may have acted on the first when the last
// one comes. What is refused because of that alone is an error beside the objects
// that were applied.
func (c *Cluster) Apply(manifests ...string) ([]Applied, error) {
	c.drive("Apply")
	defer c.done()
	docs, err := readTexts(manifests)
	if err != nil {
		return nil, err
	}
	return c.applyDocuments(docs)
}

// ApplyFiles is Apply for files.
func (c *Cluster) ApplyFiles(paths ...string) ([]Applied, error) {
	c.drive("ApplyFiles")
	defer c.done()
	var docs []manifest.Document
	var errs []error
	for _, path := range paths {
		ds, err := readFile(path)
		docs, errs = append(docs, ds...), append(errs, err)
	}
	if err := readError(docs, errs); err != nil {
		return nil, err
	}
	return c.applyDocuments(docs)
}

func readTexts(manifests []string) ([]manifest.Document, error) {
	var docs []manifest.Document
	var errs []error
	for _, m := range manifests {
		ds, err := manifest.ReadEach("", []byte(m))
		docs, errs = append(docs, ds...), append(errs, err)
	}
	return docs, readError(docs, errs)
}

func readFile(path string) ([]manifest.Document, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > manifest.MaxSize {
		return nil, &manifest.Error{Source: path, Err: errors.New("is too large for a manifest")}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return manifest.ReadEach(path, data)
}

// readError joins the errors of several sources: one without objects is wrong
// only if there are none at all.
func readError(docs []manifest.Document, errs []error) error {
	if len(docs) == 0 {
		return manifest.Join(errs...)
	}
	return manifest.Join(slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, manifest.ErrNoObjects) })...)
}

// ApplyDocuments is Apply for documents that package manifest has read.
func (c *Cluster) ApplyDocuments(docs []manifest.Document) ([]Applied, error) {
	c.drive("ApplyDocuments")
	defer c.done()
	return c.applyDocuments(docs)
}

func (c *Cluster) applyDocuments(docs []manifest.Document) ([]Applied, error) {
	if err := complete(docs); err != nil {
		return nil, err
	}
	e := c.host.Engine()
	trial := applying{server: c.host.Server().Fork(), custom: c.definitions()}
	trial.do = func(req apiserver.Request) apiserver.Result { return trial.server.Do(e.Now(), apiserver.User, req) }
	var errs []error
	for i := range docs {
		_, err := trial.apply(&docs[i])
		errs = append(errs, err)
	}
	if err := manifest.Join(errs...); err != nil {
		return nil, err
	}
	return c.applyEach(docs)
}

// complete says which document has no object.
func complete(docs []manifest.Document) error {
	for i := range docs {
		if docs[i].Object == nil {
			return fmt.Errorf("document %d has no object: documents come from package manifest", i+1)
		}
	}
	return nil
}

// ApplyEach is ApplyDocuments without the trial: as kubectl does, it goes on
// after an object that is refused. The error lists those; beside it stands what
// was applied.
func (c *Cluster) ApplyEach(docs []manifest.Document) ([]Applied, error) {
	c.drive("ApplyEach")
	defer c.done()
	return c.applyEach(docs)
}

func (c *Cluster) applyEach(docs []manifest.Document) ([]Applied, error) {
	if err := complete(docs); err != nil {
		return nil, err
	}
	a := applying{server: c.host.Server(), do: c.result, custom: c.definitions()}
	var applied []Applied
	var errs []error
	warned := map[int]bool{}
	for i := range docs {
		if i > 0 {
			if err := c.between(&docs[i-1]); err != nil {
				return applied, manifest.Join(append(errs, err)...)
			}
		}
		done, err := a.apply(&docs[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if done.Action != "unchanged" && done.Kind != 0 {
			done.Warnings = append(done.Warnings, c.told(warned, docs[i].Object)...)
		}
		applied = append(applied, done)
	}
	return applied, manifest.Join(errs...)
}

// applyLatency names the choice of how long the two requests for an object take.
const applyLatency engine.Concern = "apply"

// between lets the time pass in which a document's requests are answered. Where
// they take no time, nothing comes between.
func (c *Cluster) between(d *manifest.Document) error {
	r := c.cfg.latency().Apply
	if r.Max <= 0 {
		return nil
	}
	key := d.GroupVersionKind().Kind + "/" + apiserver.KeyOf(d.Object).String()
	_, err := c.await("Apply", c.host.Engine().Between(applyLatency, key, r.Min, r.Max), func() bool { return false })
	return err
}

// applying is one call of Apply: a server, real or for a trial, with the custom
// resources that it knew when the call began, for kubectl asks once.
type applying struct {
	server *apiserver.Server
	do     func(apiserver.Request) apiserver.Result
	custom map[schema.GroupVersionKind]bool
}

// apply applies one document. The error is a manifest.Error.
func (a *applying) apply(d *manifest.Document) (Applied, error) {
	d.SetNamespace(DefaultNamespace)
	gvk := d.GroupVersionKind()
	if def := a.server.DefinedKind(gvk.GroupKind()); d.Kind == 0 && a.custom[gvk] && def != nil && def.Version(gvk.Version) != nil {
		return a.applyCustom(d, def)
	}
	if d.Kind == 0 && a.custom[gvk] {
		return Applied{Key: apiserver.Key{Namespace: d.Object.GetNamespace(), Name: d.Object.GetName()}, Action: "skipped", Custom: gvk, Warnings: []string{
			fmt.Sprintf("%s %q is left out: custom resources are defined here, but not served", gvk.Kind, d.Object.GetName())}}, nil
	}
	if d.Kind == 0 {
		return Applied{}, d.Refused()
	}
	key, err := d.Key()
	if err != nil {
		return Applied{}, err
	}
	done := Applied{Kind: d.Kind, Key: key}
	if live := a.server.Get(d.Kind, key); live != nil {
		err = a.patch(d, &done, live)
	} else {
		err = a.create(d, &done)
	}
	return done, err
}

// applyCustom applies a custom resource.
func (a *applying) applyCustom(d *manifest.Document, def *apiserver.Defined) (Applied, error) {
	custom, gvk := d.Custom(def.Namespaced(), DefaultNamespace), d.GroupVersionKind()
	key, err := custom.Key()
	if err != nil {
		return Applied{}, err
	}
	done := Applied{Kind: apiserver.CustomResource, Key: key, Custom: gvk}
	if live := a.server.Get(apiserver.CustomResource, key); live != nil {
		err = a.patch(&custom, &done, def.In(gvk.Version, live))
	} else {
		err = a.create(&custom, &done)
	}
	return done, err
}

// clientSideApply is the name under which kubectl applies.
const clientSideApply = "kubectl-client-side-apply"

func (a *applying) create(d *manifest.Document, done *Applied) error {
	obj, err := d.Create()
	if err != nil {
		return err
	}
	res := a.do(apiserver.Request{Verb: apiserver.Create, Kind: d.Kind, Key: apiserver.KeyOf(obj), Object: obj, Manager: clientSideApply, Version: done.Custom.Version, Strict: true})
	if res.Err != nil {
		return d.Fail(res.Err)
	}
	done.Action, done.Warnings = "created", res.Warnings
	return nil
}

// patch is kubectl's Patcher: it says configured whenever it has sent something.
func (a *applying) patch(d *manifest.Document, done *Applied, live Object) error {
	if _, ok := live.GetAnnotations()[manifest.LastApplied]; !ok {
		done.Warnings = append(done.Warnings, d.NeverApplied())
	}
	patch, changes, err := d.Patch(live)
	if err != nil {
		return err
	}
	done.Action = "unchanged"
	if changes {
		res := a.do(apiserver.Request{Verb: apiserver.Patch, Kind: d.Kind, Key: done.Key, Patch: patch, Manager: clientSideApply, Version: done.Custom.Version, Strict: true})
		if res.Err != nil {
			return d.Fail(res.Err)
		}
		live = res.Object
		done.Action, done.Warnings = "configured", append(done.Warnings, res.Warnings...)
	}
	if live.GetDeletionTimestamp() != nil {
		done.Warnings = append(done.Warnings, fmt.Sprintf("Detected changes to resource %s which is currently being deleted.", done.Key.Name))
	}
	return nil
}

// definitions returns the kinds that the stored CustomResourceDefinitions serve.
func (c *Cluster) definitions() map[schema.GroupVersionKind]bool {
	set := map[schema.GroupVersionKind]bool{}
	for _, obj := range c.host.Server().List(definitionKind, "") {
		spec := &obj.(*apiextensionsv1.CustomResourceDefinition).Spec
		for _, v := range spec.Versions {
			if v.Served {
				set[schema.GroupVersionKind{Group: spec.Group, Version: v.Name, Kind: spec.Names.Kind}] = true
			}
		}
	}
	return set
}

// DeleteManifest deletes the objects of a manifest, as `kubectl delete -f`
// does. Objects that do not exist are errors, which come after all others are
// deleted.
func (c *Cluster) DeleteManifest(text string, opts ...DeleteOptions) error {
	c.drive("DeleteManifest")
	defer c.done()
	docs, err := manifest.ReadEach("", []byte(text))
	errs := []error{err}
	for _, d := range docs {
		if d.Kind == 0 {
			errs = append(errs, d.Refused())
			continue
		}
		errs = append(errs, c.delete(d.Kind, d.Object.GetNamespace(), d.Object.GetName(), opts...))
	}
	return manifest.Join(errs...)
}
