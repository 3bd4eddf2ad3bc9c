package measure

import (
	"fmt"
	"time"

	"golang.org/x/exp/stats"
)

// Spans are lengths of time, in the order in which they ended. The zero Spans
// is empty.
type Spans struct {
	nanoseconds []float64
}

func (s *Spans) add(d time.Duration) { s.nanoseconds = append(s.nanoseconds, float64(d)) }

// Len returns how many there are.
func (s Spans) Len() int { return len(s.nanoseconds) }

// Quantiles returns, for each q from 0 to 1, the span which that share of the
// spans does not exceed; between two spans it is interpolated. It returns nil
// if there are none.
func (s Spans) Quantiles(q ...float64) []time.Duration {
	if s.Len() == 0 {
		return nil
	}
	ds := make([]time.Duration, len(q))
	for i, v := range stats.Quantiles(s.nanoseconds, q...) {
		ds[i] = time.Duration(v)
	}
	return ds
}

// Max returns the longest, or 0.
func (s Spans) Max() time.Duration {
	var longest float64
	for _, v := range s.nanoseconds {
		longest = max(longest, v)
	}
	return time.Duration(longest)
}

// String says how many there are, and the quantiles that matter.
func (s Spans) String() string {
	if s.Len() == 0 {
		return "none"
	}
	q := s.Quantiles(0.5, 0.99)
	const ms = time.Millisecond
	return fmt.Sprintf("%d: half within %v, 99 %% within %v, the longest %v",
		s.Len(), q[0].Round(ms), q[1].Round(ms), s.Max().Round(ms))
}
