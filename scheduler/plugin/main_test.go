package plugin

import (
	"flag"
	"os"
	"testing"
)

// TestMain gives the random tests a fixed seed, which -rapid.seed replaces.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.seed", "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
