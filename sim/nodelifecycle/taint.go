package nodelifecycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// swap is the way to other taints of a node: some are added and then others are
// removed, each by reading the node and patching it if that changes anything, and
// again when somebody else was quicker (SwapNodeControllerTaint,
// AddOrUpdateTaintOnNode, RemoveTaintOffNode).
type swap struct {
	node        string
	add, remove []corev1.Taint
	reading     bool // the answer to come is the node
	tries       int  // of the current half
}

// conflicts is how often a half is tried (UpdateTaintBackoff).
const conflicts = 5

// swapped returns the way to a node with some taints more, as of now, and others
// less. What the node as it is known does not have needs no removal.
func swapped(v controller.View, node *corev1.Node, add, remove []corev1.Taint) swap {
	now := apiserver.Stamp(v.Now())
	add = slices.Clone(add)
	for i := range add {
		add[i].TimeAdded = &now
	}
	if !slices.ContainsFunc(remove, func(t corev1.Taint) bool { return has(node, t) }) {
		remove = nil
	}
	return swap{node: node.Name, add: add, remove: remove}
}

// next takes the answer to the request before, if there was one, and returns the
// next, or none at the end.
func (s *swap) next(results [][]apiserver.Result) (req []apiserver.Request, err error) {
	if results != nil {
		res := results[0][0]
		switch {
		case s.reading && res.Err != nil:
			return nil, res.Err
		case s.reading:
			s.reading = false
			node := res.Object.(*corev1.Node)
			if taints, changed := s.apply(node.Spec.Taints); changed {
				return []apiserver.Request{{Verb: apiserver.Patch, Kind: apiserver.Node, Key: apiserver.Key{Name: s.node},
					ResourceVersion: node.ResourceVersion, Patch: taintPatch{taints}}}, nil
			}
			s.half()
		case apierrors.IsConflict(res.Err) && s.tries < conflicts:
		case res.Err != nil:
			return nil, res.Err
		default:
			s.half()
		}
	}
	if len(s.add) == 0 && len(s.remove) == 0 {
		return nil, nil
	}
	s.reading = true
	s.tries++
	return []apiserver.Request{{Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: s.node}}}, nil
}

// half ends the first half that is not done.
func (s *swap) half() {
	s.tries = 0
	if len(s.add) > 0 {
		s.add = nil
	} else {
		s.remove = nil
	}
}

// apply returns the taints after the current half, and whether they are others.
func (s *swap) apply(taints []corev1.Taint) ([]corev1.Taint, bool) {
	if len(s.add) == 0 {
		left := slices.DeleteFunc(slices.Clone(taints), func(t corev1.Taint) bool { return containsTaint(s.remove, t) })
		return left, len(left) != len(taints)
	}
	next, changed := slices.Clone(taints), false
	for _, t := range s.add {
		i := slices.IndexFunc(next, func(o corev1.Taint) bool { return o.MatchTaint(&t) })
		switch {
		case i < 0:
			next, changed = append(next, t), true
		case next[i].Value != t.Value || !next[i].TimeAdded.Equal(t.TimeAdded):
			next[i], changed = t, true
		}
	}
	return next, changed
}

// taintPatch is a Patcher: a node with these taints.
type taintPatch struct{ taints []corev1.Taint }

// Apply implements apiserver.Patcher.
func (p taintPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*corev1.Node)
	if next.Spec.Taints = p.taints; len(p.taints) == 0 {
		next.Spec.Taints = nil
	}
	return &next, nil
}

func has(node *corev1.Node, t corev1.Taint) bool { return containsTaint(node.Spec.Taints, t) }

func containsTaint(list []corev1.Taint, t corev1.Taint) bool {
	return slices.ContainsFunc(list, func(o corev1.Taint) bool { return o.MatchTaint(&t) })
}

var (
	unreachable = corev1.Taint{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute}
	notReady    = corev1.Taint{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoExecute}
)

// taintOf is the key of the taint that a node has while a condition has a status
// (nodeConditionToTaintKeyStatusMap), or "".
func taintOf(c *corev1.NodeCondition) string {
	switch {
	case c.Type == corev1.NodeReady && c.Status == corev1.ConditionFalse:
		return corev1.TaintNodeNotReady
	case c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown:
		return corev1.TaintNodeUnreachable
	case c.Status != corev1.ConditionTrue:
		return ""
	case c.Type == corev1.NodeMemoryPressure:
		return corev1.TaintNodeMemoryPressure
	case c.Type == corev1.NodeDiskPressure:
		return corev1.TaintNodeDiskPressure
	case c.Type == corev1.NodePIDPressure:
		return corev1.TaintNodePIDPressure
	case c.Type == corev1.NodeNetworkUnavailable:
		return corev1.TaintNodeNetworkUnavailable
	}
	return ""
}

// isManaged reports whether a taint is one of those that follow from a node's
// conditions or from its being cordoned.
func isManaged(t *corev1.Taint) bool {
	switch t.Key {
	case corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeMemoryPressure, corev1.TaintNodeDiskPressure,
		corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable, corev1.TaintNodeUnschedulable:
		return t.Effect == corev1.TaintEffectNoSchedule
	}
	return false
}

// noSchedule returns which NoSchedule taints a node lacks and which it has in
// excess (doNoScheduleTaintingPass): one for each condition that calls for one,
// and one while it is cordoned.
func noSchedule(node *corev1.Node) (add, remove []corev1.Taint) {
	var want []corev1.Taint
	for i := range node.Status.Conditions {
		if key := taintOf(&node.Status.Conditions[i]); key != "" {
			want = append(want, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule})
		}
	}
	if node.Spec.Unschedulable {
		want = append(want, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	for _, t := range want {
		if !has(node, t) {
			add = append(add, t)
		}
	}
	for i := range node.Spec.Taints {
		if t := &node.Spec.Taints[i]; isManaged(t) && !containsTaint(want, *t) {
			remove = append(remove, *t)
		}
	}
	return add, remove
}

// labelPairs are labels of which the second follows the first
// (labelReconcileInfo).
var labelPairs = [...][2]string{
	{corev1.LabelOSStable, "beta.kubernetes.io/os"},
	{corev1.LabelArchStable, "beta.kubernetes.io/arch"},
}

// lacking returns the labels that a node should have and has not, or differently
// (reconcileNodeLabels).
func lacking(node *corev1.Node) labelPatch {
	var p labelPatch
	for _, pair := range labelPairs {
		if want, ok := node.Labels[pair[0]]; ok {
			if is, has := node.Labels[pair[1]]; !has || is != want {
				p = append(p, [2]string{pair[1], want})
			}
		}
	}
	return p
}

// labelPatch is a Patcher: an object with these labels.
type labelPatch [][2]string

// Apply implements apiserver.Patcher.
func (p labelPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*corev1.Node)
	next.Labels = make(map[string]string, len(p)+len(next.Labels))
	for k, v := range obj.GetLabels() { // a map from a map
		next.Labels[k] = v
	}
	for _, l := range p {
		next.Labels[l[0]] = l[1]
	}
	return &next, nil
}
