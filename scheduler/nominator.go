package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// nominator knows the pods that have been promised a node but do not run there
// yet, so that others leave them the room.
type nominator struct {
	byNode map[string][]apiserver.Key // in the order of the promises
	nodes  map[apiserver.Key]string
	pods   map[apiserver.Key]*plugin.Pod
}

func newNominator() nominator {
	return nominator{map[string][]apiserver.Key{}, map[apiserver.Key]string{}, map[apiserver.Key]*plugin.Pod{}}
}

// set promises a pod a node; "" takes the promise back.
func (n *nominator) set(pod *plugin.Pod, node string) {
	key := apiserver.KeyOf(pod)
	n.remove(key)
	if node == "" {
		return
	}
	n.nodes[key], n.pods[key] = node, pod
	n.byNode[node] = append(n.byNode[node], key)
}

// renew takes over a newer state of a pod. A promise that neither state
// mentions was not written yet and stays (UpdateNominatedPod).
func (n *nominator) renew(old *corev1.Pod, pod *plugin.Pod) {
	node := pod.Status.NominatedNodeName
	if old.Status.NominatedNodeName == "" && node == "" {
		node = n.nodes[apiserver.KeyOf(pod)]
	}
	n.set(pod, node)
}

func (n *nominator) remove(key apiserver.Key) {
	node, ok := n.nodes[key]
	if !ok {
		return
	}
	n.byNode[node] = slices.DeleteFunc(n.byNode[node], func(k apiserver.Key) bool { return k == key })
	if len(n.byNode[node]) == 0 {
		delete(n.byNode, node)
	}
	delete(n.nodes, key)
	delete(n.pods, key)
}

// rivals returns the pods promised a node that a pod must leave the room to:
// those of its priority or a higher one.
func (n *nominator) rivals(node string, pod *plugin.Pod) []*plugin.Pod {
	var list []*plugin.Pod
	for _, key := range n.byNode[node] {
		if p := n.pods[key]; p.Priority >= pod.Priority && p.UID != pod.UID {
			list = append(list, p)
		}
	}
	return list
}
