package validation

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Warnings returns what kubectl prints behind "Warning: " for an object that
// was accepted. old is nil after a creation.
func Warnings(obj, old runtime.Object) []string {
	var w warner
	switch o := obj.(type) {
	case *corev1.Pod:
		if old != nil { // the pod strategy warns on creation alone
			return nil
		}
		if msgs := validation.IsDNS1123Label(o.Name); !isLabel(o.Name) && len(msgs) > 0 {
			w.add(fmt.Sprintf("metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
		}
		w.podSpec(spec, &o.Spec)
	case *appsv1.StatefulSet:
		w.statefulSet(o, old)
	case *corev1.PersistentVolumeClaim:
		if _, ok := o.Annotations[corev1.BetaStorageClassAnnotation]; ok {
			at := metadata.child("annotations")
			w.at(at.key(corev1.BetaStorageClassAnnotation), `deprecated since v1.8; use "storageClassName" attribute instead`)
		}
		w.claim(spec, &o.Spec)
	case *corev1.PersistentVolume:
		w.volume(o)
	case *corev1.Service:
		w.service(o)
	case *corev1.ResourceQuota:
		if old == nil {
			w.quota(&o.Spec)
		}
	case *corev1.Node:
		if o.Spec.DoNotUseExternalID != "" {
			w.add("spec.externalID: this field is deprecated, and is unused by Kubernetes")
		}
	}
	return w.list
}

type warner struct{ list []string }

func (w *warner) add(s string) { w.list = append(w.list, s) }

func (w *warner) at(p path, s string) { w.add(p.field().String() + ": " + s) }

func (w *warner) statefulSet(set *appsv1.StatefulSet, old runtime.Object) {
	was, _ := old.(*appsv1.StatefulSet)
	template, claims := spec.child("template"), spec.child("volumeClaimTemplates")
	if was == nil || was.Generation != set.Generation {
		w.podSpec(template.child("spec"), &set.Spec.Template.Spec)
	}
	for i := range set.Spec.VolumeClaimTemplates {
		at := claims.at(i)
		if was != nil {
			w.claim(at.child("Spec"), &set.Spec.VolumeClaimTemplates[i].Spec) // sic
		} else {
			w.claim(at, &set.Spec.VolumeClaimTemplates[i].Spec) // sic
		}
	}
	if n := set.Spec.RevisionHistoryLimit; n != nil && *n < 0 {
		w.add("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended")
	}
}

// fractional warns of bytes that are no whole number.
func (w *warner) fractional(p path, list corev1.ResourceList, names ...corev1.ResourceName) {
	for _, name := range names {
		if q, ok := list[name]; ok && q.MilliValue()%1000 != 0 {
			w.at(p.key(string(name)), fmt.Sprintf("fractional byte value %q is invalid, must be an integer", q.String()))
		}
	}
}

func (w *warner) claim(p path, s *corev1.PersistentVolumeClaimSpec) {
	at := p.child("resources")
	w.fractional(at.child("requests"), s.Resources.Requests, corev1.ResourceStorage)
	w.fractional(at.child("limits"), s.Resources.Limits, corev1.ResourceStorage)
}

func (w *warner) volume(pv *corev1.PersistentVolume) {
	at := metadata.child("annotations")
	if _, ok := pv.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		w.at(at.key(corev1.BetaStorageClassAnnotation), `deprecated since v1.8; use "storageClassName" attribute instead`)
	}
	if _, ok := pv.Annotations[corev1.MountOptionAnnotation]; ok {
		w.at(at.key(corev1.MountOptionAnnotation), `deprecated since v1.31; use "mountOptions" attribute instead`)
	}
	if pv.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRecycle {
		w.at(spec.child("persistentVolumeReclaimPolicy"), "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.")
	}
}

func (w *warner) service(svc *corev1.Service) {
	s := &svc.Spec
	external := len(s.ExternalIPs) > 0
	headless := s.Type == corev1.ServiceTypeClusterIP && s.ClusterIP == corev1.ClusterIPNone
	if headless {
		if s.LoadBalancerIP != "" {
			w.add("spec.loadBalancerIP is ignored for headless services")
		}
		if external {
			w.add("spec.externalIPs is ignored for headless services")
		}
		if s.SessionAffinity != corev1.ServiceAffinityNone {
			w.add("spec.SessionAffinity is ignored for headless services")
		}
	} else if external && s.Type != corev1.ServiceTypeExternalName {
		w.add("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
	}
	if s.Type == corev1.ServiceTypeExternalName && external {
		w.add(`spec.externalIPs is ignored when spec.type is "ExternalName"`)
	}
	if s.Type != corev1.ServiceTypeExternalName && s.ExternalName != "" {
		w.add(`spec.externalName is ignored when spec.type is not "ExternalName"`)
	}
	if d := s.TrafficDistribution; d != nil && *d == corev1.ServiceTrafficDistributionPreferClose {
		w.add(`spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"`)
	}
}

// podSpec is the part of warningsForPodSpecAndMeta about what the simulator
// acts on.
func (w *warner) podSpec(p path, s *corev1.PodSpec) {
	spreads := p.child("topologySpreadConstraints")
	for i := range s.TopologySpreadConstraints {
		if s.TopologySpreadConstraints[i].LabelSelector == nil {
			at := spreads.at(i)
			w.at(at.child("labelSelector"), noPodMatches)
		}
	}
	w.secrets(p.child("imagePullSecrets"), s.ImagePullSecrets)
	w.fractional(p.child("overhead"), s.Overhead, corev1.ResourceMemory, corev1.ResourceEphemeralStorage)
	eachContainer(s, func(list string, i int, ctr *corev1.Container) {
		in := p.child(list)
		w.container(in.at(i), ctr)
	})
	w.ports(p, s)
	if g := s.TerminationGracePeriodSeconds; g != nil && *g < 0 {
		w.at(p.child("terminationGracePeriodSeconds"), "must be >= 0; negative values are invalid and will be treated as 1")
	}
	if a := s.Affinity; a != nil {
		at := p.child("affinity")
		if a.PodAffinity != nil {
			w.affinity(at.child("podAffinity"), a.PodAffinity)
		}
		if a.PodAntiAffinity != nil {
			w.affinity(at.child("podAntiAffinity"), (*corev1.PodAffinity)(a.PodAntiAffinity))
		}
	}
}

const noPodMatches = "a null labelSelector results in matching no pod"

func (w *warner) affinity(p path, a *corev1.PodAffinity) {
	required, preferred := p.child("requiredDuringSchedulingIgnoredDuringExecution"), p.child("preferredDuringSchedulingIgnoredDuringExecution")
	for i := range a.RequiredDuringSchedulingIgnoredDuringExecution {
		if a.RequiredDuringSchedulingIgnoredDuringExecution[i].LabelSelector == nil {
			at := required.at(i)
			w.at(at.child("labelSelector"), noPodMatches)
		}
	}
	for i := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		if a.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm.LabelSelector == nil {
			at := preferred.at(i)
			w.at(at.child("podAffinityTerm.labelSelector"), noPodMatches)
		}
	}
}

func (w *warner) secrets(p path, secrets []corev1.LocalObjectReference) {
	for i, s := range secrets {
		if slices.Contains(secrets[:i], s) {
			at := p.at(i)
			w.at(at.child("name"), fmt.Sprintf("duplicate name %q", s.Name))
		}
	}
	for i, s := range secrets {
		if s.Name == "" {
			at := p.at(i)
			w.at(at.child("name"), `invalid empty name ""`)
		}
	}
}

func (w *warner) container(p path, ctr *corev1.Container) {
	for _, name := range [...]corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		at := p.child("resources")
		w.fractional(at.child("limits"), ctr.Resources.Limits, name)
		w.fractional(at.child("requests"), ctr.Resources.Requests, name)
	}
	env := p.child("env")
	for i := range ctr.Env {
		v := &ctr.Env[i]
		if !slices.ContainsFunc(ctr.Env[:i], func(o corev1.EnvVar) bool { return o.Name == v.Name }) {
			continue
		}
		ref := "$(" + v.Name + ")"
		if v.ValueFrom != nil || v.Value == ref || !strings.Contains(v.Value, ref) {
			w.at(env.at(i), fmt.Sprintf("hides previous definition of %q, which may be dropped when using apply", v.Name))
		}
	}
}

// portAt is a port and where it stands.
type portAt struct {
	*corev1.ContainerPort
	list         string
	container, i int
}

func (a portAt) where(p path) *field.Path {
	return p.field().Child(a.list).Index(a.container).Child("ports").Index(a.i)
}

// ports warns of ports that are the same, or look so.
func (w *warner) ports(p path, s *corev1.PodSpec) {
	var all []portAt
	eachContainer(s, func(list string, i int, ctr *corev1.Container) {
		for j := range ctr.Ports {
			all = append(all, portAt{&ctr.Ports[j], list, i, j})
		}
	})
	for i, a := range all {
		if a.HostIP != "" && a.HostPort == 0 {
			w.add(fmt.Sprintf("%s: hostIP set without hostPort: %+v", a.where(p), *a.ContainerPort))
		}
		for _, b := range all[:i] {
			if a.ContainerPort.ContainerPort != b.ContainerPort.ContainerPort || a.Protocol != b.Protocol {
				continue
			}
			if kind := clash(a.ContainerPort, b.ContainerPort); kind != "" {
				w.add(fmt.Sprintf("%s: %s port definition with %s", a.where(p), kind, b.where(p)))
			}
		}
	}
	for i, a := range all {
		j := slices.IndexFunc(all[:i], func(b portAt) bool { return b.Name == a.Name })
		if a.Name != "" && j >= 0 {
			first := all[j].where(p)
			w.add(fmt.Sprintf("%s: duplicate port name %q with %s, services and probes that select ports by name will use %s", a.where(p), a.Name, first, first))
		}
	}
}

func clash(a, b *corev1.ContainerPort) string {
	switch {
	case a.HostIP == b.HostIP && a.HostPort == b.HostPort:
		return "duplicate"
	case a.HostPort == 0 || b.HostPort == 0:
		return "overlapping"
	case a.HostPort == b.HostPort && (a.HostIP == "") != (b.HostIP == ""):
		return "dangerously ambiguous"
	}
	return ""
}
