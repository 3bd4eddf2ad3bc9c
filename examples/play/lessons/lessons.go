// Package lessons holds the lessons on ordering that a terminal, a test and a page
// play alike: scenarios, a file each, as package scenario reads them. Some are in
// Chinese, too: "story" and "story.zh".
package lessons

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/scenario"
)

//go:embed *.txtar
var files embed.FS

const ending = ".txtar"

// order is that in which they teach; each has what the ones before it have shown.
var order = []string{
	"story", "ordered-start", "scale-down", "parallel", "partition-canary", "max-unavailable", "on-delete",
	"recreate", "min-ready-seconds", "stuck-rollout", "crash-loop", "claim-retention", "released-volume",
	"lost-nfs", "node-dies", "four-ways-out", "attached-elsewhere", "drain-budget", "dns-readiness", "stale-cache", "two-seeds", "sandbox",
}

// Names lists the lessons in the order in which they teach.
func Names() []string { return slices.Clone(order) }

// Languages lists those that a lesson is in: "en", and perhaps "zh".
func Languages(name string) []string {
	list := []string{"en"}
	if _, err := files.Open(name + ".zh" + ending); err == nil {
		list = append(list, "zh")
	}
	return list
}

// Open reads a lesson: "story", or "story.zh".
func Open(name string) (*scenario.Scenario, error) {
	data, err := files.ReadFile(name + ending)
	if err != nil {
		return nil, fmt.Errorf("there is no lesson %q; there are %s", name, strings.Join(order, ", "))
	}
	return scenario.Parse(name, data)
}
