package statefulset

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// S6, observed: the names that a real v1.37.2 control plane gives.
func TestS6RevisionNamesOfTheSeed(t *testing.T) {
	set := seedSet(t)
	defaults.Set(set)
	for image, want := range map[string]string{
		"marksugar/nginx:1.14.a": "satefulset-68cdbc9fd",
		"marksugar/nginx:1.14.b": "satefulset-5b8bf6d897",
	} {
		set.Spec.Template.Spec.Containers[0].Image = image
		data, err := podcontrol.RevisionData(&set.Spec.Template)
		require.NoError(t, err)
		require.Equal(t, want, newRevision(set, data, 1, 0).Name, "%s", data)
	}
}

// S6, observed: data, labels and annotations of a revision.
func TestS6RevisionObject(t *testing.T) {
	c := newCluster(t)
	set := seedSet(t)
	set.Annotations = map[string]string{"note": "copied"}
	c.create(set)
	c.settle()
	r := c.revisions()[0]
	const data = `{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"my-satefulset"}},"spec":{"containers":[{"image":"marksugar/nginx:1.14.a","imagePullPolicy":"IfNotPresent","name":"satefulset","ports":[{"containerPort":80,"name":"http","protocol":"TCP"}],"resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[{"mountPath":"/data/wwwroot","name":"wwwdata"}]}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}`
	assert.Equal(t, data, string(r.Data.Raw))
	assert.Equal(t, map[string]string{"app": "my-satefulset", "controller.kubernetes.io/hash": "68cdbc9fd"}, r.Labels)
	assert.Equal(t, map[string]string{"note": "copied"}, r.Annotations)
	assert.Equal(t, int64(1), r.Revision)
	assert.Equal(t, "satefulset", controllerRef(r).Name)
}

// S5: replicas, strategy and retention make no revision.
func TestS5OnlyTheTemplateCounts(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims))
	c.settle()
	c.scale("web", 2)
	c.edit("web", rolling(1, 2))
	c.settle()
	require.Len(t, c.revisions(), 1)
}

// S7: going back raises the old revision's number instead of making another.
func TestS7Rollback(t *testing.T) {
	c := newCluster(t)
	c.create(web(1, noClaims))
	c.settle()
	first := c.revisions()[0]
	c.image("web", "b")
	c.settle()
	c.image("web", "a")
	c.settle()
	require.Len(t, c.revisions(), 2)
	require.Equal(t, first.Name, c.set("web").Status.CurrentRevision)
	for _, r := range c.revisions() {
		if r.Name == first.Name {
			require.Equal(t, int64(3), r.Revision)
			require.Equal(t, first.UID, r.UID)
		}
	}
}

// S7: a newest revision that lacks only defaults is as good as equal.
func TestS7EqualOnceDefaulted(t *testing.T) {
	c := newCluster(t)
	old := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Name: "web-old", Namespace: "default", Labels: map[string]string{"app": "web"}},
		Data:       runtime.RawExtension{Raw: []byte(`{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"a","name":"web"}]}}}}`)},
		Revision:   7,
	}
	c.create(old)
	c.create(web(1, noClaims))
	c.settle()
	require.Len(t, c.revisions(), 1)
	require.Equal(t, "web-old", c.set("web").Status.UpdateRevision)
	require.NotNil(t, controllerRef(c.revisions()[0]), "S2: the orphan was adopted")
}

// S7: a name that is taken by other data is a collision; what is counted goes
// into the next name.
func TestS7Collision(t *testing.T) {
	c := newCluster(t)
	set := web(1, noClaims)
	defaults.Set(set)
	data, err := podcontrol.RevisionData(&set.Spec.Template)
	require.NoError(t, err)
	taken := newRevision(set, data, 1, 0)
	c.create(&appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: taken.Name, Namespace: "default"},
		Data: runtime.RawExtension{Raw: []byte(`{}`)}})
	c.create(web(1, noClaims))
	c.settle()
	require.Equal(t, renamed(taken, "web", 1).Name, c.set("web").Status.UpdateRevision)
	require.Equal(t, int32(1), *c.set("web").Status.CollisionCount)
	require.Len(t, c.revisions(), 2)
}

// S9: what no pod needs goes, oldest first, beyond the limit.
func TestS9HistoryLimit(t *testing.T) {
	c := newCluster(t)
	limit := int32(1)
	c.create(web(1, noClaims, func(s *appsv1.StatefulSet) { s.Spec.RevisionHistoryLimit = &limit }))
	c.settle()
	for _, image := range []string{"b", "c", "d"} {
		c.image("web", image)
		c.settle()
	}
	var numbers []int64
	for _, r := range c.revisions() {
		numbers = append(numbers, r.Revision)
	}
	require.ElementsMatch(t, []int64{3, 4}, numbers)

	// A revision that a pod names lives on.
	zero := int32(0)
	c.auto = false
	c.edit("web", func(s *appsv1.StatefulSet) {
		s.Spec.RevisionHistoryLimit = &zero
		s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: "OnDelete"}
	})
	c.image("web", "e")
	c.settle()
	require.Len(t, c.revisions(), 2)
}

// S8: the current revision is the one that the status names; without it the
// update revision.
func TestS8CurrentRevision(t *testing.T) {
	c := newCluster(t)
	c.create(web(2, noClaims, onDelete))
	c.settle()
	old := c.set("web").Status.CurrentRevision
	c.image("web", "b")
	c.settle()
	require.Equal(t, old, c.set("web").Status.CurrentRevision)
	for _, r := range c.revisions() {
		if r.Name == old {
			c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(r)})
		}
	}
	c.status("web-0", func(s *corev1.PodStatus) { s.Message = "stir" })
	c.settle()
	require.Equal(t, c.set("web").Status.UpdateRevision, c.set("web").Status.CurrentRevision)
}

// The short way back to a revision leads where the long one does, and is taken
// for what the controller itself writes.
func TestS7ARevisionIsRestoredTheShortWay(t *testing.T) {
	set := seedSet(t)
	defaults.Set(set)
	own := func(change func(*corev1.PodTemplateSpec)) string {
		other := set.DeepCopy()
		change(&other.Spec.Template)
		data, err := podcontrol.RevisionData(&other.Spec.Template)
		require.NoError(t, err)
		return string(data)
	}
	for _, tc := range []struct {
		name, data string
		short      bool
	}{
		{"its own", own(func(*corev1.PodTemplateSpec) {}), true},
		{"another image", own(func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "nginx:2" }), true},
		{"no containers", own(func(p *corev1.PodTemplateSpec) { p.Spec.Containers = nil }), true},
		{"more of everything", own(func(p *corev1.PodTemplateSpec) {
			p.Annotations = map[string]string{"$patch": "delete", "empty": ""}
			p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
			p.Spec.NodeSelector = map[string]string{}
			p.Spec.InitContainers = append(p.Spec.InitContainers, *p.Spec.Containers[0].DeepCopy())
		}), true},
		{"nulls", `{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":null},"spec":{"containers":null}}}}`, true},
		{"an empty template", `{"spec":{"template":{"$patch":"replace"}}}`, true},
		{"no directive", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}`, false},
		{"a directive within", `{"spec":{"template":{"$patch":"replace","spec":{"$patch":"replace","containers":[]}}}}`, false},
		{"a directive of a list", `{"spec":{"template":{"$patch":"replace","spec":{"containers":[{"$patch":"delete","name":"satefulset"}]}}}}`, false},
		{"another directive", `{"spec":{"template":{"$patch":"delete"}}}`, false},
		{"an unknown directive", `{"spec":{"template":{"$patch":"sometimes"}}}`, false},
		{"more than the template", `{"spec":{"replicas":7,"template":{"$patch":"replace"}}}`, false},
		{"a field that is not known", `{"spec":{"template":{"$patch":"replace","spec":{"containerz":[]}}}}`, false},
		{"a field twice", `{"spec":{"template":{"$patch":"replace","spec":{"hostname":"a","hostname":"b"}}}}`, false},
		{"the wrong type", `{"spec":{"template":{"$patch":"replace","spec":{"hostname":7}}}}`, false},
		{"nothing", `{}`, false},
		{"no JSON", `{"spec":`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: []byte(tc.data)}}
			assert.Equal(t, tc.short, replacement(r.Data.Raw) != nil)
			short, err := restore(set, r)
			long, wanted := merge(set, r)
			require.Equal(t, wanted, err)
			require.Equal(t, long, short)
		})
	}
}
