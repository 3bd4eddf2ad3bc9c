package cronjob_test

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/statefulsim/statefulsim/sim"
)

// A backup at three in the morning, Vienna time, for two days.
func Example() {
	c := sim.New(sim.Config{Start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)})
	if _, err := c.Apply(`
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Vienna
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: backup}]}}}}
`); err != nil {
		panic(err)
	}
	if err := c.Run(48 * time.Hour); err != nil {
		panic(err)
	}
	jobs, err := sim.List[*batchv1.Job](c, "", "")
	if err != nil {
		panic(err)
	}
	for _, job := range jobs {
		fmt.Println(job.Name, job.CreationTimestamp.UTC().Format(time.DateTime), job.Status.Succeeded, "succeeded")
	}
	// Output:
	// backup-29715900 2026-07-02 01:00:00 1 succeeded
	// backup-29717340 2026-07-03 01:00:00 1 succeeded
}
