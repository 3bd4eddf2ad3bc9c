package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const gpu corev1.ResourceName = "example.com/gpu"

func (d *dice) drawNodes() {
	for i := range pick(d, "nodes", 3, 1, 2, 4, 5, 6, 0) {
		name := fmt.Sprintf("n%d", i)
		d.nodes = append(d.nodes, name)
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: d.nodeLabels(name)}}
		n.Status.Allocatable = d.allocatable()
		if d.topics[onTaints] {
			n.Spec.Unschedulable = d.chance(6, "cordoned")
			n.Spec.Taints = d.taints(n.Spec.Unschedulable)
		}
		if d.topics[onImages] {
			for _, image := range []string{"docker.io/library/i:latest", "docker.io/library/j:1", "k@sha256:0000000000000000000000000000000000000000000000000000000000000000"} {
				if d.chance(2, image) {
					n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: []string{image}, SizeBytes: pick[int64](d, "bytes", 1<<20, 100<<20, 600<<20, 2<<30)})
				}
			}
		}
		d.add(n)
	}
}

func (d *dice) nodeLabels(name string) map[string]string {
	m := map[string]string{}
	if !d.chance(8, "no host name") {
		m[corev1.LabelHostname] = name
	}
	if z := pick(d, "zone", "z1", "z2", ""); z != "" {
		m[corev1.LabelTopologyZone] = z
	}
	if d.chance(4, "region") {
		m[corev1.LabelTopologyRegion] = "r"
	}
	if v := pick(d, "disk", "", "ssd", "hdd"); v != "" {
		m["disk"] = v
	}
	if v := pick(d, "size", "", "1", "5", "x"); v != "" {
		m["size"] = v
	}
	return m
}

func (d *dice) allocatable() corev1.ResourceList {
	r := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"),
		corev1.ResourcePods: resource.MustParse("110"),
	}
	if !d.topics[onResources] && !d.topics[onPriority] {
		return r
	}
	r[corev1.ResourceCPU] = resource.MustParse(pick(d, "cpu", "4", "4", "2", "3", "8", "1500m", "0"))
	r[corev1.ResourceMemory] = resource.MustParse(pick(d, "memory", "8Gi", "8Gi", "2Gi", "4Gi", "1000M", "0"))
	r[corev1.ResourcePods] = resource.MustParse(pick(d, "pods", "110", "110", "110", "3", "2"))
	if d.chance(2, "disk") {
		r[corev1.ResourceEphemeralStorage] = resource.MustParse(pick(d, "bytes", "10Gi", "1Gi"))
	}
	if d.chance(2, "gpu") {
		r[gpu] = resource.MustParse(pick(d, "gpus", "2", "1"))
	}
	if d.chance(4, "pages") {
		r["hugepages-2Mi"] = resource.MustParse("4Mi")
	}
	return r
}

func (d *dice) taints(cordoned bool) []corev1.Taint {
	var ts []corev1.Taint
	if cordoned && d.chance(2, "tainted") {
		ts = append(ts, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	for _, key := range []string{"dedicated", "number"} {
		if !d.chance(2, key) {
			continue
		}
		ts = append(ts, corev1.Taint{
			Key: key, Value: pick(d, "value", "", "5", "7"),
			Effect: pick(d, "effect", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute),
		})
	}
	return ts
}

func (d *dice) tolerations() []corev1.Toleration {
	var ts []corev1.Toleration
	for range d.upTo(2, "tolerations") {
		t := corev1.Toleration{
			Key:    pick(d, "key", "dedicated", "number", corev1.TaintNodeUnschedulable, ""),
			Effect: pick(d, "effect", "", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute),
		}
		if t.Key == "" || d.chance(2, "exists") {
			t.Operator = corev1.TolerationOpExists
		} else {
			t.Value = pick(d, "value", "", "5", "7")
		}
		ts = append(ts, t)
	}
	return ts
}

// nodeTerm draws a term of a node selector.
func (d *dice) nodeTerm() corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	if d.chance(2, "by name") && len(d.nodes) > 0 {
		term.MatchFields = []corev1.NodeSelectorRequirement{{
			Key: "metadata.name", Operator: pick(d, "op", corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn),
			Values: []string{pick(d, "node", append(d.nodes, "gone")...)},
		}}
	}
	for range d.upTo(2, "expressions") {
		r := corev1.NodeSelectorRequirement{Key: pick(d, "key", "disk", corev1.LabelTopologyZone, "none")}
		switch d.upTo(4, "op") {
		case 0:
			r.Operator, r.Values = corev1.NodeSelectorOpIn, []string{pick(d, "value", "ssd", "z1", "hdd")}
		case 1:
			r.Operator, r.Values = corev1.NodeSelectorOpNotIn, []string{pick(d, "value", "ssd", "z1", "hdd")}
		case 2:
			r.Operator = corev1.NodeSelectorOpExists
		case 3:
			r.Operator = corev1.NodeSelectorOpDoesNotExist
		default:
			r.Key, r.Operator, r.Values = "size", pick(d, "compare", corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt), []string{"3"}
		}
		term.MatchExpressions = append(term.MatchExpressions, r)
	}
	return term
}

func (d *dice) nodeSelector() *corev1.NodeSelector {
	s := &corev1.NodeSelector{}
	for range 1 + d.upTo(1, "terms") {
		s.NodeSelectorTerms = append(s.NodeSelectorTerms, d.nodeTerm())
	}
	return s
}
