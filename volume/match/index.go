package match

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Index is a set of volumes by name, arranged for matching. The zero Index is
// empty and ready to use. It keeps the volumes it is given and changes none.
type Index struct {
	volumes  map[string]*corev1.PersistentVolume
	free     map[shelf]*tree    // volumes that anybody could have
	reserved map[claim][]string `state:"elements"` // names of the volumes with a claimRef, sorted
}

// claim names a claim.
type claim struct{ namespace, name string }

// shelf is what the free volumes of one tree have in common.
type shelf struct {
	class, attributes string
	mode              corev1.PersistentVolumeMode
	modes             Modes
	place             place
	host              string // of a pinned volume
}

// place is where volumes can be used.
type place uint8

const (
	anywhere  place = iota // no node affinity
	affine                 // with node affinity, whichever: pinned or scattered
	pinned                 // on one host, by its label
	scattered              // any other node affinity
)

// Len returns how many volumes there are.
func (x *Index) Len() int { return len(x.volumes) }

// Get returns a volume, or nil.
func (x *Index) Get(name string) *corev1.PersistentVolume { return x.volumes[name] }

// Names returns the names of all volumes, sorted.
func (x *Index) Names() []string { return slices.Sorted(maps.Keys(x.volumes)) }

// Set adds a volume, or replaces the one of the same name.
func (x *Index) Set(v *corev1.PersistentVolume) {
	if x.volumes == nil {
		x.volumes, x.free, x.reserved = map[string]*corev1.PersistentVolume{}, map[shelf]*tree{}, map[claim][]string{}
	}
	old := x.volumes[v.Name]
	x.volumes[v.Name] = v
	if old != nil {
		if isSamePlace(old, v) {
			return
		}
		x.take(old)
	}
	if ref := v.Spec.ClaimRef; ref != nil {
		key := claim{ref.Namespace, ref.Name}
		names := x.reserved[key]
		i, _ := slices.BinarySearch(names, v.Name)
		x.reserved[key] = slices.Insert(slices.Clone(names), i, v.Name) // forks share the old slice
		return
	}
	if isFree(v) {
		for _, s := range shelvesOf(v) {
			x.free[s] = x.free[s].insert(itemOf(v))
		}
	}
}

// Delete removes a volume, if it is there.
func (x *Index) Delete(name string) {
	if old := x.volumes[name]; old != nil {
		delete(x.volumes, name)
		x.take(old)
	}
}

// Reserved returns the names of the volumes whose claimRef names a claim, with
// whatever UID, sorted. The caller must not change the slice.
func (x *Index) Reserved(namespace, name string) []string {
	return x.reserved[claim{namespace, name}]
}

// take removes a volume from its shelves.
func (x *Index) take(v *corev1.PersistentVolume) {
	if ref := v.Spec.ClaimRef; ref != nil {
		key := claim{ref.Namespace, ref.Name}
		names := slices.DeleteFunc(slices.Clone(x.reserved[key]), func(n string) bool { return n == v.Name })
		if len(names) == 0 {
			delete(x.reserved, key)
		} else {
			x.reserved[key] = names
		}
		return
	}
	if isFree(v) {
		for _, s := range shelvesOf(v) {
			if x.free[s] = x.free[s].remove(itemOf(v)); x.free[s] == nil {
				delete(x.free, s)
			}
		}
	}
}

// isFree reports whether a volume without claimRef can be given to a claim (V3).
func isFree(v *corev1.PersistentVolume) bool {
	return v.Spec.ClaimRef == nil && v.DeletionTimestamp == nil && v.Status.Phase == corev1.VolumeAvailable
}

// isSamePlace reports whether two states of a volume are found by the same
// searches, so that nothing has to move.
func isSamePlace(a, b *corev1.PersistentVolume) bool {
	if ar, br := a.Spec.ClaimRef, b.Spec.ClaimRef; ar != nil || br != nil {
		return ar != nil && br != nil && ar.Namespace == br.Namespace && ar.Name == br.Name
	}
	if !isFree(a) || !isFree(b) {
		return !isFree(a) && !isFree(b)
	}
	return itemOf(a).compare(itemOf(b)) == 0 && slices.Equal(shelvesOf(a), shelvesOf(b))
}

func itemOf(v *corev1.PersistentVolume) *item {
	return &item{capacity: v.Spec.Capacity[corev1.ResourceStorage], name: v.Name}
}

// shelvesOf returns the one or two shelves of a free volume.
func shelvesOf(v *corev1.PersistentVolume) []shelf {
	s := shelf{class: ClassOf(v), attributes: deref(v.Spec.VolumeAttributesClassName), mode: modeOf(v.Spec.VolumeMode)}
	s.modes, _ = ModesOf(v.Spec.AccessModes)
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return []shelf{s}
	}
	s.place = affine
	local := s
	if local.host = hostOf(v.Spec.NodeAffinity.Required); local.host != "" {
		local.place = pinned
	} else {
		local.place = scattered
	}
	return []shelf{s, local}
}

// hostOf returns the host name if a selector asks for exactly one, by its label.
func hostOf(s *corev1.NodeSelector) string {
	if len(s.NodeSelectorTerms) != 1 {
		return ""
	}
	t := s.NodeSelectorTerms[0]
	if len(t.MatchFields) != 0 || len(t.MatchExpressions) != 1 {
		return ""
	}
	e := t.MatchExpressions[0]
	if e.Key != corev1.LabelHostname || e.Operator != corev1.NodeSelectorOpIn || len(e.Values) != 1 {
		return ""
	}
	return e.Values[0]
}

// want is what a claim asks for.
type want struct {
	claim    *corev1.PersistentVolumeClaim
	shelf    shelf // with the modes requested
	request  resource.Quantity
	selector labels.Selector // nil without one
}

func wantOf(c *corev1.PersistentVolumeClaim) (want, bool, error) {
	w := want{claim: c, request: c.Spec.Resources.Requests[corev1.ResourceStorage]}
	w.shelf = shelf{class: ClassOfClaim(c), attributes: deref(c.Spec.VolumeAttributesClassName), mode: modeOf(c.Spec.VolumeMode)}
	var known bool
	w.shelf.modes, known = ModesOf(c.Spec.AccessModes)
	if c.Spec.Selector != nil {
		s, err := metav1.LabelSelectorAsSelector(c.Spec.Selector)
		if err != nil {
			return w, false, fmt.Errorf("error creating internal label selector for claim: %s/%s: %w", c.Namespace, c.Name, err)
		}
		w.selector = s
	}
	return w, known, nil
}

// held returns the volumes reserved for the claim that meet its hard wants, in
// the order of their names. Phase, selector and class do not count (V3).
func (x *Index) held(w want) []*corev1.PersistentVolume {
	var vs []*corev1.PersistentVolume
	for _, name := range x.reserved[claim{w.claim.Namespace, w.claim.Name}] {
		v := x.volumes[name]
		capacity := v.Spec.Capacity[corev1.ResourceStorage]
		if IsReservedFor(v, w.claim) && v.DeletionTimestamp == nil && HasSameMode(v, w.claim) &&
			capacity.Cmp(w.request) >= 0 &&
			deref(v.Spec.VolumeAttributesClassName) == w.shelf.attributes {
			vs = append(vs, v)
		}
	}
	return vs
}

// ForClaim returns the volumes that the volume controller could bind to a claim
// (V2–V5, findByClaim). With delayed binding only volumes reserved for the claim
// count (V7). The error is that of a malformed selector.
func (x *Index) ForClaim(c *corev1.PersistentVolumeClaim, delayed bool) (Legal, error) {
	w, known, err := wantOf(c)
	if err != nil || !known {
		return Legal{}, err
	}
	held := x.held(w)
	for n := w.shelf.modes.Len(); n <= Modes(allModes).Len(); n++ {
		l := Legal{index: x}
		for modes := Modes(0); modes <= allModes; modes++ {
			if modes.Len() != n || !modes.Contains(w.shelf.modes) {
				continue
			}
			if own := withModes(held, modes); len(own) > 0 {
				l.add(span{listed: own})
			} else if !delayed {
				l.addBest(w, modes, []shelf{{place: anywhere}, {place: affine}})
			}
		}
		if l.Len() > 0 {
			return l, nil
		}
	}
	return Legal{}, nil
}

// ForNode returns the volumes that the scheduler could choose for a claim whose
// pod would run on a node with the given labels: of the claim's class, without
// regard to the groups of V2 (findMatchingVolumes of the volume binder). The
// volumes named in taken, sorted or not, are left out. A volume reserved for the
// claim that does not fit the node makes no volume at all a legal answer.
func (x *Index) ForNode(c *corev1.PersistentVolumeClaim, node map[string]string, taken ...string) (Legal, error) {
	w, known, err := wantOf(c)
	if err != nil || !known {
		return Legal{}, err
	}
	l := Legal{index: x, taken: taken}
	var fit []*corev1.PersistentVolume
	var reserved bool
	for _, v := range x.held(w) {
		if ClassOf(v) != w.shelf.class || slices.Contains(taken, v.Name) {
			continue
		}
		reserved = true
		if FitsNode(v, node) != nil {
			l.orNone = true
		} else {
			fit = append(fit, v)
		}
	}
	if reserved {
		l.add(span{listed: fit})
		return l, nil
	}
	places := []shelf{{place: anywhere}, {place: pinned, host: node[corev1.LabelHostname]}, {place: scattered}}
	l.node = node
	for modes := Modes(0); modes <= allModes; modes++ {
		if modes.Contains(w.shelf.modes) {
			l.addBest(w, modes, places)
		}
	}
	return l.smallest(), nil
}

func withModes(vs []*corev1.PersistentVolume, modes Modes) []*corev1.PersistentVolume {
	return slices.DeleteFunc(slices.Clone(vs), func(v *corev1.PersistentVolume) bool {
		m, _ := ModesOf(v.Spec.AccessModes)
		return m != modes
	})
}

func byName(a, b *corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) }
