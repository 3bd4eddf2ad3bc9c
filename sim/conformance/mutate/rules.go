package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
)

// ruleMutant breaks one rule: in a file of the module, old becomes new, and a
// test of the package that names the rule has to notice. The package is the
// file's own if none is given. What names an issue or a pull request was a bug
// of Kubernetes once, and is none in v1.37.2.
type ruleMutant struct{ rule, file, old, new, what, pkg string }

func (m *ruleMutant) dir() string {
	if m.pkg != "" {
		return m.pkg
	}
	return filepath.Dir(m.file)
}

var ruleMutants = []ruleMutant{
	{rule: "Q1", file: "sim/apiserver/quota/resource.go", old: "if alias, ok := aliases[gr]; ok {", new: "if alias, ok := aliases[gr]; false && ok {", what: "ConfigMaps have no shorter name"},
	{rule: "Q2", file: "sim/apiserver/quota/pod.go", old: "return !ok || !now.After(due)", new: "return !ok || due.IsZero()", what: "a pod that is deleted takes nothing at once"},
	{rule: "Q2", file: "sim/apiserver/quota/pod.go", old: "for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {", new: "for _, list := range [][]corev1.Container{pod.Spec.Containers} {", what: "init containers need not state anything"},
	{rule: "Q3", file: "sim/apiserver/quota/claim.go", old: "ok && got.Cmp(size) > 0 {", new: "ok && false {", what: "what is allocated to a claim does not count"},
	{rule: "Q4", file: "sim/apiserver/admission_quota.go", old: "had = before", new: "had, _ = nil, before", what: "an update pays for everything again", pkg: "sim/shell"},
	{rule: "Q5", file: "sim/resourcequota/roster.go", old: "	delete(t.took, what)\n	if len(takes)", new: "	if len(takes)", what: "what is gone is taken back twice"},
	{rule: "Q6", file: "sim/resourcequota/resync.go", old: "return false\n		}\n	}\n	return true", new: "return true\n		}\n	}\n	return true", what: "nothing is ever counted again"},
	{rule: "W1", file: "sim/podcontrol/claim.go", old: "	for _, obj := range misfits {", new: "	for _, obj := range misfits[:0] {", what: "what does not match is not released", pkg: "sim/replicaset"},
	{rule: "W2", file: "sim/podcontrol/create.go", old: "size = min(2*size, count)", new: "size = min(3*size, count)", what: "batches grow by three"},
	{rule: "W3", file: "sim/podcontrol/rank.go", old: "cmp.Compare(r.Doubled[b.Spec.NodeName], r.Doubled[a.Spec.NodeName])", new: "cmp.Compare(r.Doubled[a.Spec.NodeName], r.Doubled[b.Spec.NodeName])", what: "pods that are alone on their node go first"},
	{rule: "W4", file: "sim/replicaset/sync.go", old: "	r.Once(func(engine.Time) { c.expectations.Created(key, count-created) })\n", new: "	_ = created\n", what: "what failed is waited for"},
	{rule: "W5", file: "sim/replicaset/roster.go", old: "		delete(r.ripening, name)\n		r.available++\n", new: "		delete(r.ripening, name)\n", what: "pods never become available"},
	{rule: "W6", file: "sim/deployment/revise.go", old: "d.Status.CollisionCount = &count", new: "_ = count", what: "a collision is not counted"},
	{rule: "W7", file: "sim/deployment/scale.go", old: "least := *s.d.Spec.Replicas - MaxUnavailable(s.d)", new: "least := *s.d.Spec.Replicas - MaxUnavailable(s.d) - 1", what: "one more may be unavailable"},
	{rule: "W8", file: "sim/deployment/sync.go", old: "if scaled || s.oldPodsRun(fresh, old) {", new: "if scaled {", what: "Recreate does not wait for old pods"},
	{rule: "W9", file: "sim/deployment/scale.go", old: "return s.shareOut(active(all(old, fresh)))", new: "return nil", what: "nothing is shared out in proportion"},
	{rule: "W10", file: "sim/deployment/status.go", old: "	case d.Spec.Paused && !noted:", new: "	case false:", what: "a pause is not noted"},
	{rule: "W11", file: "sim/deployment/scale.go", old: "for _, rs := range old[:more] {", new: "for _, rs := range old[more:] {", what: "the latest of the history go"},
	{rule: "W12", file: "sim/deployment/rollback.go", old: "	delete(s.d.Annotations, appsv1.DeprecatedRollbackTo)\n", new: "", what: "the annotation stays"},
	{rule: "S1", file: "statefulset/observe.go", old: "	c.Add(env, key)\n	return set", new: "	return set", what: "an owned pod asks for no sync"},
	{rule: "S2", file: "statefulset/writes.go", old: "k.wrote > read {", new: "false && k.wrote > read {", what: "a sync does not wait for its own writes"},
	{rule: "S3", file: "statefulset/adoption.go", old: "return selector.Matches(labels.Set(pod.Labels)) && isMember(set, pod)", new: "return isMember(set, pod)", what: "the selector does not matter"},
	{rule: "S4", file: "statefulset/task.go", old: "apierrors.IsAlreadyExists(t.failure): // S4", new: "false: // S4", what: "an Event for a name that is taken"},
	{rule: "S5", file: "statefulset/index.go", old: "		return b, nil\n	}\n	data, err := podcontrol.RevisionData(&set.Spec.Template)\n", new: "	}\n	data, err := podcontrol.RevisionData(&set.Spec.Template)\n	data = append(append(data[:len(data)-2], `,\"replicas\":`...), byte('0'+*set.Spec.Replicas), '}', '}')\n", what: "replicas are part of a revision"},
	{rule: "S6", file: "statefulset/revision.go", old: "fnv.New32()", new: "fnv.New32a()", what: "the other FNV"},
	{rule: "S7", file: "statefulset/history.go", old: "raised.Revision = number", new: "raised.Revision = equal.Revision", what: "going back raises no number"},
	{rule: "S8", file: "statefulset/history.go", old: "if r.Name == p.set.Status.CurrentRevision {", new: "if false {", what: "the current revision is the newest"},
	{rule: "S9", file: "statefulset/history.go", old: "if limit < 0 || len(dead) <= limit {", new: "if true || len(dead) <= limit {", what: "the history grows for ever"},
	{rule: "S10", file: "statefulset/identity.go", old: "return int(set.Spec.Ordinals.Start)", new: "return 0", what: "ordinals begin at 0"},
	{rule: "S11", file: "statefulset/agenda.go", old: "return startOf(d.set) + partitionOf(d.set)", new: "return partitionOf(d.set)", what: "a missing pod's revision ignores ordinals.start"},
	{rule: "S11", file: "statefulset/agenda.go", old: "	if o < d.currentBelow() {", new: "	if false && o < d.currentBelow() {", what: "below the partition pods come at the new revision (kubernetes#119684)"},
	{rule: "S12", file: "statefulset/identity.go", old: "pod.Spec.Hostname, pod.Spec.Subdomain = name, e.spec.ServiceName", new: `pod.Spec.Hostname, pod.Spec.Subdomain = name, ""`, what: "no subdomain"},
	{rule: "S13", file: "statefulset/predicates.go", old: "return !isAvailable(pod, minReadySeconds, now) || isTerminating(pod)", new: "return !isAvailable(pod, minReadySeconds, now)", what: "a terminating pod is available"},
	{rule: "S14", file: "statefulset/history.go", old: "// S14\n		p.writeStatus(nil)", new: "// S14\n		p.end(nil)", what: "a set that is being deleted has no new status"},
	{rule: "S15", file: "statefulset/task.go", old: "case pod != nil && isTerminal(pod):", new: "case pod != nil && pod.Status.Phase == corev1.PodFailed:", what: "a succeeded pod is kept"},
	{rule: "S16", file: "statefulset/task.go", old: "if claimsStale(p.l, p.set, t.work) {", new: "if false {", what: "stale claims do not hold a pod back"},
	{rule: "S17", file: "statefulset/task.go", old: "case isPending(pod): // S17", new: "case false: // S17", what: "claims of pending pods are not completed"},
	{rule: "S18", file: "statefulset/decide.go", old: "if pods.next(i, isBlocked) < work {", new: "if pods.next(i, isBlocked) < 0 {", what: "ordered sets go on past an unready pod"},
	{rule: "S19", file: "statefulset/identity.go", old: "&& pod.Namespace == set.Namespace &&\n		pod.Labels[appsv1.StatefulSetPodNameLabel] == pod.Name", new: "&& pod.Namespace == set.Namespace", what: "the name label is not repaired"},
	{rule: "S20", file: "statefulset/agenda.go", old: "size = min(2*size, maxBatch)", new: "size = min(3*size, maxBatch)", what: "batches grow by three"},
	{rule: "S21", file: "statefulset/decide.go", old: "a.repairs = append(a.repairs, t)\n		return true", new: "a.repairs = append(a.repairs, t)\n		return false", what: "one condemned pod's claims are repaired"},
	{rule: "S22", file: "statefulset/decide.go", old: "(pods.highest(isBlocked) != 0 || pods.lowestUnavailable() == 0)", new: "true", what: "an unready condemned pod does not wait for lower ones"},
	{rule: "S22", file: "statefulset/decide.go", old: "(pods.highest(isBlocked) != 0 || pods.lowestUnavailable() == 0)", new: "pods.highest(isBlocked) != 0", what: "an unready condemned pod is waited for, for ever (kubernetes#123918)"},
	{rule: "S23", file: "statefulset/decide.go", old: "a.excess = append(a.excess, t)\n			return true", new: "a.excess = append(a.excess, t)\n			return false", what: "parallel sets delete one condemned pod"},
	{rule: "S24", file: "statefulset/agenda.go", old: "return t != appsv1.OnDeleteStatefulSetStrategyType && t", new: "return t", what: "OnDelete rolls"},
	{rule: "S25", file: "statefulset/agenda.go", old: "return max(n, 1), err", new: "return n, err", what: "maxUnavailable may round down to 0"},
	{rule: "S25", file: "statefulset/decide.go", old: "replicasOf(d.set)-1, partitionOf(d.set)", new: "replicasOf(d.set)-1, 0", what: "the partition does not stop the rollout (kubernetes#35145)"},
	{rule: "S26", file: "statefulset/decide.go", old: "i >= low && budget > 0", new: "i >= low && budget > 1", what: "the last of maxUnavailable is not used"},
	{rule: "S27", file: "statefulset/decide.go", old: "	if !d.ordered() { // S27", new: "	if d.ordered() { // S27", what: "broken old pods of parallel sets stay (kubernetes#137409)"},
	{rule: "S28", file: "statefulset/decide.go", old: "	if isRecreate(d.set) {", new: "	if false {", what: "Recreate deletes nothing"},
	{rule: "S29", file: "statefulset/decide.go", old: "if pods.next(i, isBlocked) < work {\n", new: `if b := pods.next(i, isBlocked); b < work {
			if t := pods.replica(b); !isTerminating(t.pod) && revisionOf(t.pod) != d.update {
				a.excess, a.shrinks = append(a.excess, t), true
				return
			}
`, what: "a broken pod of an old revision is replaced"},
	{rule: "S30", file: "statefulset/sync.go", old: "p.status.CurrentReplicas-- // S30", new: "// S30", what: "currentReplicas stay during an update"},
	{rule: "S31", file: "statefulset/status.go", old: "s.CurrentReplicas, s.CurrentRevision = s.UpdatedReplicas, s.UpdateRevision", new: "s.CurrentReplicas = s.UpdatedReplicas", what: "the current revision stays"},
	{rule: "S31", file: "statefulset/status.go", old: "	if s.UpdatedReplicas != n ||", new: `	if set.Spec.UpdateStrategy.Type == "OnDelete" || s.UpdatedReplicas != n ||`, what: "OnDelete never completes (PR 136833)"},
	{rule: "S32", file: "statefulset/status.go", old: "		s.AvailableReplicas != old.AvailableReplicas ||\n", new: "", what: "availableReplicas alone are not written"},
	{rule: "S33", file: "statefulset/sync.go", old: "p.status.ReadyReplicas != p.status.AvailableReplicas { // S33", new: "false { // S33", what: "nobody looks again when a pod's time has come"},
	{rule: "S34", file: "statefulset/claims.go", old: "claim.Labels = set.Spec.Selector.MatchLabels", new: "claim.Labels = nil", what: "a new claim has no labels"},
	{rule: "S35", file: "statefulset/task.go", old: "case claim.DeletionTimestamp != nil: // S35", new: "case false: // S35", what: "a claim that is being deleted will do (kubernetes#74374)"},
	{rule: "S36", file: "statefulset/claims.go", old: "return r.onDelete && !condemned, condemned", new: "return r.onDelete, condemned", what: "set and pod own a condemned pod's claims"},
	{rule: "S37", file: "statefulset/events.go", old: `set.Name+" success")`, new: `set.Name+" successful")`, what: "a claim is created successfully"},
	{rule: "S38", file: "sim/garbagecollector/attempt.go", old: "return d.remove(item, m, metav1.DeletePropagationBackground) // S38", new: "return d.done(item, n.virtual), m // S38", what: "dependents survive"},
	{rule: "S39", file: "sim/garbagecollector/attempt.go", old: "if n.blocking == 0 {", new: "if true {", what: "the owner does not wait for its dependents"},
	{rule: "S40", file: "sim/garbagecollector/orphan.go", old: "if len(n.dependents) > 0 {", new: "if false {", what: "orphans keep their reference"},
	{rule: "V1", file: "volume/resync.go", old: "next := (env.Now()/engine.Time(resyncPeriod) + 1)", new: "next := (env.Now()/engine.Time(resyncPeriod) + 2)", what: "every other resync is left out"},
	{rule: "V2", file: "volume/match/index.go", old: "for n := w.shelf.modes.Len(); n <= Modes(allModes).Len(); n++ {", new: "for n := Modes(allModes).Len(); n >= w.shelf.modes.Len(); n-- {", what: "most modes come first"},
	{rule: "V3", file: "volume/match/index.go", old: "&& v.Status.Phase == corev1.VolumeAvailable", new: "", what: "the phase does not matter"},
	{rule: "V4", file: "volume/claimsync.go", old: `v.Choose("volume-tie", key.String(), n)`, new: "0", what: "of equal volumes always the first"},
	{rule: "V5", file: "volume/match/index.go", old: "modes.Len() != n || ", new: "modes.Len() < n || ", what: "groups of modes are one"},
	{rule: "V6", file: "volume/match/check.go", old: "return beta || claim.Spec.StorageClassName != nil", new: `return beta || deref(claim.Spec.StorageClassName) != ""`, what: "the empty class is none"},
	{rule: "V7", file: "volume/claimsync.go", old: "return *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer, nil", new: "return false, nil", what: "no class waits for a consumer"},
	{rule: "V8", file: "volume/bind.go", old: "s.Capacity, dirty = v.Spec.Capacity, true", new: "s.Capacity, dirty = claim.Spec.Resources.Requests, true", what: "a claim has the capacity that it asked for"},
	{rule: "V9", file: "volume/volumesync.go", old: "never bound again until somebody edits it\n		return rest(), m", new: "\n		return turn{start: []operation{{kind: recycling, key: apiserver.KeyOf(v), uid: v.UID}}}, m", what: "what is to be retained is recycled"},
	{rule: "V10", file: "volume/operation.go", old: "if !isRecyclable(live) {", new: "if true {", what: "nothing can be recycled"},
	{rule: "V11", file: "volume/claimsync.go", old: "if err := match.Satisfies(volume, claim); err != nil {", new: "if err := match.Satisfies(volume, claim); false {", what: "a named volume always fits"},
	{rule: "V12", file: "volume/claimsync.go", old: "case volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID == m.claim.UID:", new: "case true:", what: "a claim takes its volume from another one"},
	{rule: "V13", file: "volume/claimsync.go", old: "noting(claim, normal, failedBinding, noVolumes)", new: "noting(claim, warning, failedBinding, noVolumes)", what: "it is a warning that nothing fits"},
	{rule: "V14", file: "volume/claimsync.go", old: "case delayed && !isAnnotated(claim, SelectedNode):", new: "case false && !isAnnotated(claim, SelectedNode):", what: "volumes are made before a node is chosen"},
	{rule: "V15", file: "volume/protectvolume.go", old: "&& volume.Status.Phase != corev1.VolumeBound:", new: "&& (true || volume.Status.Phase != corev1.VolumeBound):", what: "a bound volume goes"},
	{rule: "V16", file: "sim/apiserver/admission.go", old: "class == nil || class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion {", new: "false && class == nil {", what: "any class allows expansion", pkg: "volume"},
	{rule: "V17", file: "volume/protectclaim.go", old: "if have != nil && (have.Status == corev1.ConditionTrue) != used {", new: "if have != nil {", what: "the condition never changes"},
}

// judgeRule compiles one mutant and runs the tests of its package that name its
// rule.
func judgeRule(dir string, i int) string {
	m := &ruleMutants[i]
	line := func(verdict, detail string) string {
		return fmt.Sprintf("%-8s  %-4s  %-30s  %-60s  %s", verdict, m.rule, m.file, m.what, detail)
	}
	tests, err := testsOf(filepath.Join(root, m.dir()), m.rule)
	check(err)
	if len(tests) == 0 {
		return line("SURVIVED", "no test of "+m.dir()+" names the rule")
	}
	r := build(dir, fmt.Sprintf("rule%d", i), m.file, m.old, m.new, m.dir())
	if r.verdict != "" {
		return line(r.verdict, r.detail)
	}
	out, took, err := r.run("-test.run", "^("+strings.Join(tests, "|")+")$", "-test.failfast", "-test.timeout", "2m")
	if err == nil {
		return line("SURVIVED", fmt.Sprint(took, " of ", tests))
	}
	by := "crash"
	if n := regexp.MustCompile(`--- FAIL: (\S+)`).FindSubmatch(out); n != nil {
		by = string(n[1])
	}
	return line("caught", fmt.Sprintf("%s, %v", by, took))
}

// testsOf returns the tests in a directory that name a rule, in their names or
// in their doc comments.
func testsOf(dir, rule string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	inName := regexp.MustCompile(`^Test([A-Z]\d+)*` + rule + `([^\d]|$)`)
	inText := regexp.MustCompile(`(^|[^\pL\d_.-])` + rule + `($|[^\pL\d_])`)
	var tests []string
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") &&
				(inName.MatchString(f.Name.Name) || inText.MatchString(f.Doc.Text())) {
				tests = append(tests, f.Name.Name)
			}
		}
	}
	return tests, nil
}
