package attach

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// place is a volume on a node.
type place struct {
	volume corev1.UniqueVolumeName
	node   string
}

// desired is which volumes are to be attached to which nodes, and for which pods
// (DesiredStateOfWorld).
type desired struct {
	nodes    map[string]int // that are managed: how many volumes each wants
	wants    map[place]*want
	byVolume map[corev1.UniqueVolumeName]map[string]bool // nodes
	byPod    map[types.UID][]place
}

// want is one volume that a node is to have.
type want struct {
	pv       *corev1.PersistentVolume // see remembered
	pods     map[types.UID]user
	reported bool // it has been said that the volume is elsewhere
}

// user is a pod as it was when a volume was first wanted for it.
type user struct {
	*corev1.Pod `state:"incidental" why:"its UID says which; the rest is for Events"`
}

// remembered is what counts of a PersistentVolume that is kept for long.
func remembered(pv *corev1.PersistentVolume) *corev1.PersistentVolume {
	next := &corev1.PersistentVolume{}
	next.Name = pv.Name
	next.Spec.AccessModes, next.Spec.CSI = pv.Spec.AccessModes, pv.Spec.CSI
	return next
}

func newDesired() desired {
	return desired{nodes: map[string]int{}, wants: map[place]*want{},
		byVolume: map[corev1.UniqueVolumeName]map[string]bool{}, byPod: map[types.UID][]place{}}
}

// manage has pods on a node be looked at (AddNode).
func (d *desired) manage(node string) (fresh bool) {
	if _, ok := d.nodes[node]; ok {
		return false
	}
	d.nodes[node] = 0
	return true
}

// leave ends that, unless the node wants volumes still (DeleteNode).
func (d *desired) leave(node string) {
	if d.nodes[node] == 0 {
		delete(d.nodes, node)
	}
}

// add has a volume be attached for a pod (AddPod). The node must be managed.
func (d *desired) add(p place, pv *corev1.PersistentVolume, pod *corev1.Pod) {
	w := d.wants[p]
	if w == nil {
		w = &want{pv: remembered(pv), pods: map[types.UID]user{}}
		d.wants[p] = w
		d.nodes[p.node]++
		if d.byVolume[p.volume] == nil {
			d.byVolume[p.volume] = map[string]bool{}
		}
		d.byVolume[p.volume][p.node] = true
	}
	if w.pods[pod.UID].Pod == nil {
		w.pods[pod.UID] = user{pod}
		d.byPod[pod.UID] = append(d.byPod[pod.UID], p)
	}
}

// drop ends the wish of one pod for a volume (DeletePod). It reports whether that
// changed anything.
func (d *desired) drop(p place, pod types.UID) bool {
	w := d.wants[p]
	if w == nil || w.pods[pod].Pod == nil {
		return false
	}
	delete(w.pods, pod)
	d.byPod[pod] = slices.DeleteFunc(d.byPod[pod], func(o place) bool { return o == p })
	if len(d.byPod[pod]) == 0 {
		delete(d.byPod, pod)
	}
	if len(w.pods) == 0 {
		delete(d.wants, p)
		d.nodes[p.node]--
		delete(d.byVolume[p.volume], p.node)
		if len(d.byVolume[p.volume]) == 0 {
			delete(d.byVolume, p.volume)
		}
	}
	return true
}

// of lists where a volume is wanted, by node.
func (d *desired) of(volume corev1.UniqueVolumeName) []place {
	var list []place
	for _, node := range slices.Sorted(maps.Keys(d.byVolume[volume])) {
		list = append(list, place{volume, node})
	}
	return list
}

// scheduled lists the pods for which a volume is wanted on a node, by name.
func (w *want) scheduled() []*corev1.Pod {
	var list []*corev1.Pod
	for _, u := range w.pods { // sorted below
		list = append(list, u.Pod)
	}
	sortPods(list)
	return list
}
