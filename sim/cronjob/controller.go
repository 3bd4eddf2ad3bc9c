package cronjob

import (
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Name is the component that the controller writes and reports as.
const Name = "cronjob-controller"

// Controller is the CronJob controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, controller.Journal]

	cronJobs map[apiserver.Key]*batchv1.CronJob           // as observed last
	owned    map[types.UID]map[apiserver.Key]*batchv1.Job // by the UID of their controller
}

var _ controller.Actor = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{
		Workers:  controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 5}, // ConcurrentCronJobSyncs
		cronJobs: map[apiserver.Key]*batchv1.CronJob{},
		owned:    map[types.UID]map[apiserver.Key]*batchv1.Job{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.CronJob, apiserver.Job}
}

// Observe implements controller.Actor (W38): what happens to a CronJob asks for a sync at
// once, but a new schedule, which asks for one when it is due. So does what happens to
// a Job that it controls, or did.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *batchv1.CronJob:
		if c.cronJobs[rec.Key] = obj; rec.Type == watch.Deleted {
			delete(c.cronJobs, rec.Key)
		}
		if old, ok := rec.Old.(*batchv1.CronJob); ok && rec.Type == watch.Modified &&
			(old.Spec.Schedule != obj.Spec.Schedule || !ptr.Equal(old.Spec.TimeZone, obj.Spec.TimeZone)) {
			c.rescheduled(env, rec.Key, obj)
			return
		}
		c.Add(env, rec.Key)
	case *batchv1.Job:
		old, _ := rec.Old.(*batchv1.Job)
		c.file(rec, obj, old)
		now, was := metav1.GetControllerOfNoCopy(obj), (*metav1.OwnerReference)(nil)
		if old != nil && rec.Type == watch.Modified {
			was = metav1.GetControllerOfNoCopy(old)
		}
		if was != nil && (now == nil || now.UID != was.UID || now.Name != was.Name || now.Kind != was.Kind) {
			c.addOwner(env, rec.Key.Namespace, was)
		}
		if now != nil {
			c.addOwner(env, rec.Key.Namespace, now)
		}
	}
}

// rescheduled has a CronJob looked at at the next time of its new schedule (updateCronJob).
func (c *Controller) rescheduled(env *controller.Env, key apiserver.Key, cj *batchv1.CronJob) {
	schedule, err := Parse(written(cj))
	if err != nil {
		env.Note(controller.Note{About: cj, Type: "Warning", Reason: "UnParseableCronJobSchedule",
			Message: "unparseable schedule for cronjob: " + cj.Spec.Schedule})
		return
	}
	c.AddAfter(env, key, untilNext(cj, apiserver.WallTime(env.Now()), schedule), engine.Background)
}

// addOwner asks for a sync of the CronJob that a reference means (resolveControllerRef).
func (c *Controller) addOwner(env *controller.Env, namespace string, ref *metav1.OwnerReference) {
	key := apiserver.Key{Namespace: namespace, Name: ref.Name}
	if cj := c.cronJobs[key]; ref.Kind == "CronJob" && cj != nil && cj.UID == ref.UID {
		c.Add(env, key)
	}
}

// file keeps account of a Job.
func (c *Controller) file(rec *apiserver.Record, job, old *batchv1.Job) {
	if old != nil {
		if was := podcontrol.ControllerUID(old); was != "" {
			if delete(c.owned[was], rec.Key); len(c.owned[was]) == 0 {
				delete(c.owned, was)
			}
		}
	}
	if uid := podcontrol.ControllerUID(job); uid != "" && rec.Type != watch.Deleted {
		if c.owned[uid] == nil {
			c.owned[uid] = map[apiserver.Key]*batchv1.Job{}
		}
		c.owned[uid][rec.Key] = job
	}
}

// jobsOf returns the Jobs of a CronJob by their names (getCronJobJobsByIndexer).
func (c *Controller) jobsOf(uid types.UID) []*batchv1.Job {
	keys := slices.SortedFunc(maps.Keys(c.owned[uid]), apiserver.Key.Compare)
	jobs := make([]*batchv1.Job, len(keys))
	for i, key := range keys {
		jobs[i] = c.owned[uid][key]
	}
	return jobs
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: a CronJob between two times waits for nothing; one
// whose sync fails does.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, key := range slices.SortedFunc(maps.Keys(c.cronJobs), apiserver.Key.Compare) {
		if reason := c.Failure(key); reason != "" {
			ws = append(ws, controller.Wait{Kind: apiserver.CronJob, Key: key, Reason: reason})
		}
	}
	return ws
}
