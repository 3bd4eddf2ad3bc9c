package job

import (
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Step implements controller.Machine (syncJob).
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error { return c.sync(r, key) })
}

// syncing is one sync: what it goes by, and what it has found out (syncJobCtx). Its job
// is a copy whose status may be changed.
type syncing struct {
	c   *Controller
	r   *controller.Replay
	key apiserver.Key
	job *batchv1.Job

	met      bool                 // nothing is expected that was not seen
	pods     []*corev1.Pod        // all, by name
	active   []*corev1.Pod        // of them
	removals map[types.UID]bool   // whose finalizers go already
	counted  map[types.UID]string // of uncountedTerminatedPods: "succeeded", "failed"
	record   record
	ranking  podcontrol.Ranking

	finish            *batchv1.JobCondition // how the Job ends; nil: not yet
	succeeded, failed int32
	ready             int32
	terminating       int32
	before            spans // the indexes that had succeeded when the sync began
	succeededIndexes  spans
	failedIndexes     spans
	delayed           map[int]*corev1.Pod // see delayedPods

	due engine.Time // when the Job is to be looked at again; zero: when something happens
}

func (c *Controller) sync(r *controller.Replay, key apiserver.Key) error {
	if err := controller.Read(r, func(v controller.View) error { return c.written.Behind(v, key) }); err != nil {
		return err
	}
	job := controller.Object[*batchv1.Job](r, apiserver.Job, key)
	switch {
	case job == nil:
		r.Once(func(engine.Time) {
			c.expectations.drop(key)
			delete(c.removals, key)
			c.written.Clear(key, "")
			delete(c.backoffs, key)
		})
		return nil
	case isManagedElsewhere(job):
		return nil
	case isFinished(job):
		r.Once(func(engine.Time) {
			delete(c.backoffs, key)
			c.written.Clear(key, job.UID)
			delete(c.finished, job.UID)
		})
		return nil
	case controller.Read(r, func(controller.View) bool { return c.finished[job.UID] }):
		return nil
	}
	if m := job.Spec.CompletionMode; m != nil && *m != batchv1.NonIndexedCompletion && *m != batchv1.IndexedCompletion {
		r.Note(controller.Note{About: job, Type: corev1.EventTypeWarning, Reason: "UnknownCompletionMode", Message: "Skipped Job sync because completion mode is unknown"})
		return nil
	}
	s := &syncing{c: c, r: r, key: key, job: copyOf(job)}
	if s.job.Status.UncountedTerminatedPods == nil {
		s.job.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	}
	s.met = controller.Read(r, func(v controller.View) bool { return c.expectations.areMet(key, v.Now()) })
	if err := s.claim(); err != nil {
		return err
	}
	s.look()
	failure, changed := s.decide()
	if err := s.track(changed); err != nil {
		return fmt.Errorf("tracking status: %w", err)
	}
	if s.due != 0 {
		r.After(s.due.Sub(r.Now()), engine.Progress)
	}
	return failure
}

// copyOf copies a Job so that its status can be changed.
func copyOf(job *batchv1.Job) *batchv1.Job {
	c := *job
	job.Status.DeepCopyInto(&c.Status)
	return &c
}

// picture is what a sync reads of the controller's memory.
type picture struct {
	owned, mismatched, orphans []apiserver.Object
	removals                   map[types.UID]bool
	record                     record
	tie                        uint64
}

// claim gathers the Job's pods: those that it adopts get the finalizer, those that it
// no longer selects are let go (W31, getPodsForJob).
func (s *syncing) claim() error {
	selector, err := metav1.LabelSelectorAsSelector(s.job.Spec.Selector)
	if err != nil {
		return fmt.Errorf("couldn't convert Job selector: %v", err)
	}
	p := controller.Read(s.r, func(v controller.View) *picture { return s.c.look(s.job, v, selector) })
	s.removals, s.record, s.ranking = p.removals, p.record, podcontrol.Ranking{Tie: p.tie}
	claimer := podcontrol.Claimer{Owner: s.job, OwnerKind: apiserver.Job, Finalizer: batchv1.JobTrackingFinalizer, Patched: func(obj apiserver.Object) {
		if ref := metav1.GetControllerOfNoCopy(obj); ref != nil {
			s.c.written.Wrote(s.key, ref.UID, obj)
		}
	}}
	adopted, err := claimer.Claim(s.r, p.mismatched, p.orphans)
	if err != nil {
		return err
	}
	for _, obj := range p.owned {
		s.pods = append(s.pods, obj.(*corev1.Pod))
	}
	for _, obj := range adopted {
		pod := *obj.(*corev1.Pod)
		if !isTracked(&pod) {
			pod.Finalizers = append(slices.Clip(pod.Finalizers), batchv1.JobTrackingFinalizer)
		}
		s.pods = append(s.pods, &pod)
	}
	return nil
}

func (c *Controller) look(job *batchv1.Job, v controller.View, selector labels.Selector) *picture {
	p := &picture{removals: maps.Clone(c.removals[apiserver.KeyOf(job)]), record: c.backoffs[apiserver.KeyOf(job)],
		tie: uint64(v.Choose("job/victims", apiserver.KeyOf(job).String(), 1<<30))}
	pods := c.pods[ownerOf(job)]
	for _, name := range slices.Sorted(maps.Keys(pods)) {
		if pod := pods[name]; selector.Matches(labels.Set(pod.Labels)) {
			p.owned = append(p.owned, pod)
		} else {
			p.mismatched = append(p.mismatched, pod)
		}
	}
	free := c.free[job.Namespace]
	for _, name := range slices.Sorted(maps.Keys(free)) {
		if pod := free[name]; pod.DeletionTimestamp == nil && selector.Matches(labels.Set(pod.Labels)) {
			p.orphans = append(p.orphans, pod)
		}
	}
	return p
}

// look counts.
func (s *syncing) look() {
	st := &s.job.Status
	s.counted = map[types.UID]string{}
	for _, uid := range st.UncountedTerminatedPods.Succeeded {
		s.counted[uid] = "succeeded"
	}
	for _, uid := range st.UncountedTerminatedPods.Failed {
		s.counted[uid] = "failed"
	}
	for _, pod := range s.pods {
		if podcontrol.IsActive(pod) {
			s.active = append(s.active, pod)
			if podcontrol.IsReady(pod) {
				s.ready++
			}
		}
	}
	s.terminating = int32(len(terminating(s.pods)))
	var succeeded, failed []*corev1.Pod
	for _, pod := range s.valid(func(pod *corev1.Pod) bool { return s.counted[pod.UID] != "succeeded" }) {
		if pod.Status.Phase == corev1.PodSucceeded {
			succeeded = append(succeeded, pod)
		}
	}
	s.failed = st.Failed + int32(len(st.UncountedTerminatedPods.Failed))
	for _, pod := range s.valid(func(pod *corev1.Pod) bool { return s.counted[pod.UID] != "failed" }) {
		if isFailed(s.job, pod) {
			failed = append(failed, pod)
			if matchFailure(s.job.Spec.PodFailurePolicy, pod).counts {
				s.failed++
			}
		}
	}
	s.succeeded = st.Succeeded + int32(len(succeeded)+len(st.UncountedTerminatedPods.Succeeded))
	s.record = s.record.after(succeeded, failed)
	if st.StartTime == nil && !isSuspended(s.job) {
		st.StartTime = s.now()
	}
}

// now is the time as the API writes it.
func (s *syncing) now() *metav1.Time {
	now := metav1.NewTime(apiserver.WallTime(s.r.Now()))
	return &now
}

// valid returns the pods that have not been counted and have an index if they need one
// (getValidPodsWithFilter); keep may be nil.
func (s *syncing) valid(keep func(*corev1.Pod) bool) (list []*corev1.Pod) {
	for _, pod := range s.pods {
		if isTracked(pod) && !s.removals[pod.UID] && (keep == nil || keep(pod)) && (!isIndexed(s.job) || isOfIndex(s.job, pod)) {
			list = append(list, pod)
		}
	}
	return list
}

func terminating(pods []*corev1.Pod) (list []*corev1.Pod) {
	for _, pod := range pods {
		if podcontrol.IsTerminating(pod) {
			list = append(list, pod)
		}
	}
	return list
}

// isFailed reports whether a pod counts as failed: one that is deleted does at once,
// unless only failed ones are replaced (isPodFailed).
func isFailed(j *batchv1.Job, pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed ||
		!onlyReplacesFailed(j) && pod.DeletionTimestamp != nil && pod.Status.Phase != corev1.PodSucceeded
}

func onlyReplacesFailed(j *batchv1.Job) bool {
	return j.Spec.PodReplacementPolicy != nil && *j.Spec.PodReplacementPolicy == batchv1.Failed
}

func isSuspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

func isManagedElsewhere(j *batchv1.Job) bool {
	return j.Spec.ManagedBy != nil && *j.Spec.ManagedBy != batchv1.JobControllerName
}

// isFinished reports whether a Job is Complete or Failed (util.IsJobFinished).
func isFinished(j *batchv1.Job) bool {
	return isTrue(j, batchv1.JobComplete) || isTrue(j, batchv1.JobFailed)
}

func conditionOf(j *batchv1.Job, of batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range j.Status.Conditions {
		if c := &j.Status.Conditions[i]; c.Type == of {
			return c
		}
	}
	return nil
}

// Condition returns a condition of a Job if it is True, or nil.
func Condition(j *batchv1.Job, of batchv1.JobConditionType) *batchv1.JobCondition {
	if c := conditionOf(j, of); c != nil && c.Status == corev1.ConditionTrue {
		return c
	}
	return nil
}

func isTrue(j *batchv1.Job, of batchv1.JobConditionType) bool { return Condition(j, of) != nil }

func (s *syncing) condition(of batchv1.JobConditionType, status corev1.ConditionStatus, reason, message string) *batchv1.JobCondition {
	now := *s.now()
	return &batchv1.JobCondition{Type: of, Status: status, Reason: reason, Message: message, LastProbeTime: now, LastTransitionTime: now}
}

// set puts a condition into the status and reports whether that says anything new: one
// that is False is only put where another was (ensureJobConditionStatus).
func (s *syncing) set(of batchv1.JobConditionType, status corev1.ConditionStatus, reason, message string) bool {
	switch c := conditionOf(s.job, of); {
	case c == nil && status == corev1.ConditionFalse:
		return false
	case c == nil:
		s.job.Status.Conditions = append(s.job.Status.Conditions, *s.condition(of, status, reason, message))
	case c.Status == status && c.Reason == reason && c.Message == message:
		return false
	default:
		*c = *s.condition(of, status, reason, message)
	}
	return true
}

// decide finds out whether the Job has come to its end, in upstream's order, and
// otherwise sees to its pods (W32). It returns what failed, and whether the status
// changed.
func (s *syncing) decide() (failure error, changed bool) {
	s.judge()
	active := int32(len(s.active))
	suspension := false
	if s.finish != nil {
		ready, deleted, err := s.deleteActive(s.active)
		if deleted != active || !s.met {
			s.finish = nil // there may be pods that the watch has not shown
		}
		active -= deleted
		s.terminating += deleted
		s.ready -= ready
		failure = err
	} else {
		managed := s.met && s.job.DeletionTimestamp == nil
		if managed {
			active, failure = s.manage()
		}
		complete := s.succeeded > 0 && active == 0
		if want := s.job.Spec.Completions; want != nil {
			complete = s.succeeded >= *want && active == 0
		}
		switch {
		case complete:
			s.finish = s.condition(batchv1.JobSuccessCriteriaMet, corev1.ConditionTrue, batchv1.JobReasonCompletionsReached, "Reached expected number of succeeded pods")
		case managed:
			suspension = s.suspend()
		}
	}
	st := &s.job.Status
	changed = suspension || active != st.Active || st.Ready == nil || *st.Ready != s.ready || st.Terminating == nil || *st.Terminating != s.terminating
	ready, terminating := s.ready, s.terminating
	st.Active, st.Ready, st.Terminating = active, &ready, &terminating
	return failure, changed
}

// judge says how the Job ends, if it does by the pods that there are.
func (s *syncing) judge() {
	if c := conditionOf(s.job, batchv1.JobSuccessCriteriaMet); c != nil && c.Status == corev1.ConditionTrue {
		met := *c
		s.finish = &met
	} else if c := conditionOf(s.job, batchv1.JobFailureTarget); c != nil && c.Status == corev1.ConditionTrue {
		s.finish = s.condition(batchv1.JobFailed, corev1.ConditionTrue, c.Reason, c.Message)
	} else if message := s.failMessage(); message != "" {
		s.finish = s.condition(batchv1.JobFailureTarget, corev1.ConditionTrue, batchv1.JobReasonPodFailurePolicy, message)
	}
	spec := &s.job.Spec
	if s.finish == nil {
		switch now := apiserver.WallTime(s.r.Now()); {
		case s.failed > *spec.BackoffLimit || s.pastRestarts():
			s.fail(batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit")
		case spec.ActiveDeadlineSeconds == nil || isSuspended(s.job) || s.job.Status.StartTime == nil:
		default:
			left := time.Duration(*spec.ActiveDeadlineSeconds)*time.Second - now.Sub(s.job.Status.StartTime.Time)
			if left <= 0 {
				s.fail(batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline")
			} else {
				s.again(left)
			}
		}
	}
	if !isIndexed(s.job) {
		return
	}
	s.before, s.succeededIndexes = succeededIndexes(s.job, s.pods)
	s.succeeded = int32(s.succeededIndexes.total())
	if spec.BackoffLimitPerIndex != nil {
		s.failedIndexes = failedIndexes(s.job, s.pods)
		failed := s.failedIndexes.total()
		switch {
		case s.finish != nil:
		case spec.MaxFailedIndexes != nil && failed > int(*spec.MaxFailedIndexes):
			s.fail(batchv1.JobReasonMaxFailedIndexesExceeded, "Job has exceeded the specified maximal number of failed indexes")
		case failed > 0 && failed+s.succeededIndexes.total() >= int(*spec.Completions):
			s.fail(batchv1.JobReasonFailedIndexes, "Job has failed indexes")
		}
		s.delayed = s.delayedPods()
	}
	if s.finish == nil {
		if message, met := matchSuccess(spec.SuccessPolicy, int(*spec.Completions), s.succeededIndexes); met {
			s.finish = s.condition(batchv1.JobSuccessCriteriaMet, corev1.ConditionTrue, batchv1.JobReasonSuccessPolicy, message)
		}
	}
}

func (s *syncing) fail(reason, message string) {
	s.finish = s.condition(batchv1.JobFailureTarget, corev1.ConditionTrue, reason, message)
}

// again has the Job looked at after a span, or sooner.
func (s *syncing) again(d time.Duration) {
	if at := s.r.Now().Add(d); s.due == 0 || at < s.due {
		s.due = at
	}
}

// failMessage is why the policy for failed pods has the Job fail, or ""
// (getFailJobMessage).
func (s *syncing) failMessage() string {
	if s.job.Spec.PodFailurePolicy == nil {
		return ""
	}
	for _, pod := range s.pods {
		if isFailed(s.job, pod) {
			if m := matchFailure(s.job.Spec.PodFailurePolicy, pod); m.message != "" {
				return m.message
			}
		}
	}
	return ""
}

// pastRestarts reports whether containers that restart in their pods have failed too
// often (pastBackoffLimitOnFailure).
func (s *syncing) pastRestarts() bool {
	if s.job.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyOnFailure {
		return false
	}
	var restarts int32
	for _, pod := range s.pods {
		if pod.Status.Phase != corev1.PodRunning && pod.Status.Phase != corev1.PodPending {
			continue
		}
		for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range list {
				restarts += list[i].RestartCount
			}
		}
	}
	return restarts >= max(*s.job.Spec.BackoffLimit, 1)
}

// suspend says in the status that the Job is suspended, or goes on.
func (s *syncing) suspend() bool {
	if isSuspended(s.job) {
		if !s.set(batchv1.JobSuspended, corev1.ConditionTrue, "JobSuspended", "Job suspended") {
			return false
		}
		s.note(corev1.EventTypeNormal, "Suspended", "Job suspended")
		s.job.Status.StartTime = nil // MutableSchedulingDirectivesForSuspendedJobs
		return true
	}
	if !s.set(batchv1.JobSuspended, corev1.ConditionFalse, "JobResumed", "Job resumed") {
		return false
	}
	s.note(corev1.EventTypeNormal, "Resumed", "Job resumed")
	s.job.Status.StartTime = s.now()
	return true
}

func (s *syncing) note(kind, reason, message string) {
	s.r.Note(controller.Note{About: s.job, Type: kind, Reason: reason, Message: message})
}
