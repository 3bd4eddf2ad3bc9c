package registry

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/emicklei/go-restful/v3"
	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
)

// upstream is the API server of Kubernetes without its network: the handlers,
// the admission plugins and the registries, over a disk in memory.
type upstream struct {
	disk       *disk
	handler    http.Handler
	admitted   *admitted
	hints      *hints
	allocators allocators
}

// answer is what a server says to a call.
type answer struct {
	Code     int
	Body     map[string]any
	Warnings []string
}

func init() {
	utilruntime.ErrorHandlers = nil // they log, and wait by the clock
}

func newUpstream() (*upstream, error) {
	u := &upstream{disk: &disk{}, hints: &hints{}}
	uuid.SetRand(u.hints)
	u.admitted = newAdmitted(u.hints)
	u.disk.changed = u.admitted.follow
	u.reset()
	admit, err := u.admitted.plugins()
	if err != nil {
		return nil, err
	}
	stores, err := u.stores()
	if err != nil {
		return nil, err
	}
	container := restful.NewContainer()
	container.Router(restful.CurlyRouter{})
	equivalent := runtime.NewEquivalentResourceRegistry()
	for gv, resources := range stores {
		root := "/apis"
		if gv.Group == "" {
			root = "/api"
		}
		version := &endpoints.APIGroupVersion{
			Storage:                    resources,
			Root:                       root,
			GroupVersion:               gv,
			MetaGroupVersion:           &metav1.SchemeGroupVersion,
			OptionsExternalVersion:     &schema.GroupVersion{Version: "v1"},
			ParameterCodec:             legacyscheme.ParameterCodec,
			Serializer:                 legacyscheme.Codecs,
			Creater:                    legacyscheme.Scheme,
			Convertor:                  legacyscheme.Scheme,
			ConvertabilityChecker:      legacyscheme.Scheme,
			UnsafeConvertor:            runtime.UnsafeObjectConvertor(legacyscheme.Scheme),
			Defaulter:                  legacyscheme.Scheme,
			Typer:                      legacyscheme.Scheme,
			Namer:                      runtime.Namer(meta.NewAccessor()),
			TypeConverter:              managedfields.NewDeducedTypeConverter(),
			EquivalentResourceRegistry: equivalent,
			Admit:                      admit,
			Authorizer:                 authorizerfactory.NewAlwaysAllowAuthorizer(),
			MaxRequestBodyBytes:        3 << 20,
		}
		if _, _, err := version.InstallREST(container); err != nil {
			return nil, err
		}
	}
	u.handler = chain(container)
	return u, nil
}

// chain is the part of the real server's handlers that can change an answer to
// somebody who may do everything.
func chain(h http.Handler) http.Handler {
	inner := h
	h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := request.WithUser(r.Context(), &user.DefaultInfo{Name: "admin", Groups: []string{"system:masters"}})
		inner.ServeHTTP(w, r.WithContext(ctx))
	})
	h = filters.WithWarningRecorder(h)
	h = filters.WithRequestInfo(h, &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")})
	return filters.WithAuditInit(filters.WithRequestReceivedTimestamp(h))
}

// reset empties the disk.
func (u *upstream) reset() {
	u.disk.version, u.disk.files, u.disk.written = 0, map[string]file{}, nil
	u.admitted.reset()
	u.hints.reset()
	u.allocators = newAllocators()
}

// GetRESTOptions implements generic.RESTOptionsGetter.
func (u *upstream) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	version := schema.GroupVersion{Group: resource.Group, Version: "v1"}
	codec, _, err := serverstorage.NewStorageCodec(serverstorage.StorageCodecConfig{
		StorageMediaType:  runtime.ContentTypeProtobuf,
		StorageSerializer: legacyscheme.Codecs,
		StorageVersion:    version,
		MemoryVersion:     schema.GroupVersion{Group: resource.Group, Version: runtime.APIVersionInternal},
	})
	if err != nil {
		return generic.RESTOptions{}, err
	}
	prefix := prefixes[resource.Resource]
	if prefix == "" {
		prefix = resource.Resource
	}
	return generic.RESTOptions{
		StorageConfig:           storagebackend.NewDefaultConfig("", codec).ForResource(resource),
		Decorator:               u.decorate(resource, codec),
		EnableGarbageCollection: true,
		DeleteCollectionWorkers: 1,
		ResourcePrefix:          prefix,
	}, nil
}

// prefixes are where etcd has the objects of some resources, if not by their
// name (pkg/kubeapiserver, SpecialDefaultResourcePrefixes).
var prefixes = map[string]string{"nodes": "minions", "services": "services/specs"}

// decorate puts the disk below a registry.
func (u *upstream) decorate(resource schema.GroupResource, codec runtime.Codec) generic.StorageDecorator {
	return func(_ *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error), newObject, _ func() runtime.Object,
		_ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
		return &memory{disk: u.disk, codec: codec, resource: resource, prefix: prefix, new: newObject}, func() {}, nil
	}
}

// do serves a call.
func (u *upstream) do(c *call) answer {
	req := httptest.NewRequest(c.method(), c.url(), bytes.NewReader([]byte(c.body())))
	req.Header.Set("Content-Type", c.contentType())
	req.Header.Set("Accept", runtime.ContentTypeJSON)
	rec := httptest.NewRecorder()
	u.handler.ServeHTTP(rec, req)
	a := answer{Code: rec.Code, Warnings: warningsOf(rec.Header())}
	// The scheme is called by where it was made; below a directory with a
	// version in its name that is another file.
	body := bytes.ReplaceAll(rec.Body.Bytes(), []byte("pkg/runtime/scheme.go:111"), []byte("pkg/api/legacyscheme/scheme.go:30"))
	if err := json.Unmarshal(body, &a.Body); err != nil {
		a.Body = map[string]any{"text": rec.Body.String()}
	}
	return a
}

// hints are what ours drew, for upstream to draw the same: a UID, the random
// end of a name, addresses and ports of a Service.
type hints struct {
	uid    uuid.UUID
	name   string
	volume string // the end of its name
	ips    []net.IP
	ports  []int
}

func (h *hints) reset() { *h = hints{} }

// Read implements io.Reader for the source of UIDs.
func (h *hints) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = h.uid[i%len(h.uid)]
	}
	return len(p), nil
}

// named lets a strategy generate the name that ours has generated.
type named struct {
	rest.RESTCreateStrategy
	hints *hints
}

func (n named) GenerateName(base string) string {
	if n.hints.name != "" {
		return n.hints.name
	}
	return n.RESTCreateStrategy.GenerateName(base)
}

func (u *upstream) named(s *genericregistry.Store) {
	s.CreateStrategy = named{s.CreateStrategy, u.hints}
}
