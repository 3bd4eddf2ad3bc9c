package job

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// noIndex is the index of a pod that names none.
const noIndex = -1

func isIndexed(j *batchv1.Job) bool {
	return j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion
}

// span is the indexes from first to last.
type span struct{ first, last int }

// spans are indexes in ascending order, as a status writes them: "0,3-5,7"
// (orderedIntervals).
type spans []span

// parseSpans reads them, up to the number of completions. What it does not understand
// it passes over (parseIndexesFromString).
func parseSpans(text string, completions int) (list spans) {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		ends := strings.Split(part, "-")
		first, err := strconv.Atoi(ends[0])
		if err != nil {
			continue
		}
		if first >= completions {
			break
		}
		last := first
		if len(ends) > 1 {
			if last, err = strconv.Atoi(ends[1]); err != nil {
				continue
			}
			last = min(last, completions-1)
		}
		if n := len(list); n > 0 && list[n-1].last == first-1 {
			list[n-1].last = last
		} else {
			list = append(list, span{first, last})
		}
	}
	return list
}

// with returns the indexes and those of a sorted list.
func (s spans) with(indexes []int) spans {
	more := make(spans, len(indexes))
	for i, index := range indexes {
		more[i] = span{index, index}
	}
	return s.merge(more)
}

func (s spans) merge(o spans) (all spans) {
	i, j := 0, 0
	for i < len(s) || j < len(o) {
		var next span
		if j == len(o) || i < len(s) && s[i].first < o[j].first {
			next = s[i]
			i++
		} else {
			next = o[j]
			j++
		}
		if n := len(all); n == 0 || next.first > all[n-1].last+1 {
			all = append(all, next)
		} else {
			all[n-1].last = max(all[n-1].last, next.last)
		}
	}
	return all
}

func (s spans) total() (n int) {
	for _, v := range s {
		n += v.last - v.first + 1
	}
	return n
}

func (s spans) has(index int) bool {
	_, found := slices.BinarySearchFunc(s, index, func(v span, index int) int {
		switch {
		case v.last < index:
			return -1
		case v.first > index:
			return 1
		}
		return 0
	})
	return found
}

// String writes two neighbours with a comma, as upstream does.
func (s spans) String() string {
	parts := make([]string, len(s))
	for i, v := range s {
		switch parts[i] = strconv.Itoa(v.first); {
		case v.last == v.first+1:
			parts[i] += "," + strconv.Itoa(v.last)
		case v.last > v.first:
			parts[i] += "-" + strconv.Itoa(v.last)
		}
	}
	return strings.Join(parts, ",")
}

// indexOf returns the index that a pod names, or noIndex (getCompletionIndex).
func indexOf(pod *corev1.Pod) int {
	i, err := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
	if err != nil || i < 0 {
		return noIndex
	}
	return i
}

func byIndex(a, b *corev1.Pod) int { return cmp.Compare(indexOf(a), indexOf(b)) }

// indexesOf returns the indexes of pods, sorted, each once.
func indexesOf(pods []*corev1.Pod) []int {
	seen := map[int]bool{}
	for _, pod := range pods {
		if i := indexOf(pod); i != noIndex {
			seen[i] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// count reads a number from an annotation (parseInt32).
func count(pod *corev1.Pod, annotation string) int32 {
	n, err := strconv.Atoi(pod.Annotations[annotation])
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int32(n)
}

func failuresOf(pod *corev1.Pod) int32 { return count(pod, batchv1.JobIndexFailureCountAnnotation) }

// allFailuresOf counts the failures that a policy ignores, too.
func allFailuresOf(pod *corev1.Pod) int32 {
	return failuresOf(pod) + count(pod, batchv1.JobIndexIgnoredFailureCountAnnotation)
}

// isOfIndex reports whether a pod names one of the Job's indexes.
func isOfIndex(j *batchv1.Job, pod *corev1.Pod) bool {
	i := indexOf(pod)
	return i != noIndex && i < int(*j.Spec.Completions)
}

// succeededIndexes returns the indexes that had succeeded, and those with the pods that
// have since (calculateSucceededIndexes).
func succeededIndexes(j *batchv1.Job, pods []*corev1.Pod) (before, now spans) {
	before = parseSpans(j.Status.CompletedIndexes, int(*j.Spec.Completions))
	fresh := slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool {
		return pod.Status.Phase != corev1.PodSucceeded || !isOfIndex(j, pod) || !isTracked(pod)
	})
	return before, before.with(indexesOf(fresh))
}

// failedIndexes returns the indexes that have failed for good (calculateFailedIndexes).
func failedIndexes(j *batchv1.Job, pods []*corev1.Pod) spans {
	var before spans
	if j.Status.FailedIndexes != nil {
		before = parseSpans(*j.Status.FailedIndexes, int(*j.Spec.Completions))
	}
	fresh := slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool {
		return !isOfIndex(j, pod) || !isTracked(pod) || !failsIndex(j, pod)
	})
	return before.with(indexesOf(fresh))
}

// failsIndex reports whether with a pod its index has failed (isIndexFailed).
func failsIndex(j *batchv1.Job, pod *corev1.Pod) bool {
	if !isFailed(j, pod) {
		return false
	}
	m := matchFailure(j.Spec.PodFailurePolicy, pod)
	return m.action == batchv1.PodFailurePolicyActionFailIndex || m.counts && failuresOf(pod) >= *j.Spec.BackoffLimitPerIndex
}

// pendingIndexes returns the first indexes that have no pod and need one
// (firstPendingIndexes).
func (s *syncing) pendingIndexes(n int) (list []int) {
	taken := s.succeededIndexes.with(indexesOf(s.active))
	if onlyReplacesFailed(s.job) {
		taken = taken.with(indexesOf(terminating(s.pods)))
	}
	if s.job.Spec.BackoffLimitPerIndex != nil {
		taken = taken.merge(s.failedIndexes)
	}
	next, end := 0, int(*s.job.Spec.Completions)
	for _, v := range append(taken, span{end, end}) {
		for ; next < min(end, v.first) && len(list) < n; next++ {
			list = append(list, next)
		}
		next = max(next, v.last+1)
	}
	return list
}

// duplicates divides pods into those whose index is no index of the Job's or has
// another pod, and the others (appendDuplicatedIndexPodsForRemoval). It sorts pods.
func (s *syncing) duplicates(pods []*corev1.Pod) (rm, left []*corev1.Pod) {
	slices.SortStableFunc(pods, byIndex)
	for len(pods) > 0 {
		index := indexOf(pods[0])
		if index >= int(*s.job.Spec.Completions) {
			return append(rm, pods...), left
		}
		n := slices.IndexFunc(pods, func(pod *corev1.Pod) bool { return indexOf(pod) != index })
		if n < 0 {
			n = len(pods)
		}
		same := pods[:n]
		pods = pods[n:]
		if index == noIndex {
			rm = append(rm, same...)
			continue
		}
		same = s.ranking.Sorted(same)
		rm = append(rm, same[:len(same)-1]...)
		left = append(left, same[len(same)-1])
	}
	return rm, left
}

// delayedPods returns the failed pods whose finalizer stays until their successors are
// there, by index: the successor is told how often the index has failed
// (getPodsWithDelayedDeletionPerIndex).
func (s *syncing) delayedPods() map[int]*corev1.Pod {
	active := indexesOf(s.active)
	kept := map[int]*corev1.Pod{}
	for _, pod := range s.valid(nil) {
		i := indexOf(pod)
		if !isFailed(s.job, pod) || s.succeededIndexes.has(i) || s.failedIndexes.has(i) || slices.Contains(active, i) {
			continue
		}
		last := kept[i]
		if last == nil || allFailuresOf(last) <= allFailuresOf(pod) && !finishedAt(pod).Before(finishedAt(last)) {
			kept[i] = pod
		}
	}
	return kept
}

// indexed gives a template what a pod of an index has more.
func (s *syncing) indexed(template *corev1.PodTemplateSpec, index int) {
	number := strconv.Itoa(index)
	template.Annotations = withPair(template.Annotations, batchv1.JobCompletionIndexAnnotation, number)
	template.Labels = withPair(template.Labels, batchv1.JobCompletionIndexAnnotation, number)
	template.Spec.Hostname = fmt.Sprintf("%s-%d", s.job.Name, index)
	if s.job.Spec.BackoffLimitPerIndex == nil {
		return
	}
	failures, ignored := s.countsFor(s.delayed[index])
	template.Annotations[batchv1.JobIndexFailureCountAnnotation] = strconv.Itoa(int(failures))
	if ignored > 0 {
		template.Annotations[batchv1.JobIndexIgnoredFailureCountAnnotation] = strconv.Itoa(int(ignored))
	}
}

// countsFor returns the counts of failures for the successor of a pod, which may be nil
// (getNewIndexFailureCounts).
func (s *syncing) countsFor(pod *corev1.Pod) (failures, ignored int32) {
	if pod == nil {
		return 0, 0
	}
	failures, ignored = failuresOf(pod), count(pod, batchv1.JobIndexIgnoredFailureCountAnnotation)
	if matchFailure(s.job.Spec.PodFailurePolicy, pod).counts {
		failures++
	} else {
		ignored++
	}
	return failures, ignored
}

func withPair(m map[string]string, key, value string) map[string]string {
	c := maps.Clone(m)
	if c == nil {
		c = map[string]string{}
	}
	c[key] = value
	return c
}

// maxPrefix is how long a generateName may be (MaxGeneratedNameLength).
const maxPrefix = 58

// prefixOf is the generateName of the pods of an index (podGenerateNameWithIndex).
func prefixOf(name string, index int) string {
	end := fmt.Sprintf("-%d-", index)
	return name[:min(len(name), maxPrefix-len(end))] + end
}

// withIndexVariable gives every container JOB_COMPLETION_INDEX, unless it has one.
func withIndexVariable(containers []corev1.Container) []corev1.Container {
	containers = slices.Clone(containers)
	for i := range containers {
		c := &containers[i]
		if !slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "JOB_COMPLETION_INDEX" }) {
			c.Env = append(slices.Clip(c.Env), corev1.EnvVar{Name: "JOB_COMPLETION_INDEX", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['" + batchv1.JobCompletionIndexAnnotation + "']"}}})
		}
	}
	return containers
}
