package kubelet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Images that are used no more go when the disk is 85 % full, the longest unused
// first, until it is 80 % full: a year of new images does not fill a node.
func TestImagesAreCollected(t *testing.T) {
	disk := corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("2Gi"), corev1.ResourcePods: resource.MustParse("10")}
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, node: &corev1.Node{Status: corev1.NodeStatus{Capacity: disk, Allocatable: disk}}})
	l.create(`{metadata: {name: old}, spec: {containers: [{name: c, image: "old:1"}]}}`)
	l.run(time.Minute)
	l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: "s:0"}]}}`)
	for i := 1; i <= 200; i++ {
		l.run(3 * time.Minute)
		update(l, apiserver.Pod, key("p"), apiserver.None, func(p *corev1.Pod) { p.Spec.Containers[0].Image = fmt.Sprintf("s:%d", i) })
	}
	l.run(time.Minute)
	images := l.world.Images("n1")
	assert.Less(t, len(images), 60)
	assert.Greater(t, len(images), 20)
	assert.Contains(t, images, "docker.io/library/s:200")
	assert.Contains(t, images, "docker.io/library/s:190")
	assert.Contains(t, images, "docker.io/library/old:1", "a container has it")
	assert.NotContains(t, images, "docker.io/library/s:1")
}
