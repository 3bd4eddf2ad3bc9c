package collecting

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// client is upstream's metadata client, served by a world.
type client struct{ w *world }

var _ metadata.Interface = client{}

// IsWatchListSemanticsUnSupported has the informers list before they watch.
func (client) IsWatchListSemanticsUnSupported() bool { return true }

func (c client) Resource(r schema.GroupVersionResource) metadata.Getter {
	return objects{w: c.w, kind: kindOf[r]}
}

// objects is the client of a kind in a namespace, or in all.
type objects struct {
	metadata.ResourceInterface // what is not called is nil
	w                          *world
	kind                       apiserver.Kind
	namespace                  string
}

func (o objects) Namespace(ns string) metadata.ResourceInterface {
	o.namespace = ns
	return o
}

func (o objects) request(verb apiserver.Verb, name string) apiserver.Request {
	if name == "" {
		panic("collecting: a request without a name")
	}
	return apiserver.Request{Verb: verb, Kind: o.kind, Key: apiserver.Key{Namespace: o.namespace, Name: name}}
}

func (o objects) answer(res apiserver.Result) (*metav1.PartialObjectMetadata, error) {
	if res.Err != nil {
		return nil, res.Err
	}
	return partial(o.kind, res.Object), nil
}

func (o objects) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*metav1.PartialObjectMetadata, error) {
	return o.answer(o.w.collect(o.request(apiserver.Get, name)))
}

func (o objects) Delete(_ context.Context, name string, opts metav1.DeleteOptions, _ ...string) error {
	req := o.request(apiserver.Delete, name)
	req.GracePeriodSeconds = opts.GracePeriodSeconds
	if opts.PropagationPolicy != nil {
		req.Propagation = *opts.PropagationPolicy
	}
	if p := opts.Preconditions; p != nil {
		if p.UID != nil {
			req.UID = *p.UID
		}
		if p.ResourceVersion != nil {
			req.ResourceVersion = *p.ResourceVersion
		}
	}
	return o.w.collect(req).Err
}

func (o objects) Patch(_ context.Context, name string, typ types.PatchType, data []byte, _ metav1.PatchOptions, _ ...string) (*metav1.PartialObjectMetadata, error) {
	req := o.request(apiserver.Patch, name)
	req.Patch = apiserver.RawPatch{Type: typ, Data: string(data)}
	return o.answer(o.w.collect(req))
}

// List answers after a lag: the lists of two kinds come one after the other, and
// in any order.
func (o objects) List(context.Context, metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	time.Sleep(o.w.lag(&apiserver.Request{Kind: o.kind}))
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	list := &metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(o.w.server.Version())}}
	for _, obj := range o.w.server.List(o.kind, o.namespace) {
		list.Items = append(list.Items, *partial(o.kind, obj))
	}
	return list, nil
}

func (o objects) Watch(_ context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return o.w.watch(o.kind, opts.ResourceVersion), nil
}

// kindOf finds a kind by its resource.
var kindOf = func() map[schema.GroupVersionResource]apiserver.Kind {
	m := map[schema.GroupVersionResource]apiserver.Kind{}
	for _, k := range apiserver.Kinds() {
		m[resourceOf(k)] = k
	}
	return m
}()

func resourceOf(k apiserver.Kind) schema.GroupVersionResource {
	return k.GroupVersionKind().GroupVersion().WithResource(k.Resource())
}

// mapper knows the kinds of the server.
type mapper struct{ *meta.DefaultRESTMapper }

func (mapper) Reset() {}

var theMapper = func() mapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, k := range apiserver.Kinds() {
		scope := meta.RESTScopeRoot
		if k.Namespaced() {
			scope = meta.RESTScopeNamespace
		}
		m.AddSpecific(k.GroupVersionKind(), resourceOf(k), resourceOf(k), scope)
	}
	return mapper{m}
}()

// factory is an informerfactory.InformerFactory of metadata alone.
type factory struct {
	metadatainformer.SharedInformerFactory
}

func (f factory) ForResource(r schema.GroupVersionResource) (informers.GenericInformer, error) {
	return f.SharedInformerFactory.ForResource(r), nil
}
