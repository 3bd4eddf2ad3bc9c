package scheduler

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/match"
)

const annBoundByController = "pv.kubernetes.io/bound-by-controller"

// How often a pod's claims are looked at while they are being bound, and for
// how long (BindPodVolumes).
const (
	pollPeriod  = time.Second
	bindTimeout = 10 * time.Minute
)

// chooser picks volumes through the engine (V4).
type chooser struct{ env *controller.Env }

// ChooseVolume implements plugin.Chooser.
func (c chooser) ChooseVolume(claim *corev1.PersistentVolumeClaim, n int) int {
	return c.env.Choose("volume-tie", claim.Namespace+"/"+claim.Name, n)
}

// commit assumes the pod and its volumes and starts its binding cycle
// (assumeAndReserve, bindingCycle).
func (s *Scheduler) commit(env *controller.Env, e *queue.Entry, c *plugin.Cycle, n *plugin.Node) *outcome {
	pod := c.Pod()
	t := &task{kind: bindTask, key: e.Key, entry: e, node: n.Name()}
	if c.Delays() {
		found, ok, err := c.Find(n, chooser{env})
		if !ok && err == nil { // an unlucky choice for one claim left another without
			found, ok, err = c.Find(n, plugin.First{})
		}
		if err == nil && !ok {
			err = errors.New("no volumes left")
		}
		if err != nil {
			return failure(err)
		}
		s.assumeVolumes(t, found)
	}
	s.assume(pod, n.Name())
	token := s.start(t)
	if len(t.volumes)+len(t.claims) == 0 {
		s.bind(env, token, t)
		return nil
	}
	t.stage = stageNominate
	patch := StatusPatch{Nominate: &t.node}
	if !patch.changes(pod.Pod) {
		s.writeNext(env, token, t)
		return nil
	}
	env.Send(token, apiserver.Request{
		Verb: apiserver.Patch, Kind: apiserver.Pod, Subresource: apiserver.Status, Key: t.key, Patch: patch,
	})
	return nil
}

// assumeVolumes makes the storage believe that the volumes are bound and the
// node is selected (AssumePodVolumes).
func (s *Scheduler) assumeVolumes(t *task, found plugin.PodVolumes) {
	for _, m := range found.Static {
		pv := reserve(m.Volume, m.Claim)
		s.storage.volumes.Set(pv)
		t.volumes = append(t.volumes, plugin.Match{Volume: pv, Claim: m.Claim})
	}
	for _, pvc := range found.Provision {
		c := *pvc
		c.Annotations = map[string]string{}
		for k, v := range pvc.Annotations { // a map from a map
			c.Annotations[k] = v
		}
		c.Annotations[plugin.AnnSelectedNode] = t.node
		s.storage.assumed[apiserver.KeyOf(&c)] = &c
		t.claims = append(t.claims, &c)
	}
}

// reserve returns the volume with its claimRef set to the claim, or the volume
// itself if that is so already (GetBindVolumeToClaim).
func reserve(v *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	pv := *v
	same := true
	reserved := match.IsReservedFor(v, claim)
	if !reserved || v.Spec.ClaimRef.UID != claim.UID {
		pv.Spec.ClaimRef = &corev1.ObjectReference{
			APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name,
			UID: claim.UID, ResourceVersion: claim.ResourceVersion,
		}
		same = false
	}
	if !reserved && !metav1.HasAnnotation(v.ObjectMeta, annBoundByController) {
		pv.Annotations = map[string]string{annBoundByController: "yes"}
		for k, a := range v.Annotations { // a map from a map
			pv.Annotations[k] = a
		}
		same = false
	}
	if same {
		return v
	}
	return &pv
}

// writeNext sends the next write of the binding of volumes (bindAPIUpdate): the
// volumes first, then the claims. Upstream updates a volume even if nothing
// changed.
func (s *Scheduler) writeNext(env *controller.Env, token uint64, t *task) {
	switch {
	case t.done < len(t.volumes):
		t.stage = stageVolumes
		pv := *t.volumes[t.done].Volume // the server takes the object over
		env.Send(token, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(&pv), Object: &pv, Given: true})
	case t.done < len(t.volumes)+len(t.claims):
		t.stage = stageVolumes
		pvc := *t.claims[t.done-len(t.volumes)]
		env.Send(token, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(&pvc), Object: &pvc, Given: true})
	default:
		t.stage = stagePoll
		t.deadline = env.Now().Add(bindTimeout)
		env.WakeAfter(pollPeriod, engine.Progress, token<<wakeBits|wakeTask)
	}
}

// wrote takes the answer to a write of writeNext.
func (s *Scheduler) wrote(env *controller.Env, token uint64, t *task, res apiserver.Result) {
	if res.Err != nil {
		s.abandon(env, token, t, fmt.Errorf("running PreBind plugin %q: %w", plugin.VolumeBinding, res.Err))
		return
	}
	switch o := res.Object.(type) {
	case *corev1.PersistentVolume:
		t.volumes[t.done].Volume = o
	case *corev1.PersistentVolumeClaim:
		t.claims[t.done-len(t.volumes)] = o
	}
	t.done++
	s.writeNext(env, token, t)
}

// poll looks whether the pod's claims are bound (checkBindings).
func (s *Scheduler) poll(env *controller.Env, token uint64, t *task) {
	bound, err := s.areBound(env, t)
	switch {
	case err == nil && bound:
		s.bind(env, token, t)
		return
	case err == nil && env.Now() >= t.deadline:
		err = errors.New("context deadline exceeded")
	case err == nil:
		t.polled = true
		env.WakeAfter(pollPeriod, engine.Retry, token<<wakeBits|wakeTask)
		return
	}
	s.abandon(env, token, t, fmt.Errorf("running PreBind plugin %q: binding volumes: %w", plugin.VolumeBinding, err))
}

func (s *Scheduler) areBound(env *controller.Env, t *task) (bool, error) {
	node := s.cluster.Node(t.node)
	if node == nil {
		return false, fmt.Errorf("failed to get node %q: node %q not found", t.node, t.node)
	}
	if env.Pod(t.key) == nil {
		return false, fmt.Errorf("pod does not exist any more: pod %q not found", t.key.Name)
	}
	for _, m := range t.volumes {
		pv, pvc := s.storage.seen[m.Volume.Name], s.storage.claims[apiserver.KeyOf(m.Claim)]
		switch {
		case pv == nil:
			return false, fmt.Errorf("failed to check binding: could not find v1.PersistentVolume %q", m.Volume.Name)
		case pvc == nil:
			return false, fmt.Errorf("failed to check binding: could not find v1.PersistentVolumeClaim %q", m.Claim.Namespace+"/"+m.Claim.Name)
		case isOlder(pv, m.Volume):
			return false, nil
		}
		if err := match.FitsNode(pv, node.Labels); err != nil {
			return false, fmt.Errorf("pv %q node affinity doesn't match node %q: %w", pv.Name, t.node, err)
		}
		if pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.UID == "" {
			return false, fmt.Errorf("ClaimRef got reset for pv %q", pv.Name)
		}
		if !plugin.IsFullyBound(pvc) {
			return false, nil
		}
	}
	return s.areProvisioned(t, node)
}

func (s *Scheduler) areProvisioned(t *task, node *plugin.Node) (bool, error) {
	for _, claim := range t.claims {
		pvc := s.storage.claims[apiserver.KeyOf(claim)]
		switch {
		case pvc == nil:
			return false, fmt.Errorf("failed to check provisioning pvc: could not find v1.PersistentVolumeClaim %q", claim.Namespace+"/"+claim.Name)
		case isOlder(pvc, claim):
			return false, nil
		case pvc.Annotations == nil:
			return false, fmt.Errorf("selectedNode annotation reset for PVC %q", pvc.Name)
		case pvc.Annotations[plugin.AnnSelectedNode] != t.node:
			return false, fmt.Errorf("provisioning failed for PVC %q", pvc.Name)
		}
		if pvc.Spec.VolumeName != "" {
			pv := s.storage.seen[pvc.Spec.VolumeName]
			if pv == nil {
				return false, nil
			}
			if err := match.FitsNode(pv, node.Labels); err != nil {
				return false, fmt.Errorf("pv %q node affinity doesn't match node %q: %w", pv.Name, t.node, err)
			}
		}
		if !plugin.IsFullyBound(pvc) {
			return false, nil
		}
	}
	return true, nil
}

// isOlder reports whether a state that was seen is older than one that was
// written.
func isOlder(seen, written metav1.Object) bool {
	a, _ := strconv.ParseUint(seen.GetResourceVersion(), 10, 64)
	b, _ := strconv.ParseUint(written.GetResourceVersion(), 10, 64)
	return a < b
}

// bind sends the pod's binding (DefaultBinder).
func (s *Scheduler) bind(env *controller.Env, token uint64, t *task) {
	t.stage = stageBind
	env.Send(token, apiserver.Request{
		Verb: apiserver.Create, Kind: apiserver.Pod, Subresource: apiserver.Binding,
		Key: t.key, UID: t.entry.Pod.UID, Node: t.node,
	})
}

// bound takes the answer to the binding.
func (s *Scheduler) bound(env *controller.Env, token uint64, t *task, res apiserver.Result) {
	if res.Err != nil {
		s.abandon(env, token, t, fmt.Errorf("running Bind plugin %q: %w", "DefaultBinder", res.Err))
		return
	}
	delete(s.tasks, token)
	pod := t.entry.Pod.Pod
	env.Note(controller.Note{
		About: pod, Type: corev1.EventTypeNormal, Reason: "Scheduled", Action: "Binding",
		Message: "Successfully assigned " + pod.Namespace + "/" + pod.Name + " to " + t.node,
	})
}

// abandon takes back what was assumed for a pod and puts it back into the queue
// (handleBindingCycleError).
func (s *Scheduler) abandon(env *controller.Env, token uint64, t *task, err error) {
	delete(s.tasks, token)
	for _, m := range t.volumes {
		s.storage.revertVolume(m.Volume.Name)
	}
	for _, pvc := range t.claims {
		delete(s.storage.assumed, apiserver.KeyOf(pvc))
	}
	pod := t.entry.Pod.Pod
	if known := s.pods[t.key]; known != nil && known.assumed && known.pod.UID == pod.UID {
		s.forget(t.key)
		s.wakeForPod(env, plugin.Delete, known.pod.Placed(), nil)
	}
	s.fail(env, t.entry, pod, failure(err), false)
}
