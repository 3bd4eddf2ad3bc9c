package apiserver_test

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// discovery is what a v1.37.2 server with its defaults serves (recorded): group and
// version, kind, resource, scope, and whether it stores such objects.
//
//go:embed testdata/discovery.txt
var discovery string

// Every kind that a real server stores is stored here, and no other, under the
// same name and in the same scope.
func TestKindsAreTheServers(t *testing.T) {
	var want, got []string
	for line := range strings.Lines(discovery) {
		if line, stored := strings.CutSuffix(line, " stored\n"); stored {
			want = append(want, line)
		}
	}
	for _, k := range apiserver.Served() {
		scope := "Cluster"
		if k.Namespaced() {
			scope = "Namespaced"
		}
		got = append(got, fmt.Sprint(k.APIVersion(), " ", k, " ", k.Resource(), " ", scope))
	}
	slices.Sort(want)
	slices.Sort(got)
	assert.Equal(t, want, got)
}
