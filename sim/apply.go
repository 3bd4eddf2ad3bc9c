package sim

import (
	"errors"
	"fmt"
	"os"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// Applied is what Apply did to one object.
type Applied struct {
	Kind   apiserver.Kind
	Key    apiserver.Key
	Action string // created, configured or unchanged
	// Warnings are what kubectl prints after "Warning: ", and what nothing here
	// acts on (package unmodelled): once for each kind and for each field of one.
	Warnings []string
}

// Apply applies manifests as `kubectl apply` does on the client side: objects
// that do not exist are created, others are patched three-way. Each manifest is
// the text of a YAML or JSON stream. Objects without a namespace go to
// "default".
//
// If anything is wrong with any of them, nothing is applied, and the error names
// document, object and field.
func (c *Cluster) Apply(manifests ...string) ([]Applied, error) {
	c.drive("Apply")
	defer c.done()
	var docs []manifest.Document
	for _, m := range manifests {
		ds, err := manifest.Read("", []byte(m))
		if err != nil {
			return nil, err
		}
		docs = append(docs, ds...)
	}
	return c.applyDocuments(docs)
}

// ApplyFiles is Apply for files.
func (c *Cluster) ApplyFiles(paths ...string) ([]Applied, error) {
	c.drive("ApplyFiles")
	defer c.done()
	var docs []manifest.Document
	for _, path := range paths {
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
		ds, err := manifest.Read(path, data)
		if err != nil {
			return nil, err
		}
		docs = append(docs, ds...)
	}
	return c.applyDocuments(docs)
}

// ApplyDocuments is Apply for documents that manifest.Read has returned. It is
// tried on a copy of the server first.
func (c *Cluster) ApplyDocuments(docs []manifest.Document) ([]Applied, error) {
	c.drive("ApplyDocuments")
	defer c.done()
	return c.applyDocuments(docs)
}

func (c *Cluster) applyDocuments(docs []manifest.Document) ([]Applied, error) {
	for i := range docs {
		if docs[i].Object == nil {
			return nil, fmt.Errorf("document %d has no object: documents come from manifest.Read", i+1)
		}
		docs[i].SetNamespace(DefaultNamespace)
	}
	e := c.host.Engine()
	trial := c.host.Server().Fork()
	for i := range docs {
		d := &docs[i]
		_, err := applyTo(d, trial.Get, func(req apiserver.Request) apiserver.Result {
			return trial.Do(e.Now(), apiserver.User, req)
		})
		if err != nil {
			return nil, d.Fail(err)
		}
	}
	applied := make([]Applied, len(docs))
	warned := map[int]bool{}
	for i := range docs {
		a, err := applyTo(&docs[i], c.host.Server().Get, c.result)
		if err != nil { // the trial passed
			return applied[:i], docs[i].Fail(err)
		}
		if a.Action != "unchanged" {
			a.Warnings = append(a.Warnings, told(warned, docs[i].Object)...)
		}
		applied[i] = a
	}
	return applied, nil
}

func applyTo(d *manifest.Document, get func(apiserver.Kind, apiserver.Key) Object, do func(apiserver.Request) apiserver.Result) (Applied, error) {
	key := apiserver.KeyOf(d.Object)
	done := Applied{Kind: d.Kind, Key: key}
	live := get(d.Kind, key)
	if live == nil {
		obj, err := d.Create()
		if err != nil {
			return done, err
		}
		res := do(apiserver.Request{Verb: apiserver.Create, Kind: d.Kind, Key: key, Object: obj})
		if res.Err == nil {
			done.Key = apiserver.KeyOf(res.Object)
		}
		done.Action, done.Warnings = "created", res.Warnings
		return done, res.Err
	}
	patch, changes, err := d.Patch(live)
	if err != nil {
		return done, err
	}
	done.Action = "unchanged"
	if !changes {
		return done, nil
	}
	res := do(apiserver.Request{Verb: apiserver.Patch, Kind: d.Kind, Key: key, Patch: patch})
	if res.Err != nil {
		return done, res.Err
	}
	if res.Object.GetResourceVersion() != live.GetResourceVersion() {
		done.Action = "configured"
	}
	done.Warnings = res.Warnings
	return done, nil
}

// DeleteManifest deletes the objects of a manifest, as `kubectl delete -f`
// does. Objects that do not exist are errors, after all others are deleted.
func (c *Cluster) DeleteManifest(text string, opts ...DeleteOptions) error {
	c.drive("DeleteManifest")
	defer c.done()
	docs, err := manifest.Read("", []byte(text))
	if err != nil {
		return err
	}
	var missing error
	for _, d := range docs {
		err := c.delete(d.Kind, d.Object.GetNamespace(), d.Object.GetName(), opts...)
		switch {
		case err == nil:
		case !apierrors.IsNotFound(err):
			return err
		case missing == nil:
			missing = err
		}
	}
	return missing
}
