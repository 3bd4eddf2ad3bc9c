package statefulset

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// tb is a testing.TB or a rapid.T.
type tb interface {
	require.TestingT
	Helper()
	Fatal(...any)
}

// cluster is a host with the controller alone; the test plays the kubelet, and
// everybody else.
type cluster struct {
	t        tb
	host     *controller.Host
	ctl      *Controller
	probe    *probe
	log      []string
	bound    int  // how many events run at once, if not 0
	quiet    bool // no log
	observed int  // records drained
	auto     bool // pods run as soon as they exist, and end as soon as they shall
}

type option func(*cluster, *setup)

type setup struct {
	gates    apiserver.Gates
	strategy engine.Strategy
	latency  controller.Latency
	naive    bool
}

func newCluster(t tb, opts ...option) *cluster {
	t.Helper()
	c := &cluster{t: t, auto: true}
	var s setup
	for _, o := range opts {
		o(c, &s)
	}
	e := engine.New(s.strategy)
	c.host = controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}, Gates: s.gates}), s.latency, nil)
	c.ctl = New(s.gates)
	c.ctl.naive = s.naive
	c.probe = &probe{Controller: c.ctl}
	c.host.Add(c.probe)
	c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return c
}

func byHand(c *cluster, _ *setup)       { c.auto = false }
func naive(_ *cluster, s *setup)        { s.naive = true }
func realistic(_ *cluster, s *setup)    { s.latency = controller.Realistic() }
func withRecreate(_ *cluster, s *setup) { s.gates.Recreate = true }
func noMaxUnavailable(_ *cluster, s *setup) {
	s.gates.NoMaxUnavailable = true
}
func seeded(n uint64) option { return func(_ *cluster, s *setup) { s.strategy.Seed = n } }

func (c *cluster) do(req apiserver.Request) apiserver.Object {
	c.t.Helper()
	res := c.host.Do("user", req)
	require.NoError(c.t, res.Err)
	return res.Object
}

func (c *cluster) create(obj apiserver.Object) apiserver.Object {
	c.t.Helper()
	return c.do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
}

func (c *cluster) set(name string) *appsv1.StatefulSet {
	s, _ := c.host.Server().Get(apiserver.StatefulSet, apiserver.Key{Namespace: "default", Name: name}).(*appsv1.StatefulSet)
	return s
}

func (c *cluster) pod(name string) *corev1.Pod {
	p, _ := c.host.Server().Get(apiserver.Pod, apiserver.Key{Namespace: "default", Name: name}).(*corev1.Pod)
	return p
}

func (c *cluster) claim(name string) *corev1.PersistentVolumeClaim {
	p, _ := c.host.Server().Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: name}).(*corev1.PersistentVolumeClaim)
	return p
}

// edit changes the spec of a set.
func (c *cluster) edit(name string, f func(*appsv1.StatefulSet)) {
	c.t.Helper()
	s := c.set(name).DeepCopy()
	f(s)
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet, Key: apiserver.KeyOf(s), Object: s})
}

func (c *cluster) scale(name string, n int32) {
	c.t.Helper()
	c.edit(name, func(s *appsv1.StatefulSet) { s.Spec.Replicas = &n })
}

func (c *cluster) image(name, image string) {
	c.t.Helper()
	c.edit(name, func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Image = image })
}

// status changes the status of a pod.
func (c *cluster) status(name string, f func(*corev1.PodStatus)) {
	c.t.Helper()
	p := c.pod(name).DeepCopy()
	f(&p.Status)
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Pod, Subresource: apiserver.Status, Key: apiserver.KeyOf(p), Object: p})
}

// phase makes a pod of that phase; Running means ready too.
func (c *cluster) phase(name string, phase corev1.PodPhase) {
	c.t.Helper()
	c.status(name, func(s *corev1.PodStatus) { setPhase(s, phase, apiserver.Stamp(c.host.Engine().Now())) })
}

func setPhase(s *corev1.PodStatus, phase corev1.PodPhase, now metav1.Time) {
	ready := corev1.ConditionFalse
	if phase == corev1.PodRunning {
		ready = corev1.ConditionTrue
	}
	s.Phase = phase
	setReady(s, ready, now)
}

func setReady(s *corev1.PodStatus, ready corev1.ConditionStatus, now metav1.Time) {
	s.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: now}}
}

func (c *cluster) deletePod(name string, grace ...int64) {
	c.t.Helper()
	req := apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: name}}
	if len(grace) > 0 {
		req.GracePeriodSeconds = &grace[0]
	}
	c.do(req)
}

// run runs everything that is pending within a span of virtual time.
func (c *cluster) run(d time.Duration) {
	c.t.Helper()
	until := c.host.Engine().Now().Add(d)
	for n := 0; ; n++ {
		if c.bound > 0 && n > c.bound {
			return
		}
		require.Less(c.t, n, 1_000_000, "it does not come to rest")
		c.note()
		ev, ok := c.host.Engine().Peek()
		if !ok || ev.At > until {
			break
		}
		c.host.Step()
	}
	c.host.Engine().AdvanceTo(until)
}

// note takes down what was written, and plays the kubelet.
func (c *cluster) note() {
	recs := c.host.Drain()
	if len(recs) == 0 {
		return
	}
	var pods []apiserver.Key
	for _, r := range recs {
		c.observed++
		if !c.quiet {
			c.log = append(c.log, line(r))
		}
		if r.Kind == apiserver.Pod {
			pods = append(pods, r.Key)
		}
	}
	for _, key := range pods {
		if c.auto {
			c.kubelet(key)
		}
	}
	c.note()
}

func (c *cluster) kubelet(key apiserver.Key) {
	pod := c.pod(key.Name)
	switch {
	case pod == nil:
	case pod.DeletionTimestamp != nil:
		c.deletePod(key.Name, 0)
	case pod.Spec.NodeName == "":
		c.bind(key.Name)
	case pod.Status.Phase == corev1.PodPending:
		c.phase(key.Name, corev1.PodRunning)
	}
}

// meta changes the metadata of a pod.
func (c *cluster) meta(name string, f func(*metav1.ObjectMeta)) {
	c.t.Helper()
	p := c.pod(name).DeepCopy()
	f(&p.ObjectMeta)
	c.do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.Pod, Key: apiserver.KeyOf(p), Object: p})
}

// view returns what the controller sees.
func (c *cluster) view() lister { return c.probe.env }

// probe keeps the controller's Env.
type probe struct {
	*Controller
	env *controller.Env
}

func (p *probe) Observe(env *controller.Env, rec *apiserver.Record) {
	p.env = env
	p.Controller.Observe(env, rec)
}

// bind puts a pod on a node, so that its deletion takes its time.
func (c *cluster) bind(name string) {
	c.t.Helper()
	c.do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Subresource: apiserver.Binding,
		Key: apiserver.Key{Namespace: "default", Name: name}, Node: "node-1"})
}

// settle runs for ten minutes.
func (c *cluster) settle() { c.t.Helper(); c.run(10 * time.Minute) }

func line(r *apiserver.Record) string {
	b := []string{r.By, strings.ToLower(string(r.Type)), r.Kind.String(), r.Key.Name}
	switch o := r.Object.(type) {
	case *corev1.Event:
		b = append(b, o.Type, o.Reason, o.Message)
	case *corev1.Pod:
		b = append(b, string(o.Status.Phase), revisionOf(o))
		if o.DeletionTimestamp != nil {
			b = append(b, "terminating")
		}
	case *appsv1.StatefulSet:
		s := o.Status
		for _, n := range []int32{s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.CurrentReplicas, s.UpdatedReplicas} {
			b = append(b, strconv.Itoa(int(n)))
		}
		b = append(b, s.CurrentRevision, s.UpdateRevision)
	}
	return strings.Join(b, " ")
}

// pods returns "name=image" of the pods that exist, in the order of names, "!"
// marking those that terminate.
func (c *cluster) pods() string {
	var out []string
	for _, o := range c.host.Server().List(apiserver.Pod, "default") {
		p := o.(*corev1.Pod)
		s := p.Name + "=" + p.Spec.Containers[0].Image
		if p.DeletionTimestamp != nil {
			s += "!"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// order returns the names of the objects of a kind that the controller created
// or deleted, "+" and "-", in order, and clears the log.
func (c *cluster) order(kind apiserver.Kind) string {
	var out []string
	going := map[string]bool{}
	for _, l := range c.log {
		f := strings.Fields(l)
		ends := f[1] == "deleted" || f[len(f)-1] == "terminating"
		switch {
		case f[2] != kind.String():
		case f[1] == "added" && f[0] == Name:
			out = append(out, "+"+f[3])
		case ends && f[0] == Name && !going[f[3]]:
			out = append(out, "-"+f[3])
		}
		if f[2] == kind.String() {
			going[f[3]] = ends && f[1] != "deleted"
		}
	}
	c.log = nil
	return strings.Join(out, " ")
}

func (c *cluster) revisions() []*appsv1.ControllerRevision {
	var out []*appsv1.ControllerRevision
	for _, o := range c.host.Server().List(apiserver.ControllerRevision, "default") {
		out = append(out, o.(*appsv1.ControllerRevision))
	}
	return out
}

// web returns a set with image "a" and one claim template, changed by edits.
func web(replicas int32, edits ...func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	labels := map[string]string{"app": "web"}
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: appsv1.StatefulSetSpec{
			Replicas:    &replicas,
			ServiceName: "web",
			Selector:    &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "a"}}},
			},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{claimTemplate("www")},
		},
	}
	for _, f := range edits {
		f(s)
	}
	return s
}

func claimTemplate(name string) corev1.PersistentVolumeClaim {
	var claim corev1.PersistentVolumeClaim
	if err := yaml.Unmarshal([]byte(`{spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`), &claim); err != nil {
		panic(err)
	}
	claim.Name = name
	return claim
}

func parallel(s *appsv1.StatefulSet) { s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }
func onDelete(s *appsv1.StatefulSet) {
	s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
}
func recreate(s *appsv1.StatefulSet) {
	s.Spec.UpdateStrategy.Type = appsv1.RecreateStatefulSetStrategyType
}
func noClaims(s *appsv1.StatefulSet) { s.Spec.VolumeClaimTemplates = nil }

// seedSet reads the article's set.
func seedSet(t tb) *appsv1.StatefulSet {
	t.Helper()
	for _, doc := range strings.Split(seedManifest, "---\n") {
		var s appsv1.StatefulSet
		if strings.Contains(doc, "kind: StatefulSet") {
			require.NoError(t, yaml.Unmarshal([]byte(doc), &s))
			s.Namespace = "default"
			return &s
		}
	}
	t.Fatal("no StatefulSet in the seed manifest")
	return nil
}

var seedManifest = func() string {
	b, err := os.ReadFile("testdata/seed.yaml")
	if err != nil {
		panic(err)
	}
	return string(b)
}()
