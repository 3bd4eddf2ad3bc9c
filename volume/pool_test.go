package volume_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/volume"
)

func TestNFSPool(t *testing.T) {
	vs, err := volume.NFSPool{
		Prefix: "linuxea", Count: 2, First: 4, Server: "10.0.1.61", Path: "/data/linuxea-volumes", Capacity: "5Gi",
		AccessModes: []corev1.PersistentVolumeAccessMode{"RWO", corev1.ReadWriteMany}, Labels: map[string]string{"app": "linuxea"},
	}.Volumes()
	require.NoError(t, err)
	require.Len(t, vs, 2)
	v := vs[1]
	require.Equal(t, "linuxea-5", v.Name)
	require.Equal(t, "/data/linuxea-volumes/linuxea-5", v.Spec.NFS.Path)
	require.Equal(t, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany}, v.Spec.AccessModes)
	require.Equal(t, corev1.PersistentVolumeReclaimRetain, v.Spec.PersistentVolumeReclaimPolicy)
	v.Labels["app"] = "other"
	require.Equal(t, "linuxea", vs[0].Labels["app"])
}

// TestNFSPoolIsAcceptedByTheServer: the zero pool, and a large one, are valid
// objects.
func TestNFSPoolIsAcceptedByTheServer(t *testing.T) {
	b := storage(t, volume.Config{})
	for _, p := range []volume.NFSPool{{}, {Prefix: "more", Count: 20, StorageClass: "fast", ReclaimPolicy: "Recycle", MountOptions: []string{"hard"}}} {
		vs, err := p.Volumes()
		require.NoError(t, err)
		for _, v := range vs {
			b.create(v)
		}
	}
}

func TestNFSPoolErrorsNameTheField(t *testing.T) {
	for _, tt := range []struct {
		pool volume.NFSPool
		want string
	}{
		{volume.NFSPool{Prefix: "Big"}, `NFSPool.Prefix: "Big"`},
		{volume.NFSPool{Count: -1}, `NFSPool.Count: -1`},
		{volume.NFSPool{First: -3}, `NFSPool.First: -3`},
		{volume.NFSPool{Path: "data"}, `NFSPool.Path: "data"`},
		{volume.NFSPool{Capacity: "much"}, `NFSPool.Capacity: "much"`},
		{volume.NFSPool{Capacity: "0"}, `NFSPool.Capacity: "0": must be greater than zero`},
		{volume.NFSPool{AccessModes: []corev1.PersistentVolumeAccessMode{"RW"}}, `NFSPool.AccessModes: "RW"`},
		{volume.NFSPool{AccessModes: []corev1.PersistentVolumeAccessMode{"RWOP", "RWO"}}, `NFSPool.AccessModes: "ReadWriteOncePod"`},
		{volume.NFSPool{StorageClass: "a_b"}, `NFSPool.StorageClass: "a_b"`},
		{volume.NFSPool{ReclaimPolicy: "Keep"}, `NFSPool.ReclaimPolicy: "Keep"`},
		{volume.NFSPool{Labels: map[string]string{"a": "b c"}}, `NFSPool.Labels: "a=b c"`},
	} {
		_, err := tt.pool.Volumes()
		require.ErrorContains(t, err, tt.want)
	}
}
