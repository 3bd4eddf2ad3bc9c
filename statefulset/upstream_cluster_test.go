package statefulset_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// withClaims is the set nginx with a claim for each pod, and a retention policy.
func withClaims(replicas, whenScaled, whenDeleted string) string {
	text := strings.Replace(nginx, "replicas: 1", "replicas: "+replicas+`
  persistentVolumeClaimRetentionPolicy: {whenScaled: `+whenScaled+`, whenDeleted: `+whenDeleted+`}
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}`, 1)
	return strings.Replace(text, `image: "nginx:1"`, `image: "nginx:1", volumeMounts: [{name: www, mountPath: /www}]`, 1)
}

func claims(t *testing.T, c *sim.Cluster) string {
	t.Helper()
	list, err := sim.List[*corev1.PersistentVolumeClaim](c, "", "")
	require.NoError(t, err)
	var names []string
	for _, claim := range list {
		names = append(names, claim.Name)
	}
	return strings.Join(names, " ")
}

func newCluster() *sim.Cluster { return sim.New(sim.Config{Provision: true}) }

// "should provide basic identity": name, hostname and data survive a restart.
func TestUpstreamIdentityAndDataSurvive(t *testing.T) {
	c := newCluster()
	apply(t, c, withClaims("3", "Retain", "Retain"))
	require.NoError(t, c.WriteFile("", "web-1", "nginx", "/www/data", "mine"))
	old := podOf(t, c, "web-1")
	require.NoError(t, c.Delete(apiserver.Pod, "", "web-1"))
	settle(t, c)
	fresh := podOf(t, c, "web-1")
	require.NotEqual(t, old.UID, fresh.UID)
	require.Equal(t, "web-1", fresh.Spec.Hostname)
	require.Equal(t, old.Spec.Volumes[0].PersistentVolumeClaim, fresh.Spec.Volumes[0].PersistentVolumeClaim)
	data, err := c.ReadFile("", "web-1", "nginx", "/www/data")
	require.NoError(t, err)
	require.Equal(t, "mine", data)
}

// "should have a working scale subresource".
func TestUpstreamScaleSubresource(t *testing.T) {
	c := newCluster()
	apply(t, c, nginx)
	require.NoError(t, c.Scale("", "web", 2))
	settle(t, c)
	set, err := sim.Get[*appsv1.StatefulSet](c, "", "web")
	require.NoError(t, err)
	require.Equal(t, int32(2), *set.Spec.Replicas)
	require.Equal(t, int32(2), set.Status.ReadyReplicas)
}

// "should delete PVCs with a WhenDeleted policy" (S36).
func TestUpstreamClaimsGoWithTheSet(t *testing.T) {
	for policy, want := range map[string]string{"Delete": "", "Retain": "www-web-0 www-web-1"} { // each on its own
		c := newCluster()
		apply(t, c, withClaims("2", "Retain", policy))
		require.NoError(t, c.Delete(apiserver.StatefulSet, "", "web"))
		settle(t, c)
		require.Equal(t, want, claims(t, c), policy)
	}
}

// "should delete PVCs with a OnScaledown policy" (S36).
func TestUpstreamClaimsGoWithTheirPods(t *testing.T) {
	for policy, want := range map[string]string{"Delete": "www-web-0", "Retain": "www-web-0 www-web-1 www-web-2"} { // each on its own
		c := newCluster()
		apply(t, c, withClaims("3", policy, "Retain"))
		require.NoError(t, c.Scale("", "web", 1))
		settle(t, c)
		require.Equal(t, want, claims(t, c), policy)
	}
}

// "should delete PVCs after adopting pod", under both policies (S36, S40).
func TestUpstreamClaimsGoAfterAdoption(t *testing.T) {
	for _, scaled := range []bool{false, true} {
		c := newCluster()
		manifest := withClaims("2", "Delete", "Delete")
		apply(t, c, manifest)
		require.NoError(t, c.Delete(apiserver.StatefulSet, "", "web", sim.DeleteOptions{Propagation: metav1.DeletePropagationOrphan}))
		settle(t, c)
		apply(t, c, manifest)
		require.NoError(t, c.Run(time.Minute))
		want := ""
		if scaled {
			require.NoError(t, c.Scale("", "web", 1))
			want = "www-web-0"
		} else {
			require.NoError(t, c.Delete(apiserver.StatefulSet, "", "web"))
		}
		settle(t, c)
		require.Equal(t, want, claims(t, c), "scaled: %v", scaled)
	}
}

// "should not delete PVCs when there is another controller", and none with the
// scale-down policy either (S36).
func TestUpstreamClaimsOfOthersAreSpared(t *testing.T) {
	c := newCluster()
	apply(t, c, withClaims("2", "Delete", "Delete"))
	other, err := c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "other"}})
	require.NoError(t, err)
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "", "www-web-1")
	require.NoError(t, err)
	yes := true
	claim.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: other.GetUID(), Controller: &yes}}
	_, err = c.Update(claim)
	require.NoError(t, err)
	settle(t, c)
	require.NoError(t, c.Scale("", "web", 1))
	settle(t, c)
	require.Equal(t, "www-web-0 www-web-1", claims(t, c))
	require.NoError(t, c.Delete(apiserver.StatefulSet, "", "web"))
	settle(t, c)
	require.Equal(t, "www-web-1", claims(t, c))
}
