package cronjob

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Step implements controller.Machine (sync).
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		seen := controller.Object[*batchv1.CronJob](r, apiserver.CronJob, key)
		if seen == nil {
			return nil
		}
		jobs := controller.Read(r, func(controller.View) []*batchv1.Job { return c.jobsOf(seen.UID) })
		s := &sync{Replay: r, cronJob: seen.DeepCopy()}
		written := s.cronJob // what is written is this one, whatever the sync reads anew
		s.removeOldest(jobs)
		err := s.course(jobs)
		if s.changed {
			res := r.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.CronJob, Key: key, Subresource: apiserver.Status, Object: written})
			if res.Err != nil {
				return res.Err
			}
		}
		if s.after != nil {
			r.After(*s.after, engine.Background)
			return nil
		}
		return err
	})
}

// sync is a sync of one CronJob under way.
type sync struct {
	*controller.Replay
	cronJob *batchv1.CronJob
	changed bool           // its status
	after   *time.Duration // until it is to be looked at again
}

func (s *sync) tell(kind, reason, format string, args ...any) {
	s.Note(controller.Note{About: s.cronJob, Type: kind, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (s *sync) isActive(uid types.UID) bool { return isActive(s.cronJob, uid) }

func isActive(cj *batchv1.CronJob, uid types.UID) bool {
	return slices.ContainsFunc(cj.Status.Active, func(ref corev1.ObjectReference) bool { return ref.UID == uid })
}

func (s *sync) strike(uid types.UID) {
	active := []corev1.ObjectReference{}
	for _, ref := range s.cronJob.Status.Active {
		if ref.UID != uid {
			active = append(active, ref)
		}
	}
	s.cronJob.Status.Active = active
}

// ended returns Complete or Failed, or "" (FinishedCondition).
func ended(job *batchv1.Job) batchv1.JobConditionType {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return c.Type
		}
	}
	return ""
}

// removeOldest deletes of the Jobs that have ended all but the last few (W40,
// cleanupFinishedJobs).
func (s *sync) removeOldest(jobs []*batchv1.Job) {
	s.keep(jobs, batchv1.JobComplete, s.cronJob.Spec.SuccessfulJobsHistoryLimit)
	s.keep(jobs, batchv1.JobFailed, s.cronJob.Spec.FailedJobsHistoryLimit)
}

func (s *sync) keep(jobs []*batchv1.Job, end batchv1.JobConditionType, limit *int32) {
	if limit == nil {
		return
	}
	var list []*batchv1.Job
	for _, job := range jobs {
		if ended(job) == end {
			list = append(list, job)
		}
	}
	slices.SortStableFunc(list, byStart)
	for _, job := range list[:max(len(list)-int(*limit), 0)] {
		s.delete(job)
	}
}

// byStart is byJobStartTime: those that have not begun come last, and names decide ties.
func byStart(a, b *batchv1.Job) int {
	x, y := a.Status.StartTime, b.Status.StartTime
	switch {
	case x == nil && y == nil:
		return cmp.Compare(a.Name, b.Name)
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return cmp.Or(x.Compare(y.Time), cmp.Compare(a.Name, b.Name))
}

// delete deletes a Job and reports whether it could (deleteJob).
func (s *sync) delete(job *batchv1.Job) bool {
	res := s.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Job, Key: apiserver.KeyOf(job), Propagation: metav1.DeletePropagationBackground})
	if res.Err != nil {
		s.tell("Warning", "FailedDelete", "Deleted job: %v", res.Err)
		return false
	}
	s.strike(job.UID)
	s.tell("Normal", "SuccessfulDelete", "Deleted job %v", job.Name)
	s.changed = true
	return true
}

// live reads a Job from the server.
func (s *sync) live(name string) (*batchv1.Job, error) {
	res := s.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Job, Key: apiserver.Key{Namespace: s.cronJob.Namespace, Name: name}})
	if res.Err != nil {
		return nil, res.Err
	}
	return res.Object.(*batchv1.Job), nil
}

// course is syncCronJob.
func (s *sync) course(jobs []*batchv1.Job) error {
	now := apiserver.WallTime(s.Now())
	if err := s.account(jobs); err != nil {
		return err
	}
	cj := s.cronJob
	if cj.DeletionTimestamp != nil {
		return nil
	}
	if zone := cj.Spec.TimeZone; zone != nil {
		if _, err := time.LoadLocation(*zone); err != nil {
			s.tell("Warning", "UnknownTimeZone", "invalid timeZone: %q: %s", *zone, err)
			return nil
		}
	}
	if cj.Spec.Suspend != nil && *cj.Spec.Suspend {
		return nil
	}
	if namesZone(cj) {
		s.tell("Warning", "UnsupportedSchedule", "CRON_TZ or TZ used in schedule %q is not officially supported, "+
			"see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details", cj.Spec.Schedule)
	}
	schedule, err := Parse(written(cj))
	if err != nil {
		s.tell("Warning", "UnparseableSchedule", "unparseable schedule: %q : %s", cj.Spec.Schedule, err)
		return nil
	}
	_, due, count, err := recent(cj, now, schedule, true)
	if err != nil {
		s.tell("Warning", "InvalidSchedule", "invalid schedule: %s : %s", cj.Spec.Schedule, err)
		return nil
	}
	next := func() { s.after = ptr.To(untilNext(cj, now, schedule)) }
	if due.IsZero() || due.After(now) {
		next()
		return nil
	}
	if count == many {
		s.tell("Warning", "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
	}
	if d := cj.Spec.StartingDeadlineSeconds; d != nil && due.Add(time.Second*time.Duration(*d)).Before(now) {
		s.tell("Warning", "MissSchedule", "Missed scheduled time to start a job: %s", due.UTC().Format(time.RFC1123Z))
		next()
		return nil
	}
	if s.isMade(due) {
		next()
		return nil
	}
	if cj.Spec.ConcurrencyPolicy == batchv1.ForbidConcurrent && len(cj.Status.Active) > 0 {
		s.tell("Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")
		next()
		return nil
	}
	if cj.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent {
		for _, ref := range cj.Status.Active {
			job, err := s.live(ref.Name)
			if err != nil {
				s.tell("Warning", "FailedGet", "Get job: %v", err)
				return err
			}
			if !s.delete(job) {
				return fmt.Errorf("could not replace job %s/%s", job.Namespace, job.Name)
			}
		}
	}
	if made, err := s.make(due); !made {
		return err
	}
	next()
	return nil
}

// account brings the list of active Jobs up to date with those that there are (W40).
func (s *sync) account(jobs []*batchv1.Job) error {
	is := map[types.UID]bool{}
	for _, job := range jobs {
		is[job.UID] = true
		found, end := s.isActive(job.UID), ended(job)
		switch {
		case !found && end == "":
			res := s.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.CronJob, Key: apiserver.KeyOf(s.cronJob)})
			if res.Err != nil {
				return res.Err
			}
			if live := res.Object.(*batchv1.CronJob); isActive(live, job.UID) {
				// From here on upstream changes this copy, and writes the other.
				s.cronJob = live.DeepCopy()
				continue
			}
			s.tell("Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: %s", job.Name)
		case end != "":
			if found {
				s.strike(job.UID)
				s.tell("Normal", "SawCompletedJob", "Saw completed job: %s, condition: %v", job.Name, end)
				s.changed = true
			}
			if end != batchv1.JobComplete {
				continue
			}
			st, at := &s.cronJob.Status, job.Status.CompletionTime
			if st.LastSuccessfulTime == nil || at != nil && at.After(st.LastSuccessfulTime.Time) {
				st.LastSuccessfulTime = at
				s.changed = true
			}
		}
	}
	for _, ref := range s.cronJob.Status.Active {
		if is[ref.UID] {
			continue
		}
		switch _, err := s.live(ref.Name); {
		case apierrors.IsNotFound(err):
			s.tell("Normal", "MissingJob", "Active job went missing: %v", ref.Name)
			s.strike(ref.UID)
			s.changed = true
		case err != nil:
			return err
		}
	}
	return nil
}

// nameAt is the name of the Job of a time: the minutes since 1970 (getJobName).
func nameAt(cj *batchv1.CronJob, t time.Time) string {
	return fmt.Sprintf("%s-%d", cj.Name, t.Unix()/60)
}

// isMade reports whether the Job of a time has been made.
func (s *sync) isMade(due time.Time) bool {
	name := nameAt(s.cronJob, due)
	return slices.ContainsFunc(s.cronJob.Status.Active, func(ref corev1.ObjectReference) bool {
		return ref.Name == name && ref.Namespace == s.cronJob.Namespace
	}) || s.cronJob.Status.LastScheduleTime.Equal(&metav1.Time{Time: due})
}

// make creates the Job of a time and enters it into the status (W39). A Job that is there
// already is taken if it is the CronJob's own and not yet in the status.
func (s *sync) make(due time.Time) (bool, error) {
	cj := s.cronJob
	res := s.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Job, Key: apiserver.Key{Namespace: cj.Namespace, Name: nameAt(cj, due)}, Object: jobAt(cj, due)})
	var job *batchv1.Job
	switch {
	case apierrors.HasStatusCause(res.Err, corev1.NamespaceTerminatingCause):
		return false, res.Err
	case apierrors.IsAlreadyExists(res.Err):
		live, err := s.live(nameAt(cj, due))
		if err != nil {
			return false, err
		}
		if !metav1.IsControlledBy(live, cj) || s.isActive(live.UID) {
			return false, nil
		}
		job = live
	case res.Err != nil:
		s.tell("Warning", "FailedCreate", "Error creating job: %v", res.Err)
		return false, res.Err
	default:
		job = res.Object.(*batchv1.Job)
		s.tell("Normal", "SuccessfulCreate", "Created job %v", job.Name)
	}
	cj.Status.Active = append(cj.Status.Active, corev1.ObjectReference{APIVersion: "batch/v1", Kind: "Job",
		Namespace: job.Namespace, Name: job.Name, UID: job.UID, ResourceVersion: job.ResourceVersion})
	cj.Status.LastScheduleTime = &metav1.Time{Time: due}
	s.changed = true
	return true, nil
}

// jobAt is the Job of a time (getJobFromTemplate2).
func jobAt(cj *batchv1.CronJob, due time.Time) *batchv1.Job {
	t := cj.Spec.JobTemplate.DeepCopy()
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cj.Namespace, Name: nameAt(cj, due), Labels: map[string]string{}, Annotations: map[string]string{},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cj, batchv1.SchemeGroupVersion.WithKind("CronJob"))},
		},
		Spec: t.Spec,
	}
	maps.Copy(job.Labels, t.Labels)
	maps.Copy(job.Annotations, t.Annotations)
	zone, err := time.LoadLocation(ptr.Deref(cj.Spec.TimeZone, ""))
	if err != nil {
		panic(err) // the sync has loaded it before
	}
	job.Annotations[batchv1.CronJobScheduledTimestampAnnotation] = due.In(zone).Format(time.RFC3339)
	return job
}
