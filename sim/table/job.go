package table

import (
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

var jobColumns = columns("*Name Status Completions Duration Age +Containers +Images +Selector")

// jobCells is printJob (K24).
func jobCells(j *batchv1.Job, now time.Time) []string {
	var completions string
	switch p := j.Spec.Parallelism; {
	case j.Spec.Completions != nil:
		completions = fmt.Sprintf("%d/%d", j.Status.Succeeded, *j.Spec.Completions)
	case p != nil && *p > 1:
		completions = fmt.Sprintf("%d/1 of %d", j.Status.Succeeded, *p)
	default:
		completions = fmt.Sprintf("%d/1", j.Status.Succeeded)
	}
	var took string
	switch start, end := j.Status.StartTime, j.Status.CompletionTime; {
	case start != nil && end == nil:
		took = duration.HumanDuration(now.Sub(start.Time))
	case start != nil:
		took = duration.HumanDuration(end.Sub(start.Time))
	}
	names, images := containerLists(j.Spec.Template.Spec.Containers)
	return []string{j.Name, jobState(j), completions, took, age(j.CreationTimestamp, now), names, images, metav1.FormatLabelSelector(j.Spec.Selector)}
}

func jobState(j *batchv1.Job) string {
	has := func(of batchv1.JobConditionType) bool {
		for i := range j.Status.Conditions {
			if c := &j.Status.Conditions[i]; c.Type == of {
				return c.Status == corev1.ConditionTrue
			}
		}
		return false
	}
	switch {
	case has(batchv1.JobComplete):
		return "Complete"
	case has(batchv1.JobFailed):
		return "Failed"
	case j.DeletionTimestamp != nil:
		return "Terminating"
	case has(batchv1.JobSuspended):
		return "Suspended"
	case has(batchv1.JobFailureTarget):
		return "FailureTarget"
	case has(batchv1.JobSuccessCriteriaMet):
		return "SuccessCriteriaMet"
	}
	return "Running"
}

// job writes a Job (describeJob).
func (p *page) job(j *batchv1.Job) {
	p.identity(&j.ObjectMeta)
	if selector, err := metav1.LabelSelectorAsSelector(j.Spec.Selector); err == nil {
		p.line(0, "Selector:\t%s", selector)
	} else {
		p.line(0, "Selector:\tFailed to get selector: %s", err)
	}
	p.about(&j.ObjectMeta)
	if ref := metav1.GetControllerOfNoCopy(j); ref != nil {
		p.line(0, "Controlled By:\t%s/%s", ref.Kind, ref.Name)
	}
	s, st := &j.Spec, &j.Status
	if s.Parallelism != nil {
		p.line(0, "Parallelism:\t%d", *s.Parallelism)
	}
	if s.Completions != nil {
		p.line(0, "Completions:\t%d", *s.Completions)
	} else {
		p.line(0, "Completions:\t<unset>")
	}
	if s.CompletionMode != nil {
		p.line(0, "Completion Mode:\t%s", *s.CompletionMode)
	}
	if s.Suspend != nil {
		p.line(0, "Suspend:\t%v", *s.Suspend)
	}
	if s.BackoffLimit != nil {
		p.line(0, "Backoff Limit:\t%v", *s.BackoffLimit)
	}
	if s.TTLSecondsAfterFinished != nil {
		p.line(0, "TTL Seconds After Finished:\t%v", *s.TTLSecondsAfterFinished)
	}
	if st.StartTime != nil {
		p.line(0, "Start Time:\t%s", date(*st.StartTime))
	}
	if st.CompletionTime != nil {
		p.line(0, "Completed At:\t%s", date(*st.CompletionTime))
	}
	if st.StartTime != nil && st.CompletionTime != nil {
		p.line(0, "Duration:\t%s", duration.HumanDuration(st.CompletionTime.Sub(st.StartTime.Time)))
	}
	if s.ActiveDeadlineSeconds != nil {
		p.line(0, "Active Deadline Seconds:\t%ds", *s.ActiveDeadlineSeconds)
	}
	if st.Ready == nil {
		p.line(0, "Pods Statuses:\t%d Active / %d Succeeded / %d Failed", st.Active, st.Succeeded, st.Failed)
	} else {
		p.line(0, "Pods Statuses:\t%d Active (%d Ready) / %d Succeeded / %d Failed", st.Active, *st.Ready, st.Succeeded, st.Failed)
	}
	if s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion {
		p.line(0, "Completed Indexes:\t%s", shortIndexes(st.CompletedIndexes))
	}
	p.podTemplate(&s.Template)
}

// shortIndexes cuts a list of indexes after the first comma beyond 50 characters
// (capIndexesListOrNone).
func shortIndexes(list string) string {
	if list == "" {
		return none
	}
	if len(list) > 50 {
		if i := strings.IndexByte(list[50:], ','); i >= 0 {
			return list[:50+i+1] + "..."
		}
	}
	return list
}
