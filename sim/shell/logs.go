package shell

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// logs: kubectl logs (POD | pod/NAME | -l LABEL) [-c CONTAINER] [--previous]
// [--tail=N] [--all-containers] [--prefix]. A container prints what the Log of
// its Workload says.
func (c *call) logs() {
	pods, ok := c.logged()
	if !ok {
		return
	}
	for _, pod := range pods {
		containers, ok := c.logContainers(pod)
		if !ok {
			return
		}
		for _, name := range containers {
			if !c.logOf(pod, name) {
				return
			}
		}
	}
}

// logged returns the pods whose logs are asked for.
func (c *call) logged() ([]*corev1.Pod, bool) {
	const usage = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command"
	selector := c.text("selector")
	switch {
	case len(c.args) == 0 && selector == "" || len(c.args) > 2:
		c.misused("%s", usage)
		return nil, false
	case len(c.args) == 1 && selector != "":
		c.misused("only a selector (-l) or a POD name is allowed")
		return nil, false
	case len(c.args) == 2 && c.flags.Changed("container"):
		c.wrong("only one of -c or an inline [CONTAINER] arg is allowed")
		return nil, false
	case c.on("all-containers") && c.text("container") != "":
		c.wrong("--all-containers=true should not be specified with container name %s", c.text("container"))
		return nil, false
	}
	if selector != "" {
		objs, err := c.listed(apiserver.Pod)
		if err != nil {
			c.fail(err)
			return nil, false
		}
		if len(objs) == 0 {
			c.warn("No resources found in %s namespace.\n", c.namespace)
		}
		pods := make([]*corev1.Pod, len(objs))
		for i := range objs {
			pods[i] = objs[i].(*corev1.Pod)
		}
		return pods, true
	}
	pod, err := c.podNamed(c.args[0])
	switch {
	case apierrors.IsNotFound(err):
		c.wrong("error from server (NotFound): %v in namespace %q", err, c.namespace)
	case err != nil:
		c.fail(err)
	}
	return []*corev1.Pod{pod}, err == nil
}

// podNamed reads POD or pod/POD.
func (c *call) podNamed(arg string) (*corev1.Pod, error) {
	resource, name, typed := strings.Cut(arg, "/")
	if !typed {
		resource, name = "pod", arg
	}
	kinds, err := kindsNamed(resource)
	switch {
	case err != nil:
		return nil, err
	case kinds[0] != apiserver.Pod:
		return nil, fmt.Errorf("kubectl %s of a %s is not modelled here: name a pod", c.spec.name, kinds[0])
	}
	obj, err := c.cluster.Get(apiserver.Pod, c.namespace, name)
	if err != nil {
		return nil, err
	}
	return obj.(*corev1.Pod), nil
}

// containerNames lists the init containers and the containers of a pod.
func containerNames(pod *corev1.Pod) (inits, containers []string) {
	for i := range pod.Spec.InitContainers {
		inits = append(inits, pod.Spec.InitContainers[i].Name)
	}
	for i := range pod.Spec.Containers {
		containers = append(containers, pod.Spec.Containers[i].Name)
	}
	return inits, containers
}

// pickContainer is the container that was named, the one that the pod's
// annotation makes the default, or the first, with a word about the others
// (podcmd.FindOrDefaultContainerByName).
func (c *call) pickContainer(pod *corev1.Pod, name string) (string, error) {
	inits, containers := containerNames(pod)
	all := append(append([]string{}, containers...), inits...)
	if name != "" {
		for _, known := range all {
			if known == name {
				return name, nil
			}
		}
		if c.spec.name == "logs" {
			return "", fmt.Errorf("container %s is not valid for pod %s", name, pod.Name)
		}
		return "", fmt.Errorf("container %s not found in pod %s", name, pod.Name)
	}
	if preset := pod.Annotations["kubectl.kubernetes.io/default-container"]; preset != "" {
		for _, known := range all {
			if known == preset {
				return preset, nil
			}
		}
		c.warn("Default container name %q not found in pod %s\n", preset, pod.Name)
	}
	if len(all) > 1 {
		words := append([]string{}, containers...)
		for _, init := range inits {
			words = append(words, init+" (init)")
		}
		c.warn("Defaulted container %q out of: %s\n", containers[0], strings.Join(words, ", "))
	}
	return containers[0], nil
}

func (c *call) logContainers(pod *corev1.Pod) ([]string, bool) {
	if c.on("all-containers") {
		inits, containers := containerNames(pod)
		return append(inits, containers...), true
	}
	name := c.text("container")
	if len(c.args) == 2 {
		name = c.args[1]
	}
	picked, err := c.pickContainer(pod, name)
	if err != nil {
		c.fail(err)
	}
	return []string{picked}, err == nil
}

func (c *call) logOf(pod *corev1.Pod, container string) bool {
	lines, err := c.cluster.Logs(pod.Namespace, pod.Name, container, c.on("previous"))
	if err != nil {
		c.fail(err)
		return false
	}
	tail := c.number("tail")
	if tail < 0 && c.text("selector") != "" && !c.flags.Changed("tail") {
		tail = 10
	}
	if tail >= 0 && int64(len(lines)) > tail {
		lines = lines[int64(len(lines))-tail:]
	}
	prefix := ""
	if c.on("prefix") {
		prefix = fmt.Sprintf("[pod/%s/%s] ", pod.Name, container)
	}
	for _, line := range lines {
		c.print("%s%s\n", prefix, line)
	}
	return true
}
