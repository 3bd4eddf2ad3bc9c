package shell_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
)

var jobChance = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b(pi|bad|ix-\d)-[a-z0-9]{5}\b`), "$1-*****"},
	{regexp.MustCompile(`controller-uid=[0-9a-f-]{36}`), "controller-uid=UID"},
	{regexp.MustCompile(`(Start Time|Completed At): .*`), "$1"},
	{regexp.MustCompile(`node-\d`), "node"}, {regexp.MustCompile(`10\.244\.\d+\.\d+`), "IP"},
	{regexp.MustCompile(` +`), " "},
}

// toldOfJobs leaves out of an output what differs between two runs. Spans of time stay:
// see nearly.
func toldOfJobs(text string) []string {
	for _, c := range jobChance {
		text = c.what.ReplaceAllString(text, c.with)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return slices.DeleteFunc(lines, func(s string) bool {
		return strings.Contains(s, " pod/pi") && strings.Contains(s, "Pull") // how long a pull takes differs
	})
}

// nearly are two lines that differ by spans of time alone, each by two seconds at most.
func nearly(a, b string) bool {
	spans := regexp.MustCompile(`\b(\d+m)?\d+s\b`)
	left, right := spans.FindAllString(a, -1), spans.FindAllString(b, -1)
	if len(left) != len(right) || spans.ReplaceAllString(a, "") != spans.ReplaceAllString(b, "") {
		return false
	}
	for i := range left {
		x, _ := time.ParseDuration(left[i])
		y, _ := time.ParseDuration(right[i])
		if (x - y).Abs() > 2*time.Second {
			return false
		}
	}
	return true
}

// TestRecordedJob types at a cluster what was typed at a real one, at the same times,
// and compares all that is printed: a Job that completes, one that fails, one that is
// indexed and goes ten seconds after its end.
func TestRecordedJob(t *testing.T) {
	ends := func(code int32, after time.Duration) kubelet.Workload {
		return kubelet.Workload{Exits: true, ExitAfter: after, ExitCode: code}
	}
	c := sim.New(sim.Config{Seed: 1, Workloads: map[string]kubelet.Workload{
		"busybox:exit0-after5s": ends(0, 5*time.Second),
		"busybox:exit1-after2s": ends(1, 2*time.Second),
		"busybox:exit0-after3s": ends(0, 3*time.Second),
	}})
	sh := shell.New(c, nil)
	begin := c.Now()
	for _, cmd := range typedAt(t, "job.txt") {
		if wait := cmd.at - 2*time.Second - c.Now().Sub(begin); wait > 0 {
			require.NoError(t, c.Run(wait))
		}
		out := sh.RunWith(cmd.command, cmd.stdin)
		require.Zero(t, out.Code, "%s: %s", cmd.command, out.Text)
		want, got := toldOfJobs(cmd.text), toldOfJobs(out.Text)
		if strings.Contains(cmd.command, "get events") {
			want, got = ofJobs(want), ofJobs(got)
		}
		assert.Empty(t, cmp.Diff(want, got, cmp.Comparer(nearly)), "%v %s", cmd.at, cmd.command)
	}
}

// ofJobs are the Events of Jobs.
func ofJobs(lines []string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return !strings.Contains(s, " job/") })
}
