package collecting

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// workers is the controller manager's --concurrent-gc-syncs.
const workers = 20

// upstream plays a script to upstream's collector.
func upstream(t *testing.T, s script, seed uint64) *diary {
	d := &diary{}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(d, seed)
		for _, st := range s.before {
			w.user(st)
		}
		ctx, stop := context.WithCancel(context.Background())
		w.start(t, ctx)
		time.Sleep(beginning)
		synctest.Wait()
		w.rest()
		for i, st := range s.steps {
			w.mu.Lock()
			w.faults, w.ambush = append([]fault(nil), st.faults...), st.ambush
			w.mu.Unlock()
			d.note(i, w.user(st))
			time.Sleep(st.pause)
			synctest.Wait()
			w.rest()
		}
		stop()
		w.end()
		time.Sleep(time.Minute)
	})
	return d
}

// user does what a step asks, if there is anything to ask.
func (w *world) user(st step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	req, ok := st.request(w.server, w.diary)
	if !ok {
		return nil
	}
	return w.serve(apiserver.User, req).Err
}

func (w *world) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary.rest(w.server)
}

// start starts the collector as the controller manager does, with the kinds
// that discovery would tell it of.
func (w *world) start(t *testing.T, ctx context.Context) {
	c := client{w}
	started := make(chan struct{})
	close(started)
	gc, err := garbagecollector.NewGarbageCollector(ctx, w.events(), c, theMapper, garbagecollector.DefaultIgnoredResources(),
		factory{metadatainformer.NewSharedInformerFactory(c, 0)}, started)
	if err != nil {
		t.Fatal(err)
	}
	go gc.Run(ctx, workers, 30*time.Second)
	go gc.Sync(ctx, discovered{}, time.Hour)
}

// discovered is what discovery tells of the server.
type discovered struct {
	discovery.ServerResourcesInterface
}

func (discovered) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	var lists []*metav1.APIResourceList
	for _, k := range kinds {
		gvk := k.GroupVersionKind()
		lists = append(lists, &metav1.APIResourceList{GroupVersion: gvk.GroupVersion().String(), APIResources: []metav1.APIResource{{
			Name: k.Resource(), Kind: gvk.Kind, Namespaced: k.Namespaced(), Verbs: metav1.Verbs{"delete", "list", "watch"}}}})
	}
	return lists, nil
}
