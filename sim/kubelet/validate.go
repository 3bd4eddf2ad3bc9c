package kubelet

import (
	"fmt"
	"time"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// Validate returns the first thing that is wrong with a Workload, by field: a
// negative span, a window that ends before it begins, an exit code that no
// process has.
func (w *Workload) Validate() error {
	for _, span := range []struct {
		field string
		d     time.Duration
	}{
		{"StartAfter", w.StartAfter}, {"ReadyAfter", w.ReadyAfter}, {"ExitAfter", w.ExitAfter},
		{"StopAfter", w.StopAfter}, {"PostStart", w.PostStart}, {"PreStop", w.PreStop},
	} {
		if span.d < 0 {
			return fmt.Errorf("%s: %v is negative", span.field, span.d)
		}
	}
	for _, list := range []struct {
		field   string
		windows []Window
	}{{"Unready", w.Unready}, {"Unhealthy", w.Unhealthy}} {
		for i, win := range list.windows {
			switch {
			case win.From < 0:
				return fmt.Errorf("%s[%d].From: %v is negative", list.field, i, win.From)
			case win.To < 0:
				return fmt.Errorf("%s[%d].To: %v is negative", list.field, i, win.To)
			case win.To != 0 && win.To <= win.From:
				return fmt.Errorf("%s[%d].To: %v is not after From, %v", list.field, i, win.To, win.From)
			}
		}
	}
	for _, code := range []struct {
		field string
		n     int32
	}{{"ExitCode", w.ExitCode}, {"StopCode", w.StopCode}} {
		if code.n < 0 || code.n > 255 {
			return fmt.Errorf("%s: %d is no exit code of a process, which are 0 to 255", code.field, code.n)
		}
	}
	if w.ImageSize < 0 {
		return fmt.Errorf("ImageSize: %d is negative", w.ImageSize)
	}
	return nil
}

// Validate returns the first thing that is wrong with a Latency, by field.
func (l Latency) Validate() error {
	for _, r := range []struct {
		field string
		r     controller.Range
	}{
		{"Sync", l.Sync}, {"Mount", l.Mount}, {"Unmount", l.Unmount}, {"Sandbox", l.Sandbox}, {"StopSandbox", l.StopSandbox},
		{"Pull", l.Pull}, {"Check", l.Check}, {"Start", l.Start}, {"Stop", l.Stop}, {"Relist", l.Relist}, {"Notice", l.Notice}, {"Boot", l.Boot},
	} {
		if err := r.r.Validate(); err != nil {
			return fmt.Errorf("%s: %w", r.field, err)
		}
	}
	if l.JitterPercent < 0 {
		return fmt.Errorf("JitterPercent: %d is negative", l.JitterPercent)
	}
	return nil
}
