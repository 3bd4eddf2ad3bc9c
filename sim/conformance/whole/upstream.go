package whole

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	upstreamset "k8s.io/kubernetes/pkg/controller/statefulset"

	"github.com/go-logr/logr"

	_ "k8s.io/kubernetes/pkg/apis/apps/install" // defaults, as in the real binary
	_ "k8s.io/kubernetes/pkg/apis/core/install"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

var decoder = scheme.Codecs.UniversalDeserializer()

// workers is what the controller manager starts: ConcurrentStatefulSetSyncs.
const workers = 5

func init() {
	// Its log is of no interest, and its error handlers sleep, until a time of
	// the last bubble's clock.
	utilruntime.ErrorHandlers = nil
	retry.DefaultRetry.Jitter, retry.DefaultBackoff.Jitter = 0, 0
	klog.SetLogger(logr.Discard())
}

// clientset is the part of a clientset that the controller uses.
type clientset struct {
	kubernetes.Interface
	core coreclient.CoreV1Interface
	apps appsclient.AppsV1Interface
}

func (c clientset) CoreV1() coreclient.CoreV1Interface { return c.core }
func (c clientset) AppsV1() appsclient.AppsV1Interface { return c.apps }

func newClientset(t *testing.T, s *served) clientset {
	config, client := &rest.Config{Host: "http://server", QPS: -1}, &http.Client{Transport: s}
	core, err := coreclient.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	apps, err := appsclient.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	return clientset{core: core, apps: apps}
}

// upstream plays a script to the real controller.
func upstream(t *testing.T, s script, gates apiserver.Gates) (diary, marks) {
	var d diary
	m := marks{}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		world := newServed(gates, &m)
		ctx, stop := context.WithCancel(context.Background())
		client := newClientset(t, world)
		factory := informers.NewSharedInformerFactory(client, 0)
		core, apps := factory.Core().V1(), factory.Apps().V1()
		ssc := upstreamset.NewStatefulSetController(ctx, core.Pods(), apps.StatefulSets(), core.PersistentVolumeClaims(), apps.ControllerRevisions(), client)
		factory.Start(ctx.Done())
		go ssc.Run(ctx, workers)
		d = s.play(theirs{world})
		stop()
		world.end()
		factory.Shutdown()
		// The recorder's queue and the timers of delayed keys end by themselves.
		time.Sleep(time.Hour)
	})
	return d, m
}

// theirs is upstream's side of a script.
type theirs struct{ *served }

func (w theirs) look(f func(*apiserver.Server)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.server)
}

func (w theirs) user(req apiserver.Request) apiserver.Result { return w.do(apiserver.User, req) }

func (w theirs) until(at time.Time) {
	time.Sleep(time.Until(at))
	synctest.Wait()
}

func (w theirs) now() time.Time { return time.Now() }

func (w theirs) fail(f controller.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, f)
}

func (w theirs) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}
