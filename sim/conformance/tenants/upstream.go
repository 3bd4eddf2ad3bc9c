package tenants

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"
	pkgcontroller "k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/volume/ephemeral"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/rootca"
)

// init takes away upstream's global brake on errors, which sleeps until a time
// of the last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }

// upstream plays a script to upstream's controllers.
func upstream(t *testing.T, s script) string {
	var d diary
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := newWorld()
		ctx, stop := context.WithCancel(context.Background())
		must(w.start(ctx))
		time.Sleep(beginning)
		for i, st := range s.steps {
			if st.op == "fail" {
				w.fail(st.name)
			} else {
				w.mu.Lock()
				req, ok := st.request(w.server)
				w.mu.Unlock()
				if ok {
					d.note(i, w.do(apiserver.User, req))
				}
			}
			time.Sleep(st.pause)
			synctest.Wait()
			d.rest(w.server)
		}
		stop()
		w.end()
		time.Sleep(time.Minute)
	})
	return d.String()
}

func must(err error) {
	if err != nil {
		panic("tenants: " + err.Error())
	}
}

// start starts the controllers as the controller manager does.
func (w *world) start(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(w.client("informers"), 0)
	core := factory.Core().V1()
	accounts, err := serviceaccount.NewServiceAccountsController(klog.Background(), core.ServiceAccounts(), core.Namespaces(),
		w.client(accountsName), serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	publisher, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), w.client(publisherName), []byte(rootca.Certificate))
	if err != nil {
		return err
	}
	volumes, err := ephemeral.NewController(ctx, w.client(volumesName), core.Pods(), core.PersistentVolumeClaims())
	if err != nil {
		return err
	}
	quotas, err := w.quotas(ctx, factory)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go accounts.Run(ctx, 1)
	go publisher.Run(ctx, 1)
	go volumes.Run(ctx, 5)
	go quotas.Run(ctx, 5)
	return nil
}

// quotas is newResourceQuotaController of the controller manager.
func (w *world) quotas(ctx context.Context, factory informers.SharedInformerFactory) (*resourcequota.Controller, error) {
	config, err := quotainstall.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(factory.ForResource), factory)
	if err != nil {
		return nil, err
	}
	started := make(chan struct{})
	close(started)
	return resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               w.client(quotasName).CoreV1(),
		ResourceQuotaInformer:     factory.Core().V1().ResourceQuotas(),
		ResyncPeriod:              pkgcontroller.StaticResyncPeriodFunc(5 * time.Minute),
		InformerFactory:           factory,
		ReplenishmentResyncPeriod: pkgcontroller.StaticResyncPeriodFunc(12 * time.Hour),
		DiscoveryFunc:             func() ([]*metav1.APIResourceList, error) { return discovered, nil },
		IgnoredResourcesFunc:      config.IgnoredResources,
		InformersStarted:          started,
		Registry:                  generic.NewRegistry(config.Evaluators()),
		UpdateFilter:              quotainstall.DefaultUpdateFilter(),
	})
}

// discovered is what the server is said to store in namespaces.
var discovered = []*metav1.APIResourceList{
	{GroupVersion: "v1", APIResources: resources("pods", "services", "persistentvolumeclaims", "secrets", "configmaps", "serviceaccounts", "resourcequotas", "events")},
	{GroupVersion: "apps/v1", APIResources: resources("statefulsets")},
}

func resources(names ...string) []metav1.APIResource {
	var list []metav1.APIResource
	for _, name := range names {
		list = append(list, metav1.APIResource{Name: name, Namespaced: true, Kind: apiserver.KindNamed(name).String(), Verbs: metav1.Verbs{"create", "list", "watch", "delete"}})
	}
	return list
}
