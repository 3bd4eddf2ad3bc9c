package daemonset

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// writeStatus is W22 (updateDaemonSetStatus). A status that was only counted does not
// say that the generation was observed.
func (s *sync) writeStatus(observed bool) error {
	adopted, err := s.claimed()
	if err != nil {
		return err
	}
	n := controller.Read(s.Replay, func(v controller.View) counts { return s.roster(v, adopted).status })
	updated, err := s.store(n, observed)
	if err != nil {
		return fmt.Errorf("error storing status for daemon set %v: %w", s.key, err)
	}
	if updated != nil {
		s.Once(func(engine.Time) { s.c.written.Wrote(s.key, updated.UID, updated) })
	}
	if s.set.Spec.MinReadySeconds > 0 && n.ready != n.available {
		s.After(time.Duration(s.set.Spec.MinReadySeconds)*time.Second, engine.Progress)
	}
	return nil
}

// store writes a status that says something new; if that fails, once more over what
// the server has (storeDaemonSetStatus).
func (s *sync) store(n counts, observed bool) (*appsv1.DaemonSet, error) {
	status := func(was appsv1.DaemonSetStatus) appsv1.DaemonSetStatus {
		was.DesiredNumberScheduled, was.CurrentNumberScheduled, was.NumberMisscheduled = int32(n.desired), int32(n.current), int32(n.misplaced)
		was.NumberReady, was.UpdatedNumberScheduled = int32(n.ready), int32(n.updated)
		was.NumberAvailable, was.NumberUnavailable = int32(n.available), int32(n.desired-n.available)
		return was
	}
	next := status(s.set.Status)
	if sameCounts(&next, &s.set.Status) && s.set.Status.ObservedGeneration >= s.set.Generation {
		return nil, nil
	}
	base := s.set
	for try := 0; ; try++ {
		obj := *base
		obj.Status = status(base.Status)
		if observed {
			obj.Status.ObservedGeneration = s.set.Generation
		}
		res := s.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.DaemonSet, Key: s.key, Object: &obj})
		if res.Err == nil {
			return res.Object.(*appsv1.DaemonSet), nil
		}
		if try == 1 { // StatusUpdateRetries
			return nil, res.Err
		}
		live := s.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.DaemonSet, Key: s.key})
		if live.Err != nil {
			return nil, live.Err
		}
		base = live.Object.(*appsv1.DaemonSet)
	}
}

func sameCounts(a, b *appsv1.DaemonSetStatus) bool {
	return a.DesiredNumberScheduled == b.DesiredNumberScheduled && a.CurrentNumberScheduled == b.CurrentNumberScheduled &&
		a.NumberMisscheduled == b.NumberMisscheduled && a.NumberReady == b.NumberReady && a.UpdatedNumberScheduled == b.UpdatedNumberScheduled &&
		a.NumberAvailable == b.NumberAvailable && a.NumberUnavailable == b.NumberUnavailable
}
