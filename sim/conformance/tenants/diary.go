package tenants

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// uid is a UID: it counts the attempts, and how often an object is refused that a
// quota has no room for yet is chance.
var uid = regexp.MustCompile(`"uid":"[^"]*"`)

// diary is what is to be seen of a history.
type diary struct{ strings.Builder }

// note writes what a user's request was answered.
func (d *diary) note(i int, res apiserver.Result) { fmt.Fprintf(d, "step %d: %v\n", i, res.Err) }

// rest writes all that there is.
func (d *diary) rest(s *apiserver.Server) {
	for _, kind := range []apiserver.Kind{apiserver.Namespace, apiserver.ServiceAccount, apiserver.ConfigMap, apiserver.PersistentVolumeClaim, apiserver.Pod, apiserver.ResourceQuota} {
		for _, o := range s.List(kind, "") {
			o = o.DeepCopyObject().(apiserver.Object)
			o.SetResourceVersion("")
			if c, ok := o.(*corev1.ConfigMap); ok && len(c.Data["ca.crt"]) > 20 {
				c.Data["ca.crt"] = c.Data["ca.crt"][:20]
			}
			text, err := json.Marshal(o)
			must(err)
			fmt.Fprintf(d, "  %s %s\n", kind, uid.ReplaceAll(text, nil))
		}
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		events = append(events, fmt.Sprintf("  event on %s %s from %s: %s %s: %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Source.Component, e.Type, e.Reason, e.Message))
	}
	slices.Sort(events)
	for _, line := range slices.Compact(events) {
		d.WriteString(line + "\n")
	}
}
