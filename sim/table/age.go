package table

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

const (
	none    = "<none>"
	unset   = "<unset>"
	unknown = "<unknown>"
)

// age is the time since t as kubectl shortens it (K27), "<unknown>" for no
// time and "<invalid>" for one that is a second or more ahead.
func age(t metav1.Time, now time.Time) string { return since(t.Time, now) }

// since is age for times of any precision.
func since(t, now time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(t))
}

// date is how kubectl's describe prints a time.
func date(t metav1.Time) string { return t.Time.Format(time.RFC1123Z) }
