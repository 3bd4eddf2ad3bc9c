package whole

import (
	"time"

	"pgregory.net/rapid"
)

// even is a number of which every one is as likely; rapid's own ranges and
// samples prefer the first, and what is last in a list hardly ever happens.
var even = rapid.Custom(func(t *rapid.T) int {
	n := 0
	for range 10 {
		if n *= 2; rapid.Bool().Draw(t, "bit") {
			n++
		}
	}
	return n
})

// pick draws one of some values; a failure shrinks to the first.
func pick[T any](t *rapid.T, label string, values ...T) T {
	return values[even.Draw(t, label)%len(values)]
}

// long is more than the longest back-off.
const long = 40 * time.Minute

func drawPause(t *rapid.T) time.Duration {
	const s = time.Second
	return pick(t, "pause", 0, 0, 0, s, s, 3*s, 3*s, 6*s, 12*s, 90*s, long)
}

// drawScript draws the story of a set: it is created, much happens to it, and in
// the end it is left alone.
func drawScript(t *rapid.T, recreate bool) script {
	d := drawing{t, recreate}
	s := script{{Do: "create", Set: d.set(), Pause: drawPause(t)}}
	if d.n("runs", 0, 4) > 0 {
		s = append(s, op{Do: "tend", N: pick(t, "passes", 2, 4, 9), Pause: drawPause(t)})
	}
	for range d.n("ops", 2, maxOps-5) {
		next := []op{{}}
		if d.n("story", 0, 3) == 3 {
			next = d.story()
		} else {
			next[0] = d.op()
		}
		if len(s)+len(next) > maxOps-2 {
			break
		}
		for _, o := range next {
			o.Pause = drawPause(t)
			s = append(s, o)
		}
	}
	return append(s, op{Do: "heal", Pause: long}, op{Do: "tend", N: 9, Pause: time.Minute})
}

type drawing struct {
	*rapid.T
	recreate bool
}

func (d drawing) n(label string, min, max int) int { return min + even.Draw(d.T, label)%(max-min+1) }

func (d drawing) strategy() string {
	if d.recreate {
		return pick(d.T, "strategy", "RollingUpdate", "OnDelete", "Recreate", "Recreate")
	}
	return pick(d.T, "strategy", "RollingUpdate", "RollingUpdate", "OnDelete", "Recreate")
}

func (d drawing) retention() string {
	return pick(d.T, "retention", "Retain/Retain", "Retain/Delete", "Delete/Retain", "Delete/Delete")
}

func (d drawing) set() *setSpec {
	s := &setSpec{
		Replicas: int32(d.n("replicas", 0, 3)), Start: int32(pick(d.T, "start", 0, 0, 0, 1)), Parallel: pick(d.T, "parallel", false, true),
		Partition: int32(pick(d.T, "partition", 0, 0, 0, 1, 2)), Unavailable: pick(d.T, "unavailable", 0, 0, 2),
		MinReady: int32(pick(d.T, "min ready", 0, 0, 2, 5, 30)), Limit: int32(pick(d.T, "limit", 0, 1, 2, 10)),
		Claims: pick(d.T, "claims", false, true), Image: d.n("image", 0, 2),
	}
	if pick(d.T, "given", true, false) {
		s.Strategy = d.strategy()
	}
	if s.Strategy == "Recreate" && !d.recreate {
		s.Strategy = "OnDelete" // validation refuses it
	}
	if s.Claims {
		s.Retain = d.retention()
	}
	return s
}

// story draws ops that come to something together.
func (d drawing) story() []op {
	n := d.n("ordinal", 0, maxOrdinal)
	switch pick(d.T, "story", "again", "collision", "history", "rollout", "being deleted", "patches", "checks") {
	case "again": // a set orphans its pods and another adopts them
		return []op{{Do: "delete", Text: "Orphan"}, {Do: "collect"}, {Do: "collect"}, {Do: "create", Set: d.set()}}
	case "collision":
		return []op{{Do: "rev-taken", N: n}, {Do: "image", N: n}}
	case "history":
		return []op{{Do: "image", N: n}, {Do: "image", N: n + 1}, {Do: "image", N: n}}
	case "rollout":
		return []op{{Do: "tend", N: 9}, {Do: "image", N: n}, {Do: "tend", N: 9}}
	case "being deleted": // a pod's claim, when the pod is to be made again
		return []op{{Do: "claim-delete", N: n}, {Do: "gone", N: n}}
	case "patches":
		if n%2 == 0 {
			return []op{{Do: "fail", N: 2, Text: pick(d.T, "fault", "patch pods internal", "patch pods notfound")}, {Do: "orphan", N: n}}
		}
		return []op{{Do: "fail", N: 2, Text: "patch controllerrevisions internal"}, {Do: "rev-orphan", N: n}, {Do: "note"}}
	default: // the live read before an adoption
		return []op{{Do: "fail", N: 2, Text: pick(d.T, "fault", "get statefulsets internal", "get statefulsets notfound")}, {Do: "orphan", N: n}}
	}
}

// op draws one op. What it is about need not be there: then nothing happens.
func (d drawing) op() op {
	ordinal := func() int { return d.n("ordinal", 0, maxOrdinal) }
	switch pick(d.T, "about", "kubelet", "kubelet", "kubelet", "kubelet", "set", "set", "set", "life", "hands", "hands", "claims", "revisions", "revisions", "api") {
	case "kubelet":
		switch do := pick(d.T, "kubelet", "tend", "tend", "tend", "tend", "bind", "run", "unready", "end", "end", "kill", "kill", "gone"); do {
		case "tend":
			return op{Do: do, N: d.n("passes", 1, 9)}
		case "end":
			return op{Do: do, N: ordinal(), Text: pick(d.T, "phase", "Failed", "Failed", "Succeeded", "Pending")}
		default:
			return op{Do: do, N: ordinal()}
		}
	case "set":
		return d.edit()
	case "life":
		switch do := pick(d.T, "life", "delete", "delete", "collect", "collect", "create", "create"); do {
		case "create":
			return op{Do: do, Set: d.set()}
		case "delete":
			return op{Do: do, Text: pick(d.T, "propagation", "Background", "Orphan", "Orphan", "Foreground")}
		default:
			return op{Do: do}
		}
	case "hands":
		switch do := pick(d.T, "hands", "orphan", "orphan", "grab", "relabel", "relabel", "unname", "stray", "stray", "stray"); do {
		case "relabel":
			return op{Do: do, N: ordinal(), Text: pick(d.T, "app", "other", "other", setName, "")}
		case "stray":
			return op{Do: do, N: ordinal(), Text: pick(d.T, "stray", "matching", "foreign", "foreign", "unmatched")}
		default:
			return op{Do: do, N: ordinal()}
		}
	case "claims":
		return op{Do: pick(d.T, "claims", "claim-delete", "claim-delete", "claim-free", "claim-grab"), N: ordinal()}
	case "revisions":
		return op{Do: pick(d.T, "revisions", "rev-orphan", "rev-orphans", "rev-delete", "rev-stray", "rev-taken", "rev-taken"), N: d.n("which", 0, 4)}
	}
	return op{Do: "fail", N: pick(d.T, "times", 1, 1, 3, 8), Text: d.fault()}
}

func (d drawing) edit() op {
	switch do := pick(d.T, "edit", "scale", "scale", "image", "image", "image", "note", "partition", "strategy", "min-ready", "limit", "start", "retain"); do {
	case "scale":
		return op{Do: do, N: d.n("replicas", 0, 3)}
	case "image":
		return op{Do: do, N: d.n("image", 0, 4)}
	case "note":
		return op{Do: do, N: d.n("note", 0, 2)}
	case "partition":
		return op{Do: do, N: d.n("partition", 0, 3)}
	case "strategy":
		return op{Do: do, N: d.n("unavailable", 0, 2), Text: d.strategy()}
	case "min-ready":
		return op{Do: do, N: pick(d.T, "seconds", 0, 1, 4, 20)}
	case "limit":
		return op{Do: do, N: d.n("limit", 0, 2)}
	case "start":
		return op{Do: do, N: d.n("start", 0, 1)}
	default:
		return op{Do: do, Text: d.retention()}
	}
}

func (d drawing) fault() string {
	return pick(d.T, "fault",
		"get statefulsets internal", "get statefulsets notfound",
		"update statefulsets conflict", "update statefulsets internal", "update statefulsets notfound",
		"create pods quota", "create pods internal", "create pods timeout", "create pods exists",
		"update pods conflict", "update pods internal", "patch pods internal", "patch pods notfound", "delete pods internal", "delete pods notfound",
		"create persistentvolumeclaims quota", "create persistentvolumeclaims exists", "update persistentvolumeclaims conflict", "update persistentvolumeclaims internal",
		"create controllerrevisions internal", "create controllerrevisions exists", "get controllerrevisions internal",
		"update controllerrevisions conflict", "update controllerrevisions internal", "patch controllerrevisions internal", "delete controllerrevisions internal")
}
