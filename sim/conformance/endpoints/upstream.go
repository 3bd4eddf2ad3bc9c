package endpoints

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
)

// workers is the controller manager's --concurrent-service-endpoint-syncs.
const workers = 5

// upstream plays a script to upstream's controller and returns what is there at
// each rest.
func upstream(t *testing.T, s script) (rests []rest) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, st := range s.before {
			w.user(st, 0)
		}
		ctx, stop := context.WithCancel(context.Background())
		client := w.client()
		factory := informers.NewSharedInformerFactory(client, 0)
		core := factory.Core().V1()
		c := endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), factory.Discovery().V1().EndpointSlices(),
			int32(s.limit), client, 0)
		factory.Start(ctx.Done())
		go c.Run(ctx, workers)
		time.Sleep(pause)
		rests = append(rests, w.rest(nil))
		for _, group := range s.groups {
			time.Sleep(quiet)
			w.mu.Lock()
			w.faults = append([]fault(nil), group.faults...)
			w.mu.Unlock()
			var answers []string
			for _, st := range group.steps {
				answers = append(answers, answered(w.user(st, between)))
			}
			time.Sleep(pause)
			rests = append(rests, w.rest(answers))
		}
		stop()
		w.end()
		time.Sleep(time.Minute)
	})
	return rests
}

// user does what a step asks, if there is anything to ask, one request after
// the other.
func (w *world) user(st step, pause time.Duration) (err error) {
	w.mu.Lock()
	requests := st.requests(w.server, time.Since(w.began))
	w.mu.Unlock()
	for _, req := range requests {
		if err == nil {
			err = w.do(req).Err
		}
		time.Sleep(pause)
	}
	return err
}

func (w *world) rest(answers []string) rest {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	r := restOf(w.server, answers, w.calls)
	w.calls = nil
	w.faults = nil
	return r
}
