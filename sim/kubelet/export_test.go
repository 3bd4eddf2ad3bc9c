package kubelet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// CheckUsage adds up what the node's pods ask for and compares it with the sum
// that is kept.
func (k *Kubelet) CheckUsage(t require.TestingT) {
	if h, ok := t.(testing.TB); ok {
		h.Helper()
	}
	var want usage
	for _, p := range k.slots {
		if p != nil && p.isActive() {
			want.add(p.api)
		}
	}
	require.Equal(t, want.pods, k.used.pods)
	for name, sum := range k.used.resources {
		require.Zero(t, sum.Cmp(want.resources[name]), "%s: %s, want %s", name, sum.String(), want.resources[name])
	}
}
