package statefulset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// S34: a claim's name is told without being put together.
func TestS34ClaimNames(t *testing.T) {
	for _, template := range []string{"www", "a-b"} {
		for _, set := range []string{"web", "web-1", "b"} {
			for _, o := range []int{0, 9, 10, 123} {
				name := claimName(template, set, o)
				require.True(t, isClaimName(name, template, set, o), name)
				for _, other := range []string{"", template, template + "-" + set, name + "0", name[:len(name)-1] + "+1", template + "-" + set + "-0" + name[len(name)-1:], "x" + name} {
					require.False(t, isClaimName(other, template, set, o), "%s is not %s", other, name)
				}
				require.False(t, isClaimName(name, template, set, o+1), name)
			}
		}
	}
	require.False(t, isClaimName("www-web--1", "www", "web", -1))
}
