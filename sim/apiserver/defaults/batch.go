package defaults

import (
	"math"

	batchv1 "k8s.io/api/batch/v1"
)

// job is SetDefaults_Job.
func job(j *batchv1.Job) {
	s := &j.Spec
	if s.Completions == nil && s.Parallelism == nil {
		fill(&s.Completions, 1)
	}
	fill(&s.Parallelism, 1)
	if s.BackoffLimitPerIndex != nil {
		fill(&s.BackoffLimit, math.MaxInt32)
	}
	fill(&s.BackoffLimit, 6)
	if len(j.Labels) == 0 && s.Template.Labels != nil {
		j.Labels = s.Template.Labels
	}
	fill(&s.CompletionMode, batchv1.NonIndexedCompletion)
	fill(&s.Suspend, false)
	if s.PodFailurePolicy != nil {
		fill(&s.PodReplacementPolicy, batchv1.Failed)
	}
	fill(&s.PodReplacementPolicy, batchv1.TerminatingOrFailed)
	fill(&s.ManualSelector, false)
	podSpec(&s.Template.Spec)
}

func cronJob(c *batchv1.CronJob) {
	s := &c.Spec
	zero(&s.ConcurrencyPolicy, batchv1.AllowConcurrent)
	fill(&s.Suspend, false)
	fill(&s.SuccessfulJobsHistoryLimit, 3)
	fill(&s.FailedJobsHistoryLimit, 1)
	podSpec(&s.JobTemplate.Spec.Template.Spec)
}
