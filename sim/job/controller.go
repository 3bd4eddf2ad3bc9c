package job

import (
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Name is the component that the controller writes and reports as.
const Name = "job-controller"

// Pods' events are gathered for so long, failures are tried again after so long
// (SyncJobBatchPeriod, DefaultJobApiBackOff, MaxJobApiBackOff).
const (
	batchPeriod   = time.Second
	apiBackoff    = time.Second
	maxAPIBackoff = time.Minute
)

// The queues.
const (
	jobQueue = iota + 1
	orphanQueue
)

// Controller is the Job controller. Use New.
type Controller struct {
	queue   controller.Workers[apiserver.Key, controller.Journal]
	orphans controller.Workers[orphan, controller.Journal]

	expectations expectations
	written      controller.Written
	// removals are the pods of a Job whose finalizers are known to go.
	removals map[apiserver.Key]map[types.UID]bool
	backoffs map[apiserver.Key]record
	finished map[types.UID]bool // whose last status was written and not seen yet

	jobs map[string]map[string]*batchv1.Job // namespace → name → as observed last
	pods map[owner]map[string]*corev1.Pod   // by name
	free map[string]map[string]*corev1.Pod  // pods without a controller, in namespaces with Jobs
}

// owner names a Job as references do.
type owner struct {
	namespace, name string
	uid             types.UID
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{ // ConcurrentJobSyncs
		queue:    controller.Workers[apiserver.Key, controller.Journal]{ID: jobQueue, Count: 5, Base: apiBackoff, Limit: maxAPIBackoff},
		orphans:  controller.Workers[orphan, controller.Journal]{ID: orphanQueue, Count: 5, Base: apiBackoff, Limit: maxAPIBackoff},
		removals: map[apiserver.Key]map[types.UID]bool{},
		backoffs: map[apiserver.Key]record{},
		finished: map[types.UID]bool{},
		jobs:     map[string]map[string]*batchv1.Job{},
		pods:     map[owner]map[string]*corev1.Pod{},
		free:     map[string]map[string]*corev1.Pod{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Job, apiserver.Pod} }

// Heeds implements controller.Selective: Jobs, their pods and those that were, pods
// with the finalizer, and pods without a controller beside a Job.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok || c.concerns(pod) {
		return true
	}
	old, ok := rec.Old.(*corev1.Pod)
	return ok && c.concerns(old)
}

func (c *Controller) concerns(pod *corev1.Pod) bool {
	ref := metav1.GetControllerOfNoCopy(pod)
	return ref != nil && ref.Kind == "Job" || ref == nil && c.jobs[pod.Namespace] != nil || isTracked(pod)
}

// isTracked reports whether a pod waits to be counted (hasJobTrackingFinalizer).
func isTracked(pod *corev1.Pod) bool {
	return slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer)
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *batchv1.Job:
		old, _ := rec.Old.(*batchv1.Job)
		c.observeJob(env, rec, obj, old)
	case *corev1.Pod:
		old, _ := rec.Old.(*corev1.Pod)
		c.file(rec, obj, old)
		switch {
		case rec.Type == watch.Deleted:
			c.podGone(env, obj, true)
		case obj.DeletionTimestamp != nil:
			c.podGone(env, obj, false)
		case rec.Type == watch.Added:
			c.podAdded(env, obj)
		default:
			c.podChanged(env, obj, old)
		}
	}
}

// observeJob is addJob, updateJob and deleteJob (W30).
func (c *Controller) observeJob(env *controller.Env, rec *apiserver.Record, job, old *batchv1.Job) {
	key := rec.Key
	switch rec.Type {
	case watch.Deleted:
		delete(c.jobs[key.Namespace], key.Name)
		if len(c.jobs[key.Namespace]) == 0 {
			delete(c.jobs, key.Namespace)
			delete(c.free, key.Namespace)
		}
		c.queue.Add(env, key)
		c.written.Clear(key, job.UID)
		delete(c.finished, job.UID)
		c.addSelected(env, job)
		c.expectations.drop(key)
		delete(c.backoffs, key)
		return
	case watch.Added:
		c.know(env, key, job)
		c.queue.Add(env, key)
		return
	}
	c.know(env, key, job)
	if isFinished(job) {
		c.addSelected(env, job)
		return
	}
	if job.Generation == old.Generation {
		c.queue.AddAfter(env, key, batchPeriod, engine.Progress)
	} else {
		c.queue.Add(env, key)
	}
	if start, deadline := job.Status.StartTime, job.Spec.ActiveDeadlineSeconds; start != nil && deadline != nil &&
		(old.Spec.ActiveDeadlineSeconds == nil || *old.Spec.ActiveDeadlineSeconds != *deadline) {
		passed := apiserver.WallTime(env.Now()).Sub(start.Time)
		c.queue.AddAfter(env, key, time.Duration(*deadline)*time.Second-passed, engine.Progress)
	}
}

// know keeps account of a Job. The first of a namespace has the pods without a
// controller looked up.
func (c *Controller) know(env *controller.Env, key apiserver.Key, job *batchv1.Job) {
	if c.jobs[key.Namespace] == nil {
		c.jobs[key.Namespace] = map[string]*batchv1.Job{}
		free := map[string]*corev1.Pod{}
		for _, obj := range env.List(apiserver.Pod, key.Namespace) {
			if metav1.GetControllerOfNoCopy(obj) == nil {
				free[obj.GetName()] = obj.(*corev1.Pod)
			}
		}
		c.free[key.Namespace] = free
		env.Reheed(apiserver.Pod)
	}
	c.jobs[key.Namespace][key.Name] = job
}

// addSelected has the finalizers looked after of all pods that a Job selects
// (enqueueLabelSelector).
func (c *Controller) addSelected(env *controller.Env, job *batchv1.Job) {
	if selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector); err == nil {
		c.orphans.Add(env, orphan{true, job.Namespace, selector.String()})
	}
}

func ownerOf(job *batchv1.Job) owner { return owner{job.Namespace, job.Name, job.UID} }

// podOwner returns the Job that a pod says it belongs to.
func podOwner(pod *corev1.Pod) (o owner, owned bool) {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != "Job" {
		return owner{}, false
	}
	return owner{pod.Namespace, ref.Name, ref.UID}, true
}

// file takes a pod's record into the indexes.
func (c *Controller) file(rec *apiserver.Record, pod, old *corev1.Pod) {
	now, owned := podOwner(pod)
	owned = owned && rec.Type != watch.Deleted
	if old == nil {
		old = pod
	}
	if was, had := podOwner(old); had && (!owned || was != now) {
		if delete(c.pods[was], old.Name); len(c.pods[was]) == 0 {
			delete(c.pods, was)
		}
	}
	if owned {
		if c.pods[now] == nil {
			c.pods[now] = map[string]*corev1.Pod{}
		}
		c.pods[now][pod.Name] = pod
	}
	if byName := c.free[pod.Namespace]; byName != nil {
		if rec.Type != watch.Deleted && metav1.GetControllerOfNoCopy(pod) == nil {
			byName[pod.Name] = pod
		} else {
			delete(byName, pod.Name)
		}
	}
}

// resolve returns the Job that a pod belongs to, or nil (resolveControllerRef).
func (c *Controller) resolve(pod *corev1.Pod) *batchv1.Job {
	o, owned := podOwner(pod)
	if !owned {
		return nil
	}
	if job := c.jobs[o.namespace][o.name]; job != nil && job.UID == o.uid {
		return job
	}
	return nil
}

// addBatched asks for a sync once what else happens within a second has happened, too.
func (c *Controller) addBatched(env *controller.Env, job *batchv1.Job) {
	c.queue.AddAfter(env, apiserver.KeyOf(job), batchPeriod, engine.Progress)
}

func (c *Controller) addOrphan(env *controller.Env, pod *corev1.Pod) {
	if isTracked(pod) {
		c.orphans.Add(env, orphan{false, pod.Namespace, pod.Name})
	}
}

func (c *Controller) podAdded(env *controller.Env, pod *corev1.Pod) {
	if metav1.GetControllerOfNoCopy(pod) == nil {
		c.addOrphan(env, pod)
		c.wakeAdopters(env, pod)
		return
	}
	if job := c.resolve(pod); job != nil {
		c.expectations.created(apiserver.KeyOf(job), 1)
		c.addBatched(env, job)
	}
}

func (c *Controller) podChanged(env *controller.Env, pod, old *corev1.Pod) {
	let := !isTracked(pod)
	ref, was := metav1.GetControllerOfNoCopy(pod), metav1.GetControllerOfNoCopy(old)
	changed := !apiequality.Semantic.DeepEqual(ref, was)
	if changed && was != nil {
		if job := c.resolve(old); job != nil {
			if let {
				c.removed(apiserver.KeyOf(job), pod.UID)
			}
			c.addBatched(env, job)
		}
	}
	if ref != nil {
		if job := c.resolve(pod); job != nil {
			if let {
				c.removed(apiserver.KeyOf(job), pod.UID)
			}
			c.addBatched(env, job)
		}
		return
	}
	c.addOrphan(env, pod)
	if changed || !maps.Equal(pod.Labels, old.Labels) {
		c.wakeAdopters(env, pod)
	}
}

// podGone is deletePod: final says that the pod is no more.
func (c *Controller) podGone(env *controller.Env, pod *corev1.Pod, final bool) {
	if metav1.GetControllerOfNoCopy(pod) == nil {
		c.addOrphan(env, pod)
		return
	}
	job := c.resolve(pod)
	if job == nil || isFinished(job) {
		c.addOrphan(env, pod)
		return
	}
	key := apiserver.KeyOf(job)
	c.expectations.deleted(key, 1)
	if final || !isTracked(pod) {
		c.removed(key, pod.UID)
	}
	c.addBatched(env, job)
}

// removed says that a finalizer was seen to go, or will not (finalizerRemovalObserved).
func (c *Controller) removed(key apiserver.Key, uid types.UID) {
	if delete(c.removals[key], uid); len(c.removals[key]) == 0 {
		delete(c.removals, key)
	}
}

// wakeAdopters asks for a sync of every Job that selects a pod of nobody's (getPodJobs).
func (c *Controller) wakeAdopters(env *controller.Env, pod *corev1.Pod) {
	if len(pod.Labels) == 0 {
		return
	}
	byName := c.jobs[pod.Namespace]
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		selector, err := metav1.LabelSelectorAsSelector(byName[name].Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			c.addBatched(env, byName[name])
		}
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	if c.orphans.Owns(arg) {
		c.orphans.Wake(env, orphanMachine{c}, arg)
		return
	}
	c.queue.Wake(env, c, arg)
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if c.orphans.Owns(token) {
		c.orphans.Respond(env, orphanMachine{c}, token, res)
		return
	}
	c.queue.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: the Jobs that have neither finished nor are
// suspended, in the order of their keys.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.jobs)) {
		for _, name := range slices.Sorted(maps.Keys(c.jobs[namespace])) {
			key := apiserver.Key{Namespace: namespace, Name: name}
			if reason := c.shortfall(key, c.jobs[namespace][name]); reason != "" {
				ws = append(ws, controller.Wait{Kind: apiserver.Job, Key: key, Reason: reason})
			}
		}
	}
	return ws
}

// shortfall says what a Job waits for, or "".
func (c *Controller) shortfall(key apiserver.Key, job *batchv1.Job) string {
	switch {
	case isFinished(job) || isSuspended(job) && job.Status.Active == 0:
		return ""
	case job.Spec.ManagedBy != nil && *job.Spec.ManagedBy != batchv1.JobControllerName:
		return fmt.Sprintf("another controller is to manage it (spec.managedBy is %s), and there is none", *job.Spec.ManagedBy)
	case c.queue.Failure(key) != "":
		return c.queue.Failure(key)
	case job.Spec.Completions == nil:
		return "waiting for a pod to succeed"
	}
	return fmt.Sprintf("waiting for %d of %d pods to succeed", max(*job.Spec.Completions-job.Status.Succeeded, 0), *job.Spec.Completions)
}
