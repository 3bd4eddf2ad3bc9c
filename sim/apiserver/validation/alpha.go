package validation

import (
	corev1 "k8s.io/api/core/v1"
)

// dropAlpha empties the fields of a pod's spec whose features are alpha, and
// so off in v1.37 (DropDisabledPodFields). The spec is copied if there are
// any.
func dropAlpha(s *corev1.PodSpec) {
	s.SchedulingGroup, s.EvictionResponders = nil, nil
	if !usesAlpha(s) {
		return
	}
	*s = *s.DeepCopy()
	for i := range s.Volumes {
		dropVolumeAlpha(&s.Volumes[i])
	}
	eachContainer(s, func(_ string, _ int, ctr *corev1.Container) {
		for i := range ctr.VolumeMounts {
			ctr.VolumeMounts[i].BindMountOptions = nil
		}
		if ctr.Lifecycle != nil {
			signalled := ctr.Lifecycle.StopSignal != nil
			ctr.Lifecycle.StopSignal = nil
			for _, h := range [...]*corev1.LifecycleHandler{ctr.Lifecycle.PostStart, ctr.Lifecycle.PreStop} {
				if h != nil && h.HTTPGet != nil {
					h.HTTPGet.Protocol = nil
				}
			}
			if signalled && *ctr.Lifecycle == (corev1.Lifecycle{}) {
				ctr.Lifecycle = nil
			}
		}
		for _, p := range [...]*corev1.Probe{ctr.LivenessProbe, ctr.ReadinessProbe, ctr.StartupProbe} {
			if p != nil && p.HTTPGet != nil {
				p.HTTPGet.Protocol = nil
			}
			if p != nil && p.GRPC != nil {
				p.GRPC.Mode = nil
			}
		}
	})
}

func dropVolumeAlpha(v *corev1.Volume) {
	items := func(list []corev1.KeyToPath) {
		for i := range list {
			list[i].User = nil
		}
	}
	files := func(list []corev1.DownwardAPIVolumeFile) {
		for i := range list {
			list[i].User = nil
		}
	}
	if v.EmptyDir != nil {
		v.EmptyDir.Mode = nil
	}
	if v.Secret != nil {
		v.Secret.DefaultUser = nil
		items(v.Secret.Items)
	}
	if v.ConfigMap != nil {
		v.ConfigMap.DefaultUser = nil
		items(v.ConfigMap.Items)
	}
	if v.DownwardAPI != nil {
		v.DownwardAPI.DefaultUser = nil
		files(v.DownwardAPI.Items)
	}
	if v.Projected == nil {
		return
	}
	v.Projected.DefaultUser = nil
	for i := range v.Projected.Sources {
		s := &v.Projected.Sources[i]
		if s.Secret != nil {
			items(s.Secret.Items)
		}
		if s.ConfigMap != nil {
			items(s.ConfigMap.Items)
		}
		if s.DownwardAPI != nil {
			files(s.DownwardAPI.Items)
		}
		if s.ServiceAccountToken != nil {
			s.ServiceAccountToken.User = nil
		}
	}
}

// usesAlpha looks for any of the fields that dropAlpha empties.
func usesAlpha(s *corev1.PodSpec) bool {
	for i := range s.Volumes {
		if isAlphaVolume(&s.Volumes[i]) {
			return true
		}
	}
	for i := range s.Containers {
		if isAlphaContainer(&s.Containers[i]) {
			return true
		}
	}
	for i := range s.InitContainers {
		if isAlphaContainer(&s.InitContainers[i]) {
			return true
		}
	}
	return false
}

func isAlphaVolume(v *corev1.Volume) bool {
	key := func(list []corev1.KeyToPath) bool {
		for i := range list {
			if list[i].User != nil {
				return true
			}
		}
		return false
	}
	file := func(list []corev1.DownwardAPIVolumeFile) bool {
		for i := range list {
			if list[i].User != nil {
				return true
			}
		}
		return false
	}
	if v.EmptyDir != nil && v.EmptyDir.Mode != nil || v.Secret != nil && (v.Secret.DefaultUser != nil || key(v.Secret.Items)) ||
		v.ConfigMap != nil && (v.ConfigMap.DefaultUser != nil || key(v.ConfigMap.Items)) ||
		v.DownwardAPI != nil && (v.DownwardAPI.DefaultUser != nil || file(v.DownwardAPI.Items)) {
		return true
	}
	if v.Projected == nil {
		return false
	}
	if v.Projected.DefaultUser != nil {
		return true
	}
	for i := range v.Projected.Sources {
		s := &v.Projected.Sources[i]
		if s.Secret != nil && key(s.Secret.Items) || s.ConfigMap != nil && key(s.ConfigMap.Items) ||
			s.DownwardAPI != nil && file(s.DownwardAPI.Items) || s.ServiceAccountToken != nil && s.ServiceAccountToken.User != nil {
			return true
		}
	}
	return false
}

func isAlphaContainer(ctr *corev1.Container) bool {
	for i := range ctr.VolumeMounts {
		if ctr.VolumeMounts[i].BindMountOptions != nil {
			return true
		}
	}
	alpha := func(h *corev1.HTTPGetAction) bool { return h != nil && h.Protocol != nil }
	if l := ctr.Lifecycle; l != nil && (l.StopSignal != nil || l.PostStart != nil && alpha(l.PostStart.HTTPGet) || l.PreStop != nil && alpha(l.PreStop.HTTPGet)) {
		return true
	}
	for _, p := range [...]*corev1.Probe{ctr.LivenessProbe, ctr.ReadinessProbe, ctr.StartupProbe} {
		if p != nil && (alpha(p.HTTPGet) || p.GRPC != nil && p.GRPC.Mode != nil) {
			return true
		}
	}
	return false
}
