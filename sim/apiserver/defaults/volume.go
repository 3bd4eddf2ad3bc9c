package defaults

import (
	corev1 "k8s.io/api/core/v1"
)

const (
	fileMode     int32 = 0o644 // of files from Secrets, ConfigMaps and the downward API
	tokenSeconds int64 = 3600
)

// volume is SetDefaults_Volume with the defaults of the volume's source.
func volume(v *corev1.Volume) *corev1.Volume {
	if v.VolumeSource == (corev1.VolumeSource{}) {
		c := *v
		c.EmptyDir = &corev1.EmptyDirVolumeSource{}
		return &c
	}
	o := own[corev1.Volume]{v: v}
	if s := v.Image; through(&s, imageVolume) {
		o.write().Image = s
	}
	if s := v.HostPath; through(&s, hostPath) {
		o.write().HostPath = s
	}
	if s := v.Secret; through(&s, secretVolume) {
		o.write().Secret = s
	}
	if s := v.ConfigMap; through(&s, configMapVolume) {
		o.write().ConfigMap = s
	}
	if s := v.DownwardAPI; through(&s, downwardVolume) {
		o.write().DownwardAPI = s
	}
	if s := v.Projected; through(&s, projectedVolume) {
		o.write().Projected = s
	}
	if s := v.Ephemeral; through(&s, ephemeralVolume) {
		o.write().Ephemeral = s
	}
	networkDisk(&o)
	return o.v
}

// networkDisk fills the volume sources of older disk drivers.
func networkDisk(o *own[corev1.Volume]) {
	if s := o.v.ISCSI; s != nil && s.ISCSIInterface == "" {
		c := *s
		c.ISCSIInterface = "default"
		o.write().ISCSI = &c
	}
	if s := o.v.RBD; s != nil {
		c := *s
		if rbd(&c.RBDPool, &c.RadosUser, &c.Keyring) {
			o.write().RBD = &c
		}
	}
	if s := o.v.AzureDisk; through(&s, azureDisk) {
		o.write().AzureDisk = s
	}
	if s := o.v.ScaleIO; s != nil {
		c := *s
		if scaleIO(&c.StorageMode, &c.FSType) {
			o.write().ScaleIO = &c
		}
	}
}

func rbd(pool, user, keyring *string) bool {
	a, b, c := zero(pool, "rbd"), zero(user, "admin"), zero(keyring, "/etc/ceph/keyring")
	return a || b || c
}

func scaleIO(mode, fsType *string) bool {
	a, b := zero(mode, "ThinProvisioned"), zero(fsType, "xfs")
	return a || b
}

func azureDisk(d *corev1.AzureDiskVolumeSource) *corev1.AzureDiskVolumeSource {
	if d.CachingMode != nil && d.FSType != nil && d.ReadOnly != nil && d.Kind != nil {
		return d
	}
	c := *d
	fill(&c.CachingMode, corev1.AzureDataDiskCachingReadWrite)
	fill(&c.FSType, "ext4")
	fill(&c.ReadOnly, false)
	fill(&c.Kind, corev1.AzureSharedBlobDisk)
	return &c
}

func imageVolume(s *corev1.ImageVolumeSource) *corev1.ImageVolumeSource {
	o := own[corev1.ImageVolumeSource]{v: s}
	if s.PullPolicy == "" {
		o.write().PullPolicy = pullPolicy(s.Reference)
	}
	return o.v
}

func hostPath(s *corev1.HostPathVolumeSource) *corev1.HostPathVolumeSource {
	o := own[corev1.HostPathVolumeSource]{v: s}
	if s.Type == nil {
		fill(&o.write().Type, corev1.HostPathUnset)
	}
	return o.v
}

func secretVolume(s *corev1.SecretVolumeSource) *corev1.SecretVolumeSource {
	o := own[corev1.SecretVolumeSource]{v: s}
	if s.DefaultMode == nil {
		fill(&o.write().DefaultMode, fileMode)
	}
	return o.v
}

func configMapVolume(s *corev1.ConfigMapVolumeSource) *corev1.ConfigMapVolumeSource {
	o := own[corev1.ConfigMapVolumeSource]{v: s}
	if s.DefaultMode == nil {
		fill(&o.write().DefaultMode, fileMode)
	}
	return o.v
}

func downwardVolume(s *corev1.DownwardAPIVolumeSource) *corev1.DownwardAPIVolumeSource {
	o := own[corev1.DownwardAPIVolumeSource]{v: s}
	if s.DefaultMode == nil {
		fill(&o.write().DefaultMode, fileMode)
	}
	if items := s.Items; each(&items, downwardFile) {
		o.write().Items = items
	}
	return o.v
}

func downwardFile(f *corev1.DownwardAPIVolumeFile) *corev1.DownwardAPIVolumeFile {
	o := own[corev1.DownwardAPIVolumeFile]{v: f}
	if r := f.FieldRef; through(&r, fieldSelector) {
		o.write().FieldRef = r
	}
	return o.v
}

func projectedVolume(s *corev1.ProjectedVolumeSource) *corev1.ProjectedVolumeSource {
	o := own[corev1.ProjectedVolumeSource]{v: s}
	if s.DefaultMode == nil {
		fill(&o.write().DefaultMode, fileMode)
	}
	if sources := s.Sources; each(&sources, projection) {
		o.write().Sources = sources
	}
	return o.v
}

func projection(p *corev1.VolumeProjection) *corev1.VolumeProjection {
	o := own[corev1.VolumeProjection]{v: p}
	if d := p.DownwardAPI; d != nil {
		if items := d.Items; each(&items, downwardFile) {
			o.write().DownwardAPI = &corev1.DownwardAPIProjection{Items: items}
		}
	}
	if t := p.ServiceAccountToken; t != nil && t.ExpirationSeconds == nil {
		c := *t
		fill(&c.ExpirationSeconds, tokenSeconds)
		o.write().ServiceAccountToken = &c
	}
	return o.v
}

func ephemeralVolume(s *corev1.EphemeralVolumeSource) *corev1.EphemeralVolumeSource {
	t := s.VolumeClaimTemplate
	if t == nil {
		return s
	}
	spec := t.Spec
	if !claimSpec(&spec) {
		return s
	}
	c := *t
	c.Spec = spec
	return &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &c}
}
