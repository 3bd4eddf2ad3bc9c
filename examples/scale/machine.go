package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// stopwatch returns a function that returns the wall time since the call.
func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// rate returns how many a second.
func rate(n int, d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int(float64(n) / d.Seconds())
}

// grouped writes a number with its digits in groups of three.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// peakMemory returns the most memory that the process has had, in bytes: what
// the kernel counted (VmHWM), or where there is no such count what the Go
// runtime has got from the system.
func peakMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				if kib, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
					return kib << 10
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys)
}

// keepTo has the garbage collector keep to so many GiB, 0 for no limit, until the
// function that it returns is called.
func keepTo(limit float64) (end func()) {
	if limit == 0 {
		return func() {}
	}
	before := debug.SetMemoryLimit(int64(limit * (1 << 30)))
	return func() { debug.SetMemoryLimit(before) }
}

func gibibytes(bytes int) string { return fmt.Sprintf("%.2f GiB", float64(bytes)/(1<<30)) }
