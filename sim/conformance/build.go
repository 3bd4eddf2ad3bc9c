package conformance

import (
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/controller/history"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/statefulset"
)

// cluster is a State made real: a host with our controller, whose view is as of
// some version, and the same objects as lists for upstream's listers.
type cluster struct {
	state  *State
	engine *engine.Engine
	host   *controller.Host
	id     controller.ActorID // of our controller
	view   controller.View
	seen   sight

	made  *appsv1.StatefulSet // the set as it was created
	names []string            // of State.Revisions
}

// sight is what a view shows: the objects as of one moment, by key.
type sight struct {
	set       *appsv1.StatefulSet
	pods      []*corev1.Pod
	claims    map[string]*corev1.PersistentVolumeClaim
	revisions []*appsv1.ControllerRevision
	versions  map[apiserver.Kind]uint64
}

// deaf is our controller without its work queue: it observes, but begins no
// sync of its own.
type deaf struct{ *statefulset.Controller }

func (deaf) Wake(*controller.Env, uint64) {}

var (
	yes, no = true, false
	key     = apiserver.Key{Namespace: namespace, Name: setName}
	// all gates are on in the server: what they forbid may have been stored
	// before they were turned off.
	serverConfig = apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, Gates: apiserver.Gates{Recreate: true}}
)

const (
	pastUID  = types.UID("00000000-0000-4000-8000-000000000001")
	otherUID = types.UID("00000000-0000-4000-8000-000000000002")
)

// build makes a state real.
func build(s *State, gates apiserver.Gates) *cluster {
	e := engine.New(engine.Strategy{Seed: s.Seed})
	c := &cluster{state: s, engine: e}
	c.host = controller.NewHost(e, apiserver.New(e, serverConfig), controller.Latency{}, nil)
	e.AdvanceTo(engine.Time(now - time.Hour))
	c.do(apiserver.Request{Verb: apiserver.Create, Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}})
	c.buildSet()
	c.buildRevisions()
	c.buildPods()
	c.buildClaims()
	c.buildStatus()
	if s.Gone {
		c.try(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet, Key: key})
	}
	e.AdvanceTo(engine.Time(now + time.Duration(s.Millis)*time.Millisecond))
	c.id = c.host.Add(deaf{statefulset.New(gates)})
	for c.host.Step() {
	}
	c.view = c.host.Env(c.id).View
	c.look()
	for _, kind := range c.ctl().Watches() {
		c.host.Hold(c.id, kind, e.Now().Add(1000*time.Hour))
	}
	for i := range s.Unseen {
		c.write(&s.Unseen[i])
	}
	return c
}

// ctl returns our controller as it is now: a fork of the server makes it a copy.
func (c *cluster) ctl() *statefulset.Controller { return c.host.Change(c.id).(deaf).Controller }

// catchUp lets the view see everything, some time later.
func (c *cluster) catchUp() {
	until := c.engine.Now().Add(10 * time.Second)
	c.host.Relent()
	for {
		// Beyond lie the deliveries that were held.
		if ev, ok := c.engine.Peek(); !ok || ev.At > until {
			break
		}
		c.host.Step()
	}
	c.engine.AdvanceTo(until)
	c.look()
}

// look takes the lists for upstream.
func (c *cluster) look() {
	srv := c.host.Server()
	c.seen = sight{}
	c.seen.set, _ = srv.Get(apiserver.StatefulSet, key).(*appsv1.StatefulSet)
	for _, o := range srv.List(apiserver.Pod, namespace) {
		c.seen.pods = append(c.seen.pods, o.(*corev1.Pod))
	}
	c.seen.claims = map[string]*corev1.PersistentVolumeClaim{}
	for _, o := range srv.List(apiserver.PersistentVolumeClaim, namespace) {
		c.seen.claims[o.GetName()] = o.(*corev1.PersistentVolumeClaim)
	}
	for _, o := range srv.List(apiserver.ControllerRevision, namespace) {
		c.seen.revisions = append(c.seen.revisions, o.(*appsv1.ControllerRevision))
	}
	c.seen.versions = map[apiserver.Kind]uint64{}
	for _, kind := range c.ctl().Watches() {
		c.seen.versions[kind] = c.view.Version(kind)
	}
}

// try does a request that may be refused.
func (c *cluster) try(req apiserver.Request) apiserver.Result {
	if req.Object != nil {
		req.Kind, req.Key = apiserver.KindOf(req.Object), apiserver.KeyOf(req.Object)
	}
	return c.host.Do("user", req)
}

// do does a request that must succeed.
func (c *cluster) do(req apiserver.Request) apiserver.Object {
	res := c.try(req)
	if res.Err != nil {
		panic(fmt.Sprintf("the state cannot be built: %v\n%v", res.Err, c.state))
	}
	return res.Object
}

func imageOf(i int) string { return string(rune('a' + i)) }

// template is the set's template with one of the images.
func (s *SetState) template(image int) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": setName}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: imageOf(image)}}},
	}
	if s.TemplateVolume != "" {
		t.Spec.Volumes = []corev1.Volume{{Name: s.TemplateVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	}
	if s.Finalizers {
		t.Finalizers = []string{"example.com/keep"}
	}
	if s.Annotated {
		t.Annotations = map[string]string{"note": imageOf(image)}
	}
	return t
}

func (c *cluster) buildSet() {
	s := &c.state.Set
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: setName, Namespace: namespace},
		Spec: appsv1.StatefulSetSpec{
			Replicas:             &s.Replicas,
			Selector:             &metav1.LabelSelector{MatchLabels: map[string]string{"app": setName}},
			Template:             s.template(s.Image),
			ServiceName:          "svc",
			MinReadySeconds:      s.MinReady,
			RevisionHistoryLimit: s.HistoryLimit,
			UpdateStrategy:       appsv1.StatefulSetUpdateStrategy{Type: s.Strategy},
		},
	}
	if s.Parallel {
		set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	}
	if s.Start != nil {
		set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: *s.Start}
	}
	if r := s.Rolling; r != nil {
		set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &r.Partition, MaxUnavailable: r.MaxUnavailable}
	}
	if s.WhenDeleted != "" {
		set.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenDeleted: s.WhenDeleted, WhenScaled: s.WhenScaled}
	}
	for _, name := range s.Claims {
		set.Spec.VolumeClaimTemplates = append(set.Spec.VolumeClaimTemplates, s.claimTemplate(name))
	}
	if s.Annotated {
		set.Annotations = map[string]string{"owner": "me"}
	}
	if s.Deleting {
		set.Finalizers = []string{"example.com/wait"}
	}
	obj := c.do(apiserver.Request{Verb: apiserver.Create, Object: set}).(*appsv1.StatefulSet)
	c.made = obj
	if s.Edited {
		next := obj.DeepCopy()
		next.Spec.MinReadySeconds++
		obj = c.do(apiserver.Request{Verb: apiserver.Update, Object: next}).(*appsv1.StatefulSet)
		next = obj.DeepCopy()
		next.Spec.MinReadySeconds--
		c.do(apiserver.Request{Verb: apiserver.Update, Object: next})
	}
	if s.Deleting {
		c.do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.StatefulSet, Key: key})
	}
}

func (s *SetState) claimTemplate(name string) corev1.PersistentVolumeClaim {
	t := corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: oneGi}},
		},
	}
	if s.ClaimLabels {
		t.Labels = map[string]string{"app": "overlaid", "tier": name}
	}
	return t
}

var oneGi = resource.MustParse("1Gi")

func (c *cluster) set() *appsv1.StatefulSet {
	set, _ := c.host.Server().Get(apiserver.StatefulSet, key).(*appsv1.StatefulSet)
	return set
}

// dataOf is the data of the revision with an image: the patch that upstream's
// getPatch makes of a set with that template.
func (c *cluster) dataOf(image int, content RevisionContent) []byte {
	t := c.made.Spec.Template.DeepCopy()
	t.Spec.Containers[0].Image = imageOf(image)
	if c.state.Set.Annotated {
		t.Annotations["note"] = imageOf(image)
	}
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(err)
	}
	m["$patch"] = "replace"
	switch content {
	case ContentSparse:
		delete(m["spec"].(map[string]any), "schedulerName")
	case ContentBroken:
		m["spec"] = "broken"
	case ContentNoPatch:
		m["$patch"] = "break"
	}
	raw, err = json.Marshal(map[string]any{"spec": map[string]any{"template": m}})
	if err != nil {
		panic(err)
	}
	return raw
}

func hashOf(data []byte, probe int32) string {
	return history.HashControllerRevision(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: data}}, &probe)
}

func (c *cluster) buildRevisions() {
	for i := range c.state.Revisions {
		r := &c.state.Revisions[i]
		data := c.dataOf(r.Image, r.Content)
		hash := hashOf(data, r.Probe)
		rev := &appsv1.ControllerRevision{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Labels: map[string]string{"app": setName, history.ControllerRevisionHashLabel: hash}},
			Data:       runtime.RawExtension{Raw: data}, Revision: r.Number,
		}
		switch r.Name {
		case RevisionRegular:
			rev.Name = history.ControllerRevisionName(setName, hash)
		case RevisionOwn:
			rev.Name = fmt.Sprintf("%s-r%d", setName, i)
		case RevisionTaken:
			rev.Name = history.ControllerRevisionName(setName, hashOf(c.dataOf(c.state.Set.Image, ContentWhole), r.Probe))
		}
		if r.Unselected {
			delete(rev.Labels, "app")
		}
		if ref := c.refOf(r.Owner, 0); ref != nil {
			rev.OwnerReferences = []metav1.OwnerReference{*ref}
		}
		res := c.try(apiserver.Request{Verb: apiserver.Create, Object: rev})
		if res.Err != nil { // the name is taken
			rev.Name = fmt.Sprintf("%s-twin%d", setName, i)
			c.do(apiserver.Request{Verb: apiserver.Create, Object: rev})
		}
		c.names = append(c.names, rev.Name)
		if r.Earlier {
			c.engine.AdvanceTo(c.engine.Now().Add(time.Second))
		}
	}
}

// revision returns the name of a revision in the state.
func (c *cluster) revision(i int) string {
	switch {
	case i < 0:
		return ""
	case i >= len(c.names):
		return setName + "-nothing"
	}
	return c.names[i]
}

// refOf is the reference that makes somebody an owner of an object, of a claim
// with that ordinal; nil if nobody does.
func (c *cluster) refOf(o OwnerState, ordinal int) *metav1.OwnerReference {
	set := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "StatefulSet", Name: setName, UID: c.made.UID, Controller: &yes, BlockOwnerDeletion: &yes}
	pod := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: fmt.Sprintf("%s-%d", setName, ordinal), Controller: &yes, BlockOwnerDeletion: &yes, UID: otherUID}
	if p := c.host.Server().Get(apiserver.Pod, apiserver.Key{Namespace: namespace, Name: pod.Name}); p != nil {
		pod.UID = p.GetUID()
	}
	other := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: otherUID, Controller: &yes}
	switch o {
	case OwnerNone:
		return nil
	case OwnerForeign:
		return &other
	case OwnerOther:
		other.Controller = nil
		return &other
	case OwnerPast:
		set.UID = pastUID
	case OwnerPlain:
		set.Controller = nil
	case OwnerPastPlain:
		set.UID, set.Controller = pastUID, &no
	case OwnerOtherVersion:
		set.Name = "was"
	case OwnerOtherPlain:
		set.Name, set.Controller = "was", nil
	case OwnerPod:
		return &pod
	case OwnerPastPod:
		pod.UID = pastUID
		return &pod
	case OwnerPlainPod:
		pod.Controller = &no
		return &pod
	}
	return &set
}
