package daemons

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/informers"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/kubernetes/pkg/controller/daemon"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/rig"
	"github.com/statefulsim/statefulsim/sim/daemonset"
)

// upstream plays a script to upstream's controller and returns what is to be seen at
// each rest.
func upstream(t *testing.T, s script) (rests []string) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := rig.New(serverConfig, before()...)
		ctx, stop := context.WithCancel(context.Background())
		start(ctx, w)
		time.Sleep(beginning)
		for _, st := range s.steps {
			var answers []error
			if st.verb == "fail" {
				w.Fail(st.fault())
			} else {
				var list []apiserver.Request
				w.Look(func(server *apiserver.Server) { list = st.requests(server, apiserver.VirtualTime(time.Now())) })
				for _, req := range list {
					answers = append(answers, w.Do(apiserver.User, req).Err)
				}
			}
			time.Sleep(st.pause)
			synctest.Wait()
			w.Look(func(server *apiserver.Server) { rests = append(rests, rest(answers, server)) })
		}
		stop()
		w.End()
		time.Sleep(2 * time.Minute)
	})
	return rests
}

// start starts the controller as the controller manager does.
func start(ctx context.Context, w *rig.World) {
	factory := informers.NewSharedInformerFactory(w.Client("informers"), 0)
	core, apps := factory.Core().V1(), factory.Apps().V1()
	c, err := daemon.NewDaemonSetsController(ctx, apps.DaemonSets(), revisionSource{apps.ControllerRevisions()}, podSource{core.Pods()}, nodeSource{core.Nodes()},
		w.Client(daemonset.Name), flowcontrol.NewBackOff(time.Second, 15*time.Minute))
	if err != nil {
		panic(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go c.Run(ctx, 2)
}

// Upstream's stores list in the order of a map; these list by name.
type (
	podSource      struct{ coreinformers.PodInformer }
	nodeSource     struct{ coreinformers.NodeInformer }
	revisionSource struct {
		appsinformers.ControllerRevisionInformer
	}
)

func (i podSource) Informer() cache.SharedIndexInformer { return rig.Sorted(i.PodInformer.Informer()) }
func (i nodeSource) Informer() cache.SharedIndexInformer {
	return rig.Sorted(i.NodeInformer.Informer())
}
func (i revisionSource) Informer() cache.SharedIndexInformer {
	return rig.Sorted(i.ControllerRevisionInformer.Informer())
}

func (i podSource) Lister() corelisters.PodLister {
	return corelisters.NewPodLister(i.Informer().GetIndexer())
}
func (i nodeSource) Lister() corelisters.NodeLister {
	return corelisters.NewNodeLister(i.Informer().GetIndexer())
}
func (i revisionSource) Lister() appslisters.ControllerRevisionLister {
	return appslisters.NewControllerRevisionLister(i.Informer().GetIndexer())
}
