package scheduler

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// scratch is memory that cycles reuse; what it holds between them
// means nothing.
type scratch struct {
	feasible []*plugin.Node
	rejected []rejection
	buffer   plugin.Buffer
	cycle    plugin.Cycle
}

// rejection is a node that did not pass the filters.
type rejection struct {
	node   *plugin.Node
	status plugin.Status
}

// outcome is how a cycle failed.
type outcome struct {
	message   string
	rejectors plugin.Set // none: an error
	isError   bool       // the reason is SchedulerError, not Unschedulable
	nominate  *string    // what status.nominatedNodeName is to be; nil leaves it
}

// failed is failure of an error that may be nil.
func failed(err error) *outcome {
	if err == nil {
		return nil
	}
	return failure(err)
}

func failure(err error) *outcome {
	return &outcome{message: err.Error(), isError: true, nominate: new(string)}
}

// cycle tries the next pod (ScheduleOne).
func (s *Scheduler) cycle(env *controller.Env) {
	e := s.queue.Pop(env.Now())
	if e == nil {
		return
	}
	defer s.queue.Done(e)
	pod := e.Pod
	if pod.DeletionTimestamp != nil { // skipPodSchedule
		env.Note(controller.Note{
			About: pod.Pod, Type: corev1.EventTypeWarning, Reason: "FailedScheduling", Action: "Scheduling",
			Message: fmt.Sprintf("skip schedule deleting pod: %s/%s", pod.Namespace, pod.Name),
		})
		return
	}
	if known := s.pods[e.Key]; known != nil && known.assumed {
		return
	}
	c := s.scratch.cycle.Reset(s.cluster, reader{s}, pod)
	if e.Tally != nil && !s.cfg.NodeByNode {
		c.Use(e.Tally)
	}
	node, out := s.choose(env, c)
	if out == nil {
		out = s.commit(env, e, c, node)
	}
	if out != nil {
		s.fail(env, e, pod.Pod, out, true)
		if e.Tally == nil && out.rejectors == plugin.SetOf(plugin.ImmediateBinding) {
			e.Tally = plugin.NewClaimTally(reader{s}, e.Pod)
		}
	}
}

// choose finds the best node for a pod (schedulePod).
func (s *Scheduler) choose(env *controller.Env, c *plugin.Cycle) (*plugin.Node, *outcome) {
	all := s.cluster.Nodes()
	if len(all) == 0 {
		return nil, &outcome{message: "no nodes available to schedule pods", nominate: new(string)} // C9
	}
	switch status := c.PreFilter(); {
	case status.Rejected():
		// Dynamic resources are asked what to do after the filters, but their
		// prefilter has not run, so their answer is an error: hence the words
		// «not found» where those about preemption would be (C10).
		return nil, &outcome{
			message:   plugin.FitMessage(len(all), status.Message(), "not found"),
			rejectors: plugin.SetOf(status.Plugin),
		}
	case !status.OK():
		return nil, failure(fmt.Errorf("%s", status.Message()))
	}
	if node, err := s.sample(env, c); node != nil || err != nil {
		return node, failed(err)
	}
	feasible, others, err := s.feasible(c)
	switch {
	case err != nil:
		return nil, failure(err)
	case len(feasible) == 0:
		return nil, s.unfit(env, c, others)
	case len(feasible) == 1: // C4
		return feasible[0], nil
	}
	scores, err := c.Scores(feasible, &s.scratch.buffer)
	if err != nil {
		return nil, failure(err)
	}
	best := plugin.Best(feasible, scores, &s.scratch.buffer)
	return plugin.ByName(best, env.Choose("node-tie", podKey(c.Pod().Pod), len(best))), nil // C5, §0.7
}

// sample is what follows for most pods, at a fraction of the cost; nil if that
// cannot be told for this one.
func (s *Scheduler) sample(env *controller.Env, c *plugin.Cycle) (*plugin.Node, error) {
	if s.cfg.NodeByNode || len(s.nominated.nodes) > 0 || c.Pod().Status.NominatedNodeName != "" {
		return nil, nil
	}
	nodes := len(s.cluster.Nodes())
	found, ok, err := c.Sample(s.next%nodes, s.enough(nodes), &s.scratch.buffer)
	if !ok || err != nil {
		return nil, err
	}
	s.next = (s.next + found.Looked) % nodes
	if found.One != nil {
		return found.One, nil
	}
	return found.Node(env.Choose("node-tie", podKey(c.Pod().Pod), found.Best)), nil // C5
}

func podKey(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }

// feasible returns the nodes that pass the filters; those that did not are in
// s.scratch.rejected, and others says why the rest was not looked at. The node
// that the pod is nominated for is tried first, and alone (C4,
// findNodesThatFitPod).
func (s *Scheduler) feasible(c *plugin.Cycle) (feasible []*plugin.Node, others string, err error) {
	s.scratch.feasible, s.scratch.rejected = s.scratch.feasible[:0], s.scratch.rejected[:0]
	tried := s.cluster.Node(c.Pod().Status.NominatedNodeName)
	var verdict plugin.Status
	if tried != nil {
		if verdict = s.filter(c, tried); verdict.OK() {
			return append(s.scratch.feasible, tried), "", nil
		}
	}
	var already plugin.Set
	if verdict.Rejected() {
		already = plugin.SetOf(verdict.Plugin)
	}
	nodes, others := c.Candidates(already)
	wanted := s.enough(len(nodes))
	start, promised := s.next, len(s.nominated.nodes) > 0
	for i, at := 0, 0; i < len(nodes) && len(s.scratch.feasible) < wanted; i++ {
		if i == 0 {
			at = start % len(nodes)
		} else if at++; at == len(nodes) {
			at = 0
		}
		n := nodes[at]
		if n == tried {
			tried = nil
		}
		if !promised && c.Passes(n) {
			s.scratch.feasible = append(s.scratch.feasible, n)
			continue
		}
		status := s.filter(c, n)
		switch {
		case status.OK():
			s.scratch.feasible = append(s.scratch.feasible, n)
		case status.Rejected():
			s.scratch.rejected = append(s.scratch.rejected, rejection{n, status})
		default:
			return nil, "", fmt.Errorf("running %q filter plugin: %s", status.Plugin, status.Message())
		}
	}
	if tried != nil && verdict.Rejected() { // its verdict counts though it was not looked at again
		s.scratch.rejected = append(s.scratch.rejected, rejection{tried, verdict})
	}
	s.next = (start + len(s.scratch.feasible) + len(s.scratch.rejected)) % len(s.cluster.Nodes())
	return s.scratch.feasible, others, nil
}

// filter asks whether a pod can run on a node, with and without the pods that
// the node is promised to (RunFilterPluginsWithNominatedPods).
func (s *Scheduler) filter(c *plugin.Cycle, n *plugin.Node) plugin.Status {
	if len(s.nominated.nodes) > 0 {
		if rivals := s.nominated.rivals(n.Name(), c.Pod()); len(rivals) > 0 {
			if status := plugin.Fits(c.With(n, rivals, nil)); !status.OK() {
				return status
			}
		}
	}
	return c.Filter(n)
}

// The least number of nodes that are looked for, and the least percentage (C4).
const (
	minNodes   = 100
	minPercent = 5
)

// enough is how many feasible nodes end the search (numFeasibleNodesToFind).
func (s *Scheduler) enough(nodes int) int {
	if nodes < minNodes {
		return nodes
	}
	percent := s.cfg.PercentageOfNodesToScore
	if percent == 0 {
		percent = max(50-nodes/125, minPercent)
	}
	return max(nodes*percent/100, minNodes)
}

// unfit says why no node can take a pod, and what preemption can do (C9).
func (s *Scheduler) unfit(env *controller.Env, c *plugin.Cycle, others string) *outcome {
	reasons := map[string]int{}
	out := &outcome{}
	for _, r := range s.scratch.rejected {
		for reason := range r.status.Reasons {
			reasons[reason]++
		}
		out.rejectors = out.rejectors.With(r.status.Plugin)
	}
	nodes := len(s.cluster.Nodes())
	if absent := nodes - len(s.scratch.rejected); absent > 0 && others != "" {
		reasons[others] += absent
		out.rejectors = out.rejectors.With(plugin.NodeAffinity)
	}
	after, nominate := s.preempt(env, c)
	out.message = plugin.FitError(nodes, reasons, after)
	out.nominate = nominate
	return out
}

// fail puts a pod back into the queue and tells everybody why
// (handleSchedulingFailure). A failure in a cycle keeps the next one waiting for
// the patch of the status.
func (s *Scheduler) fail(env *controller.Env, e *queue.Entry, about *corev1.Pod, out *outcome, inCycle bool) {
	e.Rejectors, e.Message, e.Preempting = out.rejectors, out.message, s.preempting[e.Key]
	key := e.Key
	if p := env.Pod(key); p != nil && !isAssigned(p) && p.UID == about.UID && !isTerminal(p) {
		about = p
		e.Pod = e.Pod.Renew(p)
		s.queue.Retry(env.Now(), e)
		s.armFlush(env)
		if out.nominate != nil {
			s.nominated.set(e.Pod, *out.nominate)
		} else {
			s.nominated.set(e.Pod, p.Status.NominatedNodeName)
		}
	} else if p != nil && p.UID != about.UID {
		return
	}
	env.Note(controller.Note{
		About: about, Type: corev1.EventTypeWarning, Reason: "FailedScheduling", Action: "Scheduling",
		Message: truncate(out.message),
	})
	cond := corev1.PodCondition{
		Type: corev1.PodScheduled, ObservedGeneration: about.Generation, Status: corev1.ConditionFalse,
		Reason: corev1.PodReasonUnschedulable, Message: out.message, LastTransitionTime: apiserver.Stamp(env.Now()),
	}
	if out.isError {
		cond.Reason = corev1.PodReasonSchedulerError
	}
	patch := StatusPatch{Conditions: true, Condition: cond, Nominate: out.nominate}
	if patch.changes(about) {
		t := &task{kind: statusTask, key: key, blocking: inCycle}
		s.blocked = s.blocked || inCycle
		env.Send(s.start(t), apiserver.Request{
			Verb: apiserver.Patch, Kind: apiserver.Pod, Subresource: apiserver.Status, Key: key, Patch: patch,
		})
	}
}

// truncate keeps a message within an Event's limit.
func truncate(msg string) string {
	const limit, suffix = 1024, " ..."
	if len(msg) <= limit {
		return msg
	}
	return msg[:limit-len(suffix)] + suffix
}
