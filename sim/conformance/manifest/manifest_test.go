package manifest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var (
	files = flag.Int("files", 1000, "how many files to compare")
	tree  = flag.String("tree", "", "compare every file below this folder that might be a manifest, too")
)

func TestMain(m *testing.M) { seeded.Main(m) }

// kubectl's reader and ours find the same objects and errors in the same file.
func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	var objects, refused, both int
	seeded.Check(t, 0, *files, func(t *rapid.T) {
		r := compare(t, path, drawFile(t))
		objects += len(r.objects)
		if len(r.errors) > 0 {
			refused++
			if len(r.objects) > 0 {
				both++
			}
		}
	})
	t.Logf("%d objects; %d files with errors, %d of them with objects, too", objects, refused, both)
	if !seeded.Replaying() {
		assert.Greater(t, objects, *files/2)
		assert.Greater(t, both, *files/20)
	}
}

// failer is what tests and rapid's have in common.
type failer interface{ Fatalf(string, ...any) }

func compare(t failer, path string, data []byte) reading {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	theirs := upstream(path)
	if diff := cmp.Diff(theirs, ours(path, data), cmp.AllowUnexported(reading{})); diff != "" {
		t.Fatalf("%q\n(-kubectl +ours)\n%s", data, diff)
	}
	return theirs
}

// The files of a folder of the user's.
func TestTree(t *testing.T) {
	if *tree == "" {
		t.Skip("no -tree is given")
	}
	path := filepath.Join(t.TempDir(), "f.yaml")
	count := 0
	require.NoError(t, filepath.WalkDir(*tree, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(".yaml.yml.json", filepath.Ext(name)) || filepath.Ext(name) == "" {
			return err
		}
		data, err := os.ReadFile(name)
		if err == nil {
			count++
			t.Run(name, func(t *testing.T) { compare(t, path, data) })
		}
		return err
	}))
	t.Logf("%d files", count)
}
