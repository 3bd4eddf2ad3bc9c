package table

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Operation is what a verb of kubectl did, in the words of its answer.
type Operation string

// The operations of the verbs create, apply, scale, patch, set image, label,
// annotate, rollout restart, undo, pause and resume, cordon, uncordon, drain and evict.
const (
	Created         Operation = "created"
	Configured      Operation = "configured"
	Unchanged       Operation = "unchanged"
	Scaled          Operation = "scaled"
	Patched         Operation = "patched"
	PatchedNoChange Operation = "patched (no change)"
	ImageUpdated    Operation = "image updated"
	Labeled         Operation = "labeled"
	Unlabeled       Operation = "unlabeled"
	NotLabeled      Operation = "not labeled"
	Annotated       Operation = "annotated"
	Edited          Operation = "edited"
	Restarted       Operation = "restarted"
	RolledBack      Operation = "rolled back"
	Paused          Operation = "paused"
	Resumed         Operation = "resumed"
	Cordoned        Operation = "cordoned"
	Uncordoned      Operation = "uncordoned"
	Drained         Operation = "drained"
	Evicted         Operation = "evicted"
)

// Name returns an object's name as -o name prints it, "statefulset.apps/web".
func Name(kind apiserver.Kind, name string) string { return kind.Qualified() + "/" + name }

// Line returns the answer of a verb, "statefulset.apps/web scaled", without a
// line break.
func Line(kind apiserver.Kind, name string, op Operation) string {
	return Name(kind, name) + " " + string(op)
}

// DeletedLine returns the answer of kubectl delete, without a line break:
// `service "web" deleted from default namespace`. Force is for a grace period
// of 0. kubectl 1.33 did not name the namespace.
func DeletedLine(kind apiserver.Kind, key apiserver.Key, force bool) string {
	how := "deleted"
	if force {
		how = "force deleted"
	}
	s := fmt.Sprintf("%s %q %s", kind.Qualified(), key.Name, how)
	if kind.Namespaced() {
		s += " from " + key.Namespace + " namespace"
	}
	return s
}
