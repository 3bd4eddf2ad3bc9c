package validation

import (
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// prepareJob clears the status of a new Job, and gives it a selector that no other has,
// and its template the labels for it, unless the client brings its own
// (PrepareForCreate, generateSelector). What conflicts with them is for validation to
// refuse.
func prepareJob(j *batchv1.Job) {
	if j.Spec.ManualSelector == nil || !*j.Spec.ManualSelector {
		uid := string(j.UID)
		l := maps.Clone(j.Spec.Template.Labels)
		if l == nil {
			l = map[string]string{}
		}
		for _, pair := range [][2]string{
			{"job-name", j.Name}, {batchv1.JobNameLabel, j.Name}, {"controller-uid", uid}, {batchv1.ControllerUidLabel, uid},
		} {
			if _, found := l[pair[0]]; !found {
				l[pair[0]] = pair[1]
			}
		}
		j.Spec.Template.Labels = l
		selector := &metav1.LabelSelector{}
		if j.Spec.Selector != nil {
			selector = j.Spec.Selector.DeepCopy()
		}
		if selector.MatchLabels == nil {
			selector.MatchLabels = map[string]string{}
		}
		if _, found := selector.MatchLabels[batchv1.ControllerUidLabel]; !found {
			selector.MatchLabels[batchv1.ControllerUidLabel] = uid
		}
		j.Spec.Selector = selector
	}
	if len(j.Labels) == 0 { // as it is read from storage, where defaults are filled in again (SetDefaults_Job)
		j.Labels = maps.Clone(j.Spec.Template.Labels)
	}
	j.Spec.Scheduling = nil // its feature, WorkloadWithJob, is off in v1.37
	j.Status = batchv1.JobStatus{}
	j.Generation = 1
}
