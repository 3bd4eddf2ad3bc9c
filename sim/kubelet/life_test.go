package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const web0 = `
metadata: {name: web-0}
spec:
  hostname: web-0
  subdomain: web
  containers: [{name: nginx, image: "marksugar/nginx:1.14.a"}]
`

// The rows of creation and deletion at the head of RULES.md §4.
func TestRowsOfCreationAndDeletion(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(web0)
	l.run(time.Minute)
	assert.Equal(t, lines(
		"web-0 0/1 Pending ADDED",
		"web-0 0/1 ContainerCreating",
		"web-0 0/1 ContainerCreating",
		"web-0 1/1 Running",
	), l.takeRows())
	assert.Equal(t, "web-0/nginx", l.processes())
	l.delete("web-0", nil)
	l.run(time.Minute)
	assert.Equal(t, lines(
		"web-0 1/1 Terminating",
		"web-0 1/1 Terminating",
		"web-0 0/1 Completed",
		"web-0 0/1 Completed",
		"web-0 0/1 Completed DELETED",
	), l.takeRows())
	assert.Empty(t, l.processes())
	assert.Zero(t, l.host.Engine().Len())
}

func TestRealisticPodRunsWithinTwoSeconds(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t, options{engine: engine.Strategy{Seed: seed}, api: controller.Realistic(), kubelet: kubelet.Config{Latency: kubelet.Realistic()}})
		l.create(web0)
		l.run(3 * time.Second)
		assert.Equal(t, "1/1 Running", status(l.pod("web-0")))
	}
}
