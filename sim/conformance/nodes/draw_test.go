package nodes

import (
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/rig"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var (
	names    = []string{"n0", "n1", "n2", "n3", "n4"}
	podNames = []string{"a", "b", "c", "d", "e"}
	// zones are where a node may be. Few of one zone wait for a taint at a time: which
	// of them is first is chance.
	zones = map[string][]string{"n0": {""}, "n1": {"", "z1"}, "n2": {"z1", "z2"}, "n3": {"z2", "z3"}, "n4": {"z3", "z1"}}
)

// lasting is a node of the zone without a name that takes part in disruption checks
// and is never deleted.
const lasting = "n0"

// drawScript draws a script for some controllers.
func drawScript(who []string) func(t *rapid.T) rig.Script {
	return func(t *rapid.T) rig.Script {
		s := rig.Script{Config: apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}, Beginning: 2500 * time.Millisecond}
		for _, name := range []string{"default", "kube-node-lease"} {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			s.Before = append(s.Before, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns})
		}
		for i := range rapid.IntRange(1, len(names)).Draw(t, "nodes") {
			s.Before = append(s.Before, create(drawNode(t, names[i])))
		}
		if slices.Contains(who, collector) { // a node out of service has its ticks begin with those of upstream's
			s.Before = append(s.Before, create(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "out", Labels: map[string]string{corev1.LabelTopologyZone: "out"}},
				Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}}}))
		}
		silent := map[string]bool{}
		for range rapid.IntRange(8, 45).Draw(t, "steps") {
			step := drawStep(t, who, silent)
			loud := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return silent[n] })
			step.Text = fmt.Sprintf("%v renew; %s", loud, step.Text)
			step.Ask = after(loud, step.Ask)
			step.Pause = 10 * time.Second
			s.Steps = append(s.Steps, step)
		}
		return s
	}
}

func create(obj apiserver.Object) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}
}

// after has nodes renew their Leases before something else is asked.
func after(loud []string, then func(*apiserver.Server, engine.Time) []apiserver.Request) func(*apiserver.Server, engine.Time) []apiserver.Request {
	return func(s *apiserver.Server, now engine.Time) (list []apiserver.Request) {
		for _, name := range loud {
			if s.Get(apiserver.Node, apiserver.Key{Name: name}) == nil {
				continue
			}
			key := apiserver.Key{Namespace: corev1.NamespaceNodeLease, Name: name}
			renewed := metav1.NewMicroTime(apiserver.WallTime(now))
			old, _ := s.Get(apiserver.Lease, key).(*coordinationv1.Lease)
			if old == nil {
				list = append(list, create(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name},
					Spec: coordinationv1.LeaseSpec{HolderIdentity: &name, RenewTime: &renewed}}))
				continue
			}
			next := old.DeepCopy()
			next.Spec.RenewTime = &renewed
			list = append(list, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Lease, Key: key, Object: next})
		}
		if then != nil {
			list = append(list, then(s, now)...)
		}
		return list
	}
}

func drawNode(t *rapid.T, name string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}}}
	zone := rapid.SampledFrom(zones[name]).Draw(t, "zone")
	excluded := rapid.IntRange(0, 3).Draw(t, "excluded") == 0
	switch {
	case name == lasting: // a zone of excluded nodes alone has a new limit now and then upstream, as a map is walked
	case zone != "":
		n.Labels[corev1.LabelTopologyZone] = zone
	case excluded:
		n.Labels["node.kubernetes.io/exclude-disruption"] = ""
	}
	if rapid.IntRange(0, 3).Draw(t, "posted") > 0 {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.NewTime(apiserver.WallTime(0)), LastTransitionTime: metav1.NewTime(apiserver.WallTime(0))}}
	}
	return n
}

// tolerations are those that pods have.
var tolerations = [][]corev1.Toleration{
	nil,
	{{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(33))},
		{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(21))}},
	{{Operator: corev1.TolerationOpExists}},
	{{Key: "example.com/broken", Operator: corev1.TolerationOpEqual, Value: "x", TolerationSeconds: new(int64(14)), Effect: corev1.TaintEffectNoExecute}},
	{{Key: "example.com/broken", Operator: corev1.TolerationOpEqual, Value: "x", TolerationSeconds: new(int64(0)), Effect: corev1.TaintEffectNoExecute}},
}

var taints = []corev1.Taint{
	{Key: "example.com/broken", Value: "x", Effect: corev1.TaintEffectNoExecute},
	{Key: "example.com/broken", Value: "y", Effect: corev1.TaintEffectNoExecute},
	{Key: "example.com/odd", Effect: corev1.TaintEffectNoSchedule},
	{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute},
	{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute},
	{Key: "node.kubernetes.io/unreachable", Effect: corev1.TaintEffectNoExecute},
}

var conditions = []corev1.NodeConditionType{corev1.NodeReady, corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable}

// drawStep draws what happens to a node or a pod.
func drawStep(t *rapid.T, who []string, silent map[string]bool) rig.Step {
	node := rapid.SampledFrom(names).Draw(t, "node")
	pod := rapid.SampledFrom(podNames).Draw(t, "pod")
	op := rapid.IntRange(0, 21).Draw(t, "op")
	if op < 7 && !slices.Contains(who, lifecycle) {
		op += 9 // nobody minds silence
	}
	switch op {
	case 0, 1, 2:
		silent[node] = true
		return rig.Step{Text: node + " is silent"}
	case 3, 4:
		delete(silent, node)
		return status(node, corev1.NodeReady, corev1.ConditionTrue)
	case 5, 6:
		return status(node, rapid.SampledFrom(conditions).Draw(t, "condition"), rapid.SampledFrom([]corev1.ConditionStatus{"True", "False", "False", "Unknown"}).Draw(t, "status"))
	case 7:
		delete(silent, node)
		n := drawNode(t, node)
		return rig.Step{Text: fmt.Sprintf("create node %s %v", node, n.Labels), Ask: func(*apiserver.Server, engine.Time) []apiserver.Request {
			return []apiserver.Request{create(n.DeepCopy())}
		}}
	case 8:
		if node == lasting {
			return rig.Step{Text: "nothing"}
		}
		return rig.Step{Text: "delete node " + node, Ask: exists(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Node, Key: apiserver.Key{Name: node}})}
	case 9, 10:
		taint := rapid.SampledFrom(taints).Draw(t, "taint")
		return editNode("taint "+node+" "+taint.ToString(), node, func(n *corev1.Node) {
			n.Spec.Taints = append(n.Spec.Taints, taint)
		})
	case 11:
		taint := rapid.SampledFrom(taints).Draw(t, "taint")
		return editNode("untaint "+node+" "+taint.ToString(), node, func(n *corev1.Node) {
			n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(o corev1.Taint) bool { return o.MatchTaint(&taint) })
		})
	case 12:
		on := rapid.Bool().Draw(t, "on")
		return editNode(fmt.Sprintf("cordon %s %v", node, on), node, func(n *corev1.Node) { n.Spec.Unschedulable = on })
	case 13, 14, 15, 16:
		return createPod(t, pod, node)
	case 17:
		var seconds *int64
		if rapid.Bool().Draw(t, "force") {
			seconds = new(int64)
		}
		return rig.Step{Text: fmt.Sprintf("delete pod %s %v", pod, seconds != nil), Ask: exists(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod,
			Key: apiserver.Key{Namespace: "default", Name: pod}, GracePeriodSeconds: seconds})}
	case 18, 19:
		return podStatus(t, pod)
	}
	f := &controller.Fault{By: rapid.SampledFrom(who).Draw(t, "by"), Verb: rapid.SampledFrom([]apiserver.Verb{apiserver.Patch, apiserver.Patch, apiserver.Update, apiserver.Delete, apiserver.Get}).Draw(t, "verb"),
		Err: rig.ErrFault, Lost: rapid.Bool().Draw(t, "lost"), Count: rapid.SampledFrom([]int{1, 1, 2, 6}).Draw(t, "count")}
	f.Kind = rapid.SampledFrom([]apiserver.Kind{apiserver.Pod, apiserver.Node}).Draw(t, "kind")
	return rig.Step{Text: "nothing", Fault: f}
}

// exists asks something if the object is there.
func exists(req apiserver.Request) func(*apiserver.Server, engine.Time) []apiserver.Request {
	return func(s *apiserver.Server, _ engine.Time) []apiserver.Request {
		if s.Get(req.Kind, req.Key) == nil {
			return nil
		}
		return []apiserver.Request{req}
	}
}

// edited asks for a change of an object that is there.
func edited(kind apiserver.Kind, key apiserver.Key, sub apiserver.Subresource, edit func(apiserver.Object, engine.Time)) func(*apiserver.Server, engine.Time) []apiserver.Request {
	return func(s *apiserver.Server, now engine.Time) []apiserver.Request {
		old := s.Get(kind, key)
		if old == nil {
			return nil
		}
		next := old.DeepCopyObject().(apiserver.Object)
		edit(next, now)
		return []apiserver.Request{{Verb: apiserver.Update, Subresource: sub, Kind: kind, Key: key, Object: next}}
	}
}

func editNode(text, node string, edit func(*corev1.Node)) rig.Step {
	return rig.Step{Text: text, Ask: edited(apiserver.Node, apiserver.Key{Name: node}, apiserver.None, func(o apiserver.Object, _ engine.Time) { edit(o.(*corev1.Node)) })}
}

// status posts a condition of a node, with a heartbeat.
func status(node string, condition corev1.NodeConditionType, value corev1.ConditionStatus) rig.Step {
	return rig.Step{Text: fmt.Sprintf("%s posts %s=%s", node, condition, value), Ask: edited(apiserver.Node, apiserver.Key{Name: node}, apiserver.Status, func(o apiserver.Object, now engine.Time) {
		n := o.(*corev1.Node)
		i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == condition })
		if i < 0 {
			n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: condition})
			i = len(n.Status.Conditions) - 1
		}
		c := &n.Status.Conditions[i]
		if c.Status != value {
			c.LastTransitionTime = apiserver.Stamp(now)
		}
		c.Status, c.Reason, c.LastHeartbeatTime = value, "Posted", apiserver.Stamp(now)
	})}
}

func createPod(t *rapid.T, name, node string) rig.Step {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
	p.Spec.Tolerations = rapid.SampledFrom(tolerations).Draw(t, "tolerations")
	if rapid.IntRange(0, 7).Draw(t, "unscheduled") == 0 {
		p.Spec.NodeName = ""
	}
	return rig.Step{Text: fmt.Sprintf("create pod %s on %q %v", name, p.Spec.NodeName, p.Spec.Tolerations), Ask: func(*apiserver.Server, engine.Time) []apiserver.Request {
		return []apiserver.Request{create(p.DeepCopy())}
	}}
}

func podStatus(t *rapid.T, pod string) rig.Step {
	phase := rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodFailed, corev1.PodSucceeded}).Draw(t, "phase")
	ready := rapid.SampledFrom([]corev1.ConditionStatus{"True", "True", "False"}).Draw(t, "ready")
	return rig.Step{Text: fmt.Sprintf("pod %s is %s, ready=%s", pod, phase, ready), Ask: edited(apiserver.Pod, apiserver.Key{Namespace: "default", Name: pod}, apiserver.Status, func(o apiserver.Object, now engine.Time) {
		p := o.(*corev1.Pod)
		p.Status.Phase = phase
		p.Status.Conditions = slices.DeleteFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: ready, LastTransitionTime: apiserver.Stamp(now)})
	})}
}
