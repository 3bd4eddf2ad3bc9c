package shell

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/table"
)

// apply: kubectl apply -f FILE …, on the client side or on the server's. A document that is
// refused does not keep those after it from being applied.
func (c *call) apply() {
	docs, ok := c.given()
	if !ok {
		return
	}
	if c.on("force-conflicts") && !c.on("server-side") {
		c.wrong("--force-conflicts only works with --server-side")
		return
	}
	for i := range docs {
		if c.on("server-side") {
			c.applyServerSide(&docs[i])
		} else {
			c.applyOne(&docs[i])
		}
	}
}

// given reads the files of a command that takes nothing else.
func (c *call) given() ([]manifest.Document, bool) {
	files := c.list("filename")
	switch {
	case len(files) == 0 && len(c.args) == 0:
		c.wrong("must specify one of -f and -k")
		return nil, false
	case len(c.args) > 0:
		c.misused("Unexpected args: %v", c.args)
		return nil, false
	}
	docs, err := c.documents(files)
	if err != nil {
		c.fail(err)
	}
	return docs, err == nil
}

func (c *call) applyOne(d *manifest.Document) {
	key, err := d.Key()
	if err != nil {
		c.fail(err)
		return
	}
	var live apiserver.Object
	verb := "creating"
	if d.Kind != 0 {
		if live, err = c.cluster.Get(d.Kind, key.Namespace, key.Name); err == nil {
			verb = "patching"
		}
	}
	applied, err := c.cluster.ApplyEach([]manifest.Document{*d})
	if err != nil {
		if verb == "patching" && live.GetAnnotations()[manifest.LastApplied] == "" {
			c.warnAll([]string{d.NeverApplied()})
		}
		c.failAt(verb, d, live, err)
		return
	}
	for _, a := range applied {
		c.warnAll(a.Warnings)
		if a.Kind == 0 {
			continue
		}
		obj, err := c.cluster.Get(a.Kind, a.Key.Namespace, a.Key.Name)
		if err != nil {
			c.fail(err)
			continue
		}
		c.report(a.Kind, obj, table.Operation(a.Action))
	}
}

// failAt remembers an error of the server with what was done to which file, as
// kubectl tells it; an error of the file itself says that already.
func (c *call) failAt(verb string, d *manifest.Document, live apiserver.Object, err error) {
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		c.fail(err)
		return
	}
	source := d.Source
	if source == "" {
		source = "STDIN"
	}
	s := status.ErrStatus
	s.Message = fmt.Sprintf("error when %s %q: %s", verb, source, s.Message)
	if verb == "patching" && live != nil {
		patch, _, _ := d.Patch(live)
		gvk := d.Kind.GroupVersionKind()
		s.Message = fmt.Sprintf("error when applying patch:\n%s\nto:\nResource: %q, GroupVersionKind: %q\nName: %q, Namespace: %q\nfor: %q: %s",
			patch.Data, gvk.GroupVersion().WithResource(d.Kind.Resource()).String(), gvk.String(), live.GetName(), live.GetNamespace(), source, s.Message)
	}
	c.fail(&apierrors.StatusError{ErrStatus: s})
}

// warnAll prints what the server warns of.
func (c *call) warnAll(warnings []string) {
	for _, w := range warnings {
		if line := "Warning: " + w + "\n"; !strings.Contains(c.Stderr, line) { // once each
			c.warn("%s", line)
		}
	}
}

// report answers for an object that was changed: "pod/web-0 labeled", or as -o
// asks.
func (c *call) report(kind apiserver.Kind, obj apiserver.Object, op table.Operation) {
	switch output := c.text("output"); output {
	case "":
		c.print("%s%s\n", table.Line(kind, obj.GetName(), op), c.suffix)
	case "name":
		c.print("%s\n", table.Name(kind, obj.GetName()))
	default:
		c.printAs(output, []apiserver.Object{obj}, true)
	}
}

// create: kubectl create -f FILE …
func (c *call) create() {
	docs, ok := c.given()
	if !ok {
		return
	}
	for i := range docs {
		d := &docs[i]
		c.created(d, d.Object)
	}
}

// created sends a new object; d is the document that it comes from, or nil.
func (c *call) created(d *manifest.Document, obj apiserver.Object) {
	kind := apiserver.KindOf(obj)
	if d != nil && d.Refused() != nil {
		c.failAt("creating", d, nil, d.Refused())
		return
	}
	if d != nil && c.on("save-config") {
		with, err := d.Create()
		if err != nil {
			c.fail(err)
			return
		}
		obj = with
	}
	res := c.cluster.Do(apiserver.Request{Verb: apiserver.Create, Kind: kind, Key: apiserver.KeyOf(obj), Object: obj, Manager: c.manager()})
	c.warnAll(res.Warnings)
	switch {
	case res.Err != nil && d != nil:
		c.failAt("creating", d, nil, res.Err)
	case res.Err != nil:
		c.failDoing("failed to create "+kindWord(kind), res.Err)
	default:
		c.report(kind, res.Object, table.Created)
	}
}

// failDoing puts words before the message of the server.
func (c *call) failDoing(words string, err error) {
	var status *apierrors.StatusError
	if !errors.As(err, &status) || apierrors.IsInvalid(err) {
		c.fail(err)
		return
	}
	c.wrong("%s: %s", words, status.ErrStatus.Message)
}

func kindWord(kind apiserver.Kind) string { return kindWords[kind.String()] }

var kindWords = map[string]string{"ConfigMap": "configmap", "Namespace": "namespace"}

// replace: kubectl replace -f FILE …, with --force by deletion and creation.
func (c *call) replace() {
	docs, ok := c.given()
	if !ok {
		return
	}
	if c.on("force") {
		c.replaceByForce(docs)
		return
	}
	for i := range docs {
		d := &docs[i]
		if err := d.Refused(); err != nil {
			c.failAt("replacing", d, nil, err)
			continue
		}
		obj, key := d.Object, apiserver.KeyOf(d.Object)
		if c.on("save-config") || obj.GetAnnotations()[corev1.LastAppliedConfigAnnotation] != "" {
			with, err := d.Create()
			if err != nil {
				c.fail(err)
				continue
			}
			obj = with
		}
		obj.SetResourceVersion("")
		if live, err := c.cluster.Get(d.Kind, key.Namespace, key.Name); err == nil {
			obj.SetResourceVersion(live.GetResourceVersion()) // the last writer wins
		}
		res := c.cluster.Do(apiserver.Request{Verb: apiserver.Update, Kind: d.Kind, Key: key, Object: obj, Manager: c.manager()})
		c.warnAll(res.Warnings)
		if res.Err != nil {
			c.failAt("replacing", d, nil, res.Err)
			continue
		}
		c.report(d.Kind, res.Object, "replaced")
	}
}

func (c *call) replaceByForce(docs []manifest.Document) {
	opts, err := c.deleteOptions(false) // a grace period of 0 is made 1
	if err != nil {
		c.fail(err)
		return
	}
	var gone []ref
	for i := range docs {
		gone = append(gone, ref{docs[i].Kind, apiserver.KeyOf(docs[i].Object), &docs[i]})
	}
	c.deleteAll(gone, opts, true, true)
	if len(c.errs) > 0 {
		return
	}
	for i := range docs {
		d := &docs[i]
		res := c.cluster.Do(apiserver.Request{Verb: apiserver.Create, Kind: d.Kind, Key: apiserver.KeyOf(d.Object), Object: d.Object, Manager: c.manager()})
		c.warnAll(res.Warnings)
		if res.Err != nil {
			c.fail(res.Err)
			continue
		}
		c.report(d.Kind, res.Object, "replaced")
	}
}

// patchTypes are the values of --type.
var patchTypes = map[string]types.PatchType{
	"strategic": types.StrategicMergePatchType, "merge": types.MergePatchType, "json": types.JSONPatchType}

// patch: kubectl patch (TYPE NAME | TYPE/NAME | -f FILE) -p PATCH [--type TYPE]
// [--subresource status]
func (c *call) patch() {
	typ, ok := patchTypes[c.text("type")]
	sub := apiserver.None
	switch {
	case !c.flags.Changed("patch"):
		c.wrong("must specify --patch or --patch-file containing the contents of the patch")
		return
	case !ok:
		c.wrong("--type must be one of [json merge strategic], not %q", c.text("type"))
		return
	case c.text("subresource") == "status":
		sub = apiserver.Status
	case c.text("subresource") != "":
		c.wrong("--subresource=%s is not modelled here; status is", c.text("subresource"))
		return
	}
	data, err := yamlToJSON(c.text("patch"))
	if err != nil {
		c.wrong("unable to parse %q: %v", c.text("patch"), err)
		return
	}
	for _, before := range c.targets(c.args, false) {
		kind := apiserver.KindOf(before)
		res := c.patched(before, sub, typ, data)
		if res.Err != nil {
			c.fail(res.Err)
			continue
		}
		op := table.Patched
		if res.Object.GetResourceVersion() == before.GetResourceVersion() {
			op = table.PatchedNoChange
		}
		c.report(kind, res.Object, op)
	}
}

// patched sends a patch of an object and prints the warnings.
func (c *call) patched(obj apiserver.Object, sub apiserver.Subresource, typ types.PatchType, data string) apiserver.Result {
	res := c.cluster.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.KindOf(obj), Subresource: sub, Key: apiserver.KeyOf(obj), Manager: c.manager(),
		Patch: apiserver.RawPatch{Type: typ, Data: data}})
	c.warnAll(res.Warnings)
	return res
}

// createNamespace: kubectl create namespace NAME
func (c *call) createNamespace() {
	if name, ok := c.oneName(); ok {
		ns := &corev1.Namespace{}
		ns.Name = name
		c.created(nil, ns)
	}
}

// oneName is the only argument.
func (c *call) oneName() (string, bool) {
	if len(c.args) != 1 {
		c.misused("exactly one NAME is required, got %d", len(c.args))
		return "", false
	}
	return c.args[0], true
}

// createConfigMap: kubectl create configmap NAME --from-literal=KEY=VALUE …
func (c *call) createConfigMap() {
	name, ok := c.oneName()
	if !ok {
		return
	}
	m := &corev1.ConfigMap{}
	m.Name, m.Namespace = name, c.namespace
	for _, pair := range c.array("from-literal") {
		key, value, err := literal(pair)
		if err == nil && m.Data[key] != "" {
			err = fmt.Errorf("cannot add key %q, another key by that name already exists in Data for ConfigMap %q", key, name)
		}
		if err != nil {
			c.fail(err)
			return
		}
		if m.Data == nil {
			m.Data = map[string]string{}
		}
		m.Data[key] = value
	}
	c.created(nil, m)
}

// literal reads KEY=VALUE of --from-literal.
func literal(pair string) (key, value string, err error) {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || key == "" {
		return "", "", fmt.Errorf("invalid literal source %v, expected key=value", pair)
	}
	return key, strings.Trim(value, "'\""), nil
}

// yamlToJSON lets a patch be written as YAML, too.
func yamlToJSON(text string) (string, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	return string(data), err
}
