package serve

import "net/http"

// exec answers …/exec.
func (c *call) exec(t *target) {
	plain(c.w, http.StatusNotImplemented, "running a command in a container is not modelled here\n")
}
