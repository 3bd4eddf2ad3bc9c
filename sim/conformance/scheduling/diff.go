package scheduling

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"
)

// DiffVerdicts says how two judgements differ. The reasons of a node are sorted:
// those of scalar resources come in the order of a Go map (fitsRequest). Scores are compared as distances
// from the best, because ours leaves out what is the same for all nodes.
func DiffVerdicts(want, got Verdicts) string {
	want.Totals, got.Totals = distances(want.Totals), distances(got.Totals)
	for _, v := range []Verdicts{want, got} {
		for _, n := range v.Nodes { // each by itself
			slices.Sort(n.Reasons)
		}
	}
	want.Parts, got.Parts = nil, nil
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

func distances(totals map[string]int64) map[string]int64 {
	if len(totals) == 0 {
		return nil
	}
	highest := slices.Max(slices.Collect(maps.Values(totals)))
	out := map[string]int64{}
	for name, total := range totals { // a map from a map
		out[name] = highest - total
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// selector is what upstream's default spread selects for the pod; nil if
// nothing.
func (r *Real) selector() labels.Selector {
	core, apps := r.supply.Core().V1(), r.supply.Apps().V1()
	s := helper.DefaultSelector(r.queued.Pod, core.Services().Lister(), core.ReplicationControllers().Lister(),
		apps.ReplicaSets().Lister(), apps.StatefulSets().Lister())
	if s.Empty() {
		return nil
	}
	return s
}
