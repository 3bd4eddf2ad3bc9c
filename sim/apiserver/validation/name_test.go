package validation

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation"
)

// TestQuickNames: the quick checks accept exactly what the library accepts.
func TestQuickNames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "aZ0-._/! "
	names := []string{"", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 253), strings.Repeat("a", 254), "a..b", "a.-b", "a-.b"}
	for range 20000 {
		b := make([]byte, r.IntN(8))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		names = append(names, string(b))
	}
	for _, s := range names {
		require.Equal(t, len(validation.IsDNS1123Label(s)) == 0, isLabel(s), s)
		require.Equal(t, len(validation.IsDNS1123Subdomain(s)) == 0, isSubdomain(s), s)
		require.Equal(t, len(validation.IsValidLabelValue(s)) == 0, isLabelValue(s), s)
		require.Equal(t, len(validation.IsQualifiedName(s)) == 0, isQualified(s), s)
	}
}
