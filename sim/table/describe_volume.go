package table

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// volume writes a PersistentVolume (describePersistentVolume).
func (p *page) volume(pv *corev1.PersistentVolume) {
	p.line(0, "Name:\t%s", pv.Name)
	p.about(&pv.ObjectMeta)
	p.line(0, "Finalizers:\t%v", pv.Finalizers)
	p.line(0, "StorageClass:\t%s", volumeClass(pv))
	p.phase(string(pv.Status.Phase), &pv.ObjectMeta)
	claim := ""
	if ref := pv.Spec.ClaimRef; ref != nil {
		claim = ref.Namespace + "/" + ref.Name
	}
	p.line(0, "Claim:\t%s", claim)
	p.line(0, "Reclaim Policy:\t%s", pv.Spec.PersistentVolumeReclaimPolicy)
	p.line(0, "Access Modes:\t%s", accessModes(pv.Spec.AccessModes))
	if pv.Spec.VolumeMode != nil {
		p.line(0, "VolumeMode:\t%s", *pv.Spec.VolumeMode)
	}
	capacity := pv.Spec.Capacity[corev1.ResourceStorage]
	p.line(0, "Capacity:\t%s", capacity.String())
	p.nodeAffinity(pv.Spec.NodeAffinity)
	p.line(0, "Message:\t%s", pv.Status.Message)
	p.line(0, "Source:")
	switch s := &pv.Spec.PersistentVolumeSource; {
	case s.HostPath != nil:
		p.hostPath(s.HostPath)
	case s.NFS != nil:
		p.nfs(s.NFS)
	case s.Local != nil:
		p.source("LocalVolume (a persistent volume backed by local storage on a node)", "Path", s.Local.Path)
	case s.CSI != nil:
		p.persistentCSI(s.CSI)
	default:
		p.line(1, unknown)
	}
}

// nodeAffinity writes from where a volume can be reached.
func (p *page) nodeAffinity(affinity *corev1.VolumeNodeAffinity) {
	if affinity == nil || affinity.Required == nil {
		p.line(0, "Node Affinity:\t<none>")
		return
	}
	p.line(0, "Node Affinity:\t")
	terms := affinity.Required.NodeSelectorTerms
	if len(terms) == 0 {
		p.line(1, "Required Terms:\t<none>")
		return
	}
	p.line(1, "Required Terms:\t")
	for i := range terms {
		var items []string
		for _, r := range terms[i].MatchExpressions {
			s := r.Key + " " + strings.ToLower(string(r.Operator))
			if len(r.Values) > 0 {
				s += " [" + strings.Join(r.Values, ", ") + "]"
			}
			items = append(items, s)
		}
		p.list("    ", fmt.Sprintf("Term %d", i), items)
	}
}

// volumes writes the volumes of a pod or template.
func (p *page) volumes(indent string, volumes []corev1.Volume) {
	if len(volumes) == 0 {
		p.line(0, "%sVolumes:\t<none>", indent)
		return
	}
	p.line(0, "%sVolumes:", indent)
	for i := range volumes {
		p.line(1, "%s%s:", nameIndent(indent), volumes[i].Name)
		p.volumeSource(&volumes[i].VolumeSource)
	}
}

func (p *page) volumeSource(s *corev1.VolumeSource) {
	switch {
	case s.HostPath != nil:
		p.hostPath(s.HostPath)
	case s.EmptyDir != nil:
		limit := unset
		if q := s.EmptyDir.SizeLimit; q != nil && q.Sign() > 0 {
			limit = q.String()
		}
		p.source("EmptyDir (a temporary directory that shares a pod's lifetime)",
			"Medium", s.EmptyDir.Medium, "SizeLimit", limit)
	case s.Secret != nil:
		p.source("Secret (a volume populated by a Secret)",
			"SecretName", s.Secret.SecretName, "Optional", isSet(s.Secret.Optional))
	case s.ConfigMap != nil:
		p.source("ConfigMap (a volume populated by a ConfigMap)",
			"Name", s.ConfigMap.Name, "Optional", isSet(s.ConfigMap.Optional))
	case s.NFS != nil:
		p.nfs(s.NFS)
	case s.PersistentVolumeClaim != nil:
		p.source("PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
			"ClaimName", s.PersistentVolumeClaim.ClaimName, "ReadOnly", s.PersistentVolumeClaim.ReadOnly)
	case s.Ephemeral != nil:
		p.ephemeral(s.Ephemeral)
	case s.DownwardAPI != nil:
		p.downwardAPI(s.DownwardAPI)
	case s.Projected != nil:
		p.projected(s.Projected)
	case s.CSI != nil:
		fsType := ""
		if s.CSI.FSType != nil {
			fsType = *s.CSI.FSType
		}
		p.source("CSI (a Container Storage Interface (CSI) volume source)",
			"Driver", s.CSI.Driver, "FSType", fsType, "ReadOnly", isSet(s.CSI.ReadOnly))
		p.volumeAttributes(s.CSI.VolumeAttributes)
	default:
		p.line(1, unknown)
	}
}

// source writes a type and pairs of a title and a value.
func (p *page) source(kind string, pairs ...any) {
	p.line(2, "Type:\t%s", kind)
	for i := 0; i < len(pairs); i += 2 {
		p.line(2, "%s:\t%v", pairs[i], pairs[i+1])
	}
}

func (p *page) hostPath(s *corev1.HostPathVolumeSource) {
	kind := none
	if s.Type != nil {
		kind = string(*s.Type)
	}
	p.source("HostPath (bare host directory volume)", "Path", s.Path, "HostPathType", kind)
}

func (p *page) nfs(s *corev1.NFSVolumeSource) {
	p.source("NFS (an NFS mount that lasts the lifetime of a pod)",
		"Server", s.Server, "Path", s.Path, "ReadOnly", s.ReadOnly)
}

func (p *page) persistentCSI(s *corev1.CSIPersistentVolumeSource) {
	p.source("CSI (a Container Storage Interface (CSI) volume source)",
		"Driver", s.Driver, "FSType", s.FSType, "VolumeHandle", s.VolumeHandle, "ReadOnly", s.ReadOnly)
	p.volumeAttributes(s.VolumeAttributes)
}

func (p *page) volumeAttributes(attributes map[string]string) {
	const longest = 140
	p.text(2, "VolumeAttributes:\t")
	if len(attributes) == 0 {
		p.line(0, none)
	}
	for i, k := range sortedKeys(attributes) {
		if i > 0 {
			p.text(2, "")
			p.text(2, "\t")
		}
		s := k + "=" + attributes[k]
		if len(s) > longest {
			s = s[:longest] + "..."
		}
		p.line(2, "%s", s)
	}
}

func (p *page) downwardAPI(s *corev1.DownwardAPIVolumeSource) {
	p.source("DownwardAPI (a volume populated by information about the pod)")
	p.line(2, "Items:")
	for _, item := range s.Items {
		if item.FieldRef != nil {
			p.line(3, "%s -> %s", item.FieldRef.FieldPath, item.Path)
		}
		if item.ResourceFieldRef != nil {
			p.line(3, "%s -> %s", item.ResourceFieldRef.Resource, item.Path)
		}
	}
}

func (p *page) projected(s *corev1.ProjectedVolumeSource) {
	p.source("Projected (a volume that contains injected data from multiple sources)")
	for i := range s.Sources {
		switch from := &s.Sources[i]; {
		case from.Secret != nil:
			p.line(2, "SecretName:\t%s", from.Secret.Name)
			p.line(2, "Optional:\t%t", isSet(from.Secret.Optional))
		case from.DownwardAPI != nil:
			p.line(2, "DownwardAPI:\ttrue")
		case from.ConfigMap != nil:
			p.line(2, "ConfigMapName:\t%s", from.ConfigMap.Name)
			p.line(2, "Optional:\t%t", isSet(from.ConfigMap.Optional))
		case from.ServiceAccountToken != nil:
			seconds := int64(3600) // the default
			if s := from.ServiceAccountToken.ExpirationSeconds; s != nil {
				seconds = *s
			}
			p.line(2, "TokenExpirationSeconds:\t%d", seconds)
		}
	}
}
