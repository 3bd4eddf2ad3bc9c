package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var cronJobColumns = columns("*Name Schedule Timezone Suspend Active Last_Schedule Age +Containers +Images +Selector")

// cronJobCells is printCronJob (K24).
func cronJobCells(c *batchv1.CronJob, now time.Time) []string {
	last, zone := none, none
	if t := c.Status.LastScheduleTime; t != nil {
		last = age(*t, now)
	}
	if z := c.Spec.TimeZone; z != nil {
		zone = *z
	}
	job := &c.Spec.JobTemplate.Spec
	names, images := containerLists(job.Template.Spec.Containers)
	return []string{c.Name, c.Spec.Schedule, zone, truth(c.Spec.Suspend), strconv.Itoa(len(c.Status.Active)), last, age(c.CreationTimestamp, now),
		names, images, metav1.FormatLabelSelector(job.Selector)}
}

// truth is printBoolPtr.
func truth(b *bool) string {
	if b == nil {
		return "<unset>"
	}
	return boolText(*b)
}

// cronJob writes a CronJob (describeCronJob).
func (p *page) cronJob(c *batchv1.CronJob) {
	p.identity(&c.ObjectMeta)
	p.about(&c.ObjectMeta)
	s := &c.Spec
	p.line(0, "Schedule:\t%s", s.Schedule)
	p.line(0, "Concurrency Policy:\t%s", s.ConcurrencyPolicy)
	p.line(0, "Suspend:\t%s", truth(s.Suspend))
	p.line(0, "Time Zone:\t%s", optional(s.TimeZone))
	p.line(0, "Successful Job History Limit:\t%s", optional(s.SuccessfulJobsHistoryLimit))
	p.line(0, "Failed Job History Limit:\t%s", optional(s.FailedJobsHistoryLimit))
	deadline := optional(s.StartingDeadlineSeconds)
	if s.StartingDeadlineSeconds != nil {
		deadline += "s"
	}
	p.line(0, "Starting Deadline Seconds:\t%s", deadline)
	p.jobTemplate(&s.JobTemplate.Spec)
	if t := c.Status.LastScheduleTime; t != nil {
		p.line(0, "Last Schedule Time:\t%s", date(*t))
	} else {
		p.line(0, "Last Schedule Time:\t<unset>")
	}
	active := none
	if len(c.Status.Active) > 0 {
		names := make([]string, len(c.Status.Active))
		for i := range names {
			names[i] = c.Status.Active[i].Name
		}
		active = strings.Join(names, ", ")
	}
	p.line(0, "Active Jobs:\t%s", active)
}

// jobTemplate writes what a CronJob makes (describeJobTemplate).
func (p *page) jobTemplate(s *batchv1.JobSpec) {
	selector := "<unset>"
	if s.Selector != nil {
		if parsed, err := metav1.LabelSelectorAsSelector(s.Selector); err == nil {
			selector = parsed.String()
		} else {
			selector = "Failed to get selector: " + err.Error()
		}
	}
	p.line(0, "Selector:\t%s", selector)
	p.line(0, "Parallelism:\t%s", optional(s.Parallelism))
	p.line(0, "Completions:\t%s", optional(s.Completions))
	if d := s.ActiveDeadlineSeconds; d != nil {
		p.line(0, "Active Deadline Seconds:\t%ds", *d)
	}
	p.podTemplate(&s.Template)
}

// optional is what a field that may be missing says.
func optional[T any](v *T) string {
	if v == nil {
		return "<unset>"
	}
	return fmt.Sprint(*v)
}
