package validation

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	fileModes    = "must be a number between 0 and 0777 (octal), both inclusive"
	oneVolume    = "may not specify more than 1 volume type"
	noVolumeType = "must specify a volume type"
)

// volumes is ValidateVolumes. It returns the valid ones. podName is empty for
// templates.
func (c *check) volumes(p path, list []corev1.Volume, podName string) []corev1.Volume {
	valid := list
	for i := range list {
		v, at, before := &list[i], p.at(i), len(c.errs)
		c.volumeSource(at, v, podName)
		if v.Name == "" {
			c.required(at.child("name"), "")
		} else {
			c.name(at.child("name"), v.Name, labelName)
		}
		if hasVolume(validBefore(valid, list, i), v.Name) {
			c.duplicate(at.child("name"), v.Name)
		}
		if len(c.errs) > before && len(valid) == len(list) {
			valid = slices.Clone(list[:i:i])
		} else if len(c.errs) == before && len(valid) < len(list) {
			valid = append(valid, *v)
		}
		if r := v.PersistentVolumeClaim; r != nil && podName != "" {
			c.noEphemeralClaim(at.child("persistentVolumeClaim.claimName"), r.ClaimName, podName, list)
		}
	}
	return valid
}

// validBefore returns the valid volumes ahead of the i-th: a prefix of the list
// as long as no error was found.
func validBefore(valid, list []corev1.Volume, i int) []corev1.Volume {
	if len(valid) == len(list) {
		return list[:i]
	}
	return valid
}

func (c *check) noEphemeralClaim(p path, claim, podName string, list []corev1.Volume) {
	for i := range list {
		if list[i].Ephemeral != nil && podName+"-"+list[i].Name == claim {
			c.invalid(p, claim, "must not reference a PVC that gets created for an ephemeral volume")
			return
		}
	}
}

// oneSource counts volume sources and lets the first of them through.
type oneSource int

func (o *oneSource) first(c *check, p path, present bool, name string) bool {
	if !present {
		return false
	}
	if *o++; *o > 1 {
		c.forbidden(p.child(name), oneVolume)
	}
	return *o == 1
}

// volumeSource is validateVolumeSource.
func (c *check) volumeSource(p path, v *corev1.Volume, podName string) {
	var one oneSource
	if e := v.EmptyDir; e != nil {
		one++
		if e.SizeLimit != nil && e.SizeLimit.Sign() < 0 {
			c.forbidden(p.child("emptyDir.sizeLimit"), "SizeLimit field must be a valid resource quantity")
		}
	}
	if one.first(c, p, v.HostPath != nil, "hostPath") {
		c.hostPath(p.child("hostPath"), v.HostPath)
	}
	if one.first(c, p, v.GitRepo != nil, "gitRepo") {
		c.gitRepo(p.child("gitRepo"), v.GitRepo)
	}
	one.first(c, p, v.GCEPersistentDisk != nil, "gcePersistentDisk")
	one.first(c, p, v.AWSElasticBlockStore != nil, "awsElasticBlockStore")
	if one.first(c, p, v.Secret != nil, "secret") {
		at := p.child("secret")
		if v.Secret.SecretName == "" {
			c.required(at.child("secretName"), "")
		}
		c.mode(at.child("defaultMode"), v.Secret.DefaultMode)
		c.items(at.child("items"), v.Secret.Items)
	}
	if one.first(c, p, v.NFS != nil, "nfs") {
		c.nfs(p.child("nfs"), v.NFS)
	}
	one.first(c, p, v.ISCSI != nil, "iscsi")
	one.first(c, p, v.Glusterfs != nil, "glusterfs")
	one.first(c, p, v.Flocker != nil, "flocker")
	if one.first(c, p, v.PersistentVolumeClaim != nil, "persistentVolumeClaim") && v.PersistentVolumeClaim.ClaimName == "" {
		c.required(p.child("persistentVolumeClaim.claimName"), "")
	}
	one.first(c, p, v.RBD != nil, "rbd")
	one.first(c, p, v.Cinder != nil, "cinder")
	one.first(c, p, v.CephFS != nil, "cephFS")
	one.first(c, p, v.Quobyte != nil, "quobyte")
	if one.first(c, p, v.DownwardAPI != nil, "downwarAPI") { // sic
		at := p.child("downwardAPI")
		c.mode(at.child("defaultMode"), v.DownwardAPI.DefaultMode)
		for i := range v.DownwardAPI.Items {
			c.downwardFile(at, &v.DownwardAPI.Items[i])
		}
	}
	one.first(c, p, v.FC != nil, "fc")
	one.first(c, p, v.FlexVolume != nil, "flexVolume")
	if one.first(c, p, v.ConfigMap != nil, "configMap") {
		at := p.child("configMap")
		if v.ConfigMap.Name == "" {
			c.required(at.child("name"), "")
		}
		c.mode(at.child("defaultMode"), v.ConfigMap.DefaultMode)
		c.items(at.child("items"), v.ConfigMap.Items)
	}
	c.laterSources(&one, p, v, podName)
}

// laterSources are those behind the ConfigMap in upstream's order.
func (c *check) laterSources(one *oneSource, p path, v *corev1.Volume, podName string) {
	one.first(c, p, v.AzureFile != nil, "azureFile")
	one.first(c, p, v.VsphereVolume != nil, "vsphereVolume")
	one.first(c, p, v.PhotonPersistentDisk != nil, "photonPersistentDisk")
	one.first(c, p, v.PortworxVolume != nil, "portworxVolume")
	one.first(c, p, v.AzureDisk != nil, "azureDisk")
	one.first(c, p, v.StorageOS != nil, "storageos")
	if one.first(c, p, v.Projected != nil, "projected") {
		at := p.child("projected")
		c.mode(at.child("defaultMode"), v.Projected.DefaultMode)
		c.projections(at, v.Projected.Sources)
	}
	one.first(c, p, v.ScaleIO != nil, "scaleIO")
	if one.first(c, p, v.CSI != nil, "csi") {
		at := p.child("csi")
		c.driver(at.child("driver"), v.CSI.Driver)
		if r := v.CSI.NodePublishSecretRef; r != nil && r.Name == "" {
			c.required(at.child("nodePublishSecretRef.name"), "")
		} else if r != nil {
			c.name(at.child("name"), r.Name, subdomainName)
		}
	}
	if one.first(c, p, v.Ephemeral != nil, "ephemeral") {
		c.ephemeral(p, v, podName)
	}
	if one.first(c, p, v.Image != nil, "image") {
		at := p.child("image")
		if v.Image.Reference == "" {
			c.required(at.child("reference"), "")
		}
		c.pullPolicy(at.child("pullPolicy"), v.Image.PullPolicy)
	}
	if *one == 0 {
		c.required(p, noVolumeType)
	}
}

func (c *check) ephemeral(p path, v *corev1.Volume, podName string) {
	at := p.child("ephemeral.volumeClaimTemplate")
	if t := v.Ephemeral.VolumeClaimTemplate; t == nil {
		c.required(at, "")
	} else {
		meta := at.child("metadata")
		c.annotations(meta.child("annotations"), t.Annotations)
		c.labels(meta.child("labels"), t.Labels)
		c.emptyMeta(meta, t)
		c.claimSpec(at.child("spec"), &t.Spec, claimRules{})
	}
	if podName != "" && v.Name != "" {
		claim := podName + "-" + v.Name
		for _, m := range subdomainName.slow(claim, false) {
			c.invalid(p.child("name"), v.Name, fmt.Sprintf("PVC name %q: %v", claim, m))
		}
	}
}

// emptyMeta: a claim of an ephemeral volume has labels and annotations only.
func (c *check) emptyMeta(p path, t *corev1.PersistentVolumeClaimTemplate) {
	m := &t.ObjectMeta
	for _, f := range [...]struct {
		name string
		set  bool
	}{
		{"name", m.Name != ""}, {"generateName", m.GenerateName != ""}, {"namespace", m.Namespace != ""},
		{"selfLink", m.SelfLink != ""}, {"uID", m.UID != ""}, {"resourceVersion", m.ResourceVersion != ""},
		{"generation", m.Generation != 0}, {"creationTimestamp", !m.CreationTimestamp.IsZero()},
		{"deletionTimestamp", m.DeletionTimestamp != nil}, {"deletionGracePeriodSeconds", m.DeletionGracePeriodSeconds != nil},
		{"ownerReferences", m.OwnerReferences != nil}, {"finalizers", m.Finalizers != nil},
	} {
		if f.set {
			c.forbidden(p.child(f.name), "cannot be set")
		}
	}
}

func (c *check) gitRepo(p path, g *corev1.GitRepoVolumeSource) {
	if g.Repository == "" {
		c.required(p.child("repository"), "")
	}
	c.relative(p.child("directory"), g.Directory)
}

// hostPath is validateHostPathVolumeSource.
func (c *check) hostPath(p path, h *corev1.HostPathVolumeSource) {
	if h.Path == "" {
		c.required(p.child("path"), "")
		return
	}
	c.noBackstep(p.child("path"), h.Path)
	if h.Type != nil {
		oneOf(c, p.child("type"), *h.Type, corev1.HostPathUnset, corev1.HostPathBlockDev, corev1.HostPathCharDev, corev1.HostPathDirectory,
			corev1.HostPathDirectoryOrCreate, corev1.HostPathFile, corev1.HostPathFileOrCreate, corev1.HostPathSocket)
	}
}

// nfs is validateNFSVolumeSource.
func (c *check) nfs(p path, n *corev1.NFSVolumeSource) {
	if n.Server == "" {
		c.required(p.child("server"), "")
	}
	if n.Path == "" {
		c.required(p.child("path"), "")
	}
	if !strings.HasPrefix(n.Path, "/") {
		c.invalid(p.child("path"), n.Path, "must be an absolute path")
	}
}

// mode holds a file's mode to nine bits.
func (c *check) mode(p path, m *int32) {
	if m != nil && (*m < 0 || *m > 0o777) {
		c.invalid(p, *m, fileModes)
	}
}

func (c *check) items(p path, items []corev1.KeyToPath) {
	for i := range items {
		c.item(p.at(i), &items[i])
	}
}

// item is validateKeyToPath.
func (c *check) item(p path, k *corev1.KeyToPath) {
	if k.Key == "" {
		c.required(p.child("key"), "")
	}
	if k.Path == "" {
		c.required(p.child("path"), "")
	}
	c.local(p.child("path"), k.Path)
	c.mode(p.child("mode"), k.Mode)
}

// downwardFile is validateDownwardAPIVolumeFile.
func (c *check) downwardFile(p path, f *corev1.DownwardAPIVolumeFile) {
	if f.Path == "" {
		c.required(p.child("path"), "")
	}
	c.local(p.child("path"), f.Path)
	switch {
	case f.FieldRef != nil:
		c.fieldRef(p.child("fieldRef"), f.FieldRef, volumeFields)
		if f.ResourceFieldRef != nil {
			c.invalid(p, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
		}
	case f.ResourceFieldRef != nil:
		c.resourceField(p.child("resourceFieldRef"), f.ResourceFieldRef, true)
	default:
		c.required(p, "one of fieldRef and resourceFieldRef is required")
	}
	c.mode(p.child("mode"), f.Mode)
}

// projections is validateProjectionSources, without the contents of
// certificates and trust bundles.
func (c *check) projections(p path, sources []corev1.VolumeProjection) {
	var taken []string
	claim := func(at, owner string) {
		if at == "" {
			return
		}
		if slices.Contains(taken, at) {
			c.invalid(p, owner, "conflicting duplicate paths")
		} else {
			taken = append(taken, at)
		}
	}
	list := p.child("sources")
	for i := range sources {
		s, at, n := &sources[i], list.at(i), 0
		keys := func(name, ref string, items []corev1.KeyToPath) {
			n++
			from := at.child(name)
			if ref == "" {
				c.required(from.child("name"), "")
			}
			files := from.child("items")
			for j := range items {
				c.item(files.at(j), &items[j])
				claim(items[j].Path, ref)
			}
		}
		if s.Secret != nil {
			keys("secret", s.Secret.Name, s.Secret.Items)
		}
		if s.ConfigMap != nil {
			keys("configMap", s.ConfigMap.Name, s.ConfigMap.Items)
		}
		if s.DownwardAPI != nil {
			n++
			from := at.child("downwardAPI")
			for j := range s.DownwardAPI.Items {
				f := &s.DownwardAPI.Items[j]
				c.downwardFile(from, f)
				claim(f.Path, f.Path)
			}
		}
		if s.ServiceAccountToken != nil {
			n++
			c.token(at.child("serviceAccountToken"), p, s.ServiceAccountToken)
		}
		if s.ClusterTrustBundle != nil {
			n++
		}
		if s.PodCertificate != nil {
			n++
		}
		if n > 1 {
			c.forbidden(at, "may not specify more than 1 volume type per source")
		}
	}
}

// token: the path's errors name the volume, as upstream's do.
func (c *check) token(p, volume path, t *corev1.ServiceAccountTokenProjection) {
	at := p.child("expirationSeconds")
	switch s := t.ExpirationSeconds; {
	case s == nil:
		c.required(at, "")
	case *s < 10*60:
		c.invalid(at, *s, "may not specify a duration less than 10 minutes")
	case *s > 1<<32:
		c.invalid(at, *s, "may not specify a duration larger than 2^32 seconds")
	}
	if t.Path == "" {
		c.required(volume.child("path"), "")
	} else {
		c.local(volume.child("path"), t.Path)
	}
}

// driver is ValidateCSIDriverName.
func (c *check) driver(p path, name string) {
	if name == "" {
		c.required(p, "")
		return
	}
	if len(name) > 63 {
		c.tooLong(p, 63)
	}
	c.msgs(p, name, validation.IsDNS1123Subdomain(strings.ToLower(name)))
}

// relative is validateLocalDescendingPath.
func (c *check) relative(p path, s string) {
	if strings.HasPrefix(s, "/") {
		c.invalid(p, s, "must be a relative path")
	}
	c.noBackstep(p, s)
}

func (c *check) noBackstep(p path, s string) {
	if hasBackstep(filepath.ToSlash(s)) {
		c.invalid(p, s, "must not contain '..'")
	}
}

// local is ValidateLocalNonReservedPath.
func (c *check) local(p path, s string) {
	c.relative(p, s)
	if strings.HasPrefix(s, "..") && !strings.HasPrefix(s, "../") {
		c.invalid(p, s, "must not start with '..'")
	}
}
