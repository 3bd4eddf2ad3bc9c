package registry

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
	"k8s.io/kubernetes/plugin/pkg/admission/nodetaint"
	"k8s.io/kubernetes/plugin/pkg/admission/podtopologylabels"
	"k8s.io/kubernetes/plugin/pkg/admission/priority"
	"k8s.io/kubernetes/plugin/pkg/admission/runtimeclass"
	"k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
	"k8s.io/kubernetes/plugin/pkg/admission/storage/persistentvolume/resize"
	"k8s.io/kubernetes/plugin/pkg/admission/storage/storageclass/setdefault"
	"k8s.io/kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection"
)

// admitted is what the admission plugins know of the cluster: their listers,
// always up to date.
type admitted struct {
	factory informers.SharedInformerFactory
	client  *fake.Clientset
	hints   *hints
	stores  map[schema.GroupResource]cache.Indexer
}

func newAdmitted(h *hints) *admitted {
	a := &admitted{client: fake.NewClientset(), hints: h}
	a.factory = informers.NewSharedInformerFactory(a.client, 0)
	a.stores = map[schema.GroupResource]cache.Indexer{
		corev1.Resource("namespaces"):            a.factory.Core().V1().Namespaces().Informer().GetIndexer(),
		corev1.Resource("limitranges"):           a.factory.Core().V1().LimitRanges().Informer().GetIndexer(),
		corev1.Resource("serviceaccounts"):       a.factory.Core().V1().ServiceAccounts().Informer().GetIndexer(),
		corev1.Resource("pods"):                  a.factory.Core().V1().Pods().Informer().GetIndexer(),
		nodev1.Resource("runtimeclasses"):        a.factory.Node().V1().RuntimeClasses().Informer().GetIndexer(),
		corev1.Resource("nodes"):                 a.factory.Core().V1().Nodes().Informer().GetIndexer(),
		storagev1.Resource("storageclasses"):     a.factory.Storage().V1().StorageClasses().Informer().GetIndexer(),
		schedulingv1.Resource("priorityclasses"): a.factory.Scheduling().V1().PriorityClasses().Informer().GetIndexer(),
	}
	a.client.PrependReactor("get", "namespaces", func(action ktesting.Action) (bool, runtime.Object, error) {
		name := action.(ktesting.GetAction).GetName()
		obj, ok, err := a.stores[corev1.Resource("namespaces")].GetByKey(name)
		if err == nil && !ok {
			err = apierrors.NewNotFound(corev1.Resource("namespaces"), name)
		}
		if err != nil {
			return true, nil, err
		}
		return true, obj.(*corev1.Namespace), nil
	})
	return a
}

func (a *admitted) reset() {
	for _, s := range a.stores { // each on its own
		if err := s.Replace(nil, ""); err != nil {
			panic(err)
		}
	}
}

// follow takes over what was written.
func (a *admitted) follow(resource schema.GroupResource, obj runtime.Object, gone bool) {
	s, ok := a.stores[resource]
	if !ok {
		return
	}
	out, err := legacyscheme.Scheme.ConvertToVersion(obj, schema.GroupVersion{Group: resource.Group, Version: "v1"})
	if err != nil {
		panic(err)
	}
	if gone {
		err = s.Delete(out)
	} else {
		err = s.Add(out)
	}
	if err != nil {
		panic(err)
	}
}

// plugins are those of the default ones that ours models, in the order of
// pkg/kubeapiserver/options.AllOrderedPlugins.
func (a *admitted) plugins() (admission.Interface, error) {
	known := admission.NewPlugins()
	for _, register := range []func(*admission.Plugins){
		lifecycle.Register, limitranger.Register, serviceaccount.Register, nodetaint.Register, podsecurity.Register, runtimeclass.Register, priority.Register, defaulttolerationseconds.Register, storageobjectinuseprotection.Register,
		setdefault.Register, resize.Register, podtopologylabels.Register,
	} {
		register(known)
	}
	init := initializer.New(a.client, nil, a.factory, nil, utilfeature.DefaultFeatureGate, compatibility.DefaultBuildEffectiveVersion(), nil, nil)
	var list []admission.Interface
	for _, name := range []string{
		lifecycle.PluginName, limitranger.PluginName, serviceaccount.PluginName, nodetaint.PluginName, podsecurity.PluginName, priority.PluginName,
		defaulttolerationseconds.PluginName, setdefault.PluginName, storageobjectinuseprotection.PluginName, resize.PluginName,
		runtimeclass.PluginName, podtopologylabels.PluginName,
	} {
		plugin, err := known.InitPlugin(name, nil, init)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		ready, ok := plugin.(interface{ SetReadyFunc(admission.ReadyFunc) })
		if !ok {
			return nil, errors.New(name + " cannot be told that it is ready")
		}
		ready.SetReadyFunc(func() bool { return true })
		if account, ok := plugin.(*serviceaccount.Plugin); ok {
			a.hints.nameVolumes(account)
		}
		list = append(list, plugin)
	}
	return admission.NewChainHandler(list...), nil
}

// nameVolumes lets the plugin name the volume with a pod's token as ours has.
func (h *hints) nameVolumes(p *serviceaccount.Plugin) {
	field := reflect.ValueOf(p).Elem().FieldByName("generateName")
	*(*func(string) string)(unsafe.Pointer(field.UnsafeAddr())) = func(base string) string {
		if h.volume == "" { // ours has refused the pod
			return base + "bcdfg"
		}
		return base + h.volume
	}
}
