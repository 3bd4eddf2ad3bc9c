package sim_test

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

func TestRollout(t *testing.T) {
	c := sim.New(sim.Config{Seed: 1, Provision: true}) // three nodes, volumes on demand
	_, err := c.ApplyFiles("testdata/web.yaml")
	require.NoError(t, err)
	m := simtest.Watch(c, simtest.All()...) // named invariants, after every event
	_, err = c.Settle()
	require.NoError(t, err)
	require.NoError(t, c.SetImage("default", "web", "nginx", "nginx:1.29"))
	_, err = c.Settle()
	require.NoError(t, errors.Join(err, m.Err()))
}

// TestReadme holds the README's test to the one above, to the letter.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	this, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	snippet := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, snippet)
	assert.Contains(t, string(this), string(snippet[1]))
}
