package plugin

import "strings"

// Code is the kind of a Status.
type Code uint8

// The codes, as upstream has them.
const (
	Success Code = iota
	// Skip leaves the plugin out of the rest of the cycle.
	Skip
	// Unschedulable might become schedulable by preemption.
	Unschedulable
	// Unresolvable stays unschedulable even if other pods are removed
	// (UnschedulableAndUnresolvable).
	Unresolvable
	// Error is a failure of the scheduler itself.
	Error
)

// Status is a plugin's answer. The zero Status is success.
type Status struct {
	Code   Code
	Plugin ID
	Reason string
	More   []string // further reasons
}

// OK reports success.
func (s Status) OK() bool { return s.Code == Success }

// Rejected reports whether the pod, not the scheduler, is at fault.
func (s Status) Rejected() bool { return s.Code == Unschedulable || s.Code == Unresolvable }

// Reasons calls yield with every reason.
func (s Status) Reasons(yield func(string) bool) {
	if s.Reason == "" || !yield(s.Reason) {
		return
	}
	for _, r := range s.More {
		if !yield(r) {
			return
		}
	}
}

// Message returns the reasons, joined as upstream joins them.
func (s Status) Message() string {
	if len(s.More) == 0 {
		return s.Reason
	}
	return s.Reason + ", " + strings.Join(s.More, ", ")
}

func unschedulable(id ID, reason string) Status {
	return Status{Code: Unschedulable, Plugin: id, Reason: reason}
}

func unresolvable(id ID, reason string) Status {
	return Status{Code: Unresolvable, Plugin: id, Reason: reason}
}

func failed(id ID, err error) Status {
	return Status{Code: Error, Plugin: id, Reason: err.Error()}
}

// maxScore is the best score that a plugin gives a node (MaxNodeScore).
const maxScore = 100
