package kubelet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// missPullSecrets looks, after a pull has failed, for the pull secrets that the pod
// names and that do not exist: an Event tells them (SyncPod). Deviation: registries
// ask for no credentials.
func (k *Kubelet) missPullSecrets(env *controller.Env, p *pod) {
	if p.missing = p.missing[:0]; len(p.api.Spec.ImagePullSecrets) > 0 {
		k.readPullSecret(env, p, 0)
	}
}

func (k *Kubelet) readPullSecret(env *controller.Env, p *pod, i int) {
	k.call(env, p, call{what: getPullSecret, volume: int16(i)}, apiserver.Request{
		Verb: apiserver.Get, Kind: secretKind, Key: apiserver.Key{Namespace: p.key.Namespace, Name: p.api.Spec.ImagePullSecrets[i].Name},
	})
}

// pullSecretRead takes in one of them, and tells those that are missing after the
// last.
func (k *Kubelet) pullSecretRead(env *controller.Env, p *pod, i int, res apiserver.Result) {
	secrets := p.api.Spec.ImagePullSecrets
	if name := secrets[i].Name; res.Err != nil && name != "" && !slices.Contains(p.missing, name) {
		p.missing = append(slices.Clip(p.missing), name)
	}
	if i+1 < len(secrets) {
		k.readPullSecret(env, p, i+1)
		return
	}
	if len(p.missing) > 0 {
		k.note(env, p, corev1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
			fmt.Sprintf("Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", strings.Join(p.missing, ", ")))
	}
}
