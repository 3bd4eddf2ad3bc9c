package volumes

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/informers"
	csitrans "k8s.io/csi-translation-lib"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/volume/expand"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	vol "k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/csimigration"
	"k8s.io/kubernetes/pkg/volume/nfs"
	"k8s.io/kubernetes/pkg/volume/util/recyclerclient"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume"
)

// upstream plays a script to upstream's controllers. It returns the chapters, and
// how many faults struck.
func upstream(t *testing.T, s script) (chapters []string, struck int) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		w := newWorld(s)
		stop := w.start(t)
		w.crashed = func() {
			stop()
			time.AfterFunc(time.Duration(restartAfter(w.now())-w.now()), func() { stop = w.start(t) })
		}
		time.Sleep(beginning)
		for _, st := range s.steps {
			w.rest()
			w.arm(st.fault)
			w.mu.Lock()
			req, ok := st.request(w.server)
			w.mu.Unlock()
			var answer *apiserver.Result
			if ok {
				res := w.do(apiserver.User, req)
				answer = &res
			}
			time.Sleep(st.pause)
			synctest.Wait()
			w.arm(fault{})
			chapters = append(chapters, d.chapter(answer, w.rest(), w.server))
		}
		stop()
		w.mu.Lock()
		w.end()
		w.mu.Unlock()
		time.Sleep(time.Minute)
		struck = w.struck
	})
	return chapters, struck
}

func (w *world) arm(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// start starts the four controllers as the controller manager does, and
// returns what stops them.
func (w *world) start(t *testing.T) context.CancelFunc {
	ctx, stop := context.WithCancel(context.Background())
	binders := w.client(volume.BinderName)
	factory := informers.NewSharedInformerFactory(binders.Interface, 0)
	core, logger := factory.Core().V1(), klog.FromContext(ctx)
	binder, err := persistentvolume.NewController(ctx, persistentvolume.ControllerParameters{
		KubeClient: binders, SyncPeriod: resyncPeriod, VolumePlugins: []vol.VolumePlugin{scrubber{nfs.ProbeVolumePlugins(vol.VolumeConfig{})[0]}},
		VolumeInformer: volumeInformer{core.PersistentVolumes()}, ClaimInformer: claimInformer{core.PersistentVolumeClaims()}, ClassInformer: factory.Storage().V1().StorageClasses(),
		PodInformer: core.Pods(), NodeInformer: core.Nodes(), EnableDynamicProvisioning: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := pvcprotection.NewPVCProtectionController(logger, core.PersistentVolumeClaims(), core.Pods(), w.client(volume.ClaimProtectionName))
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := pvprotection.NewPVProtectionController(logger, core.PersistentVolumes(), w.client(volume.VolumeProtectionName))
	if err != nil {
		t.Fatal(err)
	}
	translator := csitrans.New()
	expander, err := expand.NewExpandController(ctx, w.client(volume.ExpanderName), core.PersistentVolumeClaims(), nil, translator, csimigration.NewPluginManager(translator))
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go binder.Run(ctx)
	go claims.Run(ctx, 1)
	go volumes.Run(ctx, 1)
	go expander.Run(ctx)
	return stop
}

// scrubber is the NFS plugin with a recycler that is done at once.
type scrubber struct{ vol.VolumePlugin }

var _ vol.RecyclableVolumePlugin = scrubber{}

func (scrubber) Recycle(string, *vol.Spec, recyclerclient.RecycleEventRecorder) error { return nil }
