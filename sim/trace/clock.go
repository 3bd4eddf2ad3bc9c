package trace

import (
	"fmt"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// ticks are the distances that read well on an axis.
var ticks = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// tick returns the least distance that divides a span into no more than n
// parts.
func tick(span time.Duration, n int) time.Duration {
	for _, d := range ticks {
		if int(span/d) <= max(n, 1) {
			return d
		}
	}
	last := ticks[len(ticks)-1]
	return last * (span/last/time.Duration(max(n, 1)) + 1)
}

// clock shows a time on the axis: "1h30m", "2m", "1m30s", "4s", "1.5s", "20ms".
func clock(t engine.Time) string {
	d := time.Duration(t)
	if d == 0 {
		return "0"
	}
	s := d.String()
	if d >= time.Minute {
		s = strings.TrimSuffix(s, "m0s")
		if len(s) < len(d.String()) {
			s += "m"
		}
	}
	if d >= time.Hour {
		s = strings.TrimSuffix(s, "h0m")
		if !strings.HasSuffix(s, "m") && !strings.HasSuffix(s, "s") {
			s += "h"
		}
	}
	return s
}

// stamp shows a time at the beginning of a panel, with its days: "13d", "13d 0:57:34".
func stamp(t engine.Time) string {
	d := time.Duration(t)
	days := d / (24 * time.Hour)
	if days == 0 {
		return clock(t)
	}
	rest := d % (24 * time.Hour)
	if rest == 0 {
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd %d:%02d:%02d", days, rest/time.Hour, rest/time.Minute%60, rest/time.Second%60)
}
