package shell

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// drain: kubectl drain NODE …: cordon, then evict every pod and wait until it is
// gone (RunDrain).
func (c *call) drain() {
	if text := c.text("pod-selector"); text != "" {
		if _, err := labels.Parse(text); err != nil {
			c.wrong("--pod-selector=<pod_selector> must be a valid label selector")
			return
		}
	}
	nodes := c.nodes()
	c.schedulable(nodes, true)
	var remaining []string
	for _, node := range nodes {
		err := c.empty(node.Name)
		if err == nil {
			c.print("node/%s drained\n", node.Name)
			continue
		}
		c.warn("error: unable to drain node %q due to error: %v, continuing command...\n", node.Name, err)
		remaining = append(remaining, node.Name)
		c.fail(err)
	}
	if len(remaining) > 0 {
		c.warn("There are pending nodes to be drained:\n")
		for _, name := range remaining {
			c.warn(" %s\n", name)
		}
	}
}

// empty removes the pods of a node (deleteOrEvictPodsSimple).
func (c *call) empty(node string) error {
	pods, warnings, err := c.removable(node)
	if err != nil {
		return err
	}
	if warnings != "" {
		c.warn("Warning: %s\n", warnings)
	}
	if len(pods) == 0 {
		return nil
	}
	if c.on("disable-eviction") {
		err = c.deletePods(pods)
	} else {
		err = c.evictPods(pods)
	}
	if err == nil {
		return nil
	}
	if pending, _, again := c.removable(node); again == nil && len(pending) > 0 {
		c.warn("There are pending pods in node %q when an error occurred: %v\n", node, err)
		for _, pod := range pending {
			c.warn("pod/%s\n", pod.Name)
		}
	}
	return err
}

// verdict is what drain thinks of a pod.
type verdict struct {
	remove        bool
	fatal, warned string
}

// removable returns the pods of a node that are to go, what is to be warned of,
// and an error if some pod must not be removed (GetPodsForDeletion).
func (c *call) removable(node string) (pods []*corev1.Pod, warnings string, err error) {
	selector, err := labels.Parse(c.text("pod-selector"))
	if err != nil {
		return nil, "", err
	}
	objs, err := c.cluster.List(apiserver.Pod, "", "")
	if err != nil {
		return nil, "", err
	}
	var fatal, warned grouped
	for _, obj := range objs {
		pod := obj.(*corev1.Pod)
		if pod.Spec.NodeName != node || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		v := c.judge(pod)
		if v.remove {
			pods = append(pods, pod)
		}
		name := pod.Namespace + "/" + pod.Name
		fatal.add(v.fatal, name)
		warned.add(v.warned, name)
	}
	var errs []error
	for _, words := range fatal.order {
		errs = append(errs, fmt.Errorf("cannot delete %s: %s", words, strings.Join(fatal.names[words], ", ")))
	}
	var texts []string
	for _, words := range warned.order {
		texts = append(texts, words+": "+strings.Join(warned.names[words], ", "))
	}
	return pods, strings.Join(texts, "; "), together(errs)
}

// grouped collects names by words, in the order in which the words came.
type grouped struct {
	order []string
	names map[string][]string
}

func (g *grouped) add(words, name string) {
	if words == "" {
		return
	}
	if g.names == nil {
		g.names = map[string][]string{}
	}
	if g.names[words] == nil {
		g.order = append(g.order, words)
	}
	g.names[words] = append(g.names[words], name)
}

// judge applies drain's filters in their order; the first that keeps a pod ends
// it (skipDeletedFilter … unreplicatedFilter).
func (c *call) judge(pod *corev1.Pod) verdict {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	owner := metav1.GetControllerOf(pod)
	if c.isSkipped(pod) {
		return verdict{}
	}
	if owner != nil && owner.Kind == "DaemonSet" && owner.APIVersion == "apps/v1" && !ended {
		_, err := c.cluster.Get(apiserver.DaemonSet, pod.Namespace, owner.Name)
		switch {
		case err != nil && apierrors.IsNotFound(err) && c.on("force"):
		case err != nil:
			return verdict{fatal: err.Error()}
		case !c.on("ignore-daemonsets"):
			return verdict{fatal: "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"}
		default:
			return verdict{warned: "ignoring DaemonSet-managed Pods"}
		}
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return verdict{}
	}
	if hasEmptyDir(pod) && !ended && !c.on("delete-emptydir-data") {
		return verdict{fatal: "Pods with local storage (use --delete-emptydir-data to override)"}
	}
	switch {
	case ended || owner != nil:
		return verdict{remove: true} // the last filter forgets the warnings of those before it
	case c.on("force"):
		return verdict{remove: true, warned: "deleting Pods that declare no controller"}
	}
	return verdict{fatal: "Pods that declare no controller (use --force to override)"}
}

func hasEmptyDir(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].EmptyDir != nil {
			return true
		}
	}
	return false
}

// isSkipped reports whether a pod has been terminating for longer than
// --skip-wait-for-delete-timeout.
func (c *call) isSkipped(pod *corev1.Pod) bool {
	limit := c.number("skip-wait-for-delete-timeout")
	return limit > 0 && pod.DeletionTimestamp != nil && int64(c.cluster.Now().Sub(pod.DeletionTimestamp.Time).Seconds()) > limit
}

// several are errors that are told as one where another error contains them, and
// one by one where they end a command (an Aggregate).
type several []error

// together makes one error of several.
func together(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return several(errs)
}

func (s several) Error() string {
	words := make([]string, len(s))
	for i, err := range s {
		words[i] = err.Error()
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// eviction is a pod on its way out: evicted again and again until a budget lets
// it, then waited for.
type eviction struct {
	pod  *corev1.Pod
	next time.Time // of the next try, or look
	gone bool      // evicted: only waited for
	done bool
	err  error
}

// How often drain tries an eviction that a budget refuses, and looks whether a
// pod is gone.
const (
	evictionRetry = 5 * time.Second
	deletionPoll  = time.Second
)

// evictPods evicts pods, all at once, and waits until all are gone. In a real
// kubectl each has a goroutine; here they take turns in the order of their names.
func (c *call) evictPods(pods []*corev1.Pod) error {
	limit := c.span("timeout")
	if limit == 0 {
		limit = math.MaxInt64
	}
	begin := c.cluster.Now()
	all := make([]*eviction, len(pods))
	for i, pod := range pods {
		all[i] = &eviction{pod: pod, next: begin}
	}
	for tries := 0; ; tries++ {
		next := c.evictDue(all, begin, limit)
		if next.IsZero() {
			break
		}
		if limit == math.MaxInt64 && tries >= maxPolls {
			return fmt.Errorf("nothing has come of it in %v of virtual time: give --timeout; %w", c.cluster.Now().Sub(begin), c.stuck())
		}
		if end := begin.Add(limit); limit < math.MaxInt64 && next.After(end) && anyGone(all) {
			next = end
		}
		if err := c.cluster.Run(next.Sub(c.cluster.Now())); err != nil {
			return err
		}
	}
	var errs []error
	for _, e := range all {
		if e.err != nil {
			errs = append(errs, e.err)
		}
	}
	return together(errs)
}

// evictDue takes the next step of every eviction whose time has come and returns
// when the next one is due; zero when all are done. All that is tried at one time
// is told before any of it is.
func (c *call) evictDue(all []*eviction, begin time.Time, limit time.Duration) (next time.Time) {
	now := c.cluster.Now()
	for _, e := range all {
		if !e.done && !e.gone && !e.next.After(now) {
			c.print("evicting pod %s/%s\n", e.pod.Namespace, e.pod.Name)
		}
	}
	for _, e := range all {
		if !e.done && !e.next.After(now) {
			c.advance(e, now.Sub(begin) >= limit, limit)
		}
		if !e.done && (next.IsZero() || e.next.Before(next)) {
			next = e.next
		}
	}
	return next
}

// maxPolls bounds a drain without --timeout: a day of seconds.
const maxPolls = 24 * 60 * 60

func anyGone(all []*eviction) bool {
	for _, e := range all {
		if e.gone && !e.done {
			return true
		}
	}
	return false
}

// stuck says what the cluster waits for.
func (c *call) stuck() error {
	return &sim.StuckError{Reason: "the cluster waits", Waiting: c.cluster.Waiting()}
}

// advance takes the next step of an eviction.
func (c *call) advance(e *eviction, late bool, limit time.Duration) {
	key := apiserver.KeyOf(e.pod)
	if e.gone {
		obj, err := c.cluster.Get(apiserver.Pod, key.Namespace, key.Name)
		switch {
		case err != nil || obj.GetUID() != e.pod.UID:
			c.print("pod/%s evicted\n", key.Name)
			e.done = true
		case c.isSkipped(obj.(*corev1.Pod)):
			c.printSkipped(key.Name)
			e.done = true
		case late:
			e.done = true
			e.err = fmt.Errorf("error when waiting for pod %q in namespace %q to terminate: context deadline exceeded", key.Name, key.Namespace)
		default:
			e.next = c.cluster.Now().Add(deletionPoll)
		}
		return
	}
	if late {
		e.done = true
		e.err = fmt.Errorf("error when evicting pods/%q -n %q: global timeout reached: %v", key.Name, key.Namespace, limit)
		return
	}
	switch err := c.cluster.Evict(key.Namespace, key.Name, c.gracePeriod()); {
	case err == nil:
		e.gone = true
		c.advance(e, late, limit)
	case apierrors.IsNotFound(err):
		e.done = true
	case apierrors.IsTooManyRequests(err):
		c.warn("error when evicting pods/%q -n %q (will retry after %v): %v\n", key.Name, key.Namespace, evictionRetry, err)
		e.next = c.cluster.Now().Add(evictionRetry)
		if obj, err := c.cluster.Get(apiserver.Pod, key.Namespace, key.Name); err == nil {
			e.pod = obj.(*corev1.Pod)
		}
	default:
		e.done = true
		e.err = fmt.Errorf("error when evicting pods/%q -n %q: %w", key.Name, key.Namespace, err)
	}
}

func (c *call) printSkipped(name string) {
	c.print("pod %q has DeletionTimestamp older than %d seconds, skipping\n", name, c.number("skip-wait-for-delete-timeout"))
}

// gracePeriod is that of --grace-period.
func (c *call) gracePeriod() sim.DeleteOptions {
	var opts sim.DeleteOptions
	if n := c.number("grace-period"); n >= 0 {
		opts.GracePeriodSeconds = &n
	}
	return opts
}

// deletePods deletes pods past their budgets and waits (--disable-eviction).
func (c *call) deletePods(pods []*corev1.Pod) error {
	for _, pod := range pods {
		err := c.cluster.Delete(apiserver.Pod, pod.Namespace, pod.Name, c.gracePeriod())
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	limit := c.span("timeout")
	begin := c.cluster.Now()
	for tries := 0; ; tries++ {
		var pending []*corev1.Pod
		for _, pod := range pods {
			obj, err := c.cluster.Get(apiserver.Pod, pod.Namespace, pod.Name)
			switch {
			case err != nil || obj.GetUID() != pod.UID:
				c.print("pod/%s deleted\n", pod.Name)
			case c.isSkipped(obj.(*corev1.Pod)):
				c.printSkipped(pod.Name)
			default:
				pending = append(pending, pod)
			}
		}
		pods = pending
		switch {
		case len(pods) == 0:
			return nil
		case limit > 0 && c.cluster.Now().Sub(begin) >= limit:
			return errors.New("context deadline exceeded")
		case limit == 0 && tries >= maxPolls:
			return c.stuck()
		}
		if err := c.cluster.Run(deletionPoll); err != nil {
			return err
		}
	}
}
