package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// What a request and an object may take, in bytes.
const (
	// maxBody is MaxRequestBodyBytes and JSONPatchMaxCopyBytes.
	maxBody = 3 << 20
	// maxMessage is what the server's client of etcd sends, and maxStored what etcd
	// takes (--max-request-bytes).
	maxMessage = 2 << 20
	maxStored  = 3 << 19
	// maxOperations is how many operations a JSON patch may have.
	maxOperations = 10_000
)

// The library has its bound on what copies may add up to in a variable alone. The
// real server sets it in the same way when it starts.
func init() { jsonpatch.AccumulatedCopySizeLimit = maxBody }

// checkBody refuses a request that is larger than the server reads. What cannot be
// that large is not encoded: JSON writes no byte of a text in more than six.
func checkBody(req *Request) error {
	size := 0
	if raw, ok := req.Patch.(RawPatch); ok {
		size = len(raw.Data)
	}
	if o, ok := req.Object.(sized); ok && o.Size() > maxBody/8 {
		body, err := json.Marshal(withKindOf(req.Object))
		if err != nil {
			return apierrors.NewBadRequest(err.Error())
		}
		size = len(body)
	}
	if size > maxBody {
		return apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", maxBody))
	}
	return nil
}

// checkStorable refuses an object that etcd would not store, or that would not
// reach it. Between the two bounds the real server counts managedFields, too.
func checkStorable(kind Kind, obj Object) error {
	o, ok := obj.(sized)
	if !ok {
		return nil
	}
	size := o.Size()
	if size <= maxStored-1<<10 {
		return nil
	}
	key := len("/registry//") + len(kind.Resource()) + len(KeyOf(obj).String())
	size += 3*key + len(kind.APIVersion()) + len(kind.String()) + 40 // a comparison, the value in its envelope, and what to read if it fails
	switch {
	case size > maxMessage:
		return unknownError(fmt.Errorf("rpc error: code = ResourceExhausted desc = trying to send message larger than max (%d vs. %d)", size, maxMessage))
	case size > maxStored:
		return unknownError(errTooLarge)
	}
	return nil
}

var errTooLarge = errors.New("etcdserver: request is too large")
