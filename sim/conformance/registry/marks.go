package registry

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// marks count what happened, by name, so that a comparison can show that it
// compared.
type marks map[string]int

// see takes down what a call and its answer show. was is the object before the
// call, now after it; nil means none.
func (m marks) see(c *call, a answer, was, now apiserver.Object) {
	outcome := "refused"
	if a.Code < 300 {
		outcome = "done"
	}
	verb := c.Verb
	if c.Verb == "patch" {
		verb += " " + strings.TrimSuffix(strings.TrimPrefix(c.Type, "application/"), "+json")
	}
	m[fmt.Sprintf("%s %s %s", c.Kind, verb, outcome)]++
	if c.Sub != "" {
		m[fmt.Sprintf("%s %s %s", c.Kind, c.Sub, outcome)]++
	}
	m[fmt.Sprintf("%s %d %v", c.Verb, a.Code, a.Body["reason"])]++
	for _, w := range a.Warnings {
		m["warning: "+strings.Fields(w)[0]]++
	}
	if c.Verb == "patch" {
		m.patched(c, outcome)
	}
	m.lifecycle(c, a, was, now)
}

// patched takes down which directives and operations a patch uses.
func (m marks) patched(c *call, outcome string) {
	for _, word := range []string{`"$patch":"delete"`, `"$patch":"replace"`, `"$patch":"merge"`, `$retainKeys`, `$deleteFromPrimitiveList`, `$setElementOrder`,
		`"op":"test"`, `"op":"add"`, `"op":"remove"`, `"op":"replace"`, `"op":"move"`, `"op":"copy"`} {
		if strings.Contains(c.Patch, word) {
			m["patch with "+word+" "+outcome]++
		}
	}
	if c.Strict {
		m["strict patch "+outcome]++
	}
}

// lifecycle takes down births and deaths.
func (m marks) lifecycle(c *call, a answer, was, now apiserver.Object) {
	done := a.Code < 300
	message, _ := a.Body["message"].(string)
	switch {
	case c.Verb == "create" && strings.HasPrefix(message, "object is being deleted"):
		m["a name that is not free yet"]++
	case c.Verb == "create" && done && c.Sub == "" && c.Object["metadata"].(map[string]any)["name"] == nil:
		m["a generated name"]++
	case c.Verb == "delete" && done:
		m.deletion(c, was, now)
	case c.Verb == "update" && a.Code == http.StatusCreated:
		m["created by an update"]++
	case strings.Contains(message, "the object has been modified"):
		m["a stale version"]++
	case was != nil && now == nil && c.Verb != "deletecollection":
		m["gone with its last finalizer"]++
	case was != nil && now != nil && done:
		if n := now.GetGeneration() - was.GetGeneration(); n != 0 {
			m[fmt.Sprintf("generation %+d", n)]++
		}
		if was.GetResourceVersion() == now.GetResourceVersion() {
			m["an equal object"]++
		}
		if len(was.GetOwnerReferences()) != len(now.GetOwnerReferences()) {
			m["other owners"]++
		}
		if len(was.GetFinalizers()) != len(now.GetFinalizers()) {
			m["other finalizers"]++
		}
	}
}

// deletion takes down how an object began to go.
func (m marks) deletion(c *call, was, now apiserver.Object) {
	for name, set := range map[string]bool{"by uid": c.UID != "", "by version": c.Version != "", "by " + c.Propagation: c.Propagation != ""} { // counts
		if set {
			m["deleted "+name]++
		}
	}
	switch {
	case was == nil:
	case now == nil:
		m["deleted at once"]++
	case was.GetDeletionTimestamp() == nil && len(now.GetFinalizers()) > 0:
		m["held by a finalizer"]++
	case was.GetDeletionTimestamp() == nil:
		m["dying with grace"]++
	case was.GetResourceVersion() == now.GetResourceVersion():
		m["dying already"]++
	case graceOf(now) < graceOf(was):
		m["dying sooner"]++
	}
	if now != nil && slices.Contains(now.GetFinalizers(), "foregroundDeletion") {
		m["waiting for dependents"]++
	}
}

func graceOf(obj apiserver.Object) int64 {
	if g := obj.GetDeletionGracePeriodSeconds(); g != nil {
		return *g
	}
	return 0
}

// common are marks that many sequences must leave, whatever the kinds.
var common = []string{
	"a name that is not free yet", "a generated name", "created by an update", "a stale version", "gone with its last finalizer", "generation +1", "an equal object",
	"other owners", "other finalizers", "deleted by uid", "deleted by version", "deleted by Background", "deleted by Foreground", "deleted by Orphan",
	"deleted at once", "held by a finalizer", "dying with grace", "dying already", "dying sooner", "waiting for dependents",
	`patch with "$patch":"delete" done`, `patch with "$patch":"delete" refused`, `patch with "$patch":"replace" done`, `patch with "$patch":"replace" refused`,
	`patch with $retainKeys done`, `patch with $retainKeys refused`, `patch with $deleteFromPrimitiveList done`, `patch with $deleteFromPrimitiveList refused`,
	`patch with $setElementOrder done`, `patch with $setElementOrder refused`, `patch with "op":"test" done`, `patch with "op":"test" refused`,
	`patch with "op":"move" done`, `patch with "op":"copy" done`, "strict patch done", "strict patch refused", "warning: unknown", "warning: duplicate",
	"warning: .metadata.ownerReferences", "StatefulSet scale done", "StatefulSet scale refused", "Pod binding done", "Pod binding refused", "Namespace finalize done", "Namespace finalize refused",
	"create 403 Forbidden", "create 404 NotFound", "create 409 AlreadyExists", "create 422 Invalid", "create 500 <nil>", "update 400 BadRequest", "update 404 NotFound",
	"update 409 Conflict", "update 422 Invalid", "update 500 <nil>", "patch 400 BadRequest", "patch 403 Forbidden", "patch 404 NotFound", "patch 409 Conflict", "patch 422 Invalid", "patch 500 <nil>",
	"delete 404 NotFound", "delete 409 Conflict", "delete 422 Invalid", "delete 403 Forbidden",
}

// required are the marks that many sequences about some kinds must leave.
func required(kinds []apiserver.Kind) []string {
	list := slices.Clone(common)
	for _, k := range kinds {
		for _, verb := range []string{"create", "update", "patch strategic-merge-patch", "patch merge-patch", "patch json-patch", "delete"} {
			list = append(list, fmt.Sprintf("%s %s done", k, verb), fmt.Sprintf("%s %s refused", k, verb))
		}
		if k != apiserver.Namespace {
			list = append(list, fmt.Sprintf("%s deletecollection done", k))
		}
		if w := (&world{kind: k}); w.hasStatus() {
			list = append(list, fmt.Sprintf("%s status done", k), fmt.Sprintf("%s status refused", k))
		}
	}
	return list
}
