package apiserver

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Verb is what a request asks of the server.
type Verb uint8

// The verbs.
const (
	Get Verb = iota
	Create
	Update
	// Patch changes the stored object by Request.Patch, whatever its version
	// unless Request.ResourceVersion says otherwise.
	Patch
	// Delete follows Propagation and GracePeriodSeconds.
	Delete
	// DeleteCollection deletes every object of Kind in Key.Namespace, in the
	// order of their names; Result.Items is what remains, waiting for its grace
	// period or its finalizers.
	DeleteCollection
)

// Exists reports whether it is one of the verbs.
func (v Verb) Exists() bool { return v <= DeleteCollection }

// String returns the verb as the API spells it, "deletecollection".
func (v Verb) String() string {
	names := [...]string{"get", "create", "update", "patch", "delete", "deletecollection"}
	if int(v) >= len(names) {
		return fmt.Sprintf("Verb(%d)", uint8(v))
	}
	return names[v]
}

// Subresource narrows Create, Update and Patch.
type Subresource uint8

// The subresources. With Status an Update or Patch changes the status alone,
// without it everything but the status, as in the real server.
const (
	None Subresource = iota
	Status
	// Scale takes an *autoscalingv1.Scale in Object.
	Scale
	// Binding creates the binding of a pod to Request.Node.
	Binding
	// Finalize updates the spec.finalizers of a Namespace alone.
	Finalize
	// Eviction deletes a pod as its disruption budget allows. It takes a
	// *policyv1.Eviction in Object, with the options of the deletion.
	Eviction
)

// Request is one call of the API: plain data, so that it can be delayed,
// failed, printed and forked. The zero values of all options are kubectl's
// defaults.
type Request struct {
	Verb        Verb
	Kind        Kind
	Subresource Subresource
	Key         Key
	// Object is what Create and Update store. The server stores a shallow copy:
	// the sender must not change what it points to afterwards. It may share
	// memory with stored objects.
	Object Object
	// Given says that the sender will not look again at what the server fills in
	// of Object, whatever the answer: the server takes it over without a copy.
	Given state.Sole
	// Patch is what Patch applies.
	Patch Patcher
	// Node is the node that a Binding names.
	Node string
	// UID and ResourceVersion are preconditions, for every verb; empty means
	// any. An Update takes its resourceVersion from Object.
	UID             types.UID
	ResourceVersion string `state:"version"`
	// GracePeriodSeconds of a Delete; nil means the object's own default.
	GracePeriodSeconds *int64
	// Propagation of a Delete; empty means the kind's default (Background, but
	// Orphan for Jobs).
	Propagation metav1.DeletionPropagation
	// Manager is who is to be known as the writer of the fields (fieldManager); empty
	// means the program that sends the request, which for users is kubectl.
	Manager string
	// Unadmitted has a Create ask no admission plugin that changes or refuses new
	// objects: the object has been there for long.
	Unadmitted bool
	// Version is that of a CustomResource in which it is asked for; empty means the one
	// in which it is stored.
	Version string
	// Strict refuses fields that the schema of a CustomResource does not know;
	// otherwise they are warned of.
	Strict bool
	// Tries is how often the server has looked at the request already, and
	// answered that it will again.
	Tries uint8

	scaled  bool // made of a request for the scale
	managed bool // the object has its managedFields already
}

// Result is the answer to a Request: the stored object (shared and immutable;
// for a Delete that removed the object, its last state), or an error of
// k8s.io/apimachinery/pkg/api/errors with upstream's wording.
type Result struct {
	Object Object
	Err    error
	// Warnings are what kubectl prints after "Warning: ".
	Warnings []string
	// Items is the answer to a DeleteCollection.
	Items []Object
	// Again says that this is no answer yet: the server waits for something and
	// looks at the request again in a while, with its Tries counted. Err is what
	// it would answer now. Who does not wait takes it for the answer.
	Again bool
}

// Patcher turns a stored object into its successor. It must not change its
// argument, but may share memory with it; it must be plain data. Returning the
// argument itself means that nothing changed.
type Patcher interface {
	Apply(Object) (Object, error)
}

// Record is one entry of the watch log. It is immutable.
type Record struct {
	_       state.Immutable
	Version uint64          `state:"incidental" why:"the object has it, too"` // the resourceVersion of this write
	Type    watch.EventType `state:"hashed"`
	Kind    Kind            `state:"hashed"`
	Key     Key             `state:"incidental" why:"the object's"`
	// Object is the state after the write; for Deleted, the last state with
	// the version of the deletion.
	Object Object `state:"hashed"`
	// Old is the state before the write; nil for Added.
	Old Object `state:"hashed"`
	// Time is when it was written and By the component that wrote it.
	Time engine.Time `state:"incidental" why:"when it reaches a watch is hashed there"`
	By   string      `state:"incidental" why:"no decision depends on the author of what is written"`
	// Cause is the sequence number of the engine's event in which it was written;
	// 0 if that was a request from outside.
	Cause uint64 `state:"incidental" why:"history"`

	place  int32      `state:"incidental" why:"where it is stored"` // the object's, in every store that has the record
	digest state.Memo // of Object
	before state.Memo // of Old
}

// Place returns a small number that the object has alone of its kind as long as
// it exists. Another one can have it later.
func (r *Record) Place() int { return int(r.place) }
