package volume

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// turn is what one Step of a worker decided: requests and Events, and what the
// other queues of the binder are to look at.
type turn struct {
	plan    controller.Plan
	claims  []apiserver.Key
	volumes []string
	start   []operation
}

// rest ends a sync with nothing more to do.
func rest() turn { return turn{} }

func send(req apiserver.Request) turn { return turn{plan: controller.Send(req)} }

func fail(err error) turn { return turn{plan: controller.Plan{Err: err}} }

// noting adds an Event to a turn.
func (t turn) noting(about apiserver.Object, eventType, reason, message string) turn {
	t.plan.Notes = append(t.plan.Notes, controller.Note{About: about, Type: eventType, Reason: reason, Message: message})
	return t
}

// ended reports whether the turn is the last of its sync.
func (t turn) ended() bool { return len(t.plan.Chains) == 0 }

const (
	normal  = corev1.EventTypeNormal
	warning = corev1.EventTypeWarning
)

// The reasons of Events about volumes and claims (pkg/controller/volume/events).
const (
	failedBinding        = "FailedBinding"
	volumeMismatch       = "VolumeMismatch"
	volumeFailedRecycle  = "VolumeFailedRecycle"
	volumeRecycled       = "VolumeRecycled"
	volumeFailedDelete   = "VolumeFailedDelete"
	externalProvisioning = "ExternalProvisioning"
	provisioningFailed   = "ProvisioningFailed"
	provisioningDone     = "ProvisioningSucceeded"
	waitForFirstConsumer = "WaitForFirstConsumer"
	waitForPodScheduled  = "WaitForPodScheduled"
	claimLost            = "ClaimLost"
	claimMisbound        = "ClaimMisbound"
	unknownReclaimPolicy = "VolumeUnknownReclaimPolicy"
)
