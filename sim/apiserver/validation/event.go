package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// event is legacyValidateEvent, for core/v1.
func (c *check) event(e *corev1.Event) {
	about := e.InvolvedObject.Namespace
	legacy := e.EventTime.IsZero()
	switch {
	case legacy && about != "" && e.Namespace != about,
		legacy && about == "" && e.Namespace != "" && e.Namespace != metav1.NamespaceDefault,
		!legacy && about == "" && e.Namespace != metav1.NamespaceDefault && e.Namespace != metav1.NamespaceSystem:
		c.invalid(in("involvedObject.namespace"), about, "does not match event.namespace")
	}
	if legacy {
		return
	}
	if e.ReportingController == "" {
		c.required(in("reportingComponent"), "")
	}
	if !isQualified(e.ReportingController) {
		c.msgs(in("reportingComponent"), e.ReportingController, validation.IsQualifiedName(e.ReportingController))
	}
	text := func(name, value string, needed bool, most int) {
		if needed && value == "" {
			c.required(in(name), "")
		}
		if len(value) > most {
			c.invalid(in(name), "", fmt.Sprintf("can have at most %v characters", most))
		}
	}
	text("reportingInstance", e.ReportingInstance, true, 128)
	text("action", e.Action, true, 128)
	text("reason", e.Reason, true, 128)
	text("message", e.Message, false, 1024)
}
