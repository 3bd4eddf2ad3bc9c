package volume

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/state"
)

func claimAt(version, volume string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "c", ResourceVersion: version},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: volume},
	}
}

// TestV8TheCacheNeverGoesBack: an event that is older than the binder's own write
// is ignored; the same version passes, for the resync (upstream's
// TestControllerCache).
func TestV8TheCacheNeverGoesBack(t *testing.T) {
	var c cache
	for _, tt := range []struct {
		version string
		stored  bool
	}{{"1", true}, {"1", true}, {"2", true}, {"1", false}, {"10", true}, {"9", false}} {
		require.Equal(t, tt.stored, c.setClaim(claimAt(tt.version, "")), tt.version)
		v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "v", ResourceVersion: tt.version}}
		require.Equal(t, tt.stored, c.setVolume(v), tt.version)
	}
	require.Equal(t, "10", c.volumes.Get("v").ResourceVersion)
}

// TestTheCacheKnowsWhoNamesAVolume, on a fork too.
func TestTheCacheKnowsWhoNamesAVolume(t *testing.T) {
	key := apiserver.Key{Namespace: "ns", Name: "c"}
	var c cache
	c.setClaim(claimAt("1", "a"))
	c.setClaim(claimAt("2", "a"))
	require.Equal(t, map[string][]apiserver.Key{"a": {key}}, c.naming)
	fork := state.Copy(nil, c)
	c.setClaim(claimAt("3", "b"))
	require.Equal(t, map[string][]apiserver.Key{"b": {key}}, c.naming)
	c.deleteClaim(c.claims[key])
	require.Empty(t, c.naming)
	require.Equal(t, map[string][]apiserver.Key{"a": {key}}, fork.naming)
}

// TestRoster holds the pods of a claim, by name, with an ephemeral volume's
// claim among them.
func TestRoster(t *testing.T) {
	pod := func(name string, volumes ...corev1.Volume) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "u-p"}, Spec: corev1.PodSpec{Volumes: volumes}}
	}
	shared := corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}}
	own := corev1.Volume{Name: "tmp", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}
	var r roster
	r.add(pod("q", shared))
	r.add(pod("p", shared, own))
	r.add(pod("p", shared, own))
	require.Equal(t, []string{"p", "q"}, r.of(apiserver.Key{Namespace: "ns", Name: "c"}))
	require.Equal(t, []string{"p"}, r.of(apiserver.Key{Namespace: "ns", Name: "p-tmp"}))
	fork := state.Copy(nil, r)
	r.remove(pod("p", shared, own))
	require.Equal(t, []string{"q"}, r.of(apiserver.Key{Namespace: "ns", Name: "c"}))
	require.Len(t, fork.of(apiserver.Key{Namespace: "ns", Name: "c"}), 2)

	claim := claimAt("1", "")
	claim.Name = "p-tmp"
	require.False(t, refersTo(pod("p", own), claim), "not made for this pod")
	isController := true
	claim.OwnerReferences = []metav1.OwnerReference{{UID: "u-p", Controller: &isController}}
	require.True(t, refersTo(pod("p", own), claim))
}
