// Package queue holds the pods that wait to be scheduled (C7): those that can
// be tried now, by priority and then time; those that back off; and those that
// nothing promises to help, until an event does. It is upstream's
// PriorityQueue with its gate SchedulerPopFromBackoffQ, which is on in v1.37: a
// scheduler with nothing else to do takes a pod out of its backoff early.
//
// A Queue is plain data and knows no clock: every method that needs the time is
// told it.
package queue
