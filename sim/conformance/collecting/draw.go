package collecting

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const hold = "example.com/hold"

var (
	yes, no = new(true), new(bool)

	// pool are the objects that may exist. Pods of one name are bound or not.
	pool = []object{
		{apiserver.ControllerRevision, apiserver.Key{Namespace: "default", Name: "a"}},
		{apiserver.ControllerRevision, apiserver.Key{Namespace: "default", Name: "b"}},
		{apiserver.ControllerRevision, apiserver.Key{Namespace: "default", Name: "c"}},
		{apiserver.ControllerRevision, apiserver.Key{Namespace: "other", Name: "a"}},
		{apiserver.StatefulSet, apiserver.Key{Namespace: "default", Name: "a"}},
		{apiserver.StatefulSet, apiserver.Key{Namespace: "other", Name: "a"}},
		{apiserver.Pod, apiserver.Key{Namespace: "default", Name: "a"}},
		{apiserver.Pod, apiserver.Key{Namespace: "default", Name: "b"}},
		{apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: "a"}},
		{apiserver.Service, apiserver.Key{Namespace: "default", Name: "a"}},
		{apiserver.Node, apiserver.Key{Name: "a"}},
		{apiserver.Node, apiserver.Key{Name: "b"}},
	}
)

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// oneIn reports one time in n that something rare is to happen.
func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(0, n-1).Draw(t, label) == n-1 }

// drawScript draws a short history of a few objects that own each other.
func drawScript(t *rapid.T) script {
	s := script{before: namespaces()}
	switch pick(t, "begin", "", "", "", "", "set", "set", "circle", "family") {
	case "set":
		s.before = append(s.before, drawSet(t)...)
	case "circle":
		s.before = append(s.before, drawCircle(t)...)
		s.steps = append(s.steps, disturbed(t, step{verb: "delete", object: pool[0], propagation: metav1.DeletePropagationForeground, pause: 3 * time.Second}))
	case "family":
		s.before = append(s.before, drawFamily(t)...)
		s.steps = append(s.steps, disturbed(t, step{verb: "delete", object: pool[0], pause: 3 * time.Second,
			propagation: pick(t, "propagation", metav1.DeletePropagationOrphan, metav1.DeletePropagationForeground)}))
	}
	for range rapid.IntRange(0, 6).Draw(t, "before") {
		st := drawCreation(t)
		s.before = append(s.before, st)
		if oneIn(t, 8, "again") { // those that refer to the first are left behind
			s.before = append(s.before, step{verb: "delete", object: st.object, grace: new(int64)}, st)
		}
	}
	for range rapid.IntRange(1, 7).Draw(t, "steps") {
		s.steps = append(s.steps, drawStep(t))
	}
	return s
}

func namespaces() []step {
	var list []step
	for _, name := range []string{"default", "other"} {
		list = append(list, step{verb: "create", object: object{apiserver.Namespace, apiserver.Key{Name: name}}})
	}
	return list
}

// drawSet draws what a StatefulSet with claims has made, its references as the
// set's retention policies have them (S36).
func drawSet(t *rapid.T) []step {
	set, controlled := pool[4], owner{object: pool[4], block: yes, controller: yes}
	list := []step{{verb: "create", object: set}}
	for _, o := range []object{pool[0], pool[6], pool[7]} {
		st := step{verb: "create", object: o, owners: []owner{controlled}}
		if o.kind == apiserver.Pod {
			st.node = pick(t, "node", "", "n")
		}
		list = append(list, st)
	}
	claim := step{verb: "create", object: pool[8]}
	switch pick(t, "retention", "retain", "set", "pod") {
	case "set":
		claim.owners = []owner{controlled}
	case "pod":
		claim.owners = []owner{{object: pool[6], controller: yes, block: yes}}
	}
	return append(list, claim)
}

// drawCircle draws objects that own each other.
func drawCircle(t *rapid.T) []step {
	blocking := func(o object) []owner { return []owner{{object: o, block: yes}} }
	list := []step{{verb: "create", object: pool[0]}}
	last := pool[0]
	for _, o := range pool[1:rapid.IntRange(2, 3).Draw(t, "circle")] {
		list = append(list, step{verb: "create", object: o, owners: blocking(last)})
		last = o
	}
	return append(list, step{verb: "owners", object: pool[0], owners: blocking(last)})
}

// drawFamily draws dependents of one owner that have others, too.
func drawFamily(t *rapid.T) []step {
	list := []step{{verb: "create", object: pool[0]}}
	for _, o := range []object{pool[1], pool[2], pool[6]} {
		list = append(list, step{verb: "create", object: o, owners: append(drawOwners(t), owner{object: pool[0], block: pick(t, "block", yes, no)})})
	}
	return list
}

func drawCreation(t *rapid.T) step {
	st := step{verb: "create", object: rapid.SampledFrom(pool).Draw(t, "object"), owners: drawOwners(t)}
	st.finalizers = drawFinalizers(t, 6)
	if st.kind == apiserver.Pod {
		st.node = pick(t, "node", "", "n")
	}
	return st
}

// drawFinalizers draws none, most of the time.
func drawFinalizers(t *rapid.T, n int) []string {
	if !oneIn(t, n, "finalizers") {
		return nil
	}
	return pick(t, "finalizers", []string{hold}, []string{hold}, []string{metav1.FinalizerOrphanDependents},
		[]string{metav1.FinalizerDeleteDependents}, []string{hold, metav1.FinalizerDeleteDependents})
}

func drawOwners(t *rapid.T) []owner {
	var list []owner
	for range pick(t, "owners", 0, 1, 1, 1, 2, 2, 3) {
		o := owner{object: rapid.SampledFrom(pool).Draw(t, "owner"), block: pick(t, "block", nil, yes, yes, no)}
		if oneIn(t, 8, "before") {
			o.ago = rapid.IntRange(1, 2).Draw(t, "ago")
		}
		// Of one key, one object: both would be asked for by equal requests at
		// one instant, which ours are under way for equally long.
		if i := slices.IndexFunc(list, func(p owner) bool { return p.object == o.object }); i >= 0 {
			o.ago = list[i].ago
		}
		if oneIn(t, 4, "controller") && !slices.ContainsFunc(list, func(o owner) bool { return o.controller != nil }) {
			o.controller = yes
		}
		if oneIn(t, 8, "wrong") {
			switch pick(t, "wrong", "name", "kind", "cluster-wide", "unknown", "without behaviour") {
			case "name":
				o.nameAs = pick(t, "as", "a", "b", "c")
			case "kind":
				o.kindAs, o.versionAs = "Pod", "v1"
			case "cluster-wide":
				o.kindAs, o.versionAs = "Node", "v1"
			case "unknown":
				o.kindAs, o.versionAs = "Widget", "example.com/v1"
			case "without behaviour":
				o.kindAs, o.versionAs, o.ago = "ConfigMap", "v1", 2
			}
		}
		list = append(list, o)
	}
	return list
}

func drawStep(t *rapid.T) step {
	st := step{pause: pick(t, "pause", 3*time.Second, 3*time.Second, 30*time.Second)}
	st.object = rapid.SampledFrom(pool).Draw(t, "object")
	switch pick(t, "do", "create", "create", "delete", "delete", "delete", "finish", "owners", "finalizers", "release", "touch") {
	case "create":
		pause := st.pause
		st = drawCreation(t)
		st.pause = pause
	case "delete":
		st.verb = "delete"
		st.propagation = pick(t, "propagation", "", metav1.DeletePropagationBackground,
			metav1.DeletePropagationForeground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan)
		if oneIn(t, 4, "grace") {
			st.grace = pick(t, "grace", new(int64), new(int64(1)))
		}
	case "finish": // what a kubelet does in the end
		st.verb, st.grace, st.object = "delete", new(int64), pick(t, "pod", pool[6], pool[7])
	case "owners":
		st.verb, st.owners = "owners", drawOwners(t)
	case "finalizers":
		st.verb, st.finalizers = "finalizers", drawFinalizers(t, 1)
	case "release":
		st.verb = "finalizers"
	case "touch":
		st.verb = "touch"
	}
	return disturbed(t, st)
}

// disturbed returns a step with what comes between, now and then.
func disturbed(t *rapid.T, st step) step {
	if oneIn(t, 3, "fault") {
		for range rapid.IntRange(1, 3).Draw(t, "faults") {
			st.faults = append(st.faults, drawFault(t))
		}
	}
	if oneIn(t, 3, "ambush") {
		st.ambush = drawAmbush(t)
	}
	return unmistakable(st)
}

// unmistakable leaves out what is to meet one of two requests that nobody can
// tell apart: of an object that names an earlier one of its own key as its
// owner, both are asked for at one instant, and upstream's scheduler of
// goroutines decides which of the two is the first.
func unmistakable(st step) step {
	objects := []step{st}
	if st.ambush != nil {
		objects = append(objects, st.ambush.step)
	}
	for _, made := range objects {
		if !slices.ContainsFunc(made.owners, func(o owner) bool { return o.key == made.key }) {
			continue
		}
		st.faults = slices.DeleteFunc(st.faults, func(f fault) bool { return f.verb == apiserver.Get && f.key == made.key })
		if a := st.ambush; a != nil && a.verb == apiserver.Get && a.key == made.key {
			st.ambush = nil
		}
	}
	return st
}

// drawMet draws an object that something happens to, most often one that the
// beginnings of histories are made of.
func drawMet(t *rapid.T) object {
	if rapid.Bool().Draw(t, "familiar") {
		return pick(t, "met", pool[:3]...)
	}
	return rapid.SampledFrom(pool).Draw(t, "met")
}

func drawFault(t *rapid.T) fault {
	o := drawMet(t)
	f := fault{verb: pick(t, "verb", apiserver.Get, apiserver.Patch, apiserver.Patch, apiserver.Delete), kind: o.kind, key: o.key,
		class: pick(t, "class", "internal", "internal", "conflict", "conflict", "forbidden"), count: pick(t, "count", 1, 1, 2, 6)}
	if f.verb == apiserver.Patch && oneIn(t, 4, "gone") {
		f.class = "notfound" // to others it would tell that the object is gone for good
	}
	return f
}

// drawAmbush draws what a user does right behind a request of the collector.
func drawAmbush(t *rapid.T) *ambush {
	o := drawMet(t)
	a := &ambush{verb: pick(t, "verb", apiserver.Get, apiserver.Get, apiserver.Delete), kind: o.kind, key: o.key}
	switch pick(t, "ambush", "touch", "touch", "owners", "finalizers", "delete") {
	case "touch":
		a.step = step{verb: "touch", object: o}
	case "owners":
		a.step = step{verb: "owners", object: o, owners: drawOwners(t)}
	case "finalizers":
		a.step = step{verb: "finalizers", object: o, finalizers: drawFinalizers(t, 2)}
	case "delete":
		a.step = step{verb: "delete", object: o, grace: new(int64)}
	}
	return a
}
