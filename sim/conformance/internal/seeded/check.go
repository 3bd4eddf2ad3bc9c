package seeded

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/klog/v2"
	"pgregory.net/rapid"
)

var first = flag.Uint64("seed", 1, "where the random states begin; 0 for another place every time")

// Main runs the tests of a package, without upstream's log. Call it from
// TestMain.
func Main(m *testing.M) {
	var log flag.FlagSet
	klog.InitFlags(&log)
	for _, name := range []string{"logtostderr=false", "stderrthreshold=FATAL"} {
		if err := log.Parse([]string{"-" + name}); err != nil {
			panic(err)
		}
	}
	klog.SetOutput(io.Discard)
	flag.Parse()
	set("rapid.nofailfile", "true") // a seed and the state itself are printed
	os.Exit(m.Run())
}

// rapidFlags guards rapid's flags, which are global, and read when a check begins.
var rapidFlags sync.Mutex

// Replaying reports whether one state alone is looked at, so that nothing can
// be said about what many states show.
func Replaying() bool { return flag.Lookup("rapid.seed").Value.String() != "0" }

// Check is rapid.Check with n states, from the seed of a shard: shards are
// different states under one seed. A seed given by -rapid.seed is a state that
// failed: that one alone is looked at.
func Check(t *testing.T, shard, n int, prop func(*rapid.T)) {
	t.Helper()
	rapidFlags.Lock()
	release := sync.OnceFunc(rapidFlags.Unlock)
	defer release()
	was := flag.Lookup("rapid.seed").Value.String()
	seed := was
	if was == "0" && *first != 0 {
		seed = strconv.FormatUint(*first*1_000_003+uint64(shard)<<40, 10)
	}
	if was != "0" {
		n = 1
	}
	if testing.Short() {
		n *= 5 // rapid does a fifth of what it is told
	}
	restore := sync.OnceFunc(func() { set("rapid.seed", was); release() })
	defer restore()
	set("rapid.seed", seed)
	set("rapid.checks", strconv.Itoa(n))
	rapid.Check(reporter{t}, func(rt *rapid.T) {
		restore()
		prop(rt)
	})
}

func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}

// reporter is a test that adds to rapid's report the command that replays it.
type reporter struct{ *testing.T }

// Errorf finds the seed in what rapid says when a state has failed.
func (r reporter) Errorf(format string, args ...any) {
	r.Helper()
	r.T.Errorf(format, args...)
	for _, arg := range args {
		if seed, ok := arg.(string); ok && strings.HasPrefix(seed, "-rapid.seed=") {
			r.Logf("this state alone, in sim/conformance: %s", command(r.Name(), seed))
		}
	}
}

// command is how a test is run again.
func command(test, seed string) string {
	parts := strings.Split(test, "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	return fmt.Sprintf("go test %s -run '%s' %s", here(), strings.Join(parts, "/"), seed)
}

// here returns the package under test as the module's root names it.
func here() string {
	dir, err := os.Getwd() // a test runs in the directory of its package
	if err != nil {
		panic(err)
	}
	path := "."
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || filepath.Dir(dir) == dir {
			return path
		}
		if path == "." {
			path = "./" + filepath.Base(dir)
		} else {
			path = "./" + filepath.Base(dir) + path[1:]
		}
		dir = filepath.Dir(dir)
	}
}
