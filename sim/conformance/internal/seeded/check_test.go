package seeded

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { Main(m) }

// drawn returns the states of one check.
func drawn(t *testing.T, shard int) (states []uint64) {
	Check(t, shard, 20, func(rt *rapid.T) { states = append(states, rapid.Uint64().Draw(rt, "state")) })
	return states
}

// The same states each time, others in another shard.
func TestCheckRepeats(t *testing.T) {
	if *first == 0 {
		t.Skip("-seed 0 asks for other states each time")
	}
	require.Len(t, drawn(t, 0), 20)
	require.Equal(t, drawn(t, 0), drawn(t, 0))
	require.NotEqual(t, drawn(t, 0), drawn(t, 1))
}

// The command names the package from the module's root, and one test alone.
func Example() {
	fmt.Println(command("TestRequests/Service", "-rapid.seed=7"))
	// Output: go test ./internal/seeded -run '^TestRequests$/^Service$' -rapid.seed=7
}
