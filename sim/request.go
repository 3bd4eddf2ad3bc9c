package sim

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Do sends a request as a user would and returns the server's answer, with its
// warnings: any verb, any subresource. Objects go in and come out as copies.
func (c *Cluster) Do(req apiserver.Request) apiserver.Result {
	c.drive("Do")
	defer c.done()
	switch {
	case !req.Kind.Exists():
		return apiserver.Result{Err: noKind(req.Kind)}
	case !req.Verb.Exists():
		return apiserver.Result{Err: apierrors.NewBadRequest(fmt.Sprintf("no verb of this server: %d", uint8(req.Verb)))}
	}
	if req.Object != nil && req.Subresource == apiserver.None {
		req.Object = own(req.Object, req.Kind)
	}
	req.Given = false
	res := c.result(req)
	res.Object = copyOf(res.Object)
	for i := range res.Items {
		res.Items[i] = copyOf(res.Items[i])
	}
	return res
}
