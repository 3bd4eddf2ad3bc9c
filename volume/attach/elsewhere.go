package attach

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// reportElsewhere says once, to the pods that wait for a volume, that it is
// attached to another node, and for which pods (M7, reportMultiAttachError).
func (c *Controller) reportElsewhere(env *controller.Env, p place, w *want, nodes []string) {
	note := func(pod *corev1.Pod, why string) {
		env.Note(controller.Note{About: pod, Type: corev1.EventTypeWarning, Reason: "FailedAttachVolume",
			Message: fmt.Sprintf("Waiting for detach for volume %q %s", w.pv.Name, why)})
	}
	users := c.users(p, nodes)
	shuffle(env, "attach/user-order", users)
	waiting := w.scheduled()
	shuffle(env, "attach/pod-order", waiting)
	for _, pod := range waiting {
		if len(users) == 0 {
			note(pod, "Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node")
			continue
		}
		var local []string
		others := 0
		for _, user := range users {
			if user.Namespace == pod.Namespace {
				local = append(local, user.Name)
			} else {
				others++
			}
		}
		switch {
		case len(local) == 0:
			note(pod, fmt.Sprintf("Volume is already used by %d pod(s) in different namespaces", others))
		case others > 0:
			note(pod, fmt.Sprintf("Volume is already used by pod(s) %s and %d pod(s) in different namespaces", strings.Join(local, ", "), others))
		default:
			note(pod, "Volume is already used by pod(s) "+strings.Join(local, ", "))
		}
	}
}

// users lists the pods for which a volume is wanted on other nodes
// (GetVolumePodsOnNodes).
func (c *Controller) users(p place, nodes []string) []*corev1.Pod {
	var list []*corev1.Pod
	for _, node := range nodes {
		if w := c.desired.wants[place{p.volume, node}]; w != nil && node != p.node {
			list = append(list, w.scheduled()...)
		}
	}
	return list
}

// reason says why a volume is not attached to a node yet.
func (c *Controller) reason(p place, w *want) string {
	nodes := slices.DeleteFunc(c.actual.elsewhere(p.volume), func(node string) bool { return node == p.node })
	if len(nodes) == 0 || csi.IsShared(w.pv) {
		return fmt.Sprintf("its volume %s is being attached to node %s", w.pv.Name, p.node)
	}
	if users := c.users(p, nodes); len(users) > 0 {
		return fmt.Sprintf("its volume %s is attached to node %s, where pod %s/%s uses it", w.pv.Name, nodes[0], users[0].Namespace, users[0].Name)
	}
	return fmt.Sprintf("its volume %s is still attached to node %s", w.pv.Name, nodes[0])
}
