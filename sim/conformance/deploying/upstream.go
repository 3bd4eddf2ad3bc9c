package deploying

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/replicaset"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// init takes away upstream's global brake on errors, which sleeps until a time
// of the last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }

// upstream plays a script to upstream's controllers.
func upstream(t *testing.T, s script) string {
	var d diary
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := newWorld(s)
		ctx, stop := context.WithCancel(context.Background())
		w.start(ctx)
		time.Sleep(beginning)
		for i, st := range s.steps {
			if st.verb == "fail" {
				w.fail(st)
			} else {
				w.mu.Lock()
				req, ok := st.request(w.server, apiserver.VirtualTime(time.Now()))
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

// start starts the controllers as the controller manager does, each with a client
// of its own.
func (w *world) start(ctx context.Context) {
	factory := informers.NewSharedInformerFactory(w.client("informers"), 0)
	apps, pod := factory.Apps().V1(), &pods{PodInformer: factory.Core().V1().Pods()}
	rsc := replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), pod, w.client("replicaset-controller"), replicaset.BurstReplicas)
	dc, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), pod, w.client("deployment-controller"))
	if err != nil {
		panic(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go rsc.Run(ctx, 5)
	go dc.Run(ctx, 5)
}

// pods is an informer whose index lists in the order of names.
type pods struct{ coreinformers.PodInformer }

func (p *pods) Informer() cache.SharedIndexInformer { return informer{p.PodInformer.Informer()} }

type informer struct{ cache.SharedIndexInformer }

func (i informer) GetIndexer() cache.Indexer { return indexer{i.SharedIndexInformer.GetIndexer()} }

type indexer struct{ cache.Indexer }

func (i indexer) ByIndex(name, value string) ([]any, error) {
	list, err := i.Indexer.ByIndex(name, value)
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(a.(*corev1.Pod).Name, b.(*corev1.Pod).Name) })
	return list, err
}
