package recording

import (
	"fmt"
	"slices"
	"time"
)

// Twelve different messages about one pod: the tenth is the first to be combined
// with those before it, and those after it raise its count.
func Example() {
	var s script
	for i := range 12 {
		s.steps = append(s.steps, step{pause: time.Second, typ: "Normal", reason: "R", message: fmt.Sprintf("message %d", i+1)})
	}
	lines, trail := upstream(s, map[string]int{})
	fmt.Println("writes:", len(lines), "forgotten:", len(trail), "equal:", slices.Equal(lines, ours(s, trail)))
	fmt.Println(lines[11])
	// Output:
	// writes: 12 forgotten: 3 equal: true
	// 11: MODIFIED Event 10 in default by "teller" at 12s: about {Kind:Pod Namespace:default Name:a UID:1 APIVersion:v1 ResourceVersion:7 FieldPath:}, from {Component:teller Host:}, "" "", Normal R "(combined from similar events): message 12", 3 times, 2026-01-01T00:00:10Z to 2026-01-01T00:00:12Z, nil ""
}
