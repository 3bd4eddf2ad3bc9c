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

// load reads the state of a cluster. Objects of kinds that this server does not
// have are counted by their kind; an object that stands in two files is the later
// one.
func load(names []string, stdin io.Reader) (sim.Snapshot, map[string]int, error) {
	var snapshot sim.Snapshot
	unknown := map[string]int{}
	places := map[string]int{}
	for _, name := range names {
		docs, err := readName(name, stdin)
		if err != nil {
			return snapshot, nil, err
		}
		for i := range docs {
			d := &docs[i]
			if d.Kind == 0 {
				unknown[d.GroupVersionKind().GroupKind().String()]++
				continue
			}
			if err := d.Refused(); err != nil {
				return snapshot, nil, err
			}
			key := fmt.Sprint(d.Kind, " ", apiserver.KeyOf(d.Object))
			if place, ok := places[key]; ok {
				snapshot.Objects[place] = d.Object
				continue
			}
			places[key] = len(snapshot.Objects)
			snapshot.Objects = append(snapshot.Objects, d.Object)
		}
	}
	return snapshot, unknown, nil
}

func readName(name string, stdin io.Reader) ([]manifest.Document, error) {
	if name == "-" {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, err
		}
		return read("stdin", data)
	}
	var docs []manifest.Document
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path != name && !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		more, err := read(path, data)
		docs = append(docs, more...)
		return err
	})
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%s: no objects in it", name)
	}
	return docs, err
}

func read(name string, data []byte) ([]manifest.Document, error) {
	docs, err := manifest.ReadEach(name, data)
	if errors.Is(err, manifest.ErrNoObjects) {
		return docs, nil
	}
	return docs, err
}
