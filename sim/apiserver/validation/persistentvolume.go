package validation

import (
	"fmt"
	pathpkg "path"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// volumeCreate is ValidatePersistentVolume.
func (c *check) volumeCreate(pv *corev1.PersistentVolume) {
	c.meta(&pv.ObjectMeta, false, subdomainName)
	c.volumeSpec(&pv.Spec)
}

// basic is validateBasicResource.
func (c *check) basic(p path, q resource.Quantity) {
	if q.Value() < 0 {
		c.invalid(p, q.Value(), "must be a valid resource quantity")
	}
}

// volumeSpec is ValidatePersistentVolumeSpec.
func (c *check) volumeSpec(s *corev1.PersistentVolumeSpec) {
	modes := spec.child("accessModes")
	if len(s.AccessModes) == 0 {
		c.required(modes, "")
	}
	c.accessModes(modes, s.AccessModes)
	capacity := spec.child("capacity")
	if len(s.Capacity) == 0 {
		c.required(capacity, "")
	}
	if _, ok := s.Capacity[corev1.ResourceStorage]; !ok || len(s.Capacity) > 1 {
		c.errs = append(c.errs, field.NotSupported(capacity.field(), s.Capacity, []corev1.ResourceName{corev1.ResourceStorage}))
	}
	for _, r := range sorted(s.Capacity) {
		q := s.Capacity[r]
		c.basic(capacity.key(string(r)), q)
		if q.Sign() <= 0 {
			c.invalid(capacity.key(string(r)), q.String(), notPositive)
		}
	}
	policy := spec.child("persistentVolumeReclaimPolicy")
	if s.PersistentVolumeReclaimPolicy != "" {
		oneOf(c, policy, s.PersistentVolumeReclaimPolicy, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRecycle, corev1.PersistentVolumeReclaimRetain)
	}
	if a := s.NodeAffinity; a != nil {
		at := spec.child("nodeAffinity")
		required := at.child("required")
		if a.Required == nil {
			c.required(required, "must specify required node constraints")
		} else {
			c.nodeSelector(required, a.Required)
		}
	}
	c.volumeSources(s)
	if h := s.HostPath; h != nil && pathpkg.Clean(h.Path) == "/" && s.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRecycle {
		c.forbidden(policy, "may not be 'recycle' for a hostPath mount of '/'")
	}
	if s.StorageClassName != "" {
		c.name(spec.child("storageClassName"), s.StorageClassName, subdomainName)
	}
	c.volumeMode(spec.child("volumeMode"), s.VolumeMode)
	if n := s.VolumeAttributesClassName; n != nil {
		at := spec.child("volumeAttributesClassName")
		if *n == "" {
			c.required(at, "an empty string is disallowed")
		} else {
			c.name(at, *n, subdomainName)
		}
		if s.CSI == nil {
			c.required(spec.child("csi"), "has to be specified when using volumeAttributesClassName")
		}
	}
}

// volumeSources: exactly one, in upstream's order.
func (c *check) volumeSources(s *corev1.PersistentVolumeSpec) {
	var one oneSource
	if one.first(c, spec, s.HostPath != nil, "hostPath") {
		c.hostPath(spec.child("hostPath"), s.HostPath)
	}
	one.first(c, spec, s.GCEPersistentDisk != nil, "gcePersistentDisk")
	one.first(c, spec, s.AWSElasticBlockStore != nil, "awsElasticBlockStore")
	one.first(c, spec, s.Glusterfs != nil, "glusterfs")
	one.first(c, spec, s.Flocker != nil, "flocker")
	if one.first(c, spec, s.NFS != nil, "nfs") {
		c.nfs(spec.child("nfs"), s.NFS)
	}
	one.first(c, spec, s.RBD != nil, "rbd")
	one.first(c, spec, s.Quobyte != nil, "quobyte")
	one.first(c, spec, s.CephFS != nil, "cephFS")
	one.first(c, spec, s.ISCSI != nil, "iscsi")
	one.first(c, spec, s.Cinder != nil, "cinder")
	one.first(c, spec, s.FC != nil, "fc")
	if s.FlexVolume != nil { // upstream does not count what came before
		one++
	}
	one.first(c, spec, s.AzureFile != nil, "azureFile")
	one.first(c, spec, s.VsphereVolume != nil, "vsphereVolume")
	one.first(c, spec, s.PhotonPersistentDisk != nil, "photonPersistentDisk")
	one.first(c, spec, s.PortworxVolume != nil, "portworxVolume")
	one.first(c, spec, s.AzureDisk != nil, "azureDisk")
	one.first(c, spec, s.ScaleIO != nil, "scaleIO")
	if one.first(c, spec, s.Local != nil, "local") {
		at := spec.child("local.path")
		if s.Local.Path == "" {
			c.required(at, "")
		} else {
			c.noBackstep(at, s.Local.Path)
		}
		if s.NodeAffinity == nil {
			c.required(spec.child("nodeAffinity"), "Local volume requires node affinity")
		}
	}
	one.first(c, spec, s.StorageOS != nil, "storageos")
	if one.first(c, spec, s.CSI != nil, "csi") {
		c.csi(spec.child("csi"), s.CSI)
	}
	if one == 0 {
		c.required(spec, noVolumeType)
	}
}

// csi is validateCSIPersistentVolumeSource.
func (c *check) csi(p path, s *corev1.CSIPersistentVolumeSource) {
	c.driver(p.child("driver"), s.Driver)
	if s.VolumeHandle == "" {
		c.required(p.child("volumeHandle"), "")
	}
	c.secretRef(p.child("controllerPublishSecretRef"), s.ControllerPublishSecretRef)
	c.secretRef(p.child("controllerExpandSecretRef"), s.ControllerExpandSecretRef)
	c.secretRef(p.child("nodePublishSecretRef"), s.NodePublishSecretRef)
	c.secretRef(p.child("nodeExpandSecretRef"), s.NodeExpandSecretRef)
}

func (c *check) secretRef(p path, r *corev1.SecretReference) {
	if r == nil {
		return
	}
	if r.Name == "" {
		c.required(p.child("name"), "")
	} else {
		c.name(p.child("name"), r.Name, subdomainName)
	}
	if r.Namespace == "" {
		c.required(p.child("namespace"), "")
	} else {
		c.name(p.child("namespace"), r.Namespace, labelName)
	}
}

// volumeUpdate is the ValidateUpdate of volumes: checked anew, and what a
// volume is made of cannot change.
func (c *check) volumeUpdate(pv, old *corev1.PersistentVolume) {
	c.volumeSpec(&pv.Spec)
	now, was := pv.Spec.PersistentVolumeSource, old.Spec.PersistentVolumeSource
	if was.CSI != nil && was.CSI.ControllerExpandSecretRef == nil && now.CSI != nil && now.CSI.ControllerExpandSecretRef != nil {
		csi := *now.CSI
		csi.ControllerExpandSecretRef = nil
		now.CSI = &csi
	}
	if !apiequality.Semantic.DeepEqual(now, was) {
		c.forbidden(spec.child("persistentvolumesource"), fmt.Sprintf("spec.persistentvolumesource is immutable after creation\n%v", diff.Diff(shown(was), shown(now))))
	}
	fixed(c, in("volumeMode"), pv.Spec.VolumeMode, old.Spec.VolumeMode)
	if a := old.Spec.NodeAffinity; a != nil && !apiequality.Semantic.DeepEqual(pv.Spec.NodeAffinity, a) && !isLabelUpgrade(pv.Spec.NodeAffinity, a) {
		c.invalid(in("nodeAffinity"), pv.Spec.NodeAffinity, isImmutable+", except for updating from beta label to GA")
	}
	if old.Spec.VolumeAttributesClassName != nil && pv.Spec.VolumeAttributesClassName == nil {
		c.forbidden(spec.child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden")
	}
}

// stableLabels: the labels of nodes that have left beta.
var stableLabels = map[string]string{
	corev1.LabelFailureDomainBetaZone:   corev1.LabelTopologyZone,
	corev1.LabelFailureDomainBetaRegion: corev1.LabelTopologyRegion,
	"beta.kubernetes.io/os":             corev1.LabelOSStable,
	"beta.kubernetes.io/arch":           corev1.LabelArchStable,
	corev1.LabelInstanceType:            corev1.LabelInstanceTypeStable,
}

// isLabelUpgrade reports whether an affinity changed in nothing but the names
// of labels that left beta.
func isLabelUpgrade(now, old *corev1.VolumeNodeAffinity) bool {
	if now == nil || now.Required == nil || old.Required == nil {
		return false
	}
	n, o := now.Required.NodeSelectorTerms, old.DeepCopy().Required.NodeSelectorTerms
	for i := range o {
		for j := range o[i].MatchExpressions {
			key := &o[i].MatchExpressions[j].Key
			stable := stableLabels[*key] // "" for a label that never was beta: so is upstream's, and an empty key has its own error
			if i < len(n) && j < len(n[i].MatchExpressions) && n[i].MatchExpressions[j].Key == stable {
				*key = stable
			}
		}
	}
	return apiequality.Semantic.DeepEqual(n, o)
}
