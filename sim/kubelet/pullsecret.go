package kubelet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
)

// pullSecrets is what one sync of a pod knows of its pull secrets.
type pullSecrets struct {
	read    bool // all of them
	found   []apiserver.Object
	missing []string
	failed  bool // a pull of this sync did (hasPullFailures)
}

// wantSecrets asks for the pull secrets that a pod names, unless this sync has done
// so, and reports whether that takes time (getPullSecretsForPod). Deviation: upstream
// takes them from a watch that it keeps on them.
func (k *Kubelet) wantSecrets(env *controller.Env, p *pod) bool {
	if p.secrets.read || len(p.api.Spec.ImagePullSecrets) == 0 {
		return false
	}
	return k.readPullSecret(env, p, 0)
}

// readPullSecret asks for the next one that has a name, and reports whether there is
// one.
func (k *Kubelet) readPullSecret(env *controller.Env, p *pod, i int) bool {
	for ; i < len(p.api.Spec.ImagePullSecrets); i++ {
		if name := p.api.Spec.ImagePullSecrets[i].Name; name != "" {
			k.call(env, p, call{what: getPullSecret, volume: int16(i)}, apiserver.Request{
				Verb: apiserver.Get, Kind: secretKind, Key: apiserver.Key{Namespace: p.key.Namespace, Name: name},
			})
			return true
		}
	}
	p.secrets.read = true
	return false
}

// pullSecretRead takes in one of them, and goes on with the image after the last.
func (k *Kubelet) pullSecretRead(env *controller.Env, p *pod, i int, res apiserver.Result) {
	if len(p.todo) == 0 || p.todo[0].what != startContainer || i >= len(p.api.Spec.ImagePullSecrets) {
		return
	}
	if res.Err != nil {
		p.secrets.missing = append(slices.Clip(p.secrets.missing), p.api.Spec.ImagePullSecrets[i].Name)
	} else {
		p.secrets.found = append(slices.Clip(p.secrets.found), res.Object)
	}
	if !k.readPullSecret(env, p, i+1) && !k.ensureImage(env, p, &p.containers[p.todo[0].container]) {
		k.step(env, p)
	}
}

// missPullSecrets tells, at the end of a sync in which a pull has failed, of the pull
// secrets that do not exist (SyncPod).
func (k *Kubelet) missPullSecrets(env *controller.Env, p *pod) {
	if p.secrets.failed && len(p.secrets.missing) > 0 {
		k.note(env, p, corev1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
			fmt.Sprintf("Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", strings.Join(p.secrets.missing, ", ")))
	}
}

// credentials are what a pod can tell the registry of an image
// (makeLookupPullCredentialsFunc).
func (p *pod) credentials(full string) ([]credentialprovider.Credential, error) {
	secrets := make([]*corev1.Secret, len(p.secrets.found))
	for i := range secrets {
		secrets[i] = p.secrets.found[i].(*corev1.Secret)
	}
	return credentialprovider.Lookup(secrets, repository(full))
}

// grant is a Secret with which an image was pulled: pods that have it may use the
// image (ImagePullSecret).
type grant struct {
	namespace, name string
	uid             string `state:"id"`
	hash            string // of what it said
}

func grantOf(c credentialprovider.Credential) grant {
	return grant{c.Secret.Namespace, c.Secret.Name, string(c.Secret.UID), c.Hash}
}

// isSame reports whether two grants come from the same Secret.
func (g grant) isSame(o grant) bool {
	return g.namespace == o.namespace && g.name == o.name && g.uid == o.uid
}

// mostGrants is up to how many grants an image gets more by being used
// (writeRecordWhileMatchingLimit).
const mostGrants = 100

// mayUse reports whether a pod may use an image that the node has without asking the
// registry (MustAttemptImagePull, the default policy NeverVerifyPreloadedImages):
// one that was there before, or was pulled by nobody in particular, or with a Secret
// that the pod has, too.
func (m *machine) mayUse(p *pod, full string) (bool, error) {
	is := m.images[full]
	if !is.restricted {
		return true, nil
	}
	creds, err := p.credentials(full)
	if err != nil {
		return false, err
	}
	for _, c := range creds {
		own := grantOf(c)
		for _, g := range is.grants {
			same, equal := g.isSame(own), g.hash == own.hash
			if !same && !equal {
				continue
			}
			if few := len(is.grants) < mostGrants; same != equal && few {
				is.grants = merge(is.grants, own)
				m.images[full] = is
			} else if !equal {
				continue
			}
			return true, nil
		}
	}
	return false, nil
}

// merge adds a grant, or renews the one of the same Secret (mergePullSecrets).
func merge(list []grant, g grant) []grant {
	next := slices.DeleteFunc(slices.Clone(list), g.isSame)
	at, _ := slices.BinarySearchFunc(next, g, func(a, b grant) int {
		return strings.Compare(a.namespace+"\x00"+a.name+"\x00"+a.uid, b.namespace+"\x00"+b.name+"\x00"+b.uid)
	})
	return slices.Insert(next, at, g)
}

// permit records with which credentials an image was pulled, nil for none
// (writePulledRecordIfChanged).
func (m *machine) permit(full string, by *credentialprovider.Credential, was stored, had bool) {
	is := m.images[full]
	switch {
	case by == nil || had && !was.restricted && was.tracked:
		is.restricted, is.grants = false, nil
	default:
		is.restricted, is.grants = true, merge(was.grants, grantOf(*by))
	}
	is.tracked = true
	m.images[full] = is
}
