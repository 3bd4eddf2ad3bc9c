package registry

import (
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// evictions draws calls around evictions: two budgets, two pods, what their
// status says, and evictions with all options.
type evictions struct {
	rt     *rapid.T
	server *apiserver.Server // what is stored
}

type tree = map[string]any

func draw[T any](rt *rapid.T, label string, of ...T) T { return rapid.SampledFrom(of).Draw(rt, label) }

// maybe sets a field, now and then.
func maybe[T any](rt *rapid.T, into tree, field string, of ...T) {
	if rapid.IntRange(0, 4).Draw(rt, field+"?") == 4 {
		into[field] = draw(rt, field, of...)
	}
}

func (e *evictions) next() *call {
	c := &call{Verb: "create", Namespace: "default", After: draw(e.rt, "after", 0, 0, 1, 5)}
	switch draw(e.rt, "call", "evict", "evict", "evict", "pod", "pod", "budget", "budget", "delete") {
	case "evict":
		e.evict(c)
	case "pod":
		c.Kind, c.Name = "Pod", draw(e.rt, "pod", "p0", "p1")
		if e.stored(c) == nil {
			c.Object = e.pod(c.Name)
			c.Name = ""
		} else {
			e.podStatus(c)
		}
	case "budget":
		c.Kind, c.Name = "PodDisruptionBudget", draw(e.rt, "budget", "b0", "b0", "b0", "b1")
		if e.stored(c) == nil {
			c.Object = e.budget(c.Name)
			c.Name = ""
		} else {
			e.budgetStatus(c)
		}
	case "delete":
		c.Verb, c.Kind, c.Name = "delete", "Pod", draw(e.rt, "pod", "p0", "p1")
		if rapid.Bool().Draw(e.rt, "budget too") {
			c.Kind, c.Name = "PodDisruptionBudget", draw(e.rt, "budget", "b0", "b1")
		}
	}
	return c
}

// stored is the object of a call, or nil.
func (e *evictions) stored(c *call) apiserver.Object { return e.server.Get(c.kind(), c.key()) }

func (e *evictions) pod(name string) tree {
	meta := tree{"name": name, "namespace": "default", "labels": tree{"app": draw(e.rt, "app", "a", "a", "b")}}
	maybe(e.rt, meta, "finalizers", []any{"x.y/z"})
	spec := tree{"containers": []any{tree{"name": "c", "image": "c:1"}}}
	if rapid.IntRange(0, 3).Draw(e.rt, "bound") > 0 {
		spec["nodeName"] = "n1"
	}
	return tree{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

func (e *evictions) podStatus(c *call) {
	c.Verb, c.Sub, c.Object = "update", "status", treeOf(apiserver.WithKind(e.stored(c)))
	conditions := []any{tree{"type": "Ready", "status": draw(e.rt, "ready", "True", "True", "True", "False")}}
	if rapid.IntRange(0, 3).Draw(e.rt, "target?") == 3 {
		conditions = append(conditions, tree{"type": "DisruptionTarget", "status": draw(e.rt, "target", "True", "False"),
			"reason": draw(e.rt, "reason", "EvictionByEvictionAPI", "PreemptionByScheduler"), "lastTransitionTime": "2026-01-01T00:00:00Z"})
	}
	c.Object["status"] = tree{"phase": draw(e.rt, "phase", "Running", "Running", "Running", "Running", "Running", "Running", "Pending", "Failed", "Succeeded"), "conditions": conditions}
}

func (e *evictions) budget(name string) tree {
	spec := tree{"minAvailable": 1, "selector": draw(e.rt, "selector", tree{"matchLabels": tree{"app": "a"}}, tree{"matchLabels": tree{"app": "a"}}, tree{}, tree{"matchLabels": tree{"app": "b"}})}
	maybe(e.rt, spec, "unhealthyPodEvictionPolicy", "AlwaysAllow", "IfHealthyBudget")
	return tree{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": tree{"name": name, "namespace": "default"}, "spec": spec}
}

func (e *evictions) budgetStatus(c *call) {
	c.Verb, c.Sub, c.Object = "update", "status", treeOf(apiserver.WithKind(e.stored(c)))
	status := tree{"observedGeneration": draw(e.rt, "observed", 1, 1, 1, 1, 1, 0), "disruptionsAllowed": draw(e.rt, "allowed", 0, 0, 1, 2),
		"currentHealthy": draw(e.rt, "healthy", 0, 1, 2), "desiredHealthy": draw(e.rt, "desired", 0, 1, 2), "expectedPods": 2}
	maybe(e.rt, status, "disruptedPods", tree{"p0": "2026-01-01T00:00:00Z"}, tree{"other": "2026-01-01T00:00:00Z"})
	if rapid.Bool().Draw(e.rt, "condition") {
		status["conditions"] = []any{tree{"type": "DisruptionAllowed", "status": draw(e.rt, "status", "False", "False", "True"),
			"reason": draw(e.rt, "reason", "SyncFailed", "InsufficientPods"), "message": draw(e.rt, "message", "why", "why", ""), "lastTransitionTime": "2026-01-01T00:00:00Z"}}
	}
	c.Object["status"] = status
}

func (e *evictions) evict(c *call) {
	c.Kind, c.Name, c.Sub = "Pod", draw(e.rt, "pod", "p0", "p0", "p1"), "eviction"
	meta := tree{"name": c.Name, "namespace": "default"}
	maybe(e.rt, meta, draw(e.rt, "field", "name", "namespace", "labels"), any("p1"))
	if meta["labels"] != nil {
		meta["labels"] = tree{"a": "b"}
	}
	c.Object = tree{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
	if rapid.Bool().Draw(e.rt, "options") {
		c.Object["deleteOptions"] = e.options(c)
	}
}

func (e *evictions) options(c *call) tree {
	o := tree{}
	maybe(e.rt, o, "gracePeriodSeconds", 0, 5, 60, -1)
	maybe(e.rt, o, "propagationPolicy", "Foreground", "Orphan", "Background", "Sideways")
	maybe(e.rt, o, "orphanDependents", true, false)
	maybe(e.rt, o, "dryRun", []any{"All"}, []any{"All"}, []any{"Some"})
	maybe(e.rt, o, "ignoreStoreReadErrorWithClusterBreakingPotential", true, false)
	pre, uid, version := tree{}, "", "1"
	if obj := e.stored(c); obj != nil {
		uid, version = string(obj.GetUID()), obj.GetResourceVersion()
	}
	maybe(e.rt, pre, "uid", uid, uid, "4c5d7a1e-0000-4000-8000-000000000000", "")
	maybe(e.rt, pre, "resourceVersion", version, version, "1", "")
	if len(pre) > 0 {
		o["preconditions"] = pre
	}
	return o
}

// begin has a namespace, a pod that runs and a budget with a status, and calls do
// for each call.
func (e *evictions) begin(do func(*call)) {
	do(&call{Verb: "create", Kind: "Namespace", Object: tree{"apiVersion": "v1", "kind": "Namespace", "metadata": tree{"name": "default"}}})
	do(made(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"default"}}`))
	do(&call{Verb: "create", Kind: "Pod", Namespace: "default", Object: e.pod("p0")})
	do(&call{Verb: "create", Kind: "PodDisruptionBudget", Namespace: "default", Object: e.budget("b0")})
	c := &call{Kind: "Pod", Namespace: "default", Name: "p0"}
	e.podStatus(c)
	do(c)
	c = &call{Kind: "PodDisruptionBudget", Namespace: "default", Name: "b0"}
	e.budgetStatus(c)
	do(c)
}
