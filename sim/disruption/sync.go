package disruption

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// memo is where the sync of a budget stands.
type memo struct {
	stage  stage
	budget *policyv1.PodDisruptionBudget // as it was when the sync began
	tally  tally
	known  []lookup // controllers, as the server has answered
	asked  []lookup // controllers that it was asked for

	rechecks bool          // whether an eviction is under way
	after    time.Duration // until the first of them should be over
}

type stage uint8

const (
	begun   stage = iota
	asking        // for the controllers of the pods
	writing       // the status
	failing       // the status that allows nothing
)

// errRecheck is why a budget is looked at again when its evicted pods should be
// gone.
var errRecheck = errors.New("an evicted pod should be deleted by now")

// budgetSync is the decision about the status of a budget.
type budgetSync struct{ c *Controller }

// Step implements controller.Machine (sync, trySync). Nothing else of the
// controller changes but the timers that it wants.
func (s budgetSync) Step(v controller.View, key apiserver.Key, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	switch m.stage {
	case begun:
		return s.begin(v, key)
	case asking:
		m.known = slices.Clip(m.known)
		for i, l := range m.asked {
			l.res = results[i][0]
			m.known = append(m.known, l)
		}
		return s.decide(v, key, m, nil)
	case writing:
		switch err := results[0][0].Err; {
		case err == nil:
			return s.done(key, m, nil)
		case apierrors.IsConflict(err):
			return controller.Plan{Err: err}, m
		default:
			return failSafe(v, m, nil, err)
		}
	}
	return controller.Plan{Err: results[0][0].Err}, m
}

// begin takes the counts of the moment.
func (s budgetSync) begin(v controller.View, key apiserver.Key) (controller.Plan, memo) {
	m := memo{budget: v.Budget(key)}
	if m.budget == nil {
		return controller.Plan{}, m
	}
	b := s.c.roster.budgets[key]
	if b.err != nil {
		note := warning(m.budget, "NoPods", fmt.Sprintf("Failed to get pods: %v", b.err))
		return failSafe(v, m, []controller.Note{note}, b.err)
	}
	m.tally = b.tally(m.budget)
	var notes []controller.Note
	if m.tally.pods == 0 {
		notes = append(notes, controller.Note{About: m.budget, Type: corev1.EventTypeNormal, Reason: "NoPods", Message: "No matching pods found"})
	}
	return s.decide(v, key, m, notes)
}

// decide computes the status, or asks for what it needs to know of the pods'
// controllers.
func (s budgetSync) decide(v controller.View, key apiserver.Key, m memo, notes []controller.Note) (controller.Plan, memo) {
	f := finder{view: v, namespace: key.Namespace, known: m.known}
	want, err := m.tally.want(&m.budget.Spec, &f)
	if len(f.asks) > 0 {
		m.stage, m.asked = asking, f.asks
		plan := controller.Plan{Notes: notes}
		for _, l := range f.asks {
			plan.Chains = append(plan.Chains, []apiserver.Request{{Verb: apiserver.Get, Kind: l.kind, Key: l.key}})
		}
		return plan, m
	}
	var absent *absentError
	if errors.As(err, &absent) {
		if err = s.blame(v, key, absent); err == nil {
			return controller.Plan{Notes: notes}, m // its pods have changed, and with them comes another sync
		}
	}
	if err != nil {
		notes = append(notes, warning(m.budget, "CalculateExpectedPodCountFailed", fmt.Sprintf("Failed to calculate the number of expected pods: %v", err)))
		return failSafe(v, m, notes, err)
	}
	if want.unmanaged {
		notes = append(notes, unmanagedPods(m.budget))
	}
	notes = append(notes, m.tally.notDeleted(m.budget, v)...)
	m.after, m.rechecks = m.tally.recheck(v.Now())
	next := statusOf(m.budget, &m.tally, want, v)
	if next == nil {
		return s.done(key, m, notes)
	}
	m.stage = writing
	plan := write(next)
	plan.Notes = notes
	return plan, m
}

// done ends a sync whose status is written, or was so already.
func (s budgetSync) done(key apiserver.Key, m memo, notes []controller.Note) (controller.Plan, memo) {
	if m.rechecks {
		s.c.rechecks.want(key, m.after)
	}
	return controller.Plan{Notes: notes}, m
}

// blame returns the error about one pod of those whose controllers cannot be
// counted: upstream meets the pods in the order of a map and stops at the first
// such. It returns nil if none is left.
func (s budgetSync) blame(v controller.View, key apiserver.Key, absent *absentError) error {
	b := s.c.roster.budgets[key]
	if b == nil {
		return nil
	}
	var names []string
	for name, m := range b.pods { // sorted below
		if _, ok := absent.owners[m.owner]; ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	name := names[v.Choose("disruption/pod", key.String(), len(names))]
	if err := absent.owners[b.pods[name].owner]; err != nil {
		return err
	}
	return fmt.Errorf("found no controllers for pod %q", name)
}

// failSafe writes that nothing is allowed, and why (failSafe).
func failSafe(v controller.View, m memo, notes []controller.Note, why error) (controller.Plan, memo) {
	next := *m.budget
	next.Status.DisruptionsAllowed = 0
	setCondition(&next, v, policyv1.SyncFailedReason, why.Error())
	m.stage = failing
	plan := write(&next)
	plan.Notes = notes
	return plan, m
}

func write(pdb *policyv1.PodDisruptionBudget) controller.Plan {
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status,
		Kind: apiserver.PodDisruptionBudget, Key: apiserver.KeyOf(pdb), Object: pdb})
}

func warning(about apiserver.Object, reason, message string) controller.Note {
	return controller.Note{About: about, Type: corev1.EventTypeWarning, Reason: reason, Message: message}
}

// severalBudgets says that a pod has more than one budget (getPdbForPod).
func severalBudgets(pod *corev1.Pod, chosen string) controller.Note {
	return warning(pod, "MultiplePodDisruptionBudgets",
		fmt.Sprintf("Pod %q/%q matches multiple PodDisruptionBudgets.  Chose %q arbitrarily.", pod.Namespace, pod.Name, chosen))
}

// unmanagedPods says that pods have no controller; they are not counted.
func unmanagedPods(pdb *policyv1.PodDisruptionBudget) controller.Note {
	return warning(pdb, "UnmanagedPods", fmt.Sprintf("Pods selected by this PodDisruptionBudget (selector: %v) were found "+
		"to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "+
		"To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.", pdb.Spec.Selector))
}
