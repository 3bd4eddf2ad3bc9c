package sim

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// Files returns the file system that a running container sees, and what it
// knows of itself: its environment, its host name. An empty container means the
// pod's first. It must not be kept while time passes.
func (c *Cluster) Files(namespace, pod, container string) (*kubelet.Files, error) {
	defer c.end(c.look("Files"))
	return c.world().Files(keyFor(apiserver.Pod, namespace, pod), container)
}

// Logs returns what a container has printed, as `kubectl logs` shows it: the
// lines of its Workload.Log, if it has started. Previous asks for the run before
// the last restart. The errors are the server's; for an image whose output is
// not modelled, Workload.Log is nil, the error says so.
func (c *Cluster) Logs(namespace, pod, container string, previous bool) ([]string, error) {
	defer c.end(c.look("Logs"))
	obj, err := c.read(apiserver.Pod, namespace, pod)
	if err != nil {
		return nil, err
	}
	p := obj.(*corev1.Pod)
	if p.Spec.NodeName == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", p.Name))
	}
	var status *corev1.ContainerStatus
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			if list[i].Name == container {
				status = &list[i]
			}
		}
	}
	if err := logStatus(p, container, status, previous); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	lines, ok := c.world().Log(status.Image)
	if !ok {
		return nil, fmt.Errorf("what %q prints is not modelled here: give its Workload a Log", status.Image)
	}
	return lines, nil
}

// logStatus says why a container has no log yet (validateContainerLogStatus).
func logStatus(p *corev1.Pod, container string, status *corev1.ContainerStatus, previous bool) error {
	switch {
	case status == nil:
		return fmt.Errorf("container %q in pod %q is not available", container, p.Name)
	case previous && status.LastTerminationState.Terminated == nil:
		return fmt.Errorf("previous terminated container %q in pod %q not found", container, p.Name)
	case previous || status.State.Running != nil || status.State.Terminated != nil || status.LastTerminationState.Terminated != nil:
		return nil
	case status.State.Waiting == nil:
		return fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", container, p.Name)
	}
	switch reason := status.State.Waiting.Reason; reason {
	case "ErrImagePull":
		return fmt.Errorf("container %q in pod %q is waiting to start: image can't be pulled", container, p.Name)
	case "ImagePullBackOff":
		return fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", container, p.Name)
	default:
		return fmt.Errorf("container %q in pod %q is waiting to start: %v", container, p.Name, reason)
	}
}
