package job

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// maxUncounted is how many pods a sync counts at most (MaxUncountedPods).
const maxUncounted = 500

// track counts the pods that have ended: it writes their UIDs into the status, takes
// their finalizers off, and has the counters rise; and it ends the Job (W34,
// trackJobStatusAndRemoveFinalizers). flush says that the status has changed already.
func (s *syncing) track(flush bool) error {
	if isIndexed(s.job) {
		s.pods = slices.Clone(s.pods)
		slices.SortStableFunc(s.pods, byIndex)
	}
	bound := map[types.UID]bool{} // whose finalizers are there
	for _, pod := range s.pods {
		if isTracked(pod) && !s.removals[pod.UID] {
			bound[pod.UID] = true
		}
	}
	flush = clean(&s.job.Status, bound) || flush
	ended, fresh, full := s.count(&flush)
	if isIndexed(s.job) {
		flush = s.writeIndexes(fresh) || flush
	}
	flush = s.interim() || flush
	flush, err := s.flush(ended, bound, flush)
	if err != nil {
		return err
	}
	finished := !full && s.enact()
	if !flush && !finished {
		return nil
	}
	if err := s.write(); err != nil {
		return fmt.Errorf("removing uncounted pods from status: %w", err)
	}
	if finished {
		s.tellEnd()
		s.r.Once(func(engine.Time) { s.c.finished[s.job.UID] = true })
	}
	return nil
}

// count puts the pods that have ended into the status. It returns those, the indexes
// that have succeeded with them, and whether there were too many for one sync.
func (s *syncing) count(flush *bool) (ended []*corev1.Pod, fresh []int, full bool) {
	uncounted := s.job.Status.UncountedTerminatedPods
	for _, pod := range s.pods {
		if !isTracked(pod) || s.removals[pod.UID] {
			continue
		}
		failed := isFailed(s.job, pod)
		if !s.mayLetGo(pod, failed) {
			continue
		}
		ended = append(ended, pod)
		switch {
		case pod.Status.Phase == corev1.PodSucceeded && s.counted[pod.UID] != "failed":
			if isIndexed(s.job) {
				if isOfIndex(s.job, pod) && !s.before.has(indexOf(pod)) {
					fresh = append(fresh, indexOf(pod))
					*flush = true
				}
			} else if s.counted[pod.UID] != "succeeded" {
				uncounted.Succeeded = append(uncounted.Succeeded, pod.UID)
				*flush = true
			}
		case failed || s.finish != nil && s.finish.Type != batchv1.JobSuccessCriteriaMet:
			if s.counted[pod.UID] != "failed" && (!isIndexed(s.job) || isOfIndex(s.job, pod)) && matchFailure(s.job.Spec.PodFailurePolicy, pod).counts {
				uncounted.Failed = append(uncounted.Failed, pod.UID)
				*flush = true
			}
		}
		if len(fresh)+len(uncounted.Succeeded)+len(uncounted.Failed) >= maxUncounted {
			return ended, fresh, true
		}
	}
	return ended, fresh, false
}

// mayLetGo reports whether a pod's finalizer can go (canRemoveFinalizer).
func (s *syncing) mayLetGo(pod *corev1.Pod, failed bool) bool {
	if s.job.DeletionTimestamp != nil || s.finish != nil || pod.Status.Phase == corev1.PodSucceeded {
		return true
	}
	last := s.delayed[indexOf(pod)]
	return failed && (last == nil || last.UID != pod.UID)
}

// writeIndexes brings the status of an Indexed Job up to date.
func (s *syncing) writeIndexes(fresh []int) (changed bool) {
	slices.Sort(fresh)
	s.succeededIndexes = s.succeededIndexes.with(fresh)
	st := &s.job.Status
	text := s.succeededIndexes.String()
	changed = text != st.CompletedIndexes
	st.Succeeded, st.CompletedIndexes = int32(s.succeededIndexes.total()), text
	var failed *string
	if s.job.Spec.BackoffLimitPerIndex != nil {
		text := s.failedIndexes.String()
		failed = &text
	}
	if (failed == nil) != (st.FailedIndexes == nil) || failed != nil && *failed != *st.FailedIndexes {
		st.FailedIndexes, changed = failed, true
	}
	return changed
}

// interim puts into the status what the Job will end with, before finalizers go, and
// makes s.finish the end itself.
func (s *syncing) interim() bool {
	if s.finish == nil {
		return false
	}
	end := s.finish
	switch end.Type {
	case batchv1.JobFailureTarget:
		s.job.Status.Conditions = append(s.job.Status.Conditions, *end)
		s.finish = s.condition(batchv1.JobFailed, corev1.ConditionTrue, end.Reason, end.Message)
		return true
	case batchv1.JobSuccessCriteriaMet:
		known := isTrue(s.job, batchv1.JobSuccessCriteriaMet)
		if !known {
			s.job.Status.Conditions = append(s.job.Status.Conditions, *end)
		}
		s.finish = s.condition(batchv1.JobComplete, corev1.ConditionTrue, end.Reason, end.Message)
		return !known
	}
	return false
}

// flush writes the status, takes the finalizers off the pods that have ended, and
// counts those of which that succeeded (flushUncountedAndRemoveFinalizers). It returns
// whether there is something left to write.
func (s *syncing) flush(ended []*corev1.Pod, bound map[types.UID]bool, flush bool) (bool, error) {
	if flush {
		if err := s.write(); err != nil {
			return true, fmt.Errorf("adding uncounted pods to status: %w", err)
		}
		s.r.Once(func(engine.Time) { s.c.backoffs[s.key] = s.record })
	}
	s.r.Once(func(engine.Time) {
		if len(ended) > 0 && s.c.removals[s.key] == nil {
			s.c.removals[s.key] = map[types.UID]bool{}
		}
		for _, pod := range ended {
			s.c.removals[s.key][pod.UID] = true
		}
	})
	var first error
	for i, res := range s.r.Side(len(ended), func(i int) apiserver.Request { return untrack(ended[i]) }) {
		if res.Err == nil {
			s.wrote(res.Object)
		} else {
			s.r.Once(func(engine.Time) { s.c.removed(s.key, ended[i].UID) })
			if !apierrors.IsNotFound(res.Err) {
				if first == nil {
					first = res.Err
				}
				continue
			}
		}
		delete(bound, ended[i].UID)
	}
	changed := clean(&s.job.Status, bound)
	if first != nil && changed {
		if err := s.write(); err != nil {
			return true, fmt.Errorf("removing uncounted pods from status: %w", err)
		}
	}
	return changed, first
}

// clean has the counters rise by the pods whose finalizers are gone
// (cleanUncountedPodsWithoutFinalizers).
func clean(st *batchv1.JobStatus, bound map[types.UID]bool) bool {
	sift := func(list *[]types.UID, counter *int32) bool {
		kept := slices.DeleteFunc(slices.Clone(*list), func(uid types.UID) bool { return !bound[uid] })
		gone := len(*list) - len(kept)
		if gone == 0 {
			return false
		}
		if len(kept) == 0 {
			kept = nil
		}
		*counter += int32(gone)
		*list = kept
		return true
	}
	succeeded := sift(&st.UncountedTerminatedPods.Succeeded, &st.Succeeded)
	failed := sift(&st.UncountedTerminatedPods.Failed, &st.Failed)
	return succeeded || failed
}

// write writes the status and goes on from what the server has stored.
func (s *syncing) write() error {
	res := s.r.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.Job, Key: s.key, Object: copyOf(s.job)})
	if res.Err != nil {
		return res.Err
	}
	stored := res.Object.(*batchv1.Job)
	s.r.Once(func(engine.Time) { s.c.written.Wrote(s.key, stored.UID, stored) })
	s.job = copyOf(stored)
	if s.job.Status.UncountedTerminatedPods == nil {
		s.job.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	}
	return nil
}

// enact puts the end of the Job into the status, once all pods are counted and none is
// terminating (enactJobFinished).
func (s *syncing) enact() bool {
	if s.finish == nil || s.terminating > 0 {
		return false
	}
	if u := s.job.Status.UncountedTerminatedPods; len(u.Succeeded)+len(u.Failed) > 0 {
		return false
	}
	s.set(s.finish.Type, s.finish.Status, s.finish.Reason, s.finish.Message)
	if s.finish.Type == batchv1.JobComplete {
		at := s.finish.LastTransitionTime
		s.job.Status.CompletionTime = &at
	}
	return true
}

// tellEnd records how the Job ended (recordJobFinished).
func (s *syncing) tellEnd() {
	if s.finish.Type != batchv1.JobComplete {
		s.note(corev1.EventTypeWarning, s.finish.Reason, s.finish.Message)
		return
	}
	if want := s.job.Spec.Completions; want != nil && s.job.Status.Succeeded > *want {
		s.note(corev1.EventTypeWarning, "TooManySucceededPods", "Too many succeeded pods running after completion count reached")
	}
	s.note(corev1.EventTypeNormal, "Completed", "Job completed")
}
