package trace

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Save writes what WriteHTML writes to a file that survives the test which failed,
// and returns its path: in the test's ArtifactDir if `go test -artifacts` asks for
// artifacts and the test has one, else in the folder statefulsim of the system's
// temporary files. A test has one picture: a later one takes its place.
func Save(tb interface{ Name() string }, recs []*apiserver.Record, t Timeline) (string, error) {
	dir := filepath.Join(os.TempDir(), "statefulsim")
	asked := flag.Lookup("test.artifacts")
	if has, ok := tb.(interface{ ArtifactDir() string }); ok && asked != nil && asked.Value.String() == "true" {
		dir = has.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := WriteHTML(&b, recs, t); err != nil {
		return "", err
	}
	file := filepath.Join(dir, fileName(tb.Name())+".html")
	return file, os.WriteFile(file, b.Bytes(), 0o644)
}

// fileName makes a test's name one of a file.
func fileName(test string) string {
	name := strings.Map(func(c rune) rune {
		if strings.ContainsRune("/\\ :#*?\"<>|", c) {
			return '_'
		}
		return c
	}, test)
	return name[:min(len(name), 120)]
}
