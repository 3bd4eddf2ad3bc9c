package scheduler

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Verdict is what the scheduler thinks of one node for a pod.
type Verdict struct {
	Node string
	// Reasons are why it is refused, in upstream's words; none if the pod can run
	// there. Plugin is the first plugin that refuses it, and no other is asked.
	Reasons []string
	Plugin  string
	// Score is how good the node is among those that are not refused. Only the
	// differences between nodes mean something; equal nodes are equally likely.
	Score int64
}

// Explain says for a pod without a node why each node is refused, or how it scores
// (C1 to C5, C10): the best first, then those that are refused, by name. No cluster
// is needed. Around are the objects that count: Nodes, pods that are on them,
// claims, volumes, StorageClasses, namespaces, Services and StatefulSets (for the default
// spread), CSINodes, CSIDrivers and VolumeAttachments; others are refused with an
// error, as is a pod that the scheduler itself would fail with. The message is that
// of the FailedScheduling Event, without what preemption could do, and "" if there
// is a node for the pod.
func Explain(pod *corev1.Pod, around ...apiserver.Object) (verdicts []Verdict, message string, err error) {
	if pod == nil {
		return nil, "", fmt.Errorf("scheduler: Explain: the pod is nil")
	}
	s := New(Config{NodeByNode: true, PercentageOfNodesToScore: 100})
	for _, obj := range around {
		if err := s.know(obj); err != nil {
			return nil, "", err
		}
	}
	nodes := s.cluster.Nodes()
	if len(nodes) == 0 {
		return nil, "no nodes available to schedule pods", nil
	}
	c := plugin.NewCycle(s.cluster, reader{s}, plugin.NewPod(pod))
	switch status := c.PreFilter(); {
	case status.Rejected():
		for _, n := range nodes {
			verdicts = append(verdicts, refusal(n, status))
		}
		return sorted(verdicts), plugin.FitMessage(len(nodes), status.Message(), "not found"), nil
	case !status.OK():
		return nil, "", fmt.Errorf("scheduler: %s", status.Message())
	}
	feasible, others, err := s.feasible(c)
	if err != nil {
		return nil, "", fmt.Errorf("scheduler: %w", err)
	}
	reasons := map[string]int{}
	looked := map[string]bool{}
	for _, r := range s.scratch.rejected {
		verdicts = append(verdicts, refusal(r.node, r.status))
		looked[r.node.Name()] = true
		for reason := range r.status.Reasons {
			reasons[reason]++
		}
	}
	scores, err := c.Scores(feasible, &s.scratch.buffer)
	if err != nil {
		return nil, "", fmt.Errorf("scheduler: %w", err)
	}
	for i, n := range feasible {
		verdicts = append(verdicts, Verdict{Node: n.Name(), Score: scores[i]})
		looked[n.Name()] = true
	}
	for _, n := range nodes {
		if !looked[n.Name()] && others != "" {
			verdicts = append(verdicts, Verdict{Node: n.Name(), Reasons: []string{others}, Plugin: plugin.NodeAffinity.String()})
			reasons[others]++
		}
	}
	if len(feasible) == 0 {
		message = plugin.FitError(len(nodes), reasons, "")
	}
	return sorted(verdicts), message, nil
}

func refusal(n *plugin.Node, status plugin.Status) Verdict {
	return Verdict{Node: n.Name(), Reasons: slices.Collect(status.Reasons), Plugin: status.Plugin.String()}
}

// sorted puts the best first.
func sorted(verdicts []Verdict) []Verdict {
	slices.SortFunc(verdicts, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(min(len(a.Reasons), 1), min(len(b.Reasons), 1)), cmp.Compare(b.Score, a.Score), cmp.Compare(a.Node, b.Node))
	})
	return verdicts
}

// know takes an object into account.
func (s *Scheduler) know(obj apiserver.Object) error {
	key := apiserver.KeyOf(obj)
	switch o := obj.(type) {
	case *corev1.Node:
		s.cluster.SetNode(o)
	case *corev1.Pod:
		if isAssigned(o) && !isTerminal(o) {
			s.cluster.AddPod(plugin.NewPod(o))
		}
	case *corev1.PersistentVolume:
		s.storage.setVolume(o.Name, o)
	case *corev1.PersistentVolumeClaim:
		s.storage.setClaim(key, o)
	case *storagev1.StorageClass:
		s.storage.classes[o.Name] = o
	case *storagev1.CSINode:
		s.storage.setCSINode(o.Name, o)
	case *storagev1.CSIDriver:
		s.storage.setDriver(o.Name, o)
	case *storagev1.VolumeAttachment:
		s.storage.setAttachment(o, false)
	case *corev1.Namespace:
		s.cluster.SetNamespace(o.Name, o)
	case *corev1.Service:
		s.groups.setService(key, o)
	case *appsv1.StatefulSet:
		s.groups.setSet(key, o)
	default:
		return fmt.Errorf("scheduler: Explain: a %T does not count for the scheduler", obj)
	}
	return nil
}
