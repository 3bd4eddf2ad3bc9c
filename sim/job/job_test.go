package job_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const head = `
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
`

const template = `
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: work}]}}
`

// begin starts a Job with such a spec, whose container ends with a code after 5 s.
func begin(t *testing.T, code int32, spec ...string) *sim.Cluster {
	c := sim.New(sim.Config{Workloads: map[string]kubelet.Workload{"work": {Exits: true, ExitAfter: 5 * time.Second, ExitCode: code}}})
	_, err := c.Apply(head + "  " + strings.Join(spec, "\n  ") + template)
	require.NoError(t, err)
	return c
}

func settle(t *testing.T, c *sim.Cluster) *batchv1.Job {
	_, err := c.Settle()
	require.NoError(t, err)
	job, err := sim.Get[*batchv1.Job](c, "", "work")
	require.NoError(t, err)
	return job
}

func pods(t *testing.T, c *sim.Cluster) []*corev1.Pod {
	list, err := sim.List[*corev1.Pod](c, "", "")
	require.NoError(t, err)
	return list
}

// ends returns the conditions that are True, with their reasons and messages.
func ends(job *batchv1.Job) (list []string) {
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			list = append(list, string(c.Type)+" "+c.Reason+": "+c.Message)
		}
	}
	return list
}

// TestW30W32W34Completes: as in the recording of a real cluster, a Job of three by two
// ends with all pods counted, let go, and its interim condition first.
func TestW30W32W34Completes(t *testing.T) {
	c := begin(t, 0, "completions: 3", "parallelism: 2")
	job := settle(t, c)
	const reached = "CompletionsReached: Reached expected number of succeeded pods"
	assert.Equal(t, []string{"SuccessCriteriaMet " + reached, "Complete " + reached}, ends(job))
	assert.EqualValues(t, 3, job.Status.Succeeded)
	assert.Zero(t, job.Status.Active)
	assert.NotNil(t, job.Status.CompletionTime)
	require.Len(t, pods(t, c), 3)
	for _, pod := range pods(t, c) {
		assert.Empty(t, pod.Finalizers)
		assert.Equal(t, string(job.UID), pod.Labels[batchv1.ControllerUidLabel])
	}
}

// TestW33BackoffAndLimit: pods come again 10 and 20 s after the ends of those before,
// and backoffLimit 2 means three of them (JobBackoffLimit).
func TestW33BackoffAndLimit(t *testing.T) {
	c := begin(t, 1, "backoffLimit: 2")
	job := settle(t, c)
	assert.Equal(t, []string{
		"FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit",
		"Failed BackoffLimitExceeded: Job has reached the specified backoff limit",
	}, ends(job))
	assert.EqualValues(t, 3, job.Status.Failed)
	list := pods(t, c)
	require.Len(t, list, 3)
	latest := list[0].CreationTimestamp.Time
	for _, pod := range list {
		if pod.CreationTimestamp.After(latest) {
			latest = pod.CreationTimestamp.Time
		}
	}
	assert.GreaterOrEqual(t, latest.Sub(job.Status.StartTime.Time), 40*time.Second, "5 + 10 + 5 + 20 s at least")
}

// TestW31Indexed: every index has a pod of its own, with annotation, label, hostname
// and environment.
func TestW31Indexed(t *testing.T) {
	c := begin(t, 0, "completions: 5", "parallelism: 5", "completionMode: Indexed")
	job := settle(t, c)
	assert.Equal(t, "0-4", job.Status.CompletedIndexes)
	hosts := map[string]bool{}
	for _, pod := range pods(t, c) {
		index := pod.Annotations[batchv1.JobCompletionIndexAnnotation]
		assert.Equal(t, index, pod.Labels[batchv1.JobCompletionIndexAnnotation])
		assert.True(t, strings.HasPrefix(pod.Name, "work-"+index+"-"), pod.Name)
		assert.Equal(t, "JOB_COMPLETION_INDEX", pod.Spec.Containers[0].Env[0].Name)
		hosts[pod.Spec.Hostname] = true
	}
	assert.Len(t, hosts, 5)
}

// TestW35Policies: the words are upstream's.
func TestW35Policies(t *testing.T) {
	job := settle(t, begin(t, 42, "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}"))
	require.Len(t, ends(job), 2)
	assert.Regexp(t, `^Failed PodFailurePolicy: Container c for pod default/work-\w+ failed with exit code 42 matching FailJob rule at index 0$`, ends(job)[1])

	job = settle(t, begin(t, 1, "completions: 2", "parallelism: 2", "completionMode: Indexed", "backoffLimitPerIndex: 1"))
	assert.Equal(t, "0,1", *job.Status.FailedIndexes)
	assert.Contains(t, ends(job), "Failed FailedIndexes: Job has failed indexes")
	assert.EqualValues(t, 4, job.Status.Failed)

	job = settle(t, begin(t, 0, "completions: 3", "parallelism: 3", "completionMode: Indexed", "successPolicy: {rules: [{succeededCount: 1}]}"))
	assert.Contains(t, ends(job), "Complete SuccessPolicy: Matched rules at index 0")
}

// TestW32SuspendedAndLate: a suspended Job has no pods; a late one is stopped.
func TestW32SuspendedAndLate(t *testing.T) {
	c := begin(t, 0, "suspend: true", "activeDeadlineSeconds: 3")
	job := settle(t, c)
	assert.Empty(t, pods(t, c))
	assert.Equal(t, []string{"Suspended JobSuspended: Job suspended"}, ends(job))
	assert.Nil(t, job.Status.StartTime)
	_, _, err := c.Patch(apiserver.Job, "", "work", types.MergePatchType, `{"spec":{"suspend":false}}`)
	require.NoError(t, err)
	job = settle(t, c)
	assert.Contains(t, ends(job), "Failed DeadlineExceeded: Job was active longer than specified deadline")
}

// TestW36W37Gone: when a Job goes its pods lose their finalizers and are collected; so
// it does by itself some time after it has finished.
func TestW36W37Gone(t *testing.T) {
	c := begin(t, 0, "ttlSecondsAfterFinished: 60")
	settle(t, c)
	require.NoError(t, c.Run(2*time.Minute))
	_, err := sim.Get[*batchv1.Job](c, "", "work")
	assert.ErrorContains(t, err, "not found")
	assert.Empty(t, pods(t, c))

	c = begin(t, 0, "completions: 100")
	require.NoError(t, c.Run(3*time.Second))
	require.NotEmpty(t, pods(t, c))
	require.NoError(t, c.Delete(apiserver.Job, "", "work"))
	_, err = c.Settle()
	require.NoError(t, err)
	assert.Empty(t, pods(t, c))
}
