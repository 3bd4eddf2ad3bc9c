package apiserver

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// epoch is what the virtual clock shows at engine.Time 0.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// WallTime returns a virtual time as a date, to the nanosecond, in UTC.
func WallTime(t engine.Time) time.Time { return epoch.Add(time.Duration(t)) }

// Stamp returns a virtual time as objects store it: in whole seconds (A11).
func Stamp(t engine.Time) metav1.Time { return metav1.Time{Time: WallTime(t).Truncate(time.Second)} }

// VirtualTime is the inverse of WallTime and Stamp.
func VirtualTime(t time.Time) engine.Time { return engine.Time(t.Sub(epoch)) }
