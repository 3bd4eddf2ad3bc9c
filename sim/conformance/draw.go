package conformance

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

// The generators. Every list has the harmless first, to which rapid shrinks.

var (
	drawBool     = rapid.Bool()
	drawReplicas = rapid.SampledFrom([]int32{2, 0, 1, 3, 4, 5, 7})
	drawStart    = rapid.SampledFrom([]int32{0, 1, 2, 5})
	drawStrategy = rapid.SampledFrom([]appsv1.StatefulSetUpdateStrategyType{
		appsv1.RollingUpdateStatefulSetStrategyType, appsv1.RollingUpdateStatefulSetStrategyType, appsv1.RollingUpdateStatefulSetStrategyType,
		appsv1.OnDeleteStatefulSetStrategyType, appsv1.RecreateStatefulSetStrategyType, appsv1.RecreateStatefulSetStrategyType})
	drawPartition = rapid.SampledFrom([]int32{0, 0, 1, 2, 3, 9})
	drawMax       = rapid.SampledFrom([]intstr.IntOrString{intstr.FromInt32(1), intstr.FromInt32(2), intstr.FromInt32(3), intstr.FromInt32(100),
		intstr.FromString("1%"), intstr.FromString("34%"), intstr.FromString("50%"), intstr.FromString("100%")})
	drawMinReady  = rapid.SampledFrom([]int32{0, 0, 5, 30})
	drawRetention = rapid.SampledFrom([]appsv1.PersistentVolumeClaimRetentionPolicyType{"Retain", "Delete"})
	drawLimit     = rapid.SampledFrom([]int32{10, 0, 1, 2})
	drawClaims    = rapid.SampledFrom([][]string{nil, {"data"}, {"data", "logs"}, {"data", "logs", "tmp"}})
	drawImage     = rapid.IntRange(0, 2)
	drawPhase     = rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodRunning,
		corev1.PodPending, corev1.PodPending, corev1.PodFailed, corev1.PodSucceeded, corev1.PodUnknown})
	drawReady      = rapid.SampledFrom([]corev1.ConditionStatus{"True", "True", "True", "True", "True", "True", "True", "False", "", "Unknown"})
	drawAgo        = rapid.SampledFrom([]int32{3000, 3000, 3000, 0, 1, 4, 5, 6, 29, 30, 31, -10})
	drawOwner      = rapid.SampledFrom([]OwnerState{OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerNone, OwnerForeign, OwnerPast, OwnerPlain, OwnerOther, OwnerOtherVersion})
	drawLabel      = rapid.SampledFrom([]LabelState{LabelRight, LabelRight, LabelRight, LabelRight, LabelRight, LabelMissing, LabelWrong})
	drawVols       = rapid.SampledFrom([]VolumesState{VolumesRight, VolumesRight, VolumesRight, VolumesRight, VolumesRight, VolumesMissing, VolumesOther, VolumesEmpty})
	drawClaimOwner = rapid.SampledFrom([]OwnerState{OwnerNone, OwnerSet, OwnerSet, OwnerPod, OwnerPod, OwnerForeign, OwnerPast, OwnerPlain, OwnerPastPod,
		OwnerPlainPod, OwnerPastPlain, OwnerOther, OwnerOtherVersion, OwnerOtherPlain})
	drawOddName   = rapid.SampledFrom([]string{"web-007", "web-01", "web-1", "web-9", "web-99999999999", "x-1", "web", "web-", "other-web-0", "web-2147483647"})
	drawRevOwner  = rapid.SampledFrom([]OwnerState{OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerSet, OwnerNone, OwnerForeign, OwnerPast, OwnerPlain, OwnerOtherVersion})
	drawRevName   = rapid.SampledFrom([]RevisionName{RevisionRegular, RevisionRegular, RevisionRegular, RevisionOwn, RevisionTaken})
	drawContent   = rapid.SampledFrom([]RevisionContent{ContentWhole, ContentWhole, ContentWhole, ContentWhole, ContentWhole, ContentWhole, ContentWhole, ContentSparse, ContentSparse, ContentBroken, ContentNoPatch})
	drawVerb      = rapid.SampledFrom([]string{"", "create", "update", "delete", "get", "patch"})
	drawWhat      = rapid.SampledFrom([]string{"", "Pod", "Pod", "Pod", "PersistentVolumeClaim", "PersistentVolumeClaim", "StatefulSet", "ControllerRevision"})
	drawCount     = rapid.IntRange(0, 7)
	drawSmall     = rapid.Int32Range(0, 4)
	drawCollision = rapid.Int32Range(0, 2)
)

// oneIn is true once in n draws.
func oneIn(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n-1
}

func drawState(t *rapid.T) *State {
	s := &State{Seed: rapid.Uint64Range(0, 1<<16).Draw(t, "seed"), Millis: rapid.IntRange(0, 999).Draw(t, "millis")}
	drawSet(t, &s.Set)
	drawRevisions(t, s)
	drawPods(t, s)
	drawClaimStates(t, s)
	drawStatus(t, s)
	drawTrouble(t, s)
	return s
}

func drawSet(t *rapid.T, s *SetState) {
	s.Replicas = drawReplicas.Draw(t, "replicas")
	if oneIn(t, 4, "ordinals") {
		n := drawStart.Draw(t, "start")
		s.Start = &n
	}
	s.Parallel = drawBool.Draw(t, "parallel")
	s.Strategy = drawStrategy.Draw(t, "strategy")
	if s.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && !oneIn(t, 5, "bare") {
		s.Rolling = &RollingState{Partition: drawPartition.Draw(t, "partition")}
		if !oneIn(t, 4, "no maxUnavailable") {
			m := drawMax.Draw(t, "maxUnavailable")
			s.Rolling.MaxUnavailable = &m
		}
	}
	s.MinReady = drawMinReady.Draw(t, "minReady")
	if drawBool.Draw(t, "retention") {
		s.WhenDeleted, s.WhenScaled = drawRetention.Draw(t, "whenDeleted"), drawRetention.Draw(t, "whenScaled")
	}
	if drawBool.Draw(t, "limit") {
		n := drawLimit.Draw(t, "historyLimit")
		s.HistoryLimit = &n
	}
	s.Image = drawImage.Draw(t, "image")
	s.Claims = drawClaims.Draw(t, "claims")
	s.ClaimLabels = oneIn(t, 4, "claimLabels")
	if oneIn(t, 4, "templateVolume") {
		s.TemplateVolume = rapid.SampledFrom([]string{"own", "data"}).Draw(t, "volume")
	}
	s.Finalizers = oneIn(t, 10, "finalizers")
	s.Annotated = oneIn(t, 6, "annotated")
	s.Edited = oneIn(t, 6, "edited")
	s.Deleting = oneIn(t, 15, "deleting")
}

func drawRevisions(t *rapid.T, s *State) {
	n := rapid.IntRange(0, 4).Draw(t, "revisions")
	for i := range n {
		r := RevisionState{Image: drawImage.Draw(t, "image"), Number: int64(i + 1), Owner: drawRevOwner.Draw(t, "owner"),
			Name: drawRevName.Draw(t, "name"), Content: drawContent.Draw(t, "content")}
		if oneIn(t, 5, "number") {
			r.Number = rapid.Int64Range(0, 4).Draw(t, "number")
		}
		if r.Name != RevisionOwn {
			r.Probe = max(drawCollision.Draw(t, "probe")-1, 0)
		}
		r.Unselected = oneIn(t, 12, "unselected")
		r.Earlier = oneIn(t, 4, "earlier")
		s.Revisions = append(s.Revisions, r)
	}
}

// drawRevision draws which revision something names: mostly one that exists.
func drawRevision(t *rapid.T, s *State, label string) int {
	return rapid.IntRange(-1, len(s.Revisions)).Draw(t, label)
}

func drawPods(t *rapid.T, s *State) {
	start := 0
	if s.Set.Start != nil {
		start = int(*s.Set.Start)
	}
	calm := drawBool.Draw(t, "calm") // most pods are as they should be
	neat := oneIn(t, 3, "neat")      // all are, and none is missing or too many
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		s.Pods = append(s.Pods, drawPod(t, s, name, calm, neat))
	}
	for o := max(0, start-2); o < start+int(s.Set.Replicas)+3; o++ {
		in := o >= start && o < start+int(s.Set.Replicas)
		if neat && !in || !neat && (in && oneIn(t, 5, "missing") || !in && !oneIn(t, 3, "extra")) {
			continue
		}
		add(fmt.Sprintf("%s-%d", setName, o))
	}
	if oneIn(t, 6, "odd") && (!s.Set.Parallel && s.Set.Strategy != appsv1.RecreateStatefulSetStrategyType || len(s.Set.Claims) == 0) {
		for range rapid.IntRange(1, 2).Draw(t, "odd pods") {
			if name := drawOddName.Draw(t, "name"); name != "web-" {
				add(name)
			}
		}
	}
}

func drawPod(t *rapid.T, s *State, name string, calm, neat bool) PodState {
	p := PodState{Name: name, Revision: drawRevision(t, s, "revision"), Phase: corev1.PodRunning, Ready: "True"}
	ago := int32(3000)
	p.ReadyAgo = &ago
	if neat && !oneIn(t, 12, "not neat") || calm && !oneIn(t, 4, "not calm") {
		return p
	}
	if oneIn(t, 3, "owner") {
		p.Owner = drawOwner.Draw(t, "owner")
	}
	p.Phase, p.Ready = drawPhase.Draw(t, "phase"), drawReady.Draw(t, "ready")
	*p.ReadyAgo = drawAgo.Draw(t, "readyAgo")
	if oneIn(t, 10, "timeless") {
		p.ReadyAgo = nil
	}
	p.Terminating = oneIn(t, 5, "terminating")
	p.Unselected = oneIn(t, 15, "unselected")
	p.NoLabels = oneIn(t, 40, "no labels")
	p.NameLabel = drawLabel.Draw(t, "name label")
	p.Volumes = drawVols.Draw(t, "volumes")
	return p
}

func drawClaimStates(t *rapid.T, s *State) {
	if len(s.Set.Claims) == 0 {
		return
	}
	start := 0
	if s.Set.Start != nil {
		start = int(*s.Set.Start)
	}
	whole := drawBool.Draw(t, "whole") // most claims are there and as they should be
	for o := max(0, start-2); o < start+int(s.Set.Replicas)+3; o++ {
		in := o >= start && o < start+int(s.Set.Replicas)
		for _, name := range s.Set.Claims {
			c := ClaimState{Template: name, Ordinal: o}
			if whole && !oneIn(t, 6, "not whole") {
				if owner := s.Set.wanted(in); owner != OwnerNone {
					c.Owners = []OwnerState{owner}
				}
				s.Claims = append(s.Claims, c)
				continue
			}
			if oneIn(t, 3, "missing") {
				continue
			}
			for range rapid.SampledFrom([]int{1, 0, 1, 2}).Draw(t, "owners") {
				c.Owners = append(c.Owners, drawClaimOwner.Draw(t, "owner"))
			}
			c.Deleting = oneIn(t, 8, "deleting")
			s.Claims = append(s.Claims, c)
		}
	}
}

// wanted is who should own the claims of a pod.
func (s *SetState) wanted(in bool) OwnerState {
	switch {
	case s.WhenScaled == "Delete" && !in:
		return OwnerPod
	case s.WhenDeleted == "Delete":
		return OwnerSet
	}
	return OwnerNone
}

func drawStatus(t *rapid.T, s *State) {
	st := &s.Set.Status
	st.Observed = int64(rapid.IntRange(0, 1).Draw(t, "observed"))
	st.Replicas, st.Ready, st.Available = drawSmall.Draw(t, "replicas"), drawSmall.Draw(t, "ready"), drawSmall.Draw(t, "available")
	st.CurrentN, st.UpdatedN = drawSmall.Draw(t, "current"), drawSmall.Draw(t, "updated")
	st.Ready = min(st.Ready, st.Replicas)
	st.Available = min(st.Available, st.Ready)
	st.CurrentN, st.UpdatedN = min(st.CurrentN, st.Replicas), min(st.UpdatedN, st.Replicas)
	st.Current, st.Update = drawRevision(t, s, "currentRevision"), drawRevision(t, s, "updateRevision")
	if drawBool.Draw(t, "collisions") {
		n := drawCollision.Draw(t, "collisionCount")
		st.Collisions = &n
	}
	if oneIn(t, 3, "progressing") {
		st.Progressing = rapid.SampledFrom([]corev1.ConditionStatus{"True", "False"}).Draw(t, "status")
		st.ProgressingReason = rapid.SampledFrom([]string{"RecreateInProgress", "RecreateCompleted"}).Draw(t, "reason")
	}
	st.OtherCondition = oneIn(t, 10, "other condition")
}

// drawTrouble draws what others do behind the controllers' backs, and what fails.
func drawTrouble(t *rapid.T, s *State) {
	s.Gone = oneIn(t, 60, "gone")
	if oneIn(t, 3, "stale") {
		for range rapid.IntRange(1, 3).Draw(t, "writes") {
			s.Unseen = append(s.Unseen, Write{WriteKind(rapid.IntRange(0, int(writeKinds)-1).Draw(t, "write")), drawCount.Draw(t, "index"), drawBool.Draw(t, "same")})
		}
	}
	if oneIn(t, 3, "trouble") {
		for range rapid.IntRange(1, 2).Draw(t, "faults") {
			f := Fault{Kind: FaultKind(rapid.IntRange(0, int(faultKinds)-1).Draw(t, "fault")), Verb: drawVerb.Draw(t, "verb"),
				What: drawWhat.Draw(t, "what"), Only: -1, Skip: rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "skip"), Count: rapid.SampledFrom([]int{1, 1, 2, 5, 1000}).Draw(t, "count")}
			if drawBool.Draw(t, "one") {
				f.Only = drawCount.Draw(t, "only")
			}
			s.Faults = append(s.Faults, f)
		}
	}
}
