package table

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var daemonSetColumns = columns("*Name Desired Current Ready Up-to-date Available Node_Selector Age +Containers +Images +Selector")

// daemonSetCells is printDaemonSet (K24).
func daemonSetCells(d *appsv1.DaemonSet, now time.Time) []string {
	names, images := containerLists(d.Spec.Template.Spec.Containers)
	s := &d.Status
	cells := []string{d.Name}
	for _, n := range []int32{s.DesiredNumberScheduled, s.CurrentNumberScheduled, s.NumberReady, s.UpdatedNumberScheduled, s.NumberAvailable} {
		cells = append(cells, strconv.Itoa(int(n)))
	}
	return append(cells, labels.FormatLabels(d.Spec.Template.Spec.NodeSelector), age(d.CreationTimestamp, now), names, images,
		metav1.FormatLabelSelector(d.Spec.Selector))
}

// daemonSet writes a DaemonSet (describeDaemonSet).
func (p *page) daemonSet(d *appsv1.DaemonSet, others []apiserver.Object) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		selector = labels.Nothing() // the API server refuses such a set
	}
	p.identity(&d.ObjectMeta)
	p.line(0, "Selector:\t%s", selector)
	p.line(0, "Node-Selector:\t%s", labels.FormatLabels(d.Spec.Template.Spec.NodeSelector))
	p.about(&d.ObjectMeta)
	p.line(0, "Desired Number of Nodes Scheduled: %d", d.Status.DesiredNumberScheduled)
	p.line(0, "Current Number of Nodes Scheduled: %d", d.Status.CurrentNumberScheduled)
	p.line(0, "Number of Nodes Scheduled with Up-to-date Pods: %d", d.Status.UpdatedNumberScheduled)
	p.line(0, "Number of Nodes Scheduled with Available Pods: %d", d.Status.NumberAvailable)
	p.line(0, "Number of Nodes Misscheduled: %d", d.Status.NumberMisscheduled)
	p.phaseCounts(d, d.Spec.Selector, others)
	p.podTemplate(&d.Spec.Template)
}

// daemonSetStatus is DaemonSetStatusViewer.
func daemonSetStatus(d *appsv1.DaemonSet) (message string, done bool, err error) {
	s, waiting := &d.Status, fmt.Sprintf("Waiting for daemon set %q rollout to finish: ", d.Name)
	switch {
	case d.Spec.UpdateStrategy.Type != appsv1.RollingUpdateDaemonSetStrategyType:
		return "", true, fmt.Errorf("rollout status is only available for %s strategy type", appsv1.RollingUpdateDaemonSetStrategyType)
	case d.Generation > s.ObservedGeneration:
		return "Waiting for daemon set spec update to be observed...", false, nil
	case s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return waiting + fmt.Sprintf("%d out of %d new pods have been updated...", s.UpdatedNumberScheduled, s.DesiredNumberScheduled), false, nil
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return waiting + fmt.Sprintf("%d of %d updated pods are available...", s.NumberAvailable, s.DesiredNumberScheduled), false, nil
	}
	return fmt.Sprintf("daemon set %q successfully rolled out", d.Name), true, nil
}
