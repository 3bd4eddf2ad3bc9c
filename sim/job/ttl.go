package job

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// TTL deletes Jobs ttlSecondsAfterFinished after they have (W37,
// pkg/controller/ttlafterfinished). It waits in the background: a cluster is at rest
// while it does. Use NewTTL.
type TTL struct {
	controller.Workers[apiserver.Key, controller.Journal]
}

// NewTTL returns a controller that has seen nothing yet.
func NewTTL() *TTL {
	return &TTL{controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 5}} // ConcurrentTTLSyncs
}

// Name implements controller.Actor.
func (*TTL) Name() string { return "ttl-after-finished-controller" }

// Watches implements controller.Actor.
func (*TTL) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Job} }

// Observe implements controller.Actor.
func (t *TTL) Observe(env *controller.Env, rec *apiserver.Record) {
	if job, ok := rec.Object.(*batchv1.Job); ok && rec.Type != watch.Deleted && job.DeletionTimestamp == nil && job.Spec.TTLSecondsAfterFinished != nil && isFinished(job) {
		t.Add(env, rec.Key)
	}
}

// Step implements controller.Machine (processJob).
func (t *TTL) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		job := controller.Object[*batchv1.Job](r, apiserver.Job, key)
		if job == nil || !due(r, job) {
			return nil
		}
		live := r.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Job, Key: key})
		if live.Err != nil {
			return ignoreNotFound(live.Err)
		}
		if job = live.Object.(*batchv1.Job); !due(r, job) {
			return nil
		}
		res := r.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Job, Key: key, UID: job.UID, Propagation: metav1.DeletePropagationForeground})
		return res.Err
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// due reports whether a Job is to be deleted now; if it is later, it is looked at again
// then (processTTL, timeLeft).
func due(r *controller.Replay, job *batchv1.Job) bool {
	if job.DeletionTimestamp != nil || job.Spec.TTLSecondsAfterFinished == nil || !isFinished(job) {
		return false
	}
	for i := range job.Status.Conditions {
		c := &job.Status.Conditions[i]
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == "True" && !c.LastTransitionTime.IsZero() {
			left := c.LastTransitionTime.Add(time.Duration(*job.Spec.TTLSecondsAfterFinished) * time.Second).Sub(apiserver.WallTime(r.Now()))
			if left > 0 {
				r.After(left, engine.Background)
			}
			return left <= 0
		}
	}
	return false
}

// Wake implements controller.Actor.
func (t *TTL) Wake(env *controller.Env, arg uint64) { t.Workers.Wake(env, t, arg) }

// Respond implements controller.Actor.
func (t *TTL) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	t.Workers.Respond(env, t, token, res)
}

// Waiting implements controller.Actor: a Job that is there for a while still waits for
// nothing.
func (*TTL) Waiting(*controller.Env) []controller.Wait { return nil }
