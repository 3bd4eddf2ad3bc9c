package serve

import (
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func newOf(typ reflect.Type) runtime.Object { return reflect.New(typ).Interface().(runtime.Object) }

// target is what a path names.
type target struct {
	version   schema.GroupVersion
	resource  string
	kind      apiserver.Kind     // 0 if it is no kind that is stored
	def       *apiserver.Defined // of a CustomResource
	namespace string
	scoped    bool // a namespace is named
	name, sub string
}

// resources finds the kind of a resource.
var resources = sync.OnceValue(func() map[schema.GroupVersionResource]apiserver.Kind {
	m := map[schema.GroupVersionResource]apiserver.Kind{}
	for _, k := range apiserver.Served() {
		m[k.GroupVersionKind().GroupVersion().WithResource(k.Resource())] = k
	}
	return m
})

// parse reads a path below /api or /apis: GROUP/VERSION/RESOURCE/NAME/SUB, or
// with namespaces/NAMESPACE in front of the resource (RequestInfoFactory). What
// is below a subresource is returned as rest.
func parse(path string) (t target, rest []string, ok bool) {
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "api" && len(parts) >= 2:
		t.version, parts = schema.GroupVersion{Version: parts[1]}, parts[2:]
	case parts[0] == "apis" && len(parts) >= 3:
		t.version, parts = schema.GroupVersion{Group: parts[1], Version: parts[2]}, parts[3:]
	default:
		return t, nil, false
	}
	if len(parts) > 2 && parts[0] == "namespaces" && !(len(parts) == 3 && (parts[2] == "status" || parts[2] == "finalize")) {
		t.namespace, t.scoped, parts = parts[1], true, parts[2:]
	}
	for i, to := range []*string{&t.resource, &t.name, &t.sub} {
		if i < len(parts) {
			*to = parts[i]
		}
	}
	if len(parts) > 3 {
		rest = parts[3:]
	}
	t.kind = resources()[t.version.WithResource(t.resource)]
	return t, rest, true
}
