package volumes

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	vol "k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/nfs"
	"k8s.io/kubernetes/pkg/volume/util/recyclerclient"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// resyncPeriod is the controller manager's PVClaimBinderSyncPeriod.
const resyncPeriod = 15 * time.Second

// upstream plays a script to upstream's controllers.
func upstream(t *testing.T, s script) string {
	var d diary
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s)
		ctx, stop := context.WithCancel(context.Background())
		w.start(t, ctx)
		time.Sleep(beginning)
		for i, st := range s.steps {
			w.mu.Lock()
			req, ok := st.request(w.server)
			w.mu.Unlock()
			if ok {
				d.note(i, w.do(apiserver.User, req))
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

// start starts the three controllers as the controller manager does.
func (w *world) start(t *testing.T, ctx context.Context) {
	client := w.client()
	factory := informers.NewSharedInformerFactory(client, 0)
	core, logger := factory.Core().V1(), klog.FromContext(ctx)
	binder, err := persistentvolume.NewController(ctx, persistentvolume.ControllerParameters{
		KubeClient: client, SyncPeriod: resyncPeriod, VolumePlugins: []vol.VolumePlugin{scrubber{nfs.ProbeVolumePlugins(vol.VolumeConfig{})[0]}},
		VolumeInformer: core.PersistentVolumes(), ClaimInformer: core.PersistentVolumeClaims(), ClassInformer: factory.Storage().V1().StorageClasses(),
		PodInformer: core.Pods(), NodeInformer: core.Nodes(), EnableDynamicProvisioning: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := pvcprotection.NewPVCProtectionController(logger, core.PersistentVolumeClaims(), core.Pods(), client)
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := pvprotection.NewPVProtectionController(logger, core.PersistentVolumes(), client)
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go binder.Run(ctx)
	go claims.Run(ctx, 1)
	go volumes.Run(ctx, 1)
}

// scrubber is the NFS plugin with a recycler that is done at once.
type scrubber struct{ vol.VolumePlugin }

var _ vol.RecyclableVolumePlugin = scrubber{}

func (scrubber) Recycle(string, *vol.Spec, recyclerclient.RecycleEventRecorder) error { return nil }
