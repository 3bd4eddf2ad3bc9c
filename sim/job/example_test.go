package job_test

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/statefulsim/statefulsim/sim"
)

// Three pods, two at a time; their containers work for five seconds and succeed, as those
// of Jobs do unless a Workload says otherwise.
func Example() {
	c := sim.New(sim.Config{})
	if _, err := c.Apply(head + "  completions: 3\n  parallelism: 2" + template); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	job, err := sim.Get[*batchv1.Job](c, "", "work")
	if err != nil {
		panic(err)
	}
	fmt.Println(job.Status.Succeeded, "succeeded:", job.Status.Conditions[1].Type)
	// Output: 3 succeeded: Complete
}
