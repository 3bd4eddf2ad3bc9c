package sim

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/unmodelled"
)

// Unmodelled reports what the cluster holds and does not act on, although a real
// cluster would: Deployments that are not run, fields that nothing reads. The cost
// is that of a look at every object.
func (c *Cluster) Unmodelled() unmodelled.Report {
	defer c.end(c.look("Unmodelled"))
	var report unmodelled.Report
	server := c.host.Server()
	for _, kind := range apiserver.Kinds() {
		n := server.Count(kind)
		if n == 0 || isMade(kind) || c.defines(kind) {
			continue
		}
		if role, _ := unmodelled.About(kind); role != unmodelled.Acted {
			for _, found := range unmodelled.In(server.List(kind, "")[0]) { // all are alike
				report.Add(found, n)
			}
			continue
		}
		for _, obj := range server.List(kind, "") {
			if kind == apiserver.Pod && metav1.GetControllerOfNoCopy(obj) != nil {
				continue // what its template says is told once
			}
			for _, found := range unmodelled.In(obj) {
				report.Add(found, 1)
			}
		}
	}
	return report
}

// isMade reports whether the objects of a kind are as a rule made by controllers,
// from others that are looked at.
func isMade(kind apiserver.Kind) bool {
	return kind == apiserver.Event || kind == apiserver.EndpointSlice || kind == apiserver.ControllerRevision
}

// defines reports whether a kind is that of CustomResourceDefinitions, and they are
// acted on.
func (c *Cluster) defines(kind apiserver.Kind) bool {
	return c.cfg.CustomResources != nil && kind == definitionKind
}

// told returns warnings about what nothing acts on in an object. Each entry of
// the list is told once for all objects of a kind that share warned.
func (c *Cluster) told(warned map[int]bool, obj Object) []string {
	kind := apiserver.KindOf(obj)
	if kind == apiserver.CustomResource || c.defines(kind) {
		return nil
	}
	var list []string
	for _, found := range unmodelled.In(obj) {
		if !warned[found.Entry()] {
			warned[found.Entry()] = true
			list = append(list, found.String())
		}
	}
	return list
}

// explained adds to the reasons of waits what they wait for that nothing here
// will ever bring.
func (c *Cluster) explained(waits []controller.Wait) []controller.Wait {
	if len(waits) == 0 {
		return waits
	}
	idle := c.idle()
	for i := range waits {
		w := &waits[i]
		if w.Kind != apiserver.Pod {
			continue
		}
		pod, _ := c.host.Server().Get(apiserver.Pod, w.Key).(*corev1.Pod)
		if pod == nil {
			continue
		}
		if clause := idle.clause(c, pod, w.Reason); clause != "" {
			w.Reason += " (" + clause + ")"
		}
	}
	return waits
}

// crew is an object that would make pods if anything ran it.
type crew struct {
	kind     apiserver.Kind
	key      apiserver.Key
	template *corev1.PodTemplateSpec // nil if it makes none itself
}

func (w crew) String() string { return w.kind.String() + " " + w.key.String() }

type crews []crew

// idle returns what would make pods, by kind and key.
func (c *Cluster) idle() crews {
	var list crews
	server := c.host.Server()
	for _, kind := range apiserver.Kinds() {
		role, _ := unmodelled.About(kind)
		if role != unmodelled.Runs || server.Count(kind) == 0 {
			continue
		}
		for _, obj := range server.List(kind, "") {
			list = append(list, crew{kind, apiserver.KeyOf(obj), unmodelled.Template(obj)})
		}
	}
	return list
}

// clause says what a pod that waits for a reason will wait for for ever, or "".
func (list crews) clause(c *Cluster, pod *corev1.Pod, reason string) string {
	if a := pod.Spec.Affinity; pod.Spec.NodeName == "" && a != nil && a.PodAffinity != nil {
		for i := range a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			term := &a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i]
			if near := list.find(func(w crew) bool { return c.wants(pod, term, w) }); near != nil {
				return fmt.Sprintf("it has to be near pods of %s, which is stored, not run", near)
			}
		}
	}
	if isMissing(reason) {
		// What makes an object in a real cluster is nowhere written down.
		maker := list.find(func(w crew) bool { return w.key.Namespace == pod.Namespace && w.template != nil })
		if maker != nil {
			return fmt.Sprintf("if %s is to make it: it is stored, not run", maker)
		}
		if jobs := c.host.Server().List(apiserver.Job, pod.Namespace); len(jobs) > 0 {
			return fmt.Sprintf("if Job %s is to make it: its containers run, and write no objects here", apiserver.KeyOf(jobs[0]))
		}
	}
	for i := range pod.Spec.ReadinessGates {
		if t := string(pod.Spec.ReadinessGates[i].ConditionType); strings.Contains(reason, fmt.Sprintf("pod readiness gate %q", t)) {
			return "nothing here sets that condition but you"
		}
	}
	return ""
}

func (list crews) find(is func(crew) bool) *crew {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return &list[i]
	}
	return nil
}

// isMissing reports whether a reason is about an object that a pod reads.
func isMissing(reason string) bool {
	for _, kind := range []string{"secret", "configmap", "persistentvolumeclaim"} {
		if strings.Contains(reason, kind+` "`) && strings.Contains(reason, "not found") {
			return true
		}
	}
	return false
}

// wants reports whether a term of a pod's affinity selects the pods that w would
// make.
func (c *Cluster) wants(pod *corev1.Pod, term *corev1.PodAffinityTerm, w crew) bool {
	if w.template == nil || term.LabelSelector == nil {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
	if err != nil || !selector.Matches(labels.Set(w.template.Labels)) {
		return false
	}
	if slices.Contains(term.Namespaces, w.key.Namespace) {
		return true
	}
	if term.NamespaceSelector == nil {
		return len(term.Namespaces) == 0 && w.key.Namespace == pod.Namespace
	}
	ns, _ := c.host.Server().Get(apiserver.Namespace, apiserver.Key{Name: w.key.Namespace}).(*corev1.Namespace)
	among, err := metav1.LabelSelectorAsSelector(term.NamespaceSelector)
	return err == nil && ns != nil && among.Matches(labels.Set(ns.Labels))
}
