package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const setController = "statefulset-controller"

// ledger is what the named properties remember of the past, beyond what the cluster
// itself shows: little, and most of it only for a second. Its lists are replaced, never
// changed, so that a fork shares them.
type ledger struct {
	lapses  []lapse
	formers []former
	held    []held
	forced  []types.UID // pods of which processes ran on when the API forgot them
	left    []departed
	spared  []types.UID // sets whose dependents somebody asked to be orphaned
}

// lapse is a pod that has stopped being ready and staying. A controller that decides from
// a cache (S1) may take it for ready until it has seen that, and until the sync is over
// that it was in then.
type lapse struct {
	key      apiserver.Key
	revision string
	sight
}

// former is a set as it was before its spec was changed, or before it was deleted.
type former struct {
	set *appsv1.StatefulSet
	sight
}

// sight is when the StatefulSet controller saw a write.
type sight struct {
	version uint64
	seen    engine.Time // Never: not yet
}

// held is an ordinal below the partition with the template that its pod is to have
// until the partition is lowered.
type held struct {
	set      types.UID
	name     string // of the pod
	ordinal  int
	template string
}

// departed is a set that was deleted and whose claims are to go, too.
type departed struct {
	namespace string
	prefixes  []string // of the claims' names
}

// syncTime is the longest that the StatefulSet controller takes from its look at the
// caches to its last request.
const syncTime = engine.Time(time.Second)

func (l *ledger) fork() *ledger {
	f := *l
	f.lapses, f.formers, f.held = slices.Clip(l.lapses), slices.Clip(l.formers), slices.Clip(l.held)
	f.forced, f.left, f.spared = slices.Clip(l.forced), slices.Clip(l.left), slices.Clip(l.spared)
	return &f
}

// read takes down what an event has written.
func (l *ledger) read(c *sim.Cluster, records []*apiserver.Record) {
	for _, rec := range records {
		switch obj := rec.Object.(type) {
		case *corev1.Pod:
			l.readPod(c, rec, obj)
		case *appsv1.StatefulSet:
			l.readSet(rec, obj)
		}
	}
}

func (l *ledger) readPod(c *sim.Cluster, rec *apiserver.Record, pod *corev1.Pod) {
	old, _ := rec.Old.(*corev1.Pod)
	if old == nil {
		return
	}
	if stays(old) && (rec.Type == watch.Deleted || !stays(pod)) {
		l.lapses = append(l.lapses, lapse{rec.Key, old.Labels[appsv1.ControllerRevisionHashLabelKey], sight{rec.Version, engine.Never}})
	}
	if rec.Type == watch.Deleted && rec.By != "kubelet" {
		for _, p := range c.Processes() {
			if p.UID == pod.UID {
				l.forced = append(l.forced, pod.UID)
				break
			}
		}
	}
}

func (l *ledger) readSet(rec *apiserver.Record, set *appsv1.StatefulSet) {
	old, _ := rec.Old.(*appsv1.StatefulSet)
	if slices.Contains(set.Finalizers, "orphan") && !slices.Contains(l.spared, set.UID) {
		l.spared = append(l.spared, set.UID)
	}
	switch {
	case rec.Type == watch.Added:
		l.left = slices.DeleteFunc(slices.Clone(l.left), func(d departed) bool {
			return d.namespace == set.Namespace && slices.ContainsFunc(d.prefixes, func(p string) bool { return strings.HasSuffix(p, "-"+set.Name+"-") })
		})
	case rec.Type == watch.Deleted:
		l.formers = append(l.formers, former{set, sight{rec.Version, engine.Never}})
		l.depart(set)
	case old.Generation != set.Generation:
		l.formers = append(l.formers, former{old, sight{rec.Version, engine.Never}})
		l.hold(old, set)
	}
}

// depart notes the claims that are to go with a set.
func (l *ledger) depart(set *appsv1.StatefulSet) {
	policy := set.Spec.PersistentVolumeClaimRetentionPolicy
	if policy == nil || policy.WhenDeleted != appsv1.DeletePersistentVolumeClaimRetentionPolicyType || slices.Contains(l.spared, set.UID) {
		return
	}
	d := departed{namespace: set.Namespace}
	for _, t := range set.Spec.VolumeClaimTemplates {
		d.prefixes = append(d.prefixes, t.Name+"-"+set.Name+"-")
	}
	l.left = append(l.left, d)
}

// hold notes which ordinals are held at which template, when the template is changed
// under a partition while all pods are of one revision.
func (l *ledger) hold(old, set *appsv1.StatefulSet) {
	below := startOf(set) + partitionOf(set)
	if slices.ContainsFunc(l.held, func(h held) bool { return h.set == set.UID && h.ordinal >= below }) {
		l.held = slices.DeleteFunc(slices.Clone(l.held), func(h held) bool { return h.set == set.UID && h.ordinal >= below })
	}
	if old.Status.CurrentRevision != old.Status.UpdateRevision || old.Status.ObservedGeneration != old.Generation ||
		equality.Semantic.DeepEqual(old.Spec.Template, set.Spec.Template) {
		return
	}
	for i := startOf(set); i < below; i++ {
		if !slices.ContainsFunc(l.held, func(h held) bool { return h.set == set.UID && h.ordinal == i }) {
			l.held = append(l.held, held{set.UID, fmt.Sprintf("%s-%d", set.Name, i), i, fingerprint(&old.Spec.Template.Spec)})
		}
	}
}

// forget drops what the controller has seen long enough ago.
func (l *ledger) forget(c *sim.Cluster) {
	if len(l.lapses) > 0 {
		l.lapses = renewed(l.lapses, c, apiserver.Pod, func(e *lapse) *sight { return &e.sight })
	}
	if len(l.formers) > 0 {
		l.formers = renewed(l.formers, c, apiserver.StatefulSet, func(e *former) *sight { return &e.sight })
	}
}

// renewed returns those of a list that still matter, with what has been seen by now.
func renewed[E any](list []E, c *sim.Cluster, kind apiserver.Kind, of func(*E) *sight) []E {
	at, seen := now(c), c.Seen(setController, kind)
	changes := false
	for i := range list {
		s := of(&list[i])
		changes = changes || s.seen == engine.Never && s.version <= seen || s.seen != engine.Never && at-s.seen > syncTime
	}
	if !changes {
		return list
	}
	var fresh []E
	for _, e := range list {
		s := of(&e)
		if s.seen == engine.Never && s.version <= seen {
			s.seen = at
		}
		if s.seen == engine.Never || at-s.seen <= syncTime {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// hash covers what is remembered, by names: versions and UIDs do not count.
func (l *ledger) hash(at engine.Time) uint64 {
	if len(l.lapses)+len(l.formers)+len(l.held)+len(l.forced)+len(l.left)+len(l.spared) == 0 {
		return 0
	}
	h := engine.KeyOf("ledger")
	age := func(s sight) string {
		if s.seen == engine.Never {
			return "unseen"
		}
		return fmt.Sprint(at - s.seen)
	}
	for _, e := range l.lapses {
		h = h.With("lapse", e.key.Namespace, e.key.Name, e.revision, age(e.sight))
	}
	for _, e := range l.formers {
		h = h.With("former", e.set.Namespace, e.set.Name, fmt.Sprint(e.set.DeletionTimestamp != nil, *e.set.Spec.Replicas, partitionOf(e.set), e.set.Spec.UpdateStrategy.Type), fingerprint(&e.set.Spec.Template.Spec), age(e.sight))
	}
	for _, e := range l.held {
		h = h.With("held", e.name, e.template)
	}
	for _, e := range l.left {
		h = h.With("left", e.namespace).With(e.prefixes...)
	}
	return uint64(h.With(fmt.Sprint(len(l.forced), len(l.spared))))
}

// lapsed reports whether the controller may not know yet that a pod is no longer ready.
func (l *ledger) lapsed(key apiserver.Key) bool {
	return slices.ContainsFunc(l.lapses, func(e lapse) bool { return e.key == key })
}

// versions returns a set in all the states in which the controller may have decided about
// it: as it is, first, and as it lately was.
func (l *ledger) versions(c *sim.Cluster, key apiserver.Key) (list []*appsv1.StatefulSet) {
	for _, rec := range c.Newest(apiserver.StatefulSet, key.Namespace) {
		if rec.Key == key {
			list = append(list, rec.Object.(*appsv1.StatefulSet))
		}
	}
	for i := len(l.formers) - 1; i >= 0; i-- {
		if set := l.formers[i].set; set.Name == key.Name && set.Namespace == key.Namespace {
			list = append(list, set)
		}
	}
	return list
}
