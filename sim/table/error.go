package table

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrorText returns what kubectl prints for an error of the API, without the
// last line break: `Error from server (NotFound): …`, or `The StatefulSet
// "web" is invalid: …` with a line for each of several faults. Any other error
// is `error: …`.
func ErrorText(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return "error: " + strings.TrimPrefix(err.Error(), "error: ")
	}
	switch s := status.Status(); s.Reason {
	case metav1.StatusReasonInvalid:
		return invalidText(&s)
	case "":
		return "Error from server: " + err.Error()
	default:
		return fmt.Sprintf("Error from server (%s): %s", s.Reason, err)
	}
}

// invalidText lists the faults of a refused object, equal ones once.
func invalidText(s *metav1.Status) string {
	text := "The request is invalid"
	d := s.Details
	switch {
	case d != nil && (d.Kind != "" || d.Name != ""):
		text = fmt.Sprintf("The %s %q is invalid", d.Kind, d.Name)
	case s.Message != "" && (d == nil || len(d.Causes) == 0):
		return text + ": " + s.Message
	}
	if d == nil {
		return text
	}
	var faults []string
	for _, c := range d.Causes {
		if fault := c.Field + ": " + c.Message; !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	switch len(faults) {
	case 0:
		return text
	case 1:
		return text + ": " + faults[0]
	}
	return text + ": \n* " + strings.Join(faults, "\n* ")
}
