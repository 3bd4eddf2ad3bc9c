package volume

import (
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// NFSPool describes PersistentVolumes on one NFS server that differ in nothing
// but their number. The zero NFSPool is one volume, "nfs-1", of 1Gi,
// ReadWriteOnce, no class, Retain.
type NFSPool struct {
	// Prefix of the names: "linuxea" gives "linuxea-1", "linuxea-2" …; empty
	// means "nfs".
	Prefix string
	// Count is how many volumes there are; 0 means 1.
	Count int
	// First is the number of the first volume; 0 means 1.
	First int
	// Server is the address of the NFS server; empty means "nfs".
	Server string
	// Path is the directory that holds one directory for each volume, named as
	// the volume is; empty means "/exports".
	Path string
	// Capacity of each volume, "5Gi"; empty means "1Gi".
	Capacity string
	// AccessModes of each volume, as Kubernetes names them or as kubectl prints
	// them (RWO, ROX, RWX, RWOP); none means ReadWriteOnce.
	AccessModes []corev1.PersistentVolumeAccessMode
	// Labels of each volume.
	Labels map[string]string
	// StorageClass of each volume; empty means none.
	StorageClass string
	// ReclaimPolicy of each volume; empty means Retain.
	ReclaimPolicy corev1.PersistentVolumeReclaimPolicy
	// MountOptions of each volume.
	MountOptions []string
}

// maxPool bounds a pool; what is above it is a slip of the pen.
const maxPool = 1_000_000

// Volumes returns the volumes in the order of their numbers. They share no
// memory with the pool or with each other that a caller could change through
// them by accident: each may be edited before it is created. An error names the
// field that is wrong.
func (p NFSPool) Volumes() ([]*corev1.PersistentVolume, error) {
	p = p.withDefaults()
	capacity, err := resource.ParseQuantity(p.Capacity)
	if err != nil {
		return nil, fmt.Errorf("volume: NFSPool.Capacity: %q: %w", p.Capacity, err)
	}
	if capacity.Sign() <= 0 {
		return nil, fmt.Errorf("volume: NFSPool.Capacity: %q: must be greater than zero", p.Capacity)
	}
	modes, err := p.accessModes()
	if err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	vs := make([]*corev1.PersistentVolume, p.Count)
	for i := range vs {
		name := p.Prefix + "-" + strconv.Itoa(p.First+i)
		vs[i] = &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: maps.Clone(p.Labels)},
			Spec: corev1.PersistentVolumeSpec{
				Capacity:                      corev1.ResourceList{corev1.ResourceStorage: capacity},
				AccessModes:                   append([]corev1.PersistentVolumeAccessMode(nil), modes...),
				PersistentVolumeReclaimPolicy: p.ReclaimPolicy,
				StorageClassName:              p.StorageClass,
				MountOptions:                  append([]string(nil), p.MountOptions...),
				PersistentVolumeSource: corev1.PersistentVolumeSource{
					NFS: &corev1.NFSVolumeSource{Server: p.Server, Path: path.Join(p.Path, name)},
				},
			},
		}
	}
	return vs, nil
}

func (p NFSPool) withDefaults() NFSPool {
	or := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	or(&p.Prefix, "nfs")
	or(&p.Server, "nfs")
	or(&p.Path, "/exports")
	or(&p.Capacity, "1Gi")
	or((*string)(&p.ReclaimPolicy), string(corev1.PersistentVolumeReclaimRetain))
	if p.Count == 0 {
		p.Count = 1
	}
	if p.First == 0 {
		p.First = 1
	}
	if len(p.AccessModes) == 0 {
		p.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return p
}

func (p NFSPool) validate() error {
	wrong := func(field string, value any, why string) error {
		return fmt.Errorf("volume: NFSPool.%s: %#v: %s", field, value, why)
	}
	last := p.Prefix + "-" + strconv.Itoa(p.First+p.Count-1)
	if why := validation.IsDNS1123Subdomain(last); len(why) > 0 {
		return wrong("Prefix", p.Prefix, strings.Join(why, "; "))
	}
	switch {
	case p.Count < 0 || p.Count > maxPool:
		return wrong("Count", p.Count, fmt.Sprintf("must be between 0 and %d", maxPool))
	case p.First < 0:
		return wrong("First", p.First, "must not be negative")
	case !path.IsAbs(p.Path) || path.Clean(p.Path) != p.Path:
		return wrong("Path", p.Path, "must be an absolute path without . or .. and without a slash at its end")
	}
	if p.StorageClass != "" {
		if why := validation.IsDNS1123Subdomain(p.StorageClass); len(why) > 0 {
			return wrong("StorageClass", p.StorageClass, strings.Join(why, "; "))
		}
	}
	switch p.ReclaimPolicy {
	case corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRecycle:
	default:
		return wrong("ReclaimPolicy", string(p.ReclaimPolicy), "must be Retain, Delete or Recycle")
	}
	for _, key := range sortedNames(p.Labels) {
		why := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(p.Labels[key])...)
		if len(why) > 0 {
			return wrong("Labels", key+"="+p.Labels[key], strings.Join(why, "; "))
		}
	}
	return nil
}

func (p NFSPool) accessModes() ([]corev1.PersistentVolumeAccessMode, error) {
	short := map[corev1.PersistentVolumeAccessMode]corev1.PersistentVolumeAccessMode{
		"RWO": corev1.ReadWriteOnce, "ROX": corev1.ReadOnlyMany, "RWX": corev1.ReadWriteMany, "RWOP": corev1.ReadWriteOncePod,
	}
	var modes []corev1.PersistentVolumeAccessMode
	for _, m := range p.AccessModes {
		if long, ok := short[m]; ok {
			m = long
		}
		switch m {
		case corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod:
			modes = append(modes, m)
		default:
			return nil, fmt.Errorf("volume: NFSPool.AccessModes: %q: must be ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod or RWO, ROX, RWX, RWOP", m)
		}
	}
	if len(modes) > 1 {
		for _, m := range modes {
			if m == corev1.ReadWriteOncePod {
				return nil, fmt.Errorf("volume: NFSPool.AccessModes: %q: may not be used together with other access modes", m)
			}
		}
	}
	return modes, nil
}
