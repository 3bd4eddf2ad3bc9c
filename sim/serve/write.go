package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// options reads the query of a write and refuses what contradicts itself.
func options[T any](c *call, opts T, kind string, check func() field.ErrorList) error {
	if err := metascheme.ParameterCodec.DecodeParameters(c.r.URL.Query(), metaV1, any(opts).(runtime.Object)); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	return invalid(kind, check())
}

func invalid(kind string, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: kind}, "", errs)
}

// create answers POST to a collection.
func (c *call) create(t *target) {
	f, err := c.negotiate(false)
	var opts metav1.CreateOptions
	if err == nil {
		err = options(c, &opts, "CreateOptions", func() field.ErrorList { return validation.ValidateCreateOptions(&opts) })
	}
	var obj apiserver.Object
	if err == nil {
		obj, err = c.body(t.empty(), t.gvk(), opts.FieldValidation)
	}
	if err != nil {
		c.fail(err)
		return
	}
	key := apiserver.Key{Namespace: t.namespace, Name: obj.GetName()}
	switch {
	case t.kind == apiserver.Namespace:
		key.Namespace = ""
	case t.def != nil:
		key = apiserver.CustomKey(t.def.GroupKind(), t.namespace, obj.GetName())
	}
	if err := placed(obj, t); err != nil {
		c.fail(err)
		return
	}
	dry := len(opts.DryRun) > 0
	req := apiserver.Request{Verb: apiserver.Create, Kind: t.kind, Key: key, Object: obj, Manager: c.manager(opts.FieldManager)}
	res := c.send(t, req, opts.FieldValidation, dry)
	c.warn(res.Warnings)
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	if dry {
		res.Object.SetResourceVersion("")
	}
	c.answer(http.StatusCreated, f, t, res.Object)
}

// placed gives an object the namespace of its path, or refuses another one
// (EnsureObjectNamespaceMatchesRequestNamespace).
func placed(obj apiserver.Object, t *target) error {
	if !t.namespaced() {
		return nil
	}
	switch obj.GetNamespace() {
	case t.namespace:
	case "":
		obj.SetNamespace(t.namespace)
	default:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

// body decodes what was sent. Unknown and duplicate fields are refused, warned
// of or passed over, as the client says; of protobuf they are not known.
func (c *call) body(into apiserver.Object, want schema.GroupVersionKind, directive string) (apiserver.Object, error) {
	info, err := input(c.r)
	if err == nil && c.plainText && !info.EncodesAsText {
		err = unsupported(mediaNames(false))
	}
	if err != nil {
		return nil, err
	}
	data, err := readBody(c.r)
	if err != nil {
		return nil, err
	}
	decoder := info.StrictSerializer
	if directive == metav1.FieldValidationIgnore {
		decoder = info.Serializer
	}
	got, gvk, err := decoder.Decode(data, &want, into)
	if err != nil {
		strict, isStrict := runtime.AsStrictDecodingError(err)
		if !isStrict || got == nil || directive == metav1.FieldValidationStrict {
			return nil, undecodable(err, want, gvk, data)
		}
		warnings := make([]string, 0, len(strict.Errors()))
		for _, e := range strict.Errors() {
			warnings = append(warnings, yamlWarnings(e.Error())...)
		}
		c.warn(warnings)
	}
	if *gvk != want {
		if gvk.Kind == want.Kind && gvk.Group == want.Group {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("the API version in the data (%s) does not match the expected API version (%v)", gvk.GroupVersion(), want.GroupVersion()))
		}
		return nil, undecodable(fmt.Errorf("converting (%s) to (%s): unknown conversion", typeName(*gvk), typeName(want)), want, nil, data)
	}
	return got.(apiserver.Object), nil
}

// typeName is how a conversion names a type: "v1.Pod".
func typeName(gvk schema.GroupVersionKind) string { return gvk.Version + "." + gvk.Kind }

// yamlWarnings are the lines of a YAML decoder's complaint, each of which is a
// warning of its own (parseYAMLWarnings).
func yamlWarnings(text string) []string {
	rest, ok := strings.CutPrefix(text, "yaml: unmarshal errors:\n")
	if !ok {
		return []string{text}
	}
	var list []string
	for line := range strings.Lines(rest) {
		list = append(list, strings.TrimSpace(line))
	}
	return list
}

// undecodable says what is wrong with a body (transformDecodeError).
func undecodable(err error, want schema.GroupVersionKind, got *schema.GroupVersionKind, data []byte) error {
	if got != nil && got.Kind != "" {
		return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", got.Kind, got.Version, want.Kind, err))
	}
	const most = 30
	summary := fmt.Sprintf("%q", data[:min(len(data), most)])
	if len(data) > most {
		summary += " ..."
	}
	return apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %v (%s)", want.Kind, err, summary))
}

// update answers PUT.
func (c *call) update(t *target) {
	f, err := c.negotiate(false)
	var opts metav1.UpdateOptions
	if err == nil {
		err = options(c, &opts, "UpdateOptions", func() field.ErrorList { return validation.ValidateUpdateOptions(&opts) })
	}
	var obj apiserver.Object
	into, gvk := subresourceObject(t)
	if err == nil {
		obj, err = c.body(into, gvk, opts.FieldValidation)
	}
	if err == nil {
		err = placed(obj, t)
	}
	if err != nil {
		c.fail(err)
		return
	}
	dry := len(opts.DryRun) > 0
	created := t.sub == "" && c.isMissing(t)
	req := apiserver.Request{Verb: apiserver.Update, Subresource: subresourceOf(t), Kind: t.kind, Key: t.key(), Object: obj, Manager: c.manager(opts.FieldManager)}
	res := c.send(t, req, opts.FieldValidation, dry)
	c.written(f, t, res, dry, created)
}

// send sends a write. Fields that nobody knows are warned of by whoever knows the
// schema, unless the client does not want to hear of them.
func (c *call) send(t *target, req apiserver.Request, directive string, dry bool) apiserver.Result {
	if t.def != nil {
		req.Version, req.Strict = t.version.Version, directive == metav1.FieldValidationStrict
	}
	res := c.do(req, dry)
	if directive == metav1.FieldValidationIgnore && (t.def != nil || req.Verb == apiserver.Patch) {
		res.Warnings = nil
	}
	return res
}

// isMissing reports whether there is no such object.
func (c *call) isMissing(t *target) (missing bool) {
	c.look(func(cl *sim.Cluster) {
		_, err := t.get(cl)
		missing = apierrors.IsNotFound(err)
	})
	return missing
}

// written answers an update or a patch.
func (c *call) written(f form, t *target, res apiserver.Result, dry, created bool) {
	c.warn(res.Warnings)
	if res.Err != nil {
		c.fail(res.Err)
		return
	}
	if dry {
		c.look(func(cl *sim.Cluster) { // the version is still the stored one's
			if was, err := t.get(cl); err == nil {
				res.Object.SetResourceVersion(was.GetResourceVersion())
			} else {
				res.Object.SetResourceVersion("")
			}
		})
	}
	code := http.StatusOK
	if created {
		code = http.StatusCreated
	}
	c.respond(code, f, t, res.Object)
}

// patchTypes are the patches that the server takes.
var patchTypes = []string{string(types.JSONPatchType), string(types.MergePatchType), string(types.StrategicMergePatchType), string(types.ApplyYAMLPatchType)}

// manager is the name under which a client writes: what it says, or else what its
// program calls itself (managerOrUserAgent, prefixFromUserAgent).
func (c *call) manager(named string) string {
	if named != "" {
		return named
	}
	agent, _, _ := strings.Cut(c.r.UserAgent(), "/")
	var b strings.Builder
	for _, r := range agent {
		if b.Len()+utf8.RuneLen(r) > validation.FieldManagerMaxLength {
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// patch answers PATCH.
func (c *call) patch(t *target) {
	typ, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	if !slices.Contains(patchTypes, typ) {
		c.fail(unsupported(strings.Join(patchTypes, ", ")))
		return
	}
	f, err := c.negotiate(false)
	var data []byte
	if err == nil {
		data, err = readBody(c.r)
	}
	var opts metav1.PatchOptions
	if err == nil {
		err = options(c, &opts, "PatchOptions", func() field.ErrorList { return validation.ValidatePatchOptions(&opts, types.PatchType(typ)) })
	}
	if err != nil {
		c.fail(err)
		return
	}
	dry := len(opts.DryRun) > 0
	applies := typ == string(types.ApplyYAMLPatchType)
	req := apiserver.Request{Verb: apiserver.Patch, Subresource: subresourceOf(t), Kind: t.kind, Key: t.key(), Manager: c.manager(opts.FieldManager)}
	req.Patch = apiserver.RawPatch{Type: types.PatchType(typ), Data: string(data), Strict: opts.FieldValidation == metav1.FieldValidationStrict,
		Force: opts.Force != nil && *opts.Force}
	created := applies && t.sub == "" && c.isMissing(t)
	res := c.send(t, req, opts.FieldValidation, dry)
	c.written(f, t, res, dry, created)
}
