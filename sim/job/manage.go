package job

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// burst is how many pods a sync creates or deletes at most (MaxPodCreateDeletePerSync).
const burst = 500

// manage deletes the pods that are too many, or creates those that are missing, never
// both in one sync. It returns how many are active then (W31, W33, manageJob).
func (s *syncing) manage() (active int32, err error) {
	active = int32(len(s.active))
	if isSuspended(s.job) {
		return s.delete(s.surplus(len(s.active)), active)
	}
	want := *s.job.Spec.Parallelism
	switch completions := s.job.Spec.Completions; {
	case completions != nil:
		want = max(min(*completions-s.succeeded, want), 0)
	case s.succeeded > 0:
		want = active
	}
	if victims := s.surplus(int(max(active-want, 0))); len(victims) > 0 {
		return s.delete(victims[:min(len(victims), burst)], active)
	}
	missing := want - active
	if onlyReplacesFailed(s.job) {
		missing -= s.terminating
	}
	if missing <= 0 {
		return active, nil
	}
	return s.create(int(min(missing, burst)), active)
}

// surplus returns at least n active pods to delete, and all whose index is of no use
// (activePodsForRemoval).
func (s *syncing) surplus(n int) []*corev1.Pod {
	left := slices.Clone(s.active)
	var rm []*corev1.Pod
	if isIndexed(s.job) {
		rm, left = s.duplicates(left)
	}
	if len(rm) < n {
		rm = append(rm, s.ranking.Sorted(left)[:n-len(rm)]...)
	}
	return rm
}

// delete takes the finalizers off active pods and deletes them: they do not count
// (deleteJobPods).
func (s *syncing) delete(pods []*corev1.Pod, active int32) (int32, error) {
	if len(pods) == 0 {
		return active, nil
	}
	s.r.Once(func(now engine.Time) { s.c.expectations.expect(s.key, now, 0, len(pods)) })
	errs := make([]error, len(pods))
	tracked := slices.DeleteFunc(indexes(len(pods)), func(i int) bool { return !isTracked(pods[i]) })
	for n, res := range s.r.Side(len(tracked), func(n int) apiserver.Request { return untrack(pods[tracked[n]]) }) {
		if res.Err != nil {
			errs[tracked[n]] = fmt.Errorf("removing completion finalizer: %w", res.Err)
		} else {
			s.wrote(res.Object)
		}
	}
	rest := slices.DeleteFunc(indexes(len(pods)), func(i int) bool { return errs[i] != nil })
	for n, res := range s.r.Side(len(rest), func(n int) apiserver.Request { return podcontrol.Delete(pods[rest[n]]) }) {
		errs[rest[n]] = podcontrol.Deleted(s.r, s.job, pods[rest[n]], res.Err)
	}
	removed, first := int32(len(pods)), error(nil)
	for i, err := range errs {
		if err != nil {
			s.r.Once(func(engine.Time) { s.c.expectations.deleted(s.key, 1) })
			if !apierrors.IsNotFound(err) {
				removed--
				if first == nil {
					first = err
				}
			}
		}
		if slices.Contains(rest, i) && podcontrol.IsReady(pods[i]) {
			s.ready--
		}
	}
	s.terminating += removed
	return active - removed, first
}

// indexes returns 0 … n-1.
func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// wrote remembers a pod that was patched for the Job (OnWrite of RealPodControl).
func (s *syncing) wrote(obj apiserver.Object) {
	if obj == nil || metav1.GetControllerOfNoCopy(obj) == nil {
		return
	}
	s.r.Once(func(engine.Time) { s.c.written.Wrote(s.key, s.job.UID, obj) })
}

// deleteActive deletes the pods of a Job that has come to its end; their finalizers
// stay until they are counted (deleteActivePods).
func (s *syncing) deleteActive(pods []*corev1.Pod) (ready, deleted int32, first error) {
	deleted = int32(len(pods))
	for i, res := range s.r.Side(len(pods), func(i int) apiserver.Request { return podcontrol.Delete(pods[i]) }) {
		if err := podcontrol.Deleted(s.r, s.job, pods[i], res.Err); err != nil && !apierrors.IsNotFound(err) {
			deleted--
			if first == nil {
				first = err
			}
		}
		if podcontrol.IsReady(pods[i]) {
			ready++
		}
	}
	return ready, deleted, first
}

// create makes pods, unless the next one has still to wait after a failure.
func (s *syncing) create(n int, active int32) (int32, error) {
	now := apiserver.WallTime(s.r.Now())
	perIndex := s.job.Spec.BackoffLimitPerIndex != nil
	if !perIndex {
		if wait := s.record.remaining(now); wait > 0 {
			s.again(max(wait, batchPeriod))
			return active, nil
		}
	}
	var chosen []int
	if isIndexed(s.job) {
		chosen = s.pendingIndexes(n)
		if perIndex {
			var wait time.Duration
			if chosen, wait = s.dueIndexes(chosen, now); wait > 0 {
				s.again(max(wait, batchPeriod))
				return active, nil
			}
		}
		n = len(chosen)
	}
	s.r.Once(func(now engine.Time) { s.c.expectations.expect(s.key, now, n, 0) })
	template := s.template()
	ref := *metav1.NewControllerRef(s.job, apiserver.Job.GroupVersionKind())
	next := 0
	created, err := podcontrol.SlowStart(n, func(size int) []error {
		begin := next
		next += size
		errs := make([]error, size)
		answers := s.r.Side(size, func(i int) apiserver.Request {
			pod := podcontrol.FromTemplate(template, s.job, ref)
			if chosen != nil {
				own := *template
				s.indexed(&own, chosen[begin+i])
				pod = podcontrol.FromTemplate(&own, s.job, ref)
				pod.GenerateName = prefixOf(s.job.Name, chosen[begin+i])
			}
			return podcontrol.Create(pod)
		})
		for i, res := range answers {
			if errs[i] = podcontrol.Created(s.r, s.job, res); errs[i] == nil {
				s.wrote(res.Object)
			} else if podcontrol.IsNamespaceTerminating(errs[i]) {
				errs[i] = nil // nothing can be created any more
			}
		}
		return errs
	})
	s.r.Once(func(engine.Time) { s.c.expectations.created(s.key, n-created) })
	return active + int32(created), err
}

// template is that of the next pods.
func (s *syncing) template() *corev1.PodTemplateSpec {
	t := s.job.Spec.Template
	if !slices.Contains(t.Finalizers, batchv1.JobTrackingFinalizer) {
		t.Finalizers = append(slices.Clip(t.Finalizers), batchv1.JobTrackingFinalizer)
	}
	if isIndexed(s.job) {
		t.Spec.Containers = withIndexVariable(t.Spec.Containers)
		t.Spec.InitContainers = withIndexVariable(t.Spec.InitContainers)
	}
	return &t
}

// dueIndexes returns those of the indexes whose next pod need not wait, or how long it
// takes until one need not (getPodCreationInfoForIndependentIndexes).
func (s *syncing) dueIndexes(list []int, now time.Time) (due []int, wait time.Duration) {
	for _, i := range list {
		var left time.Duration
		if pod := s.delayed[i]; pod != nil {
			left = record{allFailuresOf(pod) + 1, finishedAt(pod)}.remaining(now)
		}
		switch {
		case left == 0:
			due = append(due, i)
		case wait == 0 || left < wait:
			wait = left
		}
	}
	if len(due) > 0 {
		wait = 0
	}
	return due, wait
}
