package validation

import (
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// eventCreate is ValidateEventCreate: an Event of events.k8s.io is held to more.
func (c *check) eventCreate(e *corev1.Event, o Options) {
	c.event(e, o)
	if !o.EventsGroup {
		return
	}
	c.meta(&e.ObjectMeta, true, subdomainName)
	c.eventSeries(e.Series)
	if e.EventTime.IsZero() {
		c.required(in("eventTime"), "")
	}
	if e.Type != corev1.EventTypeNormal && e.Type != corev1.EventTypeWarning {
		c.invalid(in("type"), "", fmt.Sprintf("has invalid value: %v", e.Type))
	}
	for _, f := range []struct {
		name  string
		isSet bool
	}{
		{"firstTimestamp", !e.FirstTimestamp.IsZero()}, {"lastTimestamp", !e.LastTimestamp.IsZero()},
		{"count", e.Count != 0}, {"source", e.Source != corev1.EventSource{}},
	} {
		if f.isSet {
			c.invalid(in(f.name), "", "needs to be unset")
		}
	}
}

// eventUpdate is ValidateEventUpdate: of an Event of events.k8s.io the series alone
// may change.
func (c *check) eventUpdate(e, old *corev1.Event, o Options) {
	c.event(e, o)
	if !o.EventsGroup {
		return
	}
	c.metaUpdate(&e.ObjectMeta, &old.ObjectMeta)
	if !reflect.DeepEqual(e.Series, old.Series) {
		c.eventSeries(e.Series)
	}
	same := func(name string, is, was any) {
		if !apiequality.Semantic.DeepEqual(is, was) {
			c.invalid(in(name), is, isImmutable)
		}
	}
	same("involvedObject", e.InvolvedObject, old.InvolvedObject)
	same("reason", e.Reason, old.Reason)
	same("message", e.Message, old.Message)
	same("source", e.Source, old.Source)
	same("firstTimestamp", e.FirstTimestamp, old.FirstTimestamp)
	same("lastTimestamp", e.LastTimestamp, old.LastTimestamp)
	same("count", e.Count, old.Count)
	same("reason", e.Reason, old.Reason) // upstream looks twice
	same("type", e.Type, old.Type)
	if !e.EventTime.Truncate(time.Microsecond).Equal(old.EventTime.Truncate(time.Microsecond)) {
		same("eventTime", e.EventTime, old.EventTime)
	}
	same("action", e.Action, old.Action)
	same("related", e.Related, old.Related)
	same("reportingController", e.ReportingController, old.ReportingController)
	same("reportingInstance", e.ReportingInstance, old.ReportingInstance)
}

// eventSeries is validateV1EventSeries.
func (c *check) eventSeries(s *corev1.EventSeries) {
	if s == nil {
		return
	}
	if s.Count < 2 {
		c.invalid(in("series.count"), "", "should be at least 2")
	}
	if s.LastObservedTime.IsZero() {
		c.required(in("series.lastObservedTime"), "")
	}
}

// event is legacyValidateEvent.
func (c *check) event(e *corev1.Event, o Options) {
	reporting := in("reportingComponent")
	if o.EventsGroup {
		reporting = in("reportingController")
	}
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
		c.required(reporting, "")
	}
	if !isQualified(e.ReportingController) {
		c.msgs(reporting, e.ReportingController, validation.IsQualifiedName(e.ReportingController))
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
