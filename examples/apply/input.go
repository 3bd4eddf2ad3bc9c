package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// fileset is what is applied at one time.
type fileset struct {
	names []string // as given
	docs  []manifest.Document
	err   error // what cannot be read of them
}

// wrong returns, if anything cannot be read, all that is known to be wrong.
func (set *fileset) wrong() error {
	if set.err == nil {
		return nil
	}
	errs := []error{set.err}
	for i := range set.docs {
		errs = append(errs, set.docs[i].Refused())
	}
	return manifest.Join(errs...)
}

// input reads what flags name.
type input struct {
	stdin io.Reader
	spent bool // stdin has been read
}

// read fills in the documents of a set, namespaces first, and what is wrong with
// the others. What cannot be read at all is an error.
func (in *input) read(set *fileset) error {
	for _, name := range set.names {
		docs, err := in.readName(name)
		var wrong *manifest.Error
		switch {
		case errors.As(err, &wrong):
			set.err = manifest.Join(set.err, err)
		case err != nil:
			return err
		}
		set.docs = append(set.docs, docs...)
	}
	slices.SortStableFunc(set.docs, func(a, b manifest.Document) int { return rank(a) - rank(b) })
	return nil
}

func rank(d manifest.Document) int {
	if d.Kind == apiserver.Namespace {
		return 0
	}
	return 1
}

func (in *input) readName(name string) ([]manifest.Document, error) {
	if name == "-" {
		if in.spent {
			return nil, errors.New("- is given twice, but the standard input can be read only once")
		}
		in.spent = true
		return readStream("stdin", in.stdin)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return readDirectory(name)
	}
	return readFile(name)
}

// readDirectory reads every manifest below a directory, by path. A file may
// have no objects (a template whose condition is false), but not all of them.
func readDirectory(root string) ([]manifest.Document, error) {
	var docs []manifest.Document
	var wrong error
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isManifest(path) {
			return err
		}
		more, err := readFile(path)
		var bad *manifest.Error
		switch {
		case errors.Is(err, manifest.ErrNoObjects):
			return nil
		case errors.As(err, &bad):
			wrong, err = manifest.Join(wrong, err), nil
		}
		docs = append(docs, more...)
		return err
	})
	err = manifest.Join(err, wrong)
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%s: no objects in any *.yaml, *.yml or *.json", root)
	}
	return docs, err
}

func isManifest(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func readFile(path string) ([]manifest.Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readStream(path, f)
}

// readStream reads no more than a manifest may have.
func readStream(name string, r io.Reader) ([]manifest.Document, error) {
	data, err := io.ReadAll(io.LimitReader(r, manifest.MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(data) > manifest.MaxSize:
		return nil, fmt.Errorf("%s: is larger than a manifest may be, %d bytes", name, manifest.MaxSize)
	}
	return manifest.ReadEach(name, data)
}

// namespaces returns where the objects of all sets go, sorted.
func namespaces(sets []fileset) []string {
	var names []string
	for _, set := range sets {
		for _, d := range set.docs {
			if d.Kind == 0 || !d.Kind.Namespaced() {
				continue
			}
			name := d.Object.GetNamespace()
			if name == "" {
				name = sim.DefaultNamespace
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
