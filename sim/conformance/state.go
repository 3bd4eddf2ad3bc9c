package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// namespace and setName name the one set that is synced.
const (
	namespace = "default"
	setName   = "web"
)

// State is a state of a cluster in which one sync is compared, and all that
// goes wrong during the sync: plain data that prints.
type State struct {
	Seed uint64 // of our engine: it decides what upstream leaves to Go's maps
	// Millis is the part of the current second that is over.
	Millis    int
	Set       SetState
	Revisions []RevisionState
	Pods      []PodState
	Claims    []ClaimState
	Unseen    []Write // done after the controllers' views were taken
	Faults    []Fault
	Gone      bool // the views have no such set
}

// SetState is the set and its status.
type SetState struct {
	Replicas       int32
	Start          *int32
	Parallel       bool
	Strategy       appsv1.StatefulSetUpdateStrategyType
	Rolling        *RollingState
	MinReady       int32
	WhenDeleted    appsv1.PersistentVolumeClaimRetentionPolicyType // empty: no policy given
	WhenScaled     appsv1.PersistentVolumeClaimRetentionPolicyType
	HistoryLimit   *int32
	Image          int // of the template: see imageOf
	Claims         []string
	ClaimLabels    bool
	TemplateVolume string // a volume of the template: its name
	Finalizers     bool   // the template has one
	Annotated      bool
	Edited         bool // the spec was changed once
	Deleting       bool
	Status         StatusState
}

// RollingState is spec.updateStrategy.rollingUpdate.
type RollingState struct {
	Partition      int32
	MaxUnavailable *intstr.IntOrString
}

// StatusState is the status that the set has. Revisions are indices into
// State.Revisions; -1 is none, and one beyond the list a name that nothing has.
type StatusState struct {
	Observed                                       int64 // how far behind the generation
	Replicas, Ready, Available, CurrentN, UpdatedN int32
	Current, Update                                int
	Collisions                                     *int32
	Progressing                                    corev1.ConditionStatus // empty: no such condition
	ProgressingReason                              string
	OtherCondition                                 bool
}

// RevisionState is a ControllerRevision.
type RevisionState struct {
	Image      int // whose template it holds
	Number     int64
	Owner      OwnerState
	Name       RevisionName
	Probe      int32 // the collision count in a RevisionRegular name
	Content    RevisionContent
	Unselected bool // the set's selector does not match it
	Earlier    bool // created a second before the others
}

// RevisionName is how a revision is called.
type RevisionName int

const (
	RevisionRegular RevisionName = iota // as the controller calls it
	RevisionOwn                         // by its place in the list
	RevisionTaken                       // as the revision of the set's own template would be
)

// RevisionContent is what a revision's data is.
type RevisionContent int

const (
	ContentWhole   RevisionContent = iota
	ContentSparse                  // the same, without a field that defaulting fills in
	ContentBroken                  // not a patch of a set
	ContentNoPatch                 // nothing that could be merged
)

// PodState is a pod.
type PodState struct {
	Name        string
	Owner       OwnerState
	Revision    int // as in StatusState
	Phase       corev1.PodPhase
	Ready       corev1.ConditionStatus // empty: no condition
	ReadyAgo    *int32                 // seconds; nil: the condition has no time
	Terminating bool
	Unselected  bool
	NameLabel   LabelState
	Volumes     VolumesState
	NoLabels    bool
}

// LabelState is the state of a label that is to have one value.
type LabelState int

const (
	LabelRight LabelState = iota
	LabelMissing
	LabelWrong
)

// VolumesState says how a pod's volumes fit the set's claim templates.
type VolumesState int

const (
	VolumesRight VolumesState = iota
	VolumesMissing
	VolumesOther // another claim under the name
	VolumesEmpty // an emptyDir under the name
)

// OwnerState is who an object belongs to.
type OwnerState int

const (
	OwnerSet     OwnerState = iota // controlled by the set
	OwnerNone                      // nobody
	OwnerForeign                   // controlled by something else
	OwnerPast                      // controlled by an earlier set of that name
	OwnerPlain                     // the set owns it without controlling it
	OwnerPod                       // controlled by the pod of the claim's ordinal
	OwnerPastPod                   // by an earlier one of that name
	OwnerPlainPod
	OwnerPastPlain    // an earlier set, without controlling it
	OwnerOther        // owned by something else that does not control it
	OwnerOtherVersion // controlled by something with the set's UID, under another name
	OwnerOtherPlain   // the same, without controlling it
)

// ClaimState is a claim.
type ClaimState struct {
	Template string
	Ordinal  int
	Owners   []OwnerState
	Deleting bool
}

// WriteKind is what somebody else does.
type WriteKind int

const (
	WriteDeletePod WriteKind = iota
	WriteReplacePod
	WriteTouchPod // a new version
	WriteOwnPod   // somebody else takes it
	WriteCreatePod
	WriteDeleteClaim
	WriteCreateClaim
	WriteTouchClaim
	WriteDeleteSet
	WriteReplaceSet
	WriteTouchSet
	WriteDeleteRevision
	WriteTouchRevision
	WriteCreateRevision // with the name that the set's template asks for
	writeKinds
)

// Write is a write by somebody else. Index picks its object.
type Write struct {
	Kind  WriteKind
	Index int
	Same  bool // of a created revision: with the right data
}

// FaultKind is what a request is answered with.
type FaultKind int

const (
	FaultInternal FaultKind = iota
	FaultQuota
	FaultConflict
	FaultNotFound
	FaultExists
	FaultInvalid
	FaultTimeout
	FaultPlain
	FaultLost // carried out, but the answer is lost
	faultKinds
)

// Fault makes requests fail: of those that match, Skip are let through and then
// Count fail. For each object they are counted apart, so that the order of
// parallel requests does not matter.
type Fault struct {
	Kind  FaultKind
	Verb  string // create, update, delete, get, patch; empty: all
	What  string // Pod, …; empty: all
	Only  int    // ≥ 0: only objects whose names end in this ordinal
	Skip  int
	Count int
}

// now is the virtual time of every sync: state times lie around it.
const now = 100_000 * time.Second

// String shows a state: one line for each thing, without what is zero.
func (s *State) String() string {
	var b strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&b, "  %s %s\n", name, brief(v)) }
	fmt.Fprintf(&b, "  seed %d, %d ms, gone %v\n", s.Seed, s.Millis, s.Gone)
	line("set", s.Set)
	for i, v := range s.Revisions {
		line(fmt.Sprintf("revision %d", i), v)
	}
	for _, v := range s.Pods {
		line("pod", v)
	}
	for _, v := range s.Claims {
		line("claim", v)
	}
	for _, v := range s.Unseen {
		line("unseen", v)
	}
	for _, v := range s.Faults {
		line("fault", v)
	}
	return b.String()
}

// brief is the JSON of a value without its zero fields.
func brief(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var m any
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(err)
	}
	if raw, err = json.Marshal(withoutZero(m)); err != nil {
		panic(err)
	}
	return strings.ReplaceAll(string(raw), `"`, "")
}

func withoutZero(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for k, x := range m { // each entry on its own
		if x == nil || x == "" || x == false || x == 0.0 {
			delete(m, k)
		} else {
			m[k] = withoutZero(x)
		}
	}
	return m
}
