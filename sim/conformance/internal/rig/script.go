package rig

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/informers"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Step is what a user does at a moment, followed by a span in which the controllers
// run.
type Step struct {
	Text string // says it all
	// Ask returns requests by what the server has. It is asked about two servers, so
	// that it must depend on nothing else.
	Ask func(s *apiserver.Server, now engine.Time) []apiserver.Request
	// Fault has requests fail from now on.
	Fault *controller.Fault
	Pause time.Duration
}

// Script is a history's input.
type Script struct {
	Config    apiserver.Config
	Beginning time.Duration // how long the controllers run before the first step
	Before    []apiserver.Request
	Steps     []Step
}

func (s Script) String() string {
	var b strings.Builder
	for i, st := range s.Steps {
		fmt.Fprintf(&b, "%2d. %s", i, st.Text)
		if f := st.Fault; f != nil {
			fmt.Fprintf(&b, "; then %d of %s %s %s fail, lost=%v", f.Count, f.By, f.Verb, f.Kind, f.Lost)
		}
		fmt.Fprintf(&b, "; then %v\n", st.Pause)
	}
	return b.String()
}

// Ours plays a script to actors and returns what show says of each rest.
func Ours(s Script, actors []controller.Actor, show func(*apiserver.Server) string) string {
	e := engine.New(engine.Strategy{Mode: engine.First})
	h := controller.NewHost(e, apiserver.New(e, s.Config), controller.Latency{}, nil)
	for _, req := range s.Before {
		Must(h.Do(apiserver.User, req))
	}
	for _, a := range actors {
		h.Add(a)
	}
	var d strings.Builder
	Run(h, s.Beginning)
	for i, st := range s.Steps {
		if st.Ask != nil {
			for _, req := range st.Ask(h.Server(), e.Now()) {
				fmt.Fprintf(&d, "step %d: %v\n", i, h.Do(apiserver.User, req).Err)
			}
		}
		if st.Fault != nil {
			h.Fail(*st.Fault)
		}
		Run(h, st.Pause)
		d.WriteString(show(h.Server()))
	}
	return d.String()
}

// Upstream plays a script to upstream's controllers in a bubble. They are made by
// start, with informers that are started when it returns; what it returns is run when
// these have listed what there is.
func Upstream(t *testing.T, s Script, start func(context.Context, *World, informers.SharedInformerFactory) []func(context.Context), show func(*apiserver.Server) string) string {
	var d strings.Builder
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(apiserver.WallTime(0)))
		w := New(s.Config, s.Before...)
		ctx, stop := context.WithCancel(context.Background())
		factory := informers.NewSharedInformerFactory(w.Client("informers"), 0)
		run := start(ctx, w, factory)
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		synctest.Wait()
		for _, r := range run {
			go r(ctx)
		}
		time.Sleep(time.Until(apiserver.WallTime(0).Add(s.Beginning)))
		for i, st := range s.Steps {
			var asked []apiserver.Request
			if st.Ask != nil {
				w.Look(func(s *apiserver.Server) { asked = st.Ask(s, apiserver.VirtualTime(time.Now())) })
			}
			for _, req := range asked {
				fmt.Fprintf(&d, "step %d: %v\n", i, w.Do(apiserver.User, req).Err)
			}
			if st.Fault != nil {
				w.Fail(*st.Fault)
			}
			time.Sleep(st.Pause)
			synctest.Wait()
			w.Look(func(s *apiserver.Server) { d.WriteString(show(s)) })
		}
		stop()
		w.End()
		time.Sleep(time.Minute)
	})
	return d.String()
}
