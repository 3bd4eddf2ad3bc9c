package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ClaimTally keeps account of the claims of a pod that waits for them to be
// bound, so that another look at the pod costs nothing for those that have not
// changed. It is right as long as Update is told of every claim that changes, and
// no class does.
type ClaimTally struct {
	index  map[string]int32 // of the pod's claims, by name
	states []claimState
	counts [3]int
}

// claimState is what VolumeRestrictions and VolumeBinding make of a claim.
type claimState uint8

const (
	claimBound   claimState = iota // nothing keeps the pod from any node
	claimUnbound                   // it is to be bound, whatever the node
	claimOdd                       // anything else: only a look at all of them tells
)

// NewClaimTally looks at all claims of a pod. It returns nil for a pod whose
// volumes are not such that a tally would do.
func NewClaimTally(s Storage, pod *Pod) *ClaimTally {
	if slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Ephemeral != nil }) {
		return nil
	}
	t := &ClaimTally{index: make(map[string]int32, len(pod.claims)), states: make([]claimState, len(pod.claims))}
	for i, name := range pod.claims {
		if _, twice := t.index[name]; twice {
			return nil
		}
		t.index[name] = int32(i)
		t.states[i] = stateOf(s, pod, name)
		t.counts[t.states[i]]++
	}
	return t
}

// Update looks at one claim again.
func (t *ClaimTally) Update(s Storage, pod *Pod, name string) {
	if i, ok := t.index[name]; ok {
		t.counts[t.states[i]]--
		t.states[i] = stateOf(s, pod, name)
		t.counts[t.states[i]]++
	}
}

// Waits reports whether all that keeps the pod from being scheduled, as far as its
// claims go, is that some are not bound yet.
func (t *ClaimTally) Waits() bool {
	return t != nil && t.counts[claimOdd] == 0 && t.counts[claimUnbound] > 0
}

func stateOf(s Storage, pod *Pod, name string) claimState {
	pvc := s.Claim(pod.Namespace, name)
	switch {
	case unusable(pod.Pod, pvc, name, false) != "" || slices.Contains(pvc.Spec.AccessModes, corev1.ReadWriteOncePod):
		return claimOdd
	case IsFullyBound(pvc):
		return claimBound
	}
	if delayed, err := isDelayed(s, pvc); delayed || err != nil {
		return claimOdd
	}
	return claimUnbound
}
