package why

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// workload explains what owns pods, and the kinds that nothing acts on.
func (x *explainer) workload(kind apiserver.Kind, obj apiserver.Object) Reason {
	switch obj := obj.(type) {
	case *appsv1.StatefulSet:
		return x.set(obj)
	case *policyv1.PodDisruptionBudget:
		return x.budget(obj)
	}
	return Reason{}
}

// members are the pods of a set by their ordinals.
type members struct {
	set        *appsv1.StatefulSet
	start, end int // ordinals of the replicas; end is before start if there are none
	pods       map[int]*corev1.Pod
	condemned  []*corev1.Pod // in the order of their names
}

func (x *explainer) members(set *appsv1.StatefulSet) members {
	m := members{set: set, pods: map[int]*corev1.Pod{}}
	if o := set.Spec.Ordinals; o != nil {
		m.start = int(o.Start)
	}
	m.end = m.start
	if set.Spec.Replicas != nil {
		m.end += int(*set.Spec.Replicas) - 1
	}
	for _, obj := range x.c.List(apiserver.Pod, set.Namespace) {
		if !ownedBy(obj, set.UID) {
			continue
		}
		pod := obj.(*corev1.Pod)
		if o, ok := ordinal(set.Name, pod.Name); ok && o >= m.start && o <= m.end {
			m.pods[o] = pod
		} else {
			m.condemned = append(m.condemned, pod)
		}
	}
	return m
}

// ordinal returns the number of a pod of a set, from its name.
func ordinal(set, pod string) (int, bool) {
	rest, ok := strings.CutPrefix(pod, set+"-")
	if !ok {
		return 0, false
	}
	o, err := strconv.Atoi(rest)
	return o, err == nil && o >= 0 && strconv.Itoa(o) == rest
}

func (m *members) name(o int) string { return m.set.Name + "-" + strconv.Itoa(o) }
func (m *members) key(o int) apiserver.Key {
	return apiserver.Key{Namespace: m.set.Namespace, Name: m.name(o)}
}

// isGood reports whether a set may go on past a pod (S18).
func (m *members) isGood(pod *corev1.Pod, now time.Time) bool {
	return pod != nil && pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning && isReady(pod) && !availableAt(m.set, pod).After(now)
}

// availableAt returns when a ready pod counts as available (S33).
func availableAt(set *appsv1.StatefulSet, pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && set.Spec.MinReadySeconds > 0 {
			return c.LastTransitionTime.Add(time.Duration(set.Spec.MinReadySeconds) * time.Second)
		}
	}
	return time.Time{}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// set explains a StatefulSet: what keeps it from having all its replicas, or
// from having them at its template's revision.
func (x *explainer) set(set *appsv1.StatefulSet) Reason {
	if set.DeletionTimestamp != nil {
		return x.finalized(set)
	}
	m := x.members(set)
	n, ready := m.end-m.start+1, 0
	for _, pod := range m.pods { // a count
		if m.isGood(pod, x.now) {
			ready++
		}
	}
	switch {
	case ready < n:
		r := Reason{Text: fmt.Sprintf("%s has %d of %d pods ready", x.nameOf(set), ready, n)}
		r.Because = x.shortfall(&m)
		return r
	case len(m.condemned) > 0:
		return Reason{Text: fmt.Sprintf("%s has %d more %s than it asks for", x.nameOf(set), len(m.condemned), plural(len(m.condemned), "pod")),
			Rules: []string{"S22"}, Because: x.whyGone(m.condemned)}
	}
	return x.rollout(&m)
}

// whyGone explains why condemned pods are still there, the highest first.
func (x *explainer) whyGone(pods []*corev1.Pod) []Reason {
	var rs []Reason
	for i := len(pods) - 1; i >= 0 && len(rs) < most; i-- {
		r := x.why(apiserver.Pod, apiserver.KeyOf(pods[i]))
		if r.IsZero() {
			r = Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pods[i]), Text: x.nameOf(pods[i]) + " is not deleted yet"}
		}
		rs = append(rs, r)
	}
	return rs
}

// shortfall explains the replicas that are not ready: of an OrderedReady set the
// first, of a Parallel one several.
func (x *explainer) shortfall(m *members) []Reason {
	var rs []Reason
	for o := m.start; o <= m.end && len(rs) < most; o++ {
		pod := m.pods[o]
		if m.isGood(pod, x.now) {
			continue
		}
		rs = append(rs, x.replica(m, o))
		if m.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
			break
		}
	}
	return rs
}

// replica explains a replica past which the set does not go.
func (x *explainer) replica(m *members, o int) Reason {
	if m.pods[o] == nil && x.c.Get(apiserver.Pod, m.key(o)) != nil {
		return x.refused(m.set, m.key(o), m.name(o)+" is not created")
	}
	if r := x.why(apiserver.Pod, m.key(o)); !r.IsZero() {
		return r
	}
	return x.young(m, o)
}

// young is a pod that is ready, but not yet for long enough.
func (x *explainer) young(m *members, o int) Reason {
	r := Reason{Kind: apiserver.Pod, Key: m.key(o), Rules: []string{"S18"}, Text: m.name(o) + " is not Running and Ready yet"}
	if pod := m.pods[o]; pod != nil && isReady(pod) {
		r.Text = fmt.Sprintf("%s is Ready, but must stay so for minReadySeconds: %d; it is available at %s", m.name(o), m.set.Spec.MinReadySeconds, x.clock(availableAt(m.set, pod)))
		r.Rules = []string{"S18", "S33"}
	}
	return r
}

// missingPod explains a pod that does not exist, if its name is one that a set
// would give.
func (x *explainer) missingPod(key apiserver.Key) Reason {
	none := Reason{Text: "there is no pod " + x.name(key), Ends: "create it, or whatever would create it"}
	i := strings.LastIndexByte(key.Name, '-')
	if i < 0 {
		return none
	}
	set, ok := x.c.Get(apiserver.StatefulSet, apiserver.Key{Namespace: key.Namespace, Name: key.Name[:i]}).(*appsv1.StatefulSet)
	if !ok {
		return none
	}
	o, ok := ordinal(set.Name, key.Name)
	if !ok {
		return none
	}
	m := x.members(set)
	notCreated := x.name(key) + " is not created"
	switch {
	case set.DeletionTimestamp != nil:
		return Reason{Text: notCreated, Rules: []string{"S14"}, Because: []Reason{x.finalized(set)}}
	case o < m.start || o > m.end:
		return Reason{Text: fmt.Sprintf("%s does not exist because %s asks for ordinals %s", x.name(key), set.Name, m.span()), Rules: []string{"S10"}, Ends: "scale " + set.Name}
	}
	if set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		for p := m.start; p < o; p++ {
			if m.isGood(m.pods[p], x.now) {
				continue
			}
			return Reason{Text: notCreated, Rules: []string{"S18"}, Because: []Reason{x.replica(&m, p)}}
		}
	}
	return x.refused(set, key, notCreated)
}

func (m *members) span() string {
	if m.end < m.start {
		return "none"
	}
	return fmt.Sprintf("%d to %d", m.start, m.end)
}

// refused explains why the next pod of a set is not created: its controller
// fails, or has not come to it.
func (x *explainer) refused(set *appsv1.StatefulSet, key apiserver.Key, text string) Reason {
	failure := x.reported(apiserver.StatefulSet, apiserver.KeyOf(set))
	if strings.HasPrefix(failure, "waiting for pod ") {
		failure = ""
	}
	if failure == "" {
		if e := x.warning(set, "FailedCreate"); e != nil && strings.Contains(e.Message, "Pod "+key.Name+" ") {
			_, failure, _ = strings.Cut(e.Message, "failed error: ")
		}
	}
	r := Reason{Text: text, Rules: []string{"S16"}}
	for _, t := range set.Spec.VolumeClaimTemplates { // S35
		ck := apiserver.Key{Namespace: set.Namespace, Name: t.Name + "-" + key.Name}
		if claim := x.c.Get(apiserver.PersistentVolumeClaim, ck); claim != nil && claim.GetDeletionTimestamp() != nil {
			r.Rules, r.Because = []string{"S35"}, []Reason{x.why(apiserver.PersistentVolumeClaim, ck)}
			return r
		}
	}
	switch other := x.c.Get(apiserver.Pod, key); {
	case other != nil:
		r.Rules = []string{"S4"}
		r.Because = []Reason{{Kind: apiserver.Pod, Key: key, Text: "another pod, which " + set.Name + " does not control, has its name", Ends: "delete pod " + x.name(key)}}
	case failure != "":
		because := x.quota(failure, set.Namespace)
		if because.IsZero() {
			because = Reason{Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(set), Text: "the server refuses it: " + failure, Ends: "change what the message names; the controller tries again by itself"}
		}
		r.Because = []Reason{because}
	default:
		r.Because = []Reason{{Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(set), Text: "the controller of " + set.Name + " has not come to it yet"}}
	}
	return r
}

// rollout explains replicas that are not at the template's revision, all of them
// being ready.
func (x *explainer) rollout(m *members) Reason {
	s := &m.set.Status
	if s.ObservedGeneration < m.set.Generation {
		return Reason{Text: "the controller of " + x.nameOf(m.set) + " has not seen its last change yet", Rules: []string{"S32"}}
	}
	var old []string
	for o := m.start; o <= m.end; o++ {
		if pod := m.pods[o]; pod != nil && pod.Labels[appsv1.ControllerRevisionHashLabelKey] != s.UpdateRevision {
			old = append(old, m.name(o))
		}
	}
	if len(old) == 0 {
		return Reason{}
	}
	r := Reason{Text: fmt.Sprintf("%s of %s %s not of the template's revision", list(old), x.nameOf(m.set), are(len(old)))}
	u := &m.set.Spec.UpdateStrategy
	switch {
	case u.Type == appsv1.OnDeleteStatefulSetStrategyType:
		r.Rules = []string{"S24"}
		r.Because = []Reason{{Text: "its updateStrategy is OnDelete", Ends: "delete " + plural(len(old), "pod") + " " + list(old), Rules: r.Rules}}
	case u.RollingUpdate != nil && u.RollingUpdate.Partition != nil && *u.RollingUpdate.Partition > 0:
		p := *u.RollingUpdate.Partition
		r.Rules = []string{"S25"}
		r.Because = []Reason{{Text: fmt.Sprintf("the partition %d keeps ordinals below %d", p, int(p)+m.start), Ends: "lower spec.updateStrategy.rollingUpdate.partition", Rules: r.Rules}}
	default:
		r.Rules = []string{"S26"}
	}
	return r
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// stuck adds to a pod's reasons that a rollout hangs on it (S29,
// kubernetes#67250).
func (x *explainer) stuck(pod *corev1.Pod, r Reason) Reason {
	for _, ref := range pod.OwnerReferences {
		set, ok := x.c.Get(apiserver.StatefulSet, apiserver.Key{Namespace: pod.Namespace, Name: ref.Name}).(*appsv1.StatefulSet)
		if !ok || set.UID != ref.UID || set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
			continue
		}
		revision := pod.Labels[appsv1.ControllerRevisionHashLabelKey]
		u := set.Spec.UpdateStrategy
		if revision == "" || set.Status.UpdateRevision == "" || revision == set.Status.UpdateRevision || u.Type == appsv1.OnDeleteStatefulSetStrategyType {
			continue
		}
		o, _ := ordinal(set.Name, pod.Name)
		if ru := u.RollingUpdate; ru != nil && ru.Partition != nil && o < int(*ru.Partition) {
			continue
		}
		r.Because = append(r.Because, Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Rules: []string{"S29"},
			Text: "it is of another revision than the template's, and " + set.Name + " waits until it is Ready before it replaces any pod (kubernetes#67250)",
			Ends: "delete pod " + x.nameOf(pod) + "; it comes back at the template's revision"})
	}
	return r
}
