package apiserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/statefulsim/statefulsim/sim/state"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	defaultAccount = "default"
	tokenVolume    = "kube-api-access"
	// tokenPath is where every container finds its token
	// (DefaultAPITokenMountPath).
	tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	// enforceMountable has an account's pods refer to no other secrets than the
	// account does (EnforceMountableSecretsAnnotation).
	enforceMountable = "kubernetes.io/enforce-mountable-secrets"
)

// tokenSource is what the volume with a pod's token is made of
// (TokenVolumeSource). All pods share it.
var tokenSource = &corev1.ProjectedVolumeSource{
	DefaultMode: new(corev1.ProjectedVolumeSourceDefaultMode),
	Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(60*60 + 7))}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
			Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
	},
}

// admitAccount is what the plugin ServiceAccount does to a new pod: it gives it
// an account, the account's token and its secrets for pulling images
// (serviceaccount, Admit and Validate).
func (s *Server) admitAccount(pod *corev1.Pod) error {
	if _, isMirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; isMirror {
		return admitMirror(pod)
	}
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = defaultAccount, defaultAccount
	}
	account, err := s.account(pod)
	if err != nil {
		return err
	}
	if automounts(account, pod) {
		s.mountToken(pod)
	}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		pod.Spec.ImagePullSecrets = slices.Clip(account.ImagePullSecrets)
	}
	if enforced, _ := strconv.ParseBool(account.Annotations[enforceMountable]); enforced {
		return limitSecrets(account, pod)
	}
	return nil
}

// account returns a pod's account.
//
// Deviation: a pod that somebody outside creates does not wait for the account
// "default" of a new namespace, which its controller is about to make: it gets an
// account without content, as it would after the wait. The pods of controllers
// wait (Result.Again).
func (s *Server) account(pod *corev1.Pod) (*corev1.ServiceAccount, error) {
	name := pod.Spec.ServiceAccountName
	account, _ := s.Get(ServiceAccount, Key{pod.Namespace, name}).(*corev1.ServiceAccount)
	switch {
	case account != nil:
		return account, nil
	case name == defaultAccount && s.by == User:
		return &corev1.ServiceAccount{}, nil
	}
	missing := apierrors.NewNotFound(schema.GroupResource{Resource: "serviceaccount"}, name)
	err := forbidden(Pod, pod, fmt.Errorf("error looking up service account %s/%s: %w", pod.Namespace, name, missing))
	if name == defaultAccount {
		return nil, &accountError{err}
	}
	return nil, err
}

// accountTries is how often the server looks for the account "default" before it
// refuses a pod (getServiceAccount).
const accountTries = 10

// accountError is the want of an account that is expected to come.
type accountError struct{ *apierrors.StatusError }

func forbidden(kind Kind, obj Object, why error) *apierrors.StatusError {
	return apierrors.NewForbidden(kind.GroupResource(), nameOrUnknown(obj), why)
}

// admitMirror refuses what the pods that a kubelet shows may not have.
func admitMirror(pod *corev1.Pod) error {
	switch {
	case pod.Spec.ServiceAccountName != "":
		return forbidden(Pod, pod, fmt.Errorf("a mirror pod may not reference service accounts"))
	case refersToSecrets(pod):
		return forbidden(Pod, pod, fmt.Errorf("a mirror pod may not reference secrets"))
	}
	for i := range pod.Spec.Volumes {
		p := pod.Spec.Volumes[i].Projected
		if p != nil && slices.ContainsFunc(p.Sources, func(s corev1.VolumeProjection) bool { return s.ServiceAccountToken != nil }) {
			return forbidden(Pod, pod, fmt.Errorf("a mirror pod may not use ServiceAccountToken volume projections"))
		}
	}
	return nil
}

// automounts reports whether a pod gets a token unasked: the pod's word counts
// before the account's (shouldAutomount).
func automounts(account *corev1.ServiceAccount, pod *corev1.Pod) bool {
	switch {
	case pod.Spec.AutomountServiceAccountToken != nil:
		return *pod.Spec.AutomountServiceAccountToken
	case account.AutomountServiceAccountToken != nil:
		return *account.AutomountServiceAccountToken
	}
	return true
}

// mountToken mounts the token into every container that has nothing at its path
// (mountServiceAccountToken).
func (s *Server) mountToken(pod *corev1.Pod) {
	name := ""
	for i := range pod.Spec.Volumes {
		if n := pod.Spec.Volumes[i].Name; strings.HasPrefix(n, tokenVolume+"-") {
			name = n
			break
		}
	}
	has := name != ""
	if !has {
		name = s.tokenVolumeName(pod)
	}
	needs := false
	for _, list := range []*[]corev1.Container{&pod.Spec.InitContainers, &pod.Spec.Containers} {
		needs = mountInto(list, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenPath}) || needs
	}
	if needs && !has {
		pod.Spec.Volumes = append(slices.Clip(pod.Spec.Volumes), // the sender's
			corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: tokenSource}})
	}
}

// mountInto mounts a volume where nothing is mounted yet, and reports whether it
// did. The containers are the sender's, so they are copied first.
func mountInto(list *[]corev1.Container, mount corev1.VolumeMount) bool {
	copied := false
	for i := range *list {
		mounts := (*list)[i].VolumeMounts
		if slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == mount.MountPath }) {
			continue
		}
		if !copied {
			*list, copied = slices.Clone(*list), true
		}
		own := make([]corev1.VolumeMount, len(mounts)+1)
		copy(own, mounts)
		own[len(mounts)] = mount
		(*list)[i].VolumeMounts = own
	}
	return copied
}

// tokenVolumeName draws the end of the volume's name. It is the pod's own: no
// other object changes it.
func (s *Server) tokenVolumeName(pod *corev1.Pod) string {
	name := make([]byte, 0, 96)
	name = append(append(append(name, "pods/"...), pod.Namespace...), '/')
	counter := uint64(0)
	if pod.Name != "" {
		name = append(name, pod.Name...)
		counter = s.engine.HashBytes("born", name)
	} else {
		name = append(append(name, pod.GenerateName...), '*')
		counter = state.HashText(string(name))
	}
	count, turn := s.born.Peek(counter)
	name = append(strconv.AppendUint(append(name, '/'), uint64(count), 10), '/')
	name = strconv.AppendUint(name, uint64(turn), 10)
	return string(randomEnd([]byte(tokenVolume+"-"), s.engine.HashBytes("tokenVolume", name)))
}

// refersToSecrets reports whether a pod names any secret (VisitPodSecretNames).
func refersToSecrets(pod *corev1.Pod) bool {
	if slices.ContainsFunc(pod.Spec.ImagePullSecrets, isNamed) {
		return true
	}
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	for i := range pod.Spec.EphemeralContainers {
		containers = append(containers, corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	for i := range containers {
		if slices.ContainsFunc(secretsIn(&containers[i]), func(u secretUse) bool { return u.name != "" }) {
			return true
		}
	}
	return slices.ContainsFunc(pod.Spec.Volumes, volumeRefersToSecret)
}

func isNamed(ref corev1.LocalObjectReference) bool { return ref.Name != "" }

// volumeRefersToSecret reports whether the source of a volume names a secret
// (VisitPodSecretNames).
func volumeRefersToSecret(v corev1.Volume) bool {
	named := func(ref *corev1.LocalObjectReference) bool { return ref != nil && ref.Name != "" }
	switch {
	case v.AzureFile != nil:
		return v.AzureFile.SecretName != ""
	case v.CephFS != nil:
		return named(v.CephFS.SecretRef)
	case v.Cinder != nil:
		return named(v.Cinder.SecretRef)
	case v.FlexVolume != nil:
		return named(v.FlexVolume.SecretRef)
	case v.Projected != nil:
		return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool { return s.Secret != nil && s.Secret.Name != "" })
	case v.RBD != nil:
		return named(v.RBD.SecretRef)
	case v.Secret != nil:
		return v.Secret.SecretName != ""
	case v.ScaleIO != nil:
		return named(v.ScaleIO.SecretRef)
	case v.ISCSI != nil:
		return named(v.ISCSI.SecretRef)
	case v.StorageOS != nil:
		return named(v.StorageOS.SecretRef)
	case v.CSI != nil:
		return named(v.CSI.NodePublishSecretRef)
	}
	return false
}

// secretUse is a secret that a container's environment is made of.
type secretUse struct{ name, where string }

func secretsIn(c *corev1.Container) (uses []secretUse) {
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.SecretKeyRef != nil {
			uses = append(uses, secretUse{from.SecretKeyRef.Name, "envVar " + c.Env[i].Name})
		}
	}
	for i := range c.EnvFrom {
		if ref := c.EnvFrom[i].SecretRef; ref != nil {
			uses = append(uses, secretUse{ref.Name, "envFrom"})
		}
	}
	return uses
}

// limitSecrets holds a pod to the secrets of its account
// (limitSecretReferences).
func limitSecrets(account *corev1.ServiceAccount, pod *corev1.Pod) error {
	mountable := func(name string) bool {
		return slices.ContainsFunc(account.Secrets, func(r corev1.ObjectReference) bool { return r.Name == name })
	}
	refuse := func(format string, args ...any) error { return forbidden(Pod, pod, fmt.Errorf(format, args...)) }
	for i := range pod.Spec.Volumes {
		if src := pod.Spec.Volumes[i].Secret; src != nil && !mountable(src.SecretName) {
			return refuse(`volume with secret.secretName="%s" is not allowed because service account %s does not reference that secret`, src.SecretName, account.Name)
		}
	}
	for n, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, use := range secretsIn(&list[i]) {
				if !mountable(use.name) {
					return refuse(`%s %s with %s referencing secret.secretName="%s" is not allowed because service account %s does not reference that secret`,
						[]string{"init container", "container"}[n], list[i].Name, use.where, use.name, account.Name)
				}
			}
		}
	}
	for i, ref := range pod.Spec.ImagePullSecrets {
		if !slices.Contains(account.ImagePullSecrets, ref) {
			return refuse(`imagePullSecrets[%d].name="%s" is not allowed because service account %s does not reference that imagePullSecret`, i, ref.Name, account.Name)
		}
	}
	return nil
}
