package ephemeralvolume

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/component-helpers/storage/ephemeral"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Controller is the ephemeral volume controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, memo] // by pod
	// users are the pods with ephemeral volumes, by every claim that they name
	// (PodPVCIndex). The lists are never written through.
	users map[apiserver.Key][]apiserver.Key `state:"elements"`
}

var (
	_ controller.Selective = (*Controller)(nil)
	_ controller.Reporter  = (*Controller)(nil)
)

// memo is where the sync of a pod stands.
type memo struct {
	pod    *corev1.Pod // as it was when the sync began
	volume int         // whose claim is being created
}

// New returns the controller.
func New() *Controller {
	c := &Controller{}
	c.ID, c.Count = 1, 5 // ConcurrentEphemeralVolumeSyncs
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "ephemeral-volume-controller" }

// EventSource implements controller.Reporter.
func (*Controller) EventSource() string { return "ephemeral_volume" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.PersistentVolumeClaim, apiserver.Pod}
}

// Heeds implements controller.Selective: pods with ephemeral volumes as they come
// and go, and claims that are deleted while there are such pods.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.Pod:
		return rec.Type != watch.Modified && slices.ContainsFunc(obj.Spec.Volumes, isEphemeral)
	case *corev1.PersistentVolumeClaim:
		return rec.Type == watch.Deleted && len(c.users) > 0
	}
	return false
}

func isEphemeral(v corev1.Volume) bool { return v.Ephemeral != nil }

// Observe implements controller.Actor (enqueuePod, onPVCDelete).
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	if !c.Heeds(rec) {
		return // of the list that the watch begins with
	}
	pod, ok := rec.Object.(*corev1.Pod)
	switch {
	case !ok:
		for _, key := range c.users[rec.Key] {
			if p := env.Pod(key); p != nil && p.DeletionTimestamp == nil {
				c.Add(env, key)
			}
		}
	case rec.Type == watch.Deleted:
		c.file(pod, rec.Key, false)
	default:
		first := len(c.users) == 0
		c.file(pod, rec.Key, true)
		if first {
			env.Reheed(apiserver.PersistentVolumeClaim)
		}
		if pod.DeletionTimestamp == nil {
			c.Add(env, rec.Key)
		}
	}
}

// file keeps account of the claims that a pod names.
func (c *Controller) file(pod *corev1.Pod, key apiserver.Key, there bool) {
	if c.users == nil {
		c.users = map[apiserver.Key][]apiserver.Key{}
	}
	for i := range pod.Spec.Volumes {
		name := claimOf(pod, &pod.Spec.Volumes[i])
		if name == "" {
			continue
		}
		claim := apiserver.Key{Namespace: key.Namespace, Name: name}
		others := slices.DeleteFunc(slices.Clone(c.users[claim]), func(k apiserver.Key) bool { return k == key })
		switch {
		case there:
			c.users[claim] = append(others, key)
		case len(others) > 0:
			c.users[claim] = others
		default:
			delete(c.users, claim)
		}
	}
}

// claimOf is the name of the claim that a volume is, or "".
func claimOf(pod *corev1.Pod, v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return ephemeral.VolumeClaimName(pod, v)
	}
	return ""
}

// Step implements controller.Machine (syncHandler): it goes through the volumes
// in their order, up to the first that fails.
func (c *Controller) Step(v controller.View, key apiserver.Key, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	if results == nil {
		m.pod = v.Pod(key)
		if m.pod == nil || m.pod.DeletionTimestamp != nil {
			return controller.Plan{}, m
		}
	} else {
		if err := results[0][0].Err; err != nil {
			vol := &m.pod.Spec.Volumes[m.volume]
			return failed(key, m.pod, vol, fmt.Errorf("create PVC %s: %w", ephemeral.VolumeClaimName(m.pod, vol), err)), m
		}
		m.volume++
	}
	for ; m.volume < len(m.pod.Spec.Volumes); m.volume++ {
		vol := &m.pod.Spec.Volumes[m.volume]
		if vol.Ephemeral == nil {
			continue
		}
		claim := v.Claim(apiserver.Key{Namespace: key.Namespace, Name: ephemeral.VolumeClaimName(m.pod, vol)})
		if claim == nil {
			claim = claimFor(m.pod, vol)
			return controller.Send(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(claim), Object: claim}), m
		}
		if err := ephemeral.VolumeIsForPod(m.pod, claim); err != nil {
			return failed(key, m.pod, vol, err), m
		}
	}
	return controller.Plan{}, m
}

// failed ends a sync at a volume.
func failed(key apiserver.Key, pod *corev1.Pod, vol *corev1.Volume, err error) controller.Plan {
	return controller.Plan{
		Notes: []controller.Note{{About: pod, Type: corev1.EventTypeWarning, Reason: "FailedBinding", Message: fmt.Sprintf("ephemeral volume %s: %v", vol.Name, err)}},
		Err:   fmt.Errorf("pod %s, ephemeral volume %s: %w", key, vol.Name, err),
	}
}

// claimFor returns the claim that a volume is to be (handleVolume).
func claimFor(pod *corev1.Pod, vol *corev1.Volume) *corev1.PersistentVolumeClaim {
	template := vol.Ephemeral.VolumeClaimTemplate
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: ephemeral.VolumeClaimName(pod, vol),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
				Controller: new(true), BlockOwnerDeletion: new(true)}},
			Annotations: template.Annotations, Labels: template.Labels,
		},
		Spec: template.Spec,
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for key, err := range c.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: key, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
