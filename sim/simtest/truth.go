package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/job"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// Unfinished lists what a cluster at rest is not done with: what it says itself
// (sim.Cluster.Waiting), and where the API and the processes on the nodes
// disagree, which no component may know of: a node that has lost its power goes
// on being shown Ready, and its pods Running, until somebody notices.
func Unfinished(c *sim.Cluster) []controller.Wait {
	return append(c.Waiting(), differences(c)...)
}

// place is a container of one pod, on a node.
type place struct {
	uid             types.UID
	container, node string
}

// failures lists the Jobs that have failed. Nothing waits for them any more, and what
// they were for is not done.
func failures(c *sim.Cluster) (waits []controller.Wait) {
	jobs, err := sim.List[*batchv1.Job](c, "", "")
	if err != nil {
		panic(err) // there is such a kind
	}
	for _, j := range jobs {
		if failed := job.Condition(j, batchv1.JobFailed); failed != nil {
			waits = append(waits, controller.Wait{Kind: apiserver.Job, Key: apiserver.KeyOf(j),
				Reason: fmt.Sprintf("it has failed: %s: %s", failed.Reason, failed.Message)})
		}
	}
	return waits
}

// differences lists where the API's pods and the processes on the nodes
// disagree: by pod, then the processes that the API knows nothing of.
func differences(c *sim.Cluster) (waits []controller.Wait) {
	runs := map[place]bool{}
	processes := c.Processes()
	for _, p := range processes {
		runs[place{p.UID, p.Container, p.Node}] = true
	}
	shown := map[place]bool{}
	pods, err := c.List(apiserver.Pod, "", "")
	if err != nil {
		panic(err) // there is such a kind
	}
	for _, obj := range pods {
		pod := obj.(*corev1.Pod)
		for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range list {
				if list[i].State.Running == nil {
					continue
				}
				at := place{pod.UID, list[i].Name, pod.Spec.NodeName}
				if shown[at] = true; !runs[at] {
					waits = append(waits, controller.Wait{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod),
						Reason: fmt.Sprintf("the API says that container %s runs on %s, and no such process does%s", at.container, at.node, downs(c, at.node))})
				}
			}
		}
	}
	for _, p := range processes {
		if !shown[place{p.UID, p.Container, p.Node}] {
			waits = append(waits, controller.Wait{Kind: apiserver.Pod, Key: p.Pod,
				Reason: fmt.Sprintf("a process of container %s runs on %s, and the API does not say so%s", p.Container, p.Node, downs(c, p.Node))})
		}
	}
	return waits
}

// downs adds that a node is down, if it is.
func downs(c *sim.Cluster, node string) string {
	if slices.Contains(c.Components(), "kubelet/"+node) && c.IsDown(node) {
		return ": " + node + " is down"
	}
	return ""
}

// member is a pod of a set with its processes.
type member struct {
	pod   *corev1.Pod
	procs map[string]kubelet.Process // by container
}

// membersOf returns the pods of a set, by ordinal, with the processes on the
// nodes that are theirs, and those processes that bear one of their names
// without being theirs.
func membersOf(c *sim.Cluster, namespace, set string, uid types.UID) (members []member, strangers []kubelet.Process) {
	pods, err := sim.List[*corev1.Pod](c, namespace, "")
	if err != nil {
		panic(err) // there is such a kind
	}
	for _, pod := range pods {
		if owner := metav1.GetControllerOf(pod); owner != nil && owner.UID == uid {
			members = append(members, member{pod, map[string]kubelet.Process{}})
		}
	}
	slices.SortFunc(members, func(a, b member) int {
		_, i := memberOf(a.pod)
		_, j := memberOf(b.pod)
		return i - j
	})
	for _, p := range c.Processes() {
		i := slices.IndexFunc(members, func(m member) bool { return m.pod.UID == p.UID && m.pod.Spec.NodeName == p.Node })
		if i >= 0 {
			members[i].procs[p.Container] = p
		} else if p.Pod.Namespace == namespace && isOrdinalOf(set, p.Pod.Name) {
			strangers = append(strangers, p)
		}
	}
	return members, strangers
}

// isOrdinalOf reports whether a name is one that a set gives its pods.
func isOrdinalOf(set, pod string) bool {
	rest, ok := strings.CutPrefix(pod, set+"-")
	_, err := strconv.ParseUint(rest, 10, 31)
	return ok && err == nil
}

// missing says what a pod lacks of being ready and running, or "".
func (m member) missing(c *sim.Cluster) string {
	switch {
	case m.pod.DeletionTimestamp != nil:
		return "is being deleted"
	case !isReady(m.pod):
		return "is not ready"
	}
	for i := range m.pod.Spec.Containers {
		if name := m.pod.Spec.Containers[i].Name; m.procs[name].UID == "" {
			return fmt.Sprintf("is shown as ready, and no process of its container %s runs on %s%s", name, m.pod.Spec.NodeName, downs(c, m.pod.Spec.NodeName))
		}
	}
	return ""
}
