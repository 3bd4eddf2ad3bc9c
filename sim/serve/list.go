package serve

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// metaV1 is the version in which options are read.
var metaV1 = metav1.SchemeGroupVersion

// get answers GET of an object.
func (c *call) get(t *target) {
	f, err := c.negotiate(false)
	if err != nil {
		c.fail(err)
		return
	}
	var opts metav1.GetOptions
	if err := metascheme.ParameterCodec.DecodeParameters(c.r.URL.Query(), metaV1, &opts); err != nil {
		c.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	var obj apiserver.Object
	c.look(func(cl *sim.Cluster) {
		if err = fresh(opts.ResourceVersion, cl.Version()); err == nil {
			obj, err = t.get(cl)
		}
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.respond(http.StatusOK, f, t, obj)
}

// fresh refuses a version that is yet to come, or none.
func fresh(version string, current uint64) error {
	if version == "" || version == "0" {
		return nil
	}
	v, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("invalid resource version %q: %v", version, err))
	}
	if v > current {
		return tooLarge(v, current)
	}
	return nil
}

// tooLarge is NewTooLargeResourceVersionError.
func tooLarge(want, current uint64) error {
	err := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", want, current), 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}}
	return err
}

// listOptions reads the query of a list or a watch (listOpts).
func (c *call) listOptions(t *target) (opts internalversion.ListOptions, sel selection, err error) {
	if err := metascheme.ParameterCodec.DecodeParameters(c.r.URL.Query(), metaV1, &opts); err != nil {
		return opts, sel, apierrors.NewBadRequest(err.Error())
	}
	internalversion.SetListOptionsDefaults(&opts, true)
	if errs := metavalidation.ValidateListOptions(&opts, true); len(errs) > 0 {
		return opts, sel, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	if opts.FieldSelector != nil {
		opts.FieldSelector, err = opts.FieldSelector.Transform(func(label, value string) (string, string, error) {
			return fieldLabel(t.kind, label, value)
		})
		if err != nil {
			return opts, sel, apierrors.NewBadRequest(err.Error())
		}
	}
	return opts, selection{t.namespace, opts.LabelSelector, opts.FieldSelector}, nil
}

// list answers GET of a collection: a list, or a watch.
func (c *call) list(t *target) {
	opts, sel, err := c.listOptions(t)
	f, ferr := c.negotiate(opts.Watch)
	switch {
	case ferr != nil:
		c.fail(ferr)
	case err != nil:
		c.fail(err)
	case opts.Watch:
		c.watch(t, f, &opts, &sel)
	default:
		c.page(t, f, &opts, &sel)
	}
}

// page answers with a list, or a page of it.
func (c *call) page(t *target, f form, opts *internalversion.ListOptions, sel *selection) {
	p := page{limit: int(opts.Limit)}
	version, exact, err := p.begin(opts)
	var objs []apiserver.Object
	c.look(func(cl *sim.Cluster) {
		current := cl.Version()
		if err != nil {
			return
		}
		if version > current {
			err = tooLarge(version, current)
			return
		}
		if objs, err = t.list(cl); err != nil {
			return
		}
		p.version = current
		if exact && version != current {
			objs, err = c.asOf(t, objs, version, &p)
		}
	})
	if err != nil {
		c.fail(err)
		return
	}
	objs = slices.DeleteFunc(objs, func(o apiserver.Object) bool { return !sel.matches(o) })
	tr, err := c.transformer(f, t)
	if err != nil {
		c.fail(err)
		return
	}
	meta := metav1.ListMeta{ResourceVersion: strconv.FormatUint(p.version, 10)}
	objs = p.cut(objs, &meta, sel)
	list, err := tr.list(objs, meta)
	if err != nil {
		c.fail(err)
		return
	}
	c.encode(http.StatusOK, f, list)
}

// asOf turns a list into that of an older version, if that is still known.
func (c *call) asOf(t *target, objs []apiserver.Object, version uint64, p *page) ([]apiserver.Object, error) {
	known := make(map[apiserver.Key]apiserver.Object, len(objs))
	for _, obj := range objs {
		known[apiserver.KeyOf(obj)] = obj
	}
	if !c.journal.rewind(t.kind, known, version) {
		return nil, p.expired()
	}
	p.version = version
	objs = slices.SortedFunc(maps.Values(known), func(a, b apiserver.Object) int { return apiserver.KeyOf(a).Compare(apiserver.KeyOf(b)) })
	return slices.DeleteFunc(objs, func(o apiserver.Object) bool {
		return t.namespace != "" && o.GetNamespace() != t.namespace || t.def != nil && !t.def.Is(apiserver.KeyOf(o))
	}), nil
}

// page is a part of a list: what comes after a key, of one version.
type page struct {
	limit   int
	from    string
	going   bool // it goes on with a token
	version uint64
}

// token is where the next page begins (storage.continueToken).
type token struct {
	APIVersion string `json:"v"`
	Version    int64  `json:"rv"`
	Start      string `json:"start"`
}

// begin reads what version of a list is meant, and whether no other will do.
func (p *page) begin(opts *internalversion.ListOptions) (version uint64, exact bool, err error) {
	if opts.Continue != "" {
		return p.goOn(opts)
	}
	if opts.ResourceVersion == "" || opts.ResourceVersion == "0" {
		return 0, false, nil
	}
	version, err = strconv.ParseUint(opts.ResourceVersion, 10, 64)
	if err != nil {
		return 0, false, apierrors.NewBadRequest(fmt.Sprintf("invalid resource version %q: %v", opts.ResourceVersion, err))
	}
	// Without a match, a version and a limit mean exactly that version.
	exact = opts.ResourceVersionMatch == metav1.ResourceVersionMatchExact || opts.ResourceVersionMatch == "" && opts.Limit > 0
	return version, exact, nil
}

// goOn reads a token (storage.DecodeContinue).
func (p *page) goOn(opts *internalversion.ListOptions) (version uint64, exact bool, err error) {
	if opts.ResourceVersion != "" && opts.ResourceVersion != "0" {
		return 0, false, apierrors.NewBadRequest("specifying resource version is not allowed when using continue")
	}
	start, rv, err := decodeToken(opts.Continue)
	if err != nil {
		return 0, false, apierrors.NewBadRequest(fmt.Sprintf("invalid continue token: %v", err))
	}
	p.from, p.going = start, true
	if rv < 0 { // at whatever version there is now
		return 0, false, nil
	}
	return uint64(rv), true, nil
}

func decodeToken(text string) (start string, version int64, err error) {
	generic := errors.New("continue key is not valid")
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %v", generic, err)
	}
	var t token
	if err := json.Unmarshal(data, &t); err != nil {
		return "", 0, fmt.Errorf("%w: %v", generic, err)
	}
	switch {
	case t.APIVersion != "meta.k8s.io/v1":
		return "", 0, fmt.Errorf("continue key is not valid: server does not recognize this encoded version %v", t.APIVersion)
	case t.Version == 0:
		return "", 0, errors.New("continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
	case t.Start == "":
		return "", 0, errors.New("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")
	}
	key := t.Start
	if !strings.HasPrefix(key, "/") {
		key = "/" + key
	}
	if path.Clean(key) != key {
		return "", 0, fmt.Errorf("%w: %v", generic, t.Start)
	}
	return t.Start, t.Version, nil
}

func encodeToken(start string, version int64) string {
	data, err := json.Marshal(token{"meta.k8s.io/v1", version, start})
	if err != nil {
		return "" // cannot be: numbers and text
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// expired is 410 Gone, with a token to go on with all the same.
func (p *page) expired() error {
	if !p.going {
		return apierrors.NewResourceExpired("The resourceVersion for the provided list is too old.")
	}
	err := apierrors.NewResourceExpired("The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
		"the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided " +
		"token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned " +
		"and now may show up in the list.")
	err.ErrStatus.ListMeta.Continue = encodeToken(p.from, -1)
	return err
}

// cut returns the page of a list, and says in its metadata where the next one
// begins, and how many are left if that is certain.
func (p *page) cut(objs []apiserver.Object, meta *metav1.ListMeta, sel *selection) []apiserver.Object {
	if p.from != "" {
		from := strings.TrimSuffix(p.from, "\x00")
		n, found := slices.BinarySearchFunc(objs, from, func(o apiserver.Object, s string) int { return pageKey(o).Compare(keyFrom(s)) })
		if found && from != p.from {
			n++
		}
		objs = objs[n:]
	}
	if p.limit <= 0 || len(objs) <= p.limit {
		return objs
	}
	left := int64(len(objs) - p.limit)
	if sel.everything() {
		meta.RemainingItemCount = &left
	}
	last := pageKey(objs[p.limit-1])
	meta.Continue = encodeToken(last.String()+"\x00", int64(p.version))
	return objs[:p.limit]
}

// pageKey is where an object stands among those of its kind.
func pageKey(o apiserver.Object) apiserver.Key {
	return apiserver.Key{Namespace: o.GetNamespace(), Name: o.GetName()}
}

func keyFrom(s string) apiserver.Key {
	if ns, name, ok := strings.Cut(s, "/"); ok {
		return apiserver.Key{Namespace: ns, Name: name}
	}
	return apiserver.Key{Name: s}
}
