package plugin

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The sizes between which images count (ImageLocality).
const (
	imageMin int64 = 23 << 20
	imageMax int64 = 1000 << 20
)

// imagesOf returns the images of a pod, in the form in which nodes report them.
func imagesOf(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.InitContainers {
		names = append(names, imageName(pod.Spec.InitContainers[i].Image))
	}
	for i := range pod.Spec.Containers {
		names = append(names, imageName(pod.Spec.Containers[i].Image))
	}
	for i := range pod.Spec.Volumes {
		if v := pod.Spec.Volumes[i].Image; v != nil {
			names = append(names, imageName(v.Reference))
		}
	}
	return names
}

func imageName(name string) string {
	if strings.LastIndex(name, ":") <= strings.LastIndex(name, "/") {
		name += ":latest"
	}
	return name
}

// scoreImages is ImageLocality.Score: the bytes of the images that the node
// has, each weighted by how widely it is spread.
func (c *Cycle) scoreImages(n *Node, images []string) int64 {
	var sum int64
	if n.images != nil {
		total := float64(len(c.cluster.Nodes()))
		for _, name := range images {
			if _, ok := n.images[name]; ok {
				i := c.cluster.images[name]
				sum += int64(float64(i.bytes) * (float64(i.nodes) / total))
			}
		}
	}
	largest := imageMax * int64(len(images))
	sum = min(max(sum, imageMin), largest)
	return maxScore * (sum - imageMin) / (largest - imageMin)
}
