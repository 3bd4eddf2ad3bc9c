package deployment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/deployment"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// world is a cluster with a Deployment "web".
type world struct {
	*testing.T
	*sim.Cluster
}

func newWorld(t *testing.T, cfg sim.Config, manifest string) world {
	w := world{t, sim.New(cfg)}
	_, err := w.Apply(manifest)
	require.NoError(t, err)
	w.rest()
	return w
}

func (w world) rest() {
	w.Helper()
	_, err := w.Settle()
	require.NoError(w, err)
}

func (w world) patch(text string) {
	w.Helper()
	_, _, err := w.Cluster.Patch(apiserver.Deployment, "", "web", types.StrategicMergePatchType, text)
	require.NoError(w, err)
}

func (w world) web() *appsv1.Deployment {
	w.Helper()
	d, err := sim.Get[*appsv1.Deployment](w.Cluster, "", "web")
	require.NoError(w, err)
	return d
}

func (w world) sets() (sizes []string) {
	list, err := sim.List[*appsv1.ReplicaSet](w.Cluster, "", "")
	require.NoError(w, err)
	for _, rs := range list {
		sizes = append(sizes, fmt.Sprintf("%s:%d", rs.Annotations[deployment.Revision], *rs.Spec.Replicas))
	}
	return sizes
}

func (w world) progressing() string {
	for _, c := range w.web().Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			return fmt.Sprint(c.Status, " ", c.Reason)
		}
	}
	return ""
}

func image(name string) string {
	return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":%q}]}}}}`, name)
}

// The hash is upstream's: the recording's Deployment "web" of nginx:1.0 and nginx:2.0
// (W6, ComputeHash).
func TestW6Hash(t *testing.T) {
	w := newWorld(t, sim.Config{}, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers: [{name: c, image: "nginx:1.0", ports: [{containerPort: 80}]}]
`)
	d := w.web()
	require.Equal(t, "67847d4db5", podcontrol.TemplateHash(&d.Spec.Template, nil))
	d.Spec.Template.Spec.Containers[0].Image = "nginx:2.0"
	require.Equal(t, "5f64d68764", podcontrol.TemplateHash(&d.Spec.Template, nil))
}

// W6: a ReplicaSet that has the name of the new one and is not it raises
// collisionCount, and the next name is taken (getNewReplicaSet).
func TestW6Collision(t *testing.T) {
	c := sim.New(sim.Config{})
	plan := newWorld(t, sim.Config{}, web)
	name := "web-" + podcontrol.TemplateHash(&plan.web().Spec.Template, nil)
	foreign := strings.NewReplacer("kind: Deployment", "kind: ReplicaSet", "name: web}", "name: "+name+"}", "app: web", "app: other",
		"  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n", "").Replace(web)
	_, err := c.Apply(foreign)
	require.NoError(t, err)
	_, err = c.Apply(web)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	w := world{t, c}
	require.EqualValues(t, 1, *w.web().Status.CollisionCount)
	require.EqualValues(t, 3, w.web().Status.AvailableReplicas)
}

// W7: at no time are there more pods than the surge allows, or fewer available than
// maxUnavailable asks for.
func TestW7Bounds(t *testing.T) {
	for _, strategy := range []string{"maxSurge: 1, maxUnavailable: 0", "maxSurge: 0, maxUnavailable: 1", "maxSurge: 50%, maxUnavailable: 34%"} {
		w := newWorld(t, sim.Config{}, strings.ReplaceAll(web, "maxSurge: 1, maxUnavailable: 0", strategy))
		d := w.web()
		most, least := int32(3)+deployment.MaxSurge(d), int32(3)-deployment.MaxUnavailable(d)
		defer w.OnStep(func() {
			list, err := sim.List[*appsv1.ReplicaSet](w.Cluster, "", "")
			require.NoError(t, err)
			var want, available int32
			for _, rs := range list {
				want += *rs.Spec.Replicas
				available += rs.Status.AvailableReplicas
			}
			require.LessOrEqual(t, want, most, strategy)
			require.GreaterOrEqual(t, available, least, strategy)
		})()
		w.patch(image("web:2"))
		w.rest()
		require.ElementsMatch(t, []string{"1:0", "2:3"}, w.sets())
	}
}

// W8: with Recreate no new pod is there while an old one runs.
func TestW8Recreate(t *testing.T) {
	w := newWorld(t, sim.Config{}, strings.ReplaceAll(web, "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", "{type: Recreate}"))
	defer w.OnStep(func() {
		pods, err := sim.List[*corev1.Pod](w.Cluster, "", "")
		require.NoError(t, err)
		images := map[string]bool{}
		for _, pod := range pods {
			if !podcontrol.IsTerminal(pod) {
				images[pod.Spec.Containers[0].Image] = true
			}
		}
		require.LessOrEqual(t, len(images), 1)
	})()
	w.patch(image("web:2"))
	w.rest()
	require.ElementsMatch(t, []string{"1:0", "2:3"}, w.sets())
}

// W9: a rollout that is stuck is scaled in proportion (scale); the sizes are those
// that the proportion's documentation in upstream's reference gives: 8 and 5 of 10
// become 11 and 7 of 15.
func TestW9Proportional(t *testing.T) {
	w := newWorld(t, sim.Config{MissingImages: []string{"web:2"}}, strings.ReplaceAll(strings.ReplaceAll(web, "replicas: 3", "replicas: 10"),
		"maxSurge: 1, maxUnavailable: 0", "maxSurge: 3, maxUnavailable: 2"))
	w.patch(image("web:2"))
	w.rest()
	require.ElementsMatch(t, []string{"1:8", "2:5"}, w.sets())
	w.patch(`{"spec":{"replicas":15}}`)
	w.rest()
	require.ElementsMatch(t, []string{"1:11", "2:7"}, w.sets())
}

// W10: without progress the deadline passes, and the cluster does not wait for it;
// while paused it does not count (syncRolloutStatus, checkPausedConditions).
func TestW10Deadline(t *testing.T) {
	w := newWorld(t, sim.Config{MissingImages: []string{"web:2"}}, strings.ReplaceAll(web, "spec:\n", "spec:\n  progressDeadlineSeconds: 60\n"))
	require.Equal(t, "True NewReplicaSetAvailable", w.progressing())
	w.patch(image("web:2"))
	w.rest()
	require.Equal(t, "True ReplicaSetUpdated", w.progressing())
	w.patch(`{"spec":{"paused":true}}`)
	require.NoError(t, w.Cluster.Run(2*time.Minute))
	require.Equal(t, "Unknown DeploymentPaused", w.progressing())
	w.patch(`{"spec":{"paused":false}}`)
	require.NoError(t, w.Cluster.Run(30*time.Second))
	require.Equal(t, "Unknown DeploymentResumed", w.progressing())
	require.NoError(t, w.Cluster.Run(40*time.Second))
	require.Equal(t, "False ProgressDeadlineExceeded", w.progressing())
}

// W11: old sets beyond the limit go, the oldest first.
func TestW11History(t *testing.T) {
	w := newWorld(t, sim.Config{}, strings.ReplaceAll(web, "spec:\n  replicas", "spec:\n  revisionHistoryLimit: 1\n  replicas"))
	for _, name := range []string{"web:2", "web:3", "web:4"} {
		w.patch(image(name))
		w.rest()
	}
	require.ElementsMatch(t, []string{"3:0", "4:3"}, w.sets())
}

// W12: the annotation rolls back to the revision before, whose set is new again.
func TestW12Rollback(t *testing.T) {
	w := newWorld(t, sim.Config{}, web)
	w.patch(image("web:2"))
	w.rest()
	w.patch(fmt.Sprintf(`{"metadata":{"annotations":{%q:"0"}}}`, appsv1.DeprecatedRollbackTo))
	w.rest()
	require.ElementsMatch(t, []string{"3:3", "2:0"}, w.sets())
	require.Equal(t, "web:1", w.web().Spec.Template.Spec.Containers[0].Image)
	require.NotContains(t, w.web().Annotations, appsv1.DeprecatedRollbackTo)
}

// A cluster with Deployments comes to rest, and forks.
func TestForkAtRest(t *testing.T) {
	slow := kubelet.Workload{StartAfter: 5 * time.Second}
	w := newWorld(t, sim.Config{Workloads: map[string]kubelet.Workload{"web": slow}}, web)
	w.patch(image("web:2"))
	require.NoError(t, w.Cluster.Run(3*time.Second))
	f := world{t, w.Fork()}
	w.rest()
	f.rest()
	require.Equal(t, w.Hash(), f.Hash())
	require.ElementsMatch(t, []string{"1:0", "2:3"}, f.sets())
}
