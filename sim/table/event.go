package table

import (
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var eventColumns = columns("Last_Seen Type Reason Object +Subobject +Source Message " +
	"+First_Seen +Count +*Name")

// eventCells is printEvent. An event counts itself in one of three ways: count
// and timestamps (A10), a series, or neither, when it happened once at its
// eventTime.
func eventCells(e *corev1.Event, now time.Time) []string {
	first := age(e.FirstTimestamp, now)
	if e.FirstTimestamp.IsZero() {
		first = since(e.EventTime.Time, now)
	}
	last, count := first, int(e.Count)
	if !e.LastTimestamp.IsZero() {
		last = age(e.LastTimestamp, now)
	}
	switch {
	case e.Series != nil:
		last, count = since(e.Series.LastObservedTime.Time, now), int(e.Series.Count)
	case count == 0:
		count = 1
	}
	object := strings.ToLower(e.InvolvedObject.Kind)
	if e.InvolvedObject.Name != "" {
		object += "/" + e.InvolvedObject.Name
	}
	return []string{
		last, e.Type, e.Reason, object, e.InvolvedObject.FieldPath, eventSource(e),
		strings.TrimSpace(e.Message), first, strconv.Itoa(count), e.Name,
	}
}

// eventSource is the component that reported, and on which node.
func eventSource(e *corev1.Event) string {
	component := e.Source.Component
	if component == "" {
		component = e.ReportingController
	}
	instance := e.Source.Host
	if instance == "" {
		instance = e.ReportingInstance
	}
	if instance == "" {
		return component
	}
	return component + ", " + instance
}
