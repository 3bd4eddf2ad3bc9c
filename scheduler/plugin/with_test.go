package plugin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// TestC12ImaginedPods: a cycle that imagines pods gone from a node, or added to
// it, filters that node as a new cycle would if they were.
func TestC12ImaginedPods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d := NewCluster(), NewCluster()
		for i := range 3 {
			zone := rapid.SampledFrom([]string{"", "z1", "z2"}).Draw(t, "zone")
			c.SetNode(testNode(fmt.Sprintf("n%d", i), zone))
			d.SetNode(testNode(fmt.Sprintf("n%d", i), zone))
		}
		var gone []*Pod
		for i := range rapid.IntRange(0, 8).Draw(t, "pods") {
			p := NewPod(testPod(fmt.Sprintf("p%d", i), fmt.Sprintf("n%d", rapid.IntRange(0, 2).Draw(t, "on")), drawTerms(t)))
			c.AddPod(p)
			if p.Spec.NodeName == "n0" && rapid.Bool().Draw(t, "gone") {
				gone = append(gone, p)
			} else {
				d.AddPod(p)
			}
		}
		added := NewPod(testPod("added", "n0", drawTerms(t)))
		d.AddPod(added)

		pod := NewPod(testPod("x", "", drawTerms(t)))
		imagined := NewCycle(c, nothing{}, pod)
		require.True(t, imagined.PreFilter().OK())
		// The filters of a cycle are chosen by its prefilters, so one that was
		// skipped stays skipped, as upstream.
		fresh := NewCycle(d, nothing{}, pod)
		require.True(t, fresh.PreFilter().OK())
		fresh.filters &= imagined.filters
		fresh.simple = false
		require.Equal(t, fresh.Filter(d.Node("n0")), Fits(imagined.With(c.Node("n0"), []*Pod{added}, gone)))
		if imagined.Passes(c.Node("n0")) {
			require.True(t, imagined.Filter(c.Node("n0")).OK(), "what passes at a glance passes")
		}
	})
}

// drawTerms draws labels, affinity terms and spread constraints.
func drawTerms(t *rapid.T) func(*corev1.Pod) {
	app := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app")
	key := rapid.SampledFrom([]string{corev1.LabelHostname, corev1.LabelTopologyZone}).Draw(t, "key")
	terms := []corev1.PodAffinityTerm{{TopologyKey: key, LabelSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{"app": rapid.SampledFrom([]string{"a", "b"}).Draw(t, "selects")},
	}}}
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	return func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": app}
		switch kind {
		case 1:
			p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		case 2:
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		case 3:
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: terms[0].LabelSelector,
			}}
		}
	}
}
