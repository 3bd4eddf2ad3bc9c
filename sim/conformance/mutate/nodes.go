package main

// nodeMutants are wrong decisions of what package nodes compares: in a file of the
// module, old becomes new.
var nodeMutants = []mutant{
	{"sim/nodelifecycle/health.go", "case observed != nil && h.lease == nil:", "case false:", "a Lease counts once only after a status was posted"},
	{"sim/nodelifecycle/health.go", "grace = s.c.cfg.NodeStartupGracePeriod", "", "a new node has no longer time than others"},
	{"sim/nodelifecycle/health.go", "		if has(m.node, unreachable) {\n", "		if false {\n", "a taint is not put in the place of the other at once"},
	{"sim/nodelifecycle/monitor.go", "max(at, env.Now(), c.earliest)", "max(at, env.Now())", "two passes at one tick"},
	{"sim/nodelifecycle/monitor.go", "if before := s.c.pass.nodes[name]; before != nil {", "if before := s.c.pass.nodes[name]; false {", "what a pass has tainted it frees again"},
	{"sim/nodelifecycle/monitor.go", "				h.probe = now\n", "", "silence goes on counting after all zones were ill"},
	{"sim/nodelifecycle/zone.go", "p.keeps || node == nil ||", "node == nil ||", "a node that has the taint loses its place"},
	{"sim/nodelifecycle/zone.go", "if l.refill(now); l.tokens < 1 {", "if l.refill(now); false {", "taints have no limit"},
	{"sim/nodelifecycle/zone.go", "	if !full {\n", "	if full && false {\n", "a new limit begins with a full bucket"},
	{"sim/nodelifecycle/taint.go", "	if node.Spec.Unschedulable {\n", "	if false {\n", "a cordoned node has no taint"},
	{"sim/tainteviction/controller.go", "case span < 0: // for ever\n		c.cancel(env, key)\n", "case span < 0: // for ever\n", "who tolerates a taint for ever is deleted all the same"},
	{"sim/tainteviction/controller.go", "if created = w.created; created < now {", "if created = w.created; false {", "another taint puts a deletion off"},
	{"sim/tainteviction/controller.go", "if delete(c.work, key); w.timed {", "if delete(c.work, key); w.timed || true {", "an Event for a deletion that was not put off"},
	{"sim/podgc/gc.go", "if q.until > now.Add(-period) {", "if true {", "a look that found nothing to do does not count"},
	{"sim/podgc/gc.go", "return together(v, list, len(list)-l.c.threshold)", "return together(v, list, len(list)-l.c.threshold+1)", "one ended pod too many goes"},
	{"sim/podgc/gc.go", "if node := v.Node(pod.Spec.NodeName); node != nil && isOut(node) {", "if node := v.Node(pod.Spec.NodeName); node != nil {", "every terminating pod is deleted by force"},
}
