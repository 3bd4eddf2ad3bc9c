package attach

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// actual is where the volumes are, as far as the controller knows
// (ActualStateOfWorld).
type actual struct {
	volumes map[corev1.UniqueVolumeName]*held
	onNode  map[string]map[corev1.UniqueVolumeName]bool
	inUse   map[string]map[corev1.UniqueVolumeName]bool // by what a node said last, or will say
	reports map[string]*report
}

// held is a volume that is attached somewhere, or may be.
type held struct {
	pv    *corev1.PersistentVolume // nil: not known
	nodes map[string]attachment
}

// attachment is what is known of a volume's attachment to one node.
type attachment struct {
	confirmed bool        // else it may be attached or not: an operation failed
	leaving   bool        // it is to be detached
	expiry    engine.Time `state:"deadline"` // of the wait for the node to let it go; 0: none
}

// report is what is to be written about a node's volumes.
type report struct {
	needed  bool
	volumes map[corev1.UniqueVolumeName]bool
}

func newActual() actual {
	return actual{volumes: map[corev1.UniqueVolumeName]*held{}, onNode: map[string]map[corev1.UniqueVolumeName]bool{},
		inUse: map[string]map[corev1.UniqueVolumeName]bool{}, reports: map[string]*report{}}
}

// at returns what is known of a volume on a node.
func (a *actual) at(p place) (attachment, bool) {
	if h := a.volumes[p.volume]; h != nil {
		at, ok := h.nodes[p.node]
		return at, ok
	}
	return attachment{}, false
}

func (a *actual) pv(volume corev1.UniqueVolumeName) *corev1.PersistentVolume {
	if h := a.volumes[volume]; h != nil {
		return h.pv
	}
	return nil
}

// set takes in that a volume is attached to a node, or may be (AddVolumeNode,
// MarkVolumeAsAttached, MarkVolumeAsUncertain). Until the node says otherwise
// the volume counts as mounted there.
func (a *actual) set(p place, pv *corev1.PersistentVolume, confirmed bool) {
	h := a.volumes[p.volume]
	if h == nil {
		h = &held{nodes: map[string]attachment{}}
		a.volumes[p.volume] = h
	}
	h.pv = pv
	at, known := h.nodes[p.node]
	if !known {
		put(a.inUse, p)
		put(a.onNode, p)
	}
	at.confirmed = confirmed
	h.nodes[p.node] = at
	if confirmed {
		a.show(p)
	}
}

func put(of map[string]map[corev1.UniqueVolumeName]bool, p place) {
	if of[p.node] == nil {
		of[p.node] = map[corev1.UniqueVolumeName]bool{}
	}
	of[p.node][p.volume] = true
}

// remove takes in that a volume is not attached to a node (DeleteVolumeNode).
func (a *actual) remove(p place) {
	h := a.volumes[p.volume]
	if h == nil {
		return
	}
	delete(h.nodes, p.node)
	delete(a.onNode[p.node], p.volume)
	if len(h.nodes) == 0 {
		delete(a.volumes, p.volume)
	}
	a.hide(p)
}

// show has a node's status list a volume (addVolumeToReportAsAttached).
func (a *actual) show(p place) {
	if _, ok := a.at(p); !ok {
		return
	}
	r := a.reports[p.node]
	if r == nil {
		r = &report{needed: true, volumes: map[corev1.UniqueVolumeName]bool{}}
		a.reports[p.node] = r
	}
	if !r.volumes[p.volume] {
		r.needed = true
		r.volumes[p.volume] = true
	}
}

// hide has it no longer do so (removeVolumeFromReportAsAttached).
func (a *actual) hide(p place) {
	if r := a.reports[p.node]; r != nil && r.volumes[p.volume] {
		r.needed = true
		delete(r.volumes, p.volume)
	}
}

// take returns what a node's status is to list, if that is to be written
// (GetVolumesToReportAttachedForNode).
func (a *actual) take(node string) (list []corev1.AttachedVolume, needed bool) {
	r := a.reports[node]
	if r == nil || !r.needed {
		return nil, false
	}
	r.needed = false
	list = []corev1.AttachedVolume{}
	for _, name := range slices.Sorted(maps.Keys(r.volumes)) {
		list = append(list, corev1.AttachedVolume{Name: name})
	}
	return list, true
}

// need has a node's status be written again, if anything was ever reported of it
// (SetNodeStatusUpdateNeeded).
func (a *actual) need(node string) bool {
	r := a.reports[node]
	if r != nil {
		r.needed = true
	}
	return r != nil
}

// needy lists the nodes whose status is to be written, sorted.
func (a *actual) needy() []string {
	var nodes []string
	for node, r := range a.reports { // sorted below
		if r.needed {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// mounted takes in which volumes a node says it uses (SetVolumesMountedByNode),
// and returns those of which that is news.
func (a *actual) mounted(node string, names []corev1.UniqueVolumeName) (changed []corev1.UniqueVolumeName) {
	was, now := a.inUse[node], make(map[corev1.UniqueVolumeName]bool, len(names))
	for _, name := range names {
		if now[name] = true; !was[name] {
			changed = append(changed, name)
		}
	}
	for name := range was { // sorted below
		if !now[name] {
			changed = append(changed, name)
		}
	}
	a.inUse[node] = now
	slices.Sort(changed)
	return changed
}

// elsewhere lists the nodes to which a volume is attached for certain, sorted
// (GetNodesForAttachedVolume).
func (a *actual) elsewhere(volume corev1.UniqueVolumeName) []string {
	h := a.volumes[volume]
	if h == nil {
		return nil
	}
	var nodes []string
	for node, at := range h.nodes { // sorted below
		if at.confirmed {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// of lists where a volume is attached, or may be, by node.
func (a *actual) of(volume corev1.UniqueVolumeName) []place {
	h := a.volumes[volume]
	if h == nil {
		return nil
	}
	var list []place
	for _, node := range slices.Sorted(maps.Keys(h.nodes)) {
		list = append(list, place{volume, node})
	}
	return list
}
