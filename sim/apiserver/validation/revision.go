package validation

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
)

// revision is ValidateControllerRevisionCreate without the metadata: a number
// and a JSON object.
func (c *check) revision(r *appsv1.ControllerRevision) {
	nonNegative(c, in("revision"), r.Revision)
	p := in("data")
	if r.Data.Raw == nil {
		if r.Data.Object == nil {
			c.required(p, "data is mandatory")
		}
		return
	}
	var v any
	if err := json.Unmarshal(r.Data.Raw, &v); err != nil {
		c.invalid(p, "<value omitted>", "error parsing data: "+err.Error())
	} else if v == nil {
		c.required(p, "data is mandatory")
	} else if _, ok := v.(map[string]any); !ok {
		c.required(p, "data must be a valid JSON object")
	}
}

func (c *check) revisionUpdate(r, old *appsv1.ControllerRevision) {
	nonNegative(c, in("revision"), r.Revision)
	fixed(c, in("data"), r.Data, old.Data)
}
