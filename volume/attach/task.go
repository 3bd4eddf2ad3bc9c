package attach

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// task is an operation that is under way (GenerateAttachVolumeFunc,
// GenerateDetachVolumeFunc): it writes or deletes a VolumeAttachment and looks at
// it until it is as it should be.
type task struct {
	kind  kind
	at    place
	node  string // of the key
	vol   csi.Volume
	pv    *corev1.PersistentVolume
	pods  []*corev1.Pod `state:"incidental" why:"they are for Events"`
	stage stage
	began engine.Time `state:"incidental" why:"the phase of looks is a latency"`
	seed  uint64      `state:"incidental" why:"a latency"`
	armed bool        // a look is coming
}

type stage uint8

const (
	verifying stage = iota // that the node does not use the volume
	writing
	looking
)

// begin starts an operation on a volume and a node, which is ready for it.
func (c *Controller) begin(env *controller.Env, p place, k kind) {
	t := &task{kind: k, at: p, pv: c.actual.pv(p.volume)}
	if k == attaching {
		w := c.desired.wants[p]
		t.pv, t.pods = w.pv, w.scheduled()
		shuffle(env, "attach/pod-order", t.pods)
	}
	vol, ok := csi.Named(p.volume)
	if !ok { // only a node's status can hold such a name: no plugin knows it
		c.actual.show(p)
		return
	}
	t.vol, t.node = vol, keyNode(t.pv, p.node)
	c.ops.begin(p.volume, t.node, k, env.Now())
	c.last++
	id := c.last
	c.tasks[id] = t
	c.names[vol.Attachment(p.node)] = id
	if k == attaching {
		c.beginAttach(env, id, t)
	} else {
		c.beginDetach(env, id, t)
	}
}

func (c *Controller) beginAttach(env *controller.Env, id uint32, t *task) {
	if _, ok := attachable(env.View, t.pv); !ok { // since it was desired
		c.end(env, id, errNoPlugin)
		return
	}
	if attachmentIn(env.View, t) != nil {
		c.wait(env, id, t)
		return
	}
	t.stage = writing
	name := t.pv.Name
	obj := &storagev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: t.vol.Attachment(t.at.node)},
		Spec: storagev1.VolumeAttachmentSpec{NodeName: t.at.node, Attacher: t.vol.Driver,
			Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &name}},
	}
	env.Send(answerTask<<56|uint64(id), apiserver.Request{Verb: apiserver.Create, Kind: apiserver.VolumeAttachment, Key: apiserver.KeyOf(obj), Object: obj})
}

func (c *Controller) beginDetach(env *controller.Env, id uint32, t *task) {
	if c.isVerified(env, t.at) {
		t.stage = verifying
		env.Send(answerTask<<56|uint64(id), apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: t.at.node}})
		return
	}
	c.deleteAttachment(env, id, t)
}

func (c *Controller) deleteAttachment(env *controller.Env, id uint32, t *task) {
	t.stage = writing
	env.Send(answerTask<<56|uint64(id), apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.VolumeAttachment,
		Key: apiserver.Key{Name: t.vol.Attachment(t.at.node)}})
}

// taskAnswered goes on with an operation.
func (c *Controller) taskAnswered(env *controller.Env, id uint32, res apiserver.Result) {
	t := c.tasks[id]
	switch {
	case t == nil:
	case t.stage == verifying: // verifyVolumeIsSafeToDetach
		node, _ := res.Object.(*corev1.Node)
		switch {
		case apierrors.IsNotFound(res.Err):
			c.deleteAttachment(env, id, t)
		case res.Err != nil:
			c.end(env, id, fmt.Errorf("DetachVolume failed fetching node from API server: %w", res.Err))
		case slices.Contains(node.Status.VolumesInUse, t.at.volume):
			c.end(env, id, errors.New("volume is still in use by node, according to Node status"))
		default:
			c.deleteAttachment(env, id, t)
		}
	case t.kind == attaching:
		if res.Err != nil && !apierrors.IsAlreadyExists(res.Err) {
			c.end(env, id, fmt.Errorf("kubernetes.io/csi: attacher.Attach failed: %w", res.Err))
			return
		}
		c.wait(env, id, t)
	case apierrors.IsNotFound(res.Err):
		c.end(env, id, nil)
	case res.Err != nil:
		c.end(env, id, fmt.Errorf("kubernetes.io/csi: detacher.Detach failed to delete VolumeAttachment [%s]: %w", t.vol.Attachment(t.at.node), res.Err))
	default:
		c.wait(env, id, t)
	}
}

// wait has an operation look at its VolumeAttachment for two minutes
// (waitForVolumeAttachDetachStatusWithLister).
func (c *Controller) wait(env *controller.Env, id uint32, t *task) {
	t.stage, t.began = looking, env.Now()
	t.seed = uint64(env.Span("attach/poll", engine.KeyOf(string(t.at.volume), t.at.node), controller.Range{Max: 1<<63 - 1}))
	env.WakeAt(t.began.Add(patience), engine.Background, wakeExpiry<<56|uint64(id))
	env.Reheed(apiserver.VolumeAttachment)
	c.peer(env, id, t)
}

// observeAttachment has an operation see its VolumeAttachment when it looks next.
func (c *Controller) observeAttachment(env *controller.Env, rec *apiserver.Record, a *storagev1.VolumeAttachment) {
	id, ok := c.names[rec.Key.Name]
	switch {
	case ok && c.tasks[id].stage == looking:
		c.peer(env, id, c.tasks[id])
	case !ok && isLost(rec, a):
		c.verifySoon(env)
	}
}

// peer has an operation look when it would next, if it would see something then.
func (c *Controller) peer(env *controller.Env, id uint32, t *task) {
	if ok, err := c.isDone(env.View, t); (ok || err != nil) && !t.armed {
		t.armed = true
		env.WakeAt(nextLook(t.began, t.seed, env.Now()), engine.Progress, wakeLook<<56|uint64(id))
	}
}

// look is one look of an operation at its VolumeAttachment.
func (c *Controller) look(env *controller.Env, id uint32) {
	t := c.tasks[id]
	if t == nil || t.stage != looking {
		return
	}
	t.armed = false
	if ok, err := c.isDone(env.View, t); ok || err != nil {
		c.end(env, id, err)
	}
}

// expire ends an operation that has looked for long enough.
func (c *Controller) expire(env *controller.Env, id uint32) {
	t := c.tasks[id]
	if t == nil || t.stage != looking {
		return
	}
	if t.kind == attaching {
		c.end(env, id, fmt.Errorf("timed out waiting for external-attacher of %s CSI driver to attach volume %s", t.vol.Driver, t.vol.Handle))
	} else {
		c.end(env, id, fmt.Errorf("timed out waiting for external-attacher of unknown CSI driver to detach volume %s", t.vol.Handle))
	}
}

// isDone is verifyAttachmentStatus and verifyDetachmentStatus.
func (c *Controller) isDone(v controller.View, t *task) (bool, error) {
	a := attachmentIn(v, t)
	switch {
	case t.kind == detaching && a == nil:
		return true, nil
	case t.kind == detaching:
		if e := a.Status.DetachError; e != nil {
			return false, errors.New(e.Message)
		}
		return false, nil
	case a == nil:
		return false, nil
	case a.DeletionTimestamp != nil:
		return false, errors.New("volume attachment is being deleted")
	case a.Status.Attached:
		return true, nil
	case a.Status.AttachError != nil:
		return false, errors.New(a.Status.AttachError.Message)
	}
	return false, nil
}

func attachmentIn(v controller.View, t *task) *storagev1.VolumeAttachment {
	a, _ := v.Get(apiserver.VolumeAttachment, apiserver.Key{Name: t.vol.Attachment(t.at.node)}).(*storagev1.VolumeAttachment)
	return a
}

// errNoPlugin is the failure of an operation on a volume that need not be attached
// any more.
var errNoPlugin = errors.New("")

// end takes in how an operation went. After a failure nobody knows whether the
// volume is attached.
func (c *Controller) end(env *controller.Env, id uint32, err error) {
	t := c.tasks[id]
	delete(c.tasks, id)
	delete(c.names, t.vol.Attachment(t.at.node))
	switch {
	case errors.Is(err, errNoPlugin):
		c.noteAll(env, t, corev1.EventTypeWarning, "FailedAttachVolume", fmt.Sprintf("AttachVolume.FindAttachablePluginBySpec failed for volume %q ", t.pv.Name))
	case err != nil:
		c.actual.set(t.at, t.pv, false)
		if t.kind == attaching {
			c.noteAll(env, t, corev1.EventTypeWarning, "FailedAttachVolume", fmt.Sprintf("AttachVolume.Attach failed for volume %q : %v", t.pv.Name, err))
		}
	case t.kind == attaching:
		c.actual.set(t.at, t.pv, true)
		c.noteAll(env, t, corev1.EventTypeNormal, "SuccessfulAttachVolume", fmt.Sprintf("AttachVolume.Attach succeeded for volume %q ", t.pv.Name))
	default:
		c.actual.remove(t.at)
	}
	if retry := c.ops.end(t.at.volume, t.node, err != nil, env.Now()); err != nil {
		c.setAlarm(env, t.at.volume, retry)
	}
	c.mark(env, t.at.volume)
}

func (c *Controller) noteAll(env *controller.Env, t *task, typ, reason, message string) {
	for _, pod := range t.pods {
		env.Note(controller.Note{About: pod, Type: typ, Reason: reason, Message: message})
	}
}
