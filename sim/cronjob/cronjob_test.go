package cronjob_test

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

// begin starts a cluster at such a time with a CronJob, whose containers end with a code
// after a span.
func begin(t *testing.T, at string, takes time.Duration, code int32, spec ...string) *sim.Cluster {
	t.Helper()
	start, err := time.Parse(time.RFC3339, at)
	require.NoError(t, err)
	c := sim.New(sim.Config{Start: start, Workloads: map[string]kubelet.Workload{"work": {Exits: true, ExitAfter: takes, ExitCode: code}}})
	_, err = c.Apply(`
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  ` + strings.Join(spec, "\n  ") + `
  jobTemplate: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: work}]}}}}
`)
	require.NoError(t, err)
	return c
}

// jobs returns the times after the start at which the Jobs that are there were made.
func jobs(t *testing.T, c *sim.Cluster) (list []string) {
	t.Helper()
	all, err := sim.List[*batchv1.Job](c, "", "")
	require.NoError(t, err)
	for _, job := range all {
		list = append(list, job.Annotations[batchv1.CronJobScheduledTimestampAnnotation])
	}
	return list
}

// events returns the reasons and messages of a CronJob's Events, as they came.
func events(t *testing.T, c *sim.Cluster) (list []string) {
	t.Helper()
	all, err := sim.List[*corev1.Event](c, "", "")
	require.NoError(t, err)
	for _, e := range all {
		if e.InvolvedObject.Kind == "CronJob" {
			list = append(list, e.Reason+": "+e.Message)
		}
	}
	return list
}

func status(t *testing.T, c *sim.Cluster) *batchv1.CronJobStatus {
	t.Helper()
	cj, err := sim.Get[*batchv1.CronJob](c, "", "backup")
	require.NoError(t, err)
	return &cj.Status
}

// TestW38Schedule: a Job a time, a tenth of a second late; between two of them the cluster
// rests. The time zone moves them, and a changed schedule waits for its own time.
func TestW38Schedule(t *testing.T) {
	c := begin(t, "2026-03-29T00:00:30Z", time.Second, 0, `schedule: "*/5 * * * *"`)
	settled, err := c.Settle()
	require.NoError(t, err)
	assert.Empty(t, settled.Waiting)
	assert.Empty(t, jobs(t, c))
	require.NoError(t, c.Run(11*time.Minute))
	assert.Equal(t, []string{"2026-03-29T00:05:00Z", "2026-03-29T00:10:00Z"}, jobs(t, c))
	all, err := sim.List[*batchv1.Job](c, "", "")
	require.NoError(t, err)
	assert.Equal(t, "2026-03-29T00:05:00Z", all[0].CreationTimestamp.UTC().Format(time.RFC3339), "100 ms later than that")
	st := status(t, c)
	assert.Equal(t, "2026-03-29T00:10:00Z", st.LastScheduleTime.UTC().Format(time.RFC3339))
	assert.NotNil(t, st.LastSuccessfulTime)
	assert.Empty(t, st.Active)

	// The clock goes from 2 to 3 that night in Vienna: half past two does not come.
	c = begin(t, "2026-03-28T00:00:30Z", time.Second, 0, `schedule: "30 2 * * *"`, `timeZone: Europe/Vienna`)
	require.NoError(t, c.Run(72*time.Hour))
	assert.Equal(t, []string{"2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"}, jobs(t, c))

	c = begin(t, "2026-03-29T00:00:30Z", time.Second, 0, `schedule: "0 * * * *"`)
	require.NoError(t, c.Run(time.Minute))
	_, _, err = c.Patch(apiserver.CronJob, "", "backup", types.MergePatchType, `{"spec":{"schedule":"10 * * * *"}}`)
	require.NoError(t, err)
	require.NoError(t, c.Run(30*time.Minute))
	assert.Equal(t, []string{"2026-03-29T00:10:00Z"}, jobs(t, c))
}

// TestW38Missed: of the times that went by while it was suspended only the last is made up
// for, unless the deadline has gone by, too.
func TestW38Missed(t *testing.T) {
	resume := func(spec ...string) *sim.Cluster {
		c := begin(t, "2026-03-29T00:00:30Z", time.Second, 0, append(spec, `schedule: "*/10 * * * *"`, "suspend: true")...)
		require.NoError(t, c.Run(26*time.Hour+5*time.Minute))
		assert.Empty(t, jobs(t, c))
		_, _, err := c.Patch(apiserver.CronJob, "", "backup", types.MergePatchType, `{"spec":{"suspend":false}}`)
		require.NoError(t, err)
		require.NoError(t, c.Run(time.Minute))
		return c
	}
	c := resume()
	assert.Equal(t, []string{"2026-03-30T02:00:00Z"}, jobs(t, c))
	assert.Contains(t, events(t, c), "TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")

	c = resume("startingDeadlineSeconds: 60")
	assert.Empty(t, jobs(t, c), "no time lies within the deadline")
	assert.Empty(t, events(t, c))
}

// TestW39Concurrency: a Job that takes longer than the schedule's interval.
func TestW39Concurrency(t *testing.T) {
	for policy, want := range map[string][]string{
		"Allow":   {"2026-03-29T00:01:00Z", "2026-03-29T00:02:00Z", "2026-03-29T00:03:00Z"},
		"Forbid":  {"2026-03-29T00:01:00Z"},
		"Replace": {"2026-03-29T00:03:00Z"},
	} {
		c := begin(t, "2026-03-29T00:00:30Z", 10*time.Minute, 0, `schedule: "* * * * *"`, "concurrencyPolicy: "+policy)
		require.NoError(t, c.Run(3*time.Minute))
		assert.Equal(t, want, jobs(t, c), policy)
		assert.Len(t, status(t, c).Active, len(want), policy)
		if policy == "Forbid" {
			assert.Contains(t, events(t, c), "JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid")
		}
	}
}

// TestW39TheNameIsTheMinute: 29,578,501 minutes after 1970.
func TestW39TheNameIsTheMinute(t *testing.T) {
	c := begin(t, "2026-03-28T15:00:30Z", time.Second, 0, `schedule: "1 15 * * *"`)
	require.NoError(t, c.Run(time.Minute))
	job, err := sim.Get[*batchv1.Job](c, "", "backup-29578501")
	require.NoError(t, err)
	assert.Equal(t, "backup", job.OwnerReferences[0].Name)
	assert.Equal(t, []string{"SuccessfulCreate: Created job backup-29578501", "SawCompletedJob: Saw completed job: backup-29578501, condition: Complete"}, events(t, c))
}

// TestW40History: three that succeeded stay, one that failed; a Job that is deleted by hand
// goes missing.
func TestW40History(t *testing.T) {
	c := begin(t, "2026-03-29T00:00:30Z", time.Second, 0, `schedule: "* * * * *"`)
	require.NoError(t, c.Run(10*time.Minute))
	assert.Equal(t, []string{"2026-03-29T00:08:00Z", "2026-03-29T00:09:00Z", "2026-03-29T00:10:00Z"}, jobs(t, c))

	c = begin(t, "2026-03-29T00:00:30Z", time.Second, 1, `schedule: "* * * * *"`)
	require.NoError(t, c.Run(10*time.Minute))
	assert.Equal(t, []string{"2026-03-29T00:10:00Z"}, jobs(t, c))
	assert.Nil(t, status(t, c).LastSuccessfulTime)

	c = begin(t, "2026-03-29T00:00:30Z", time.Hour, 0, `schedule: "1 * * * *"`)
	require.NoError(t, c.Run(2*time.Minute))
	ref := status(t, c).Active[0]
	require.NoError(t, c.Delete(apiserver.Job, "", ref.Name))
	require.NoError(t, c.Run(5*time.Minute))
	assert.Empty(t, status(t, c).Active)
	assert.Contains(t, events(t, c), "MissingJob: Active job went missing: "+ref.Name)
}
