package shell_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
)

// badDay is a recording of what was done to nodes.
type badDay struct {
	name string
	// spares says that whether the first nodes get a NoExecute taint is chance. So
	// much of a zone is ill that nobody is evicted, unless the taint comes before the
	// pass ends that finds it out. Or the node is back within ten seconds: its taint
	// may have to wait for the next token, if the controller's view of the node was
	// late when it had the first (RateLimitedTimedQueue.Try in doNoExecuteTaintingPass).
	spares bool
	silent bool // the nodes fell silent, and were missed
	// edge is a set whose pods were to go while the node was on its way back: that
	// took a kubelet ten seconds which had been stopped, and takes ours less.
	edge string
}

var badDays = []badDay{
	{name: "nodedelete", silent: true}, {name: "comeback", silent: true}, {name: "reboot", spares: true, silent: true}, {name: "forcebefore", silent: true}, {name: "tolerations", silent: true, edge: "more"},
	{name: "silentdelete"}, {name: "handtaint"},
	{name: "partialdisruption", silent: true}, {name: "partialdisruption5", spares: true, silent: true}, {name: "fulldisruption", spares: true, silent: true}, {name: "zones", silent: true},
}

// TestBadDays repeats what was done to the nodes of a real cluster. It holds what
// each of these nodes goes through, what each pod on them goes through until it is
// replaced, what is said about them, and, there and here, the spans that
// Kubernetes fixes (N1 to N6).
func TestBadDays(t *testing.T) {
	for _, day := range badDays {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(day.name, " ", seed), func(t *testing.T) {
				real, ours := replayNodes(t, day.name, seed)
				bad := nodeName.FindAllString(recordedFault(t, day.name), -1)
				tainted := map[string]bool{}
				for which, s := range map[string]*nodeStory{"real": real, "ours": ours} {
					n := 0
					for _, node := range bad {
						if s.at(node, "MODIFIED Ready=Unknown unreachable:NoSchedule unreachable:NoExecute") >= 0 {
							n++
							tainted[node] = true
						}
						if day.silent {
							unknown := s.at(node, "MODIFIED Ready=Unknown")
							within(t, which+": silence of "+node, unknown-s.renewed[node], 50, 55.5)
							taint := max(s.at(node, "MODIFIED Ready=Unknown unreachable:NoSchedule"), s.at(node, "MODIFIED Ready=Unknown unreachable:NoExecute"))
							within(t, which+": a taint of "+node, taint-unknown, 0, 0.6)
						}
					}
					if day.spares { // they may fall silent over two tokens, ten seconds apart
						assert.LessOrEqual(t, n, 2)
					}
				}
				for _, node := range bad {
					assert.Empty(t, cmp.Diff(essence(real.rows[node], day), essence(ours.rows[node], day)), node)
					if day.spares && tainted[node] {
						continue
					}
					theirs, mine := podsOn(real, node), podsOn(ours, node)
					delete(theirs, day.edge)
					delete(mine, day.edge)
					assert.Empty(t, cmp.Diff(theirs, mine), "pods on "+node)
				}
				if !day.spares {
					assert.Empty(t, cmp.Diff(heard(real, day.edge), heard(ours, day.edge)))
				}
			})
		}
	}
}

// essence leaves out of a node's rows what is chance: a kubelet that was stopped
// and goes on may say for ten seconds that its runtime is not healthy; one that
// registers its Node says at first that it is not ready, and whether a pass of the
// monitor sees that is chance.
func essence(rows []string, day badDay) []string {
	var out []string
	back := false
	for i, row := range rows {
		row = strings.Replace(row, "NoExecute unreachable:NoSchedule", "NoSchedule unreachable:NoExecute", 1)
		row = strings.Replace(row, "Unknown unreachable:NoExecute", "Unknown unreachable:NoSchedule", 1)
		back = back || i > 0 && strings.Contains(row, "Ready=True") && strings.Contains(rows[i-1], "Ready=Unknown") || strings.Contains(row, "Ready=False")
		if back && i < len(rows)-1 && !strings.HasPrefix(row, "DELETED") {
			continue
		}
		if day.spares {
			row = strings.ReplaceAll(row, " unreachable:NoExecute", "")
		}
		out = append(out, row)
	}
	return slices.Compact(out)
}

var ordinal = regexp.MustCompile(`\b([a-z]+)-\d+`)

// podsOn returns the rows of the pods that were on a node when the day began, by
// their set, until they are replaced: which of a set's pods it is, is chance.
func podsOn(s *nodeStory, node string) map[string][]string {
	on := map[string][]string{}
	for _, pod := range slices.Sorted(maps.Keys(s.places)) {
		if s.places[pod] == node {
			set := ordinal.ReplaceAllString(pod, "$1")
			on[set] = append(on[set], untilReplaced(s.rows[pod])...)
		}
	}
	return on
}

// heard returns what is said, by set. That a deletion is called off is left out:
// it may be that of a successor that got to the node while its taint was still
// there.
func heard(s *nodeStory, edge string) map[string]bool {
	events := map[string]bool{}
	for e := range s.events { // a map from a map
		if !strings.Contains(e, "Cancelling") && (edge == "" || !strings.Contains(e, "Pod/"+edge)) {
			if strings.Contains(e, "Pod/") {
				e = ordinal.ReplaceAllString(e, "$1")
			}
			events[e] = true
		}
	}
	return events
}
