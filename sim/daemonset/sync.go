package daemonset

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// burst is how many pods a sync creates or deletes at a time at most (BurstReplicas).
const burst = 250

// Step implements controller.Machine (syncDaemonSet).
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		if err := controller.Read(r, func(v controller.View) error { return c.written.Behind(v, key) }); err != nil {
			return err
		}
		set := controller.Object[*appsv1.DaemonSet](r, apiserver.DaemonSet, key)
		if set == nil {
			r.Once(func(engine.Time) {
				c.written.Clear(key, "")
				c.expectations.Drop(key)
			})
			return nil
		}
		s := &sync{Replay: r, c: c, key: key, set: set}
		return s.run()
	})
}

// sync is one of a DaemonSet.
type sync struct {
	*controller.Replay
	c    *Controller
	key  apiserver.Key
	set  *appsv1.DaemonSet
	hash string // of the current revision
}

func (s *sync) run() error {
	if apiequality.Semantic.DeepEqual(s.set.Spec.Selector, &metav1.LabelSelector{}) {
		s.Note(controller.Note{About: s.set, Type: corev1.EventTypeWarning, Reason: "SelectingAll",
			Message: "This daemon set is selecting all pods. A non-empty selector is required."})
		return nil
	}
	if s.set.DeletionTimestamp != nil {
		return nil
	}
	hash, old, err := s.constructHistory()
	if err != nil {
		return fmt.Errorf("failed to construct revisions of DaemonSet: %v", err)
	}
	s.hash = hash
	if !s.expectationsAreMet() {
		return s.writeStatus(false)
	}
	err = s.update(old)
	if statusErr := s.writeStatus(true); err == nil {
		err = statusErr
	}
	return err
}

func (s *sync) expectationsAreMet() bool {
	return controller.Read(s.Replay, func(v controller.View) bool { return s.c.expectations.AreMet(s.key, v.Now()) })
}

// update is updateDaemonSet.
func (s *sync) update(old []*appsv1.ControllerRevision) error {
	if err := s.manage(); err != nil {
		return err
	}
	if s.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType && s.expectationsAreMet() {
		if err := s.roll(); err != nil {
			return err
		}
	}
	if err := s.cleanUp(old); err != nil {
		return fmt.Errorf("failed to clean up revisions of DaemonSet: %w", err)
	}
	return nil
}

// claim releases and adopts the pods that there are to (W1, getDaemonPods), and
// returns those that it has adopted, as they were.
func (s *sync) claim() ([]*corev1.Pod, error) {
	type strays struct{ misfits, orphans []apiserver.Object }
	found := controller.Read(s.Replay, func(controller.View) *strays {
		var f strays
		selector := selectorOf(s.set)
		if r := s.c.rosters[s.key]; r != nil {
			for name := range r.misfits { // sorted below
				f.misfits = append(f.misfits, r.pods[name])
			}
		}
		for _, pod := range s.c.orphans[s.set.Namespace] { // sorted below
			if pod.DeletionTimestamp == nil && selector.Matches(labels.Set(pod.Labels)) {
				f.orphans = append(f.orphans, pod)
			}
		}
		slices.SortFunc(f.misfits, byName)
		slices.SortFunc(f.orphans, byName)
		return &f
	})
	claimer := podcontrol.Claimer{Owner: s.set, OwnerKind: apiserver.DaemonSet, Patched: func(obj apiserver.Object) {
		if ref := metav1.GetControllerOfNoCopy(obj); ref != nil {
			s.c.written.Wrote(s.key, ref.UID, obj)
		}
	}}
	adopted, err := claimer.Claim(s.Replay, found.misfits, found.orphans)
	pods := make([]*corev1.Pod, len(adopted))
	for i, obj := range adopted {
		pods[i] = obj.(*corev1.Pod)
	}
	return pods, err
}

func byName(a, b apiserver.Object) int { return apiserver.KeyOf(a).Compare(apiserver.KeyOf(b)) }

// claimed is claim with the words of getNodesToDaemonPods' callers.
func (s *sync) claimed() ([]*corev1.Pod, error) {
	adopted, err := s.claim()
	if err != nil {
		err = fmt.Errorf("couldn't get node to daemon pod mapping for daemon set %q: %v", s.set.Name, err)
	}
	return adopted, err
}

// roster returns what is known of the set's nodes, as the sync sees it: of the set as
// it was when the sync began, with the pods that were just adopted.
func (s *sync) roster(v controller.View, adopted []*corev1.Pod) *roster {
	now, known := apiserver.WallTime(v.Now()), s.c.rosterOf(s.key)
	r := known
	if p := known.plan; p == nil || p.uid != s.set.UID || p.generation != s.set.Generation {
		r = &roster{pods: known.pods}
		r.take(s.set, s.c.nodes)
	}
	r.renew(s.hash)
	r.look(now)
	if len(adopted) > 0 {
		return r.with(adopted, now)
	}
	return r
}

// work is what is to be created and deleted.
type work struct {
	create []string // a pod on each of these nodes
	delete []*corev1.Pod
	notes  []controller.Note
	again  time.Duration // when a back-off is over; 0 if there is none
	err    error
}

// manage creates pods where they are missing, and deletes those that should not be
// there or have ended (W17, W19).
func (s *sync) manage() error {
	adopted, err := s.claimed()
	if err != nil {
		return err
	}
	w := controller.Read(s.Replay, func(v controller.View) *work {
		r, w := s.roster(v, adopted), &work{}
		nodes := ordered(v, s.key.String(), r.busy)
		for _, name := range nodes {
			if r.spots[name].node != nil {
				s.manageNode(v, r, name, w)
			}
		}
		for _, name := range nodes {
			if r.spots[name].node == nil {
				w.delete = append(w.delete, where(r.spots[name].pods, func(pod *corev1.Pod) bool { return pod.Spec.NodeName == "" })...)
			}
		}
		return w
	})
	for _, note := range w.notes {
		s.Note(note)
	}
	if w.again > 0 {
		s.After(w.again, engine.Retry)
	}
	return s.carryOut(w)
}

func where(pods []*corev1.Pod, is func(*corev1.Pod) bool) (list []*corev1.Pod) {
	for _, pod := range pods {
		if is(pod) {
			list = append(list, pod)
		}
	}
	return list
}

func isLive(pod *corev1.Pod) bool { return pod.DeletionTimestamp == nil }

// manageNode is podsShouldBeOnNode.
func (s *sync) manageNode(v controller.View, r *roster, name string, w *work) {
	spot := r.spots[name]
	switch {
	case spot.run && len(spot.pods) == 0:
		w.create = append(w.create, name)
		return
	case !spot.stay:
		w.delete = append(w.delete, where(spot.pods, isLive)...)
		return
	}
	var running []*corev1.Pod
	for _, pod := range where(spot.pods, isLive) {
		switch pod.Status.Phase {
		case corev1.PodFailed:
			if s.backsOff(v, name, w) {
				continue
			}
			w.remove(s.set, pod, corev1.EventTypeWarning, "FailedDaemonPod", "Found failed daemon pod %s/%s on node %s, will try to kill it", name)
		case corev1.PodSucceeded:
			w.remove(s.set, pod, corev1.EventTypeNormal, "SucceededDaemonPod", "Found succeeded daemon pod %s/%s on node %s, will try to delete it", name)
		default:
			running = append(running, pod)
		}
	}
	switch {
	case len(running) == 0:
		if r.plan.surges && spot.run {
			w.create = append(w.create, name)
		}
	case !r.plan.surges:
		w.delete = append(w.delete, running[1:]...)
	case len(running) > 1:
		w.delete = append(w.delete, r.surplus(running, apiserver.WallTime(v.Now()))...)
	}
}

func (w *work) remove(set *appsv1.DaemonSet, pod *corev1.Pod, typ, reason, message, node string) {
	w.notes = append(w.notes, controller.Note{About: set, Type: typ, Reason: reason, Message: fmt.Sprintf(message, pod.Namespace, pod.Name, node)})
	w.delete = append(w.delete, pod)
}

// surplus are the pods of a node that go where two may be: all but the oldest of each
// sort, and the old one if it is not ready or the new one is available.
func (r *roster) surplus(running []*corev1.Pod, now time.Time) (list []*corev1.Pod) {
	var fresh, old *corev1.Pod
	for _, pod := range running {
		switch isFresh := pod.Labels[hashLabel] == r.plan.hash; {
		case isFresh && fresh == nil:
			fresh = pod
		case !isFresh && old == nil:
			old = pod
		default:
			list = append(list, pod)
		}
	}
	if fresh != nil && old != nil && (!podcontrol.IsReady(old) || podcontrol.IsAvailable(fresh, r.set.Spec.MinReadySeconds, now)) {
		list = append(list, old)
	}
	return list
}

// The back-off of failed pods (flowcontrol.NewBackOff in startDaemonSetController).
const (
	backoffFirst = time.Second
	backoffMost  = 15 * time.Minute
)

// backsOff reports whether a node's failed pod has to wait (W19). If not, the next
// one will have to for longer.
func (s *sync) backsOff(v controller.View, node string, w *work) bool {
	r, now := s.c.rosterOf(s.key), v.Now()
	if r.epoch != s.set.Status.ObservedGeneration {
		r.epoch, r.backoffs = s.set.Status.ObservedGeneration, nil
	}
	b, ok := r.backoffs[node]
	switch {
	case !ok || now > b.expires:
		b.delay = backoffFirst
	case now < b.until:
		if w.again == 0 || b.delay < w.again {
			w.again = b.delay
		}
		return true
	default:
		b.delay = min(2*b.delay, backoffMost)
	}
	b.until, b.expires = now.Add(b.delay), now.Add(2*backoffMost)
	if r.backoffs == nil {
		r.backoffs = map[string]backoff{}
	}
	r.backoffs[node] = b
	return false
}

// carryOut creates and deletes pods, and says what is expected of that (W2, W4,
// syncNodes).
func (s *sync) carryOut(w *work) error {
	if w.err != nil {
		return w.err
	}
	creations, deletions := min(len(w.create), burst), min(len(w.delete), burst)
	s.Once(func(now engine.Time) {
		if creations+deletions == 0 {
			s.c.expectations.Drop(s.key)
		} else {
			s.c.expectations.ExpectCounts(s.key, now, creations, deletions)
		}
	})
	errs := s.create(w.create[:creations])
	for i, res := range s.Side(deletions, func(i int) apiserver.Request { return podcontrol.Delete(w.delete[i]) }) {
		err := podcontrol.Deleted(s.Replay, s.set, w.delete[i], res.Err)
		if err == nil {
			continue
		}
		s.Once(func(engine.Time) { s.c.expectations.DeletedAny(s.key, 1) })
		if !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return utilerrors.NewAggregate(errs)
}

// create makes a pod for each of some nodes, in batches.
func (s *sync) create(nodes []string) (errs []error) {
	if len(nodes) == 0 {
		return nil
	}
	t := template(s.set, s.hash)
	ref := *metav1.NewControllerRef(s.set, apiserver.DaemonSet.GroupVersionKind())
	begun := 0
	created, _ := podcontrol.SlowStart(len(nodes), func(n int) []error {
		batch := nodes[begun : begun+n]
		begun += n
		failed := make([]error, n)
		for i, res := range s.Side(n, func(i int) apiserver.Request {
			own := *t
			own.Spec.Affinity = onNode(t.Spec.Affinity, batch[i])
			return podcontrol.Create(podcontrol.FromTemplate(&own, s.set, ref))
		}) {
			err := podcontrol.Created(s.Replay, s.set, res)
			switch {
			case err == nil:
				s.Once(func(engine.Time) { s.c.written.Wrote(s.key, s.set.UID, res.Object) })
			case !podcontrol.IsNamespaceTerminating(err): // else nothing can be created any more
				failed[i] = err
				errs = append(errs, err)
			}
		}
		return failed
	})
	s.Once(func(engine.Time) { s.c.expectations.Created(s.key, len(nodes)-created) })
	return errs
}
