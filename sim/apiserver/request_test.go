package apiserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// do serves a request of a user.
func do(s *apiserver.Server, req apiserver.Request) apiserver.Result {
	return s.Do(0, apiserver.User, req)
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

// requestFor is a request about an object.
func requestFor(verb apiserver.Verb, obj apiserver.Object) apiserver.Request {
	return apiserver.Request{Verb: verb, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}
}

// refusal checks code and words of an error.
func refusal(t *testing.T, code int32, words string, err error) {
	t.Helper()
	status, ok := err.(apierrors.APIStatus)
	require.True(t, ok, "%v", err)
	assert.Equal(t, code, status.Status().Code)
	assert.Equal(t, words, err.Error())
}

func TestDeletionOptionsAreChecked(t *testing.T) {
	s := newServer(t)
	m := create(t, s, configMap("m"))
	req := requestFor(apiserver.Delete, m)
	req.Propagation = "Sideways"
	refusal(t, 422, `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"`, do(s, req).Err)
	req.Propagation, req.UID = "", "other"
	refusal(t, 409, `Operation cannot be fulfilled on ConfigMap "m": the UID in the precondition (other) does not match the UID in record (`+string(m.GetUID())+
		`). The object might have been deleted and then recreated`, do(s, req).Err)
	req.UID, req.ResourceVersion = "", "99"
	refusal(t, 409, `Operation cannot be fulfilled on ConfigMap "m": the ResourceVersion in the precondition (99) does not match the ResourceVersion in record (2). The object might have been modified`, do(s, req).Err)
}

// A deletion by version that first takes the collector's finalizer away compares
// with the version of a write that did not happen: upstream's.
func TestDeletionByVersionOfAnOrphaningObject(t *testing.T) {
	s := newServer(t)
	m := configMap("m")
	m.Finalizers = []string{"orphan"}
	stored := create(t, s, m)
	req := requestFor(apiserver.Delete, stored)
	req.Propagation, req.ResourceVersion = metav1.DeletePropagationBackground, stored.GetResourceVersion()
	refusal(t, 409, `Operation cannot be fulfilled on configmaps "m": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/m, ResourceVersion: 0, `+
		`AdditionalErrorMsg: Precondition failed: ResourceVersion in precondition: , ResourceVersion in object meta: 2`, do(s, req).Err)
}

// A Job that is deleted as the API's default is leaves its pods (shouldOrphanDependents).
func TestDeletionOfAJobOrphansByDefault(t *testing.T) {
	s := newServer(t)
	for want, propagation := range map[string]metav1.DeletionPropagation{
		"orphan": "", "foregroundDeletion": metav1.DeletePropagationForeground, "": metav1.DeletePropagationBackground,
	} {
		job := create(t, s, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "j-"}, Spec: batchv1.JobSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{RestartPolicy: "Never", Containers: []corev1.Container{{Name: "c", Image: "i"}}}},
		}})
		req := requestFor(apiserver.Delete, job)
		req.Propagation = propagation
		res := do(s, req)
		require.NoError(t, res.Err)
		assert.Equal(t, want, strings.Join(res.Object.GetFinalizers(), ","))
	}
}

func TestUpdateMustMatchItsRequest(t *testing.T) { // A8
	s := newServer(t)
	stored := create(t, s, configMap("m"))
	update := func(edit func(*corev1.ConfigMap)) error {
		next := stored.DeepCopyObject().(*corev1.ConfigMap)
		edit(next)
		req := requestFor(apiserver.Update, stored)
		req.Object = next
		return do(s, req).Err
	}
	refusal(t, 400, `the name of the object (x) does not match the name on the URL (m)`, update(func(m *corev1.ConfigMap) { m.Name = "x" }))
	refusal(t, 400, `the name of the object (m based on URL) was undeterminable: name must be provided`, update(func(m *corev1.ConfigMap) { m.Name = "" }))
	refusal(t, 400, `the namespace of the provided object does not match the namespace sent on the request`, update(func(m *corev1.ConfigMap) { m.Namespace = "x" }))
	refusal(t, 409, `Operation cannot be fulfilled on configmaps "m": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/m, ResourceVersion: 0, `+
		`AdditionalErrorMsg: Precondition failed: UID in precondition: u, UID in object meta: `+string(stored.GetUID()), update(func(m *corev1.ConfigMap) { m.UID = "u" }))
	refusal(t, 500, `strconv.ParseUint: parsing "word": invalid syntax`, update(func(m *corev1.ConfigMap) { m.ResourceVersion = "word" }))
	refusal(t, 422, `ConfigMap "m" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable`,
		update(func(m *corev1.ConfigMap) {
			m.DeletionGracePeriodSeconds = new(int64)
			*m.DeletionGracePeriodSeconds = 3
		}))
	assert.NoError(t, update(func(m *corev1.ConfigMap) { m.UID, m.Namespace, m.ResourceVersion = "", "", "" }))
}

func TestBudgetNeedsAVersion(t *testing.T) {
	s := newServer(t)
	one := intstr.FromInt32(1)
	stored := create(t, s, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "b"}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &one}})
	next := stored.DeepCopyObject().(*policyv1.PodDisruptionBudget)
	next.ResourceVersion = ""
	refusal(t, 422, `poddisruptionbudgets.policy "b" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`, do(s, requestFor(apiserver.Update, next)).Err)
}

func TestServiceIsCreatedByUpdate(t *testing.T) {
	s := newServer(t)
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: corev1.ServiceSpec{ClusterIP: "None"}}
	res := do(s, requestFor(apiserver.Update, svc))
	require.NoError(t, res.Err)
	assert.NotEmpty(t, res.Object.GetUID())
	refusal(t, 404, `configmaps "m" not found`, do(s, requestFor(apiserver.Update, configMap("m"))).Err)
	svc.Name, svc.UID = "gone", "u"
	refusal(t, 409, `Operation cannot be fulfilled on services "gone": StorageError: invalid object, Code: 4, Key: /registry/services/specs/default/gone, ResourceVersion: 0, `+
		`AdditionalErrorMsg: Precondition failed: UID in precondition: u, UID in object meta: `, do(s, requestFor(apiserver.Update, svc)).Err)
}

func TestOwnersStandOnce(t *testing.T) {
	s := newServer(t)
	m := configMap("m")
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "u"}
	m.OwnerReferences = []metav1.OwnerReference{owner, owner}
	res := do(s, requestFor(apiserver.Create, m))
	require.NoError(t, res.Err)
	assert.Equal(t, []metav1.OwnerReference{owner}, res.Object.GetOwnerReferences())
	assert.Equal(t, []string{".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, " +
		"and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u"}, res.Warnings)
	assert.Len(t, m.OwnerReferences, 2, "the sender's object is its own")
}

func TestCreationThatClashes(t *testing.T) {
	s := newServer(t)
	m := configMap("m")
	m.Finalizers = []string{"example.com/f"}
	create(t, s, m)
	again := configMap("m")
	refusal(t, 409, `configmaps "m" already exists`, do(s, requestFor(apiserver.Create, again)).Err)
	again.GenerateName = "m-" // even so
	refusal(t, 409, `configmaps "m" already exists, the server was not able to generate a unique name for the object`, do(s, requestFor(apiserver.Create, again)).Err)
	require.NoError(t, do(s, requestFor(apiserver.Delete, m)).Err)
	again.GenerateName = ""
	refusal(t, 409, `object is being deleted: configmaps "m" already exists`, do(s, requestFor(apiserver.Create, again)).Err)
	again.ResourceVersion = "7"
	refusal(t, 500, `resourceVersion should not be set on objects to be created`, do(s, requestFor(apiserver.Create, again)).Err)
}

func TestTerminatingNamespaceTakesNothing(t *testing.T) {
	s := newServer(t)
	other := create(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "other"}})
	p := pod("a")
	p.Namespace = "other"
	create(t, s, p)
	res := do(s, requestFor(apiserver.Delete, other))
	require.NoError(t, res.Err)
	assert.Nil(t, res.Object.GetDeletionGracePeriodSeconds(), "as upstream's own deletion of namespaces")
	p = pod("b")
	p.Namespace = "other"
	err := do(s, requestFor(apiserver.Create, p)).Err
	refusal(t, 403, `pods "b" is forbidden: unable to create new content in namespace other because it is being terminated`, err)
	assert.True(t, apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause))
	bind := apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Binding, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "other", Name: "a"}, Node: "n"}
	refusal(t, 403, `pods "a" is forbidden: unable to create new content in namespace other because it is being terminated`, do(s, bind).Err)

	next := s.Get(apiserver.Namespace, apiserver.Key{Name: "other"}).DeepCopyObject().(*corev1.Namespace)
	stale := next.DeepCopy()
	next.Labels = map[string]string{"a": "b"}
	require.NoError(t, do(s, requestFor(apiserver.Update, next)).Err)
	stale.Spec.Finalizers = nil
	req := requestFor(apiserver.Update, stale)
	req.Subresource = apiserver.Finalize
	assert.True(t, apierrors.IsConflict(do(s, req).Err))
}

func TestAnswerToTheLastFinalizer(t *testing.T) {
	s := newServer(t)
	m := configMap("m")
	m.Finalizers = []string{"example.com/f"}
	create(t, s, m)
	dying := do(s, requestFor(apiserver.Delete, m)).Object.(*corev1.ConfigMap)
	next := dying.DeepCopy()
	next.Finalizers = nil
	s.Drain()
	res := do(s, requestFor(apiserver.Update, next))
	require.NoError(t, res.Err)
	assert.Empty(t, res.Object.GetFinalizers(), "what was sent")
	last := s.Drain()[0]
	assert.Equal(t, []string{"example.com/f"}, last.Object.GetFinalizers(), "what was stored")
}

func TestExpiredGraceIsTheLeast(t *testing.T) { // A9
	s := newServer(t)
	p := pod("a")
	p.Spec.NodeName = "n"
	create(t, s, p)
	del := func(at time.Duration, grace int64) *corev1.Pod {
		req := requestFor(apiserver.Delete, p)
		req.GracePeriodSeconds = &grace
		res := s.Do(engine.Time(at), apiserver.User, req)
		require.NoError(t, res.Err)
		return res.Object.(*corev1.Pod)
	}
	del(0, 30)
	dying := del(5*time.Second+time.Millisecond, 5) // half a moment too late
	assert.Equal(t, int64(1), *dying.DeletionGracePeriodSeconds)
	assert.Equal(t, apiserver.Stamp(engine.Time(5*time.Second)), *dying.DeletionTimestamp)
}

func TestScaleIsAnUpdate(t *testing.T) {
	s := newServer(t)
	set := create(t, s, statefulSet("web"))
	scale := func(edit func(*autoscalingv1.Scale)) error {
		sc := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
		edit(sc)
		req := requestFor(apiserver.Update, set)
		req.Subresource, req.Object = apiserver.Scale, sc
		return do(s, req).Err
	}
	require.NoError(t, scale(func(sc *autoscalingv1.Scale) { sc.Spec.Replicas = 4 }))
	assert.True(t, apierrors.IsConflict(scale(func(sc *autoscalingv1.Scale) { sc.ResourceVersion = set.GetResourceVersion() })))
	refusal(t, 422, `Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`, scale(func(sc *autoscalingv1.Scale) { sc.Spec.Replicas = -1 }))
	refusal(t, 400, `the name of the object (web based on URL) was undeterminable: name must be provided`, scale(func(sc *autoscalingv1.Scale) { sc.Name = "" }))
	req := requestFor(apiserver.Patch, set)
	req.Subresource, req.Patch = apiserver.Scale, apiserver.RawPatch{Type: types.MergePatchType, Data: `{"metadata":{"resourceVersion":"2"},"spec":{"replicas":1}}`}
	assert.True(t, apierrors.IsConflict(do(s, req).Err))
}
