package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/job"
)

// judgement is how a run has ended.
type judgement struct {
	ending  ending
	waiting []controller.Wait
}

type ending uint8

const (
	resting  ending = iota // nothing happens any more
	retrying               // the same is tried again and again
	limited                // the time was up
)

// judge adds to what the cluster waits for the Jobs that have failed, and the pods of no
// Job that have: a Job tries again.
func judge(c *sim.Cluster, rest sim.Settled, err error) judgement {
	j := judgement{resting, rest.Waiting}
	switch {
	case err != nil:
		j = judgement{limited, c.Waiting()}
	case rest.Outcome == sim.Retrying:
		j.ending = retrying
	}
	for _, pod := range list[*corev1.Pod](c) {
		if pod.Status.Phase == corev1.PodFailed && !ofJob(pod) {
			reason := strings.TrimSpace(pod.Status.Reason + " " + pod.Status.Message)
			j.waiting = append(j.waiting, controller.Wait{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod),
				Reason: cmp.Or(reason, "its containers have failed")})
		}
	}
	for _, obj := range list[*batchv1.Job](c) {
		if failed := job.Condition(obj, batchv1.JobFailed); failed != nil {
			j.waiting = append(j.waiting, controller.Wait{Kind: apiserver.Job, Key: apiserver.KeyOf(obj),
				Reason: failed.Reason + ": " + failed.Message})
		}
	}
	return j
}

func ofJob(pod *corev1.Pod) bool {
	ref := metav1.GetControllerOf(pod)
	return ref != nil && ref.Kind == "Job"
}

// list returns all objects of a type.
func list[T sim.Object](c *sim.Cluster) []T {
	objs, _ := sim.List[T](c, "", "") // no selector, no error
	return objs
}

// verdict says in one sentence how a run has ended, and reports whether it has
// settled.
func (s *screen) verdict(j judgement) bool {
	if s.output == "rows" {
		s.print("\n")
	}
	took := seconds(s.changed.Sub(s.began))
	if j.ending != limited && len(j.waiting) == 0 {
		s.print("Settled after %s of virtual time: %s.\n", took, s.achieved())
		s.unmodelled()
		return true
	}
	groups := grouped(j.waiting)
	switch {
	case j.ending == limited && len(groups) == 0:
		s.print("Not settled within %v of virtual time: it is still changing.\n", s.limit)
	case j.ending == limited:
		s.print("Not settled within %v of virtual time; still waiting:\n", s.limit)
	case j.ending == retrying:
		s.print("Not settled: nothing new happens after %s of virtual time, however often it is tried; still waiting:\n", took)
	default:
		s.print("Not settled: nothing happens any more after %s of virtual time; still waiting:\n", took)
	}
	s.list(groups)
	s.why(groups)
	if !s.provision && s.wantsVolumes(j.waiting) {
		s.print("-provision makes volumes for such claims.\n")
	}
	s.unmodelled()
	return false
}

// wantsVolumes reports whether a claim waits that a volume on demand would serve:
// one that has not asked for no class.
func (s *screen) wantsVolumes(waiting []controller.Wait) bool {
	return slices.ContainsFunc(waiting, func(w controller.Wait) bool {
		if w.Kind != apiserver.PersistentVolumeClaim {
			return false
		}
		claim, err := sim.Get[*corev1.PersistentVolumeClaim](s.cluster, w.Key.Namespace, w.Key.Name)
		return err == nil && claim.Spec.VolumeName == "" && (claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != "")
	})
}

// unmodelled says what the verdict is not about.
func (s *screen) unmodelled() {
	for _, line := range s.cluster.Unmodelled().Lines() {
		s.print("Not modelled: %s.\n", line)
	}
}

// achieved says what is ready in a cluster that has settled.
func (s *screen) achieved() string {
	var parts []string
	for _, d := range list[*appsv1.Deployment](s.cluster) {
		parts = append(parts, fmt.Sprintf("deployment %s has %d/%d replicas ready", shortKey(apiserver.KeyOf(d)), d.Status.ReadyReplicas, *d.Spec.Replicas))
	}
	for _, set := range list[*appsv1.StatefulSet](s.cluster) {
		parts = append(parts, fmt.Sprintf("statefulset %s has %d/%d replicas ready%s",
			shortKey(apiserver.KeyOf(set)), set.Status.ReadyReplicas, *set.Spec.Replicas, outdated(set)))
	}
	for _, d := range list[*appsv1.DaemonSet](s.cluster) {
		parts = append(parts, fmt.Sprintf("daemonset %s has %d/%d nodes ready", shortKey(apiserver.KeyOf(d)), d.Status.NumberReady, d.Status.DesiredNumberScheduled))
	}
	for _, j := range list[*batchv1.Job](s.cluster) {
		state := "is not complete"
		if job.Condition(j, batchv1.JobComplete) != nil {
			state = "is complete"
		} else if job.Condition(j, batchv1.JobSuspended) != nil {
			state = "is suspended"
		}
		parts = append(parts, fmt.Sprintf("job %s %s (%d succeeded)", shortKey(apiserver.KeyOf(j)), state, j.Status.Succeeded))
	}
	for _, cj := range list[*batchv1.CronJob](s.cluster) {
		parts = append(parts, fmt.Sprintf("cronjob %s waits for its times, %s", shortKey(apiserver.KeyOf(cj)), cj.Spec.Schedule))
	}
	if claims := len(list[*corev1.PersistentVolumeClaim](s.cluster)); claims == 1 {
		parts = append(parts, "1 claim is bound")
	} else if claims > 0 {
		parts = append(parts, fmt.Sprintf("%d claims are bound", claims))
	}
	if len(parts) == 0 {
		return "nothing waits"
	}
	return strings.Join(parts, ", ")
}

// outdated says why a set at rest still has pods of an old revision, or "".
func outdated(set *appsv1.StatefulSet) string {
	old := set.Status.Replicas - set.Status.UpdatedReplicas
	if old <= 0 || set.Status.UpdateRevision == set.Status.CurrentRevision {
		return ""
	}
	why := string(set.Spec.UpdateStrategy.Type)
	if r := set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		why = fmt.Sprintf("partition %d", *r.Partition)
	}
	return fmt.Sprintf(" (%d of the old revision: %s)", old, why)
}

// group is several objects that wait for the same reason.
type group struct {
	kind   apiserver.Kind
	reason string
	first  apiserver.Key
	names  []string
}

// maxGroups and maxNames bound what is listed.
const (
	maxGroups = 10
	maxNames  = 3
)

// grouped puts what waits for one reason together: claims and pods first, for a
// set only waits for those.
func grouped(waiting []controller.Wait) []group {
	waits := slices.Clone(waiting)
	slices.SortStableFunc(waits, func(a, b controller.Wait) int {
		return cmp.Or(cmp.Compare(depth(a.Kind), depth(b.Kind)), byOrdinal(a.Key, b.Key))
	})
	var groups []group
	for _, w := range waits {
		name := shortKey(w.Key)
		i := slices.IndexFunc(groups, func(g group) bool { return g.kind == w.Kind && g.reason == w.Reason })
		switch {
		case i < 0:
			groups = append(groups, group{w.Kind, w.Reason, w.Key, []string{name}})
		case !slices.Contains(groups[i].names, name):
			groups[i].names = append(groups[i].names, name)
		}
	}
	return groups
}

// byOrdinal orders the pods and claims of a set by their number.
func byOrdinal(a, b apiserver.Key) int {
	stem := func(name string) string { return strings.TrimRight(name, "0123456789") }
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(stem(a.Name), stem(b.Name)),
		cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
}

// depth orders kinds from causes to consequences.
func depth(k apiserver.Kind) int {
	switch k {
	case apiserver.PersistentVolume:
		return 0
	case apiserver.PersistentVolumeClaim:
		return 1
	case apiserver.Pod:
		return 2
	case apiserver.StatefulSet:
		return 4
	}
	return 3
}

func (s *screen) list(groups []group) {
	for i, g := range groups {
		if i == maxGroups {
			s.print("  and %d more\n", len(groups)-i)
			return
		}
		s.print("  %s: %s\n", g.title(), g.reason)
	}
}

// maxWhy bounds the lines that say why something waits.
const maxWhy = 12

// why follows what waits to its root, consequences first, and then says what would
// end it. What was said is not said again.
func (s *screen) why(groups []group) {
	var chain, ends []string
	for _, g := range slices.Backward(groups[:min(maxGroups, len(groups))]) {
		for _, line := range s.cluster.Why(g.kind, g.first.Namespace, g.first.Name).Lines() {
			list, text := &chain, "Why: "+line
			if end, ok := strings.CutPrefix(line, "to end it: "); ok {
				list, text = &ends, "To end it: "+end
			}
			if !slices.Contains(*list, text) {
				*list = append(*list, text)
			}
		}
	}
	if more := len(chain) - maxWhy; more > 0 {
		chain = append(chain[:maxWhy], fmt.Sprintf("Why: and %d more", more))
	}
	for _, line := range append(chain, ends[:min(maxWhy, len(ends))]...) {
		s.print("%s.\n", line)
	}
}

// title names the objects of a group, "pods web-0, web-1, web-2 and 97 more".
func (g group) title() string {
	kind := strings.ToLower(g.kind.String())
	if len(g.names) == 1 {
		return kind + " " + g.names[0]
	}
	names := strings.Join(g.names[:min(maxNames, len(g.names))], ", ")
	if more := len(g.names) - maxNames; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return kind + "s " + names
}

// shortKey leaves the default namespace away.
func shortKey(key apiserver.Key) string {
	if key.Namespace == sim.DefaultNamespace {
		return key.Name
	}
	return key.String()
}
