package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/examples/lessons/playground"
	"github.com/statefulsim/statefulsim/examples/play/lessons"
	"github.com/statefulsim/statefulsim/sim/trace"
)

//go:embed site
var site embed.FS

// program is the package that becomes WebAssembly.
const program = "github.com/statefulsim/statefulsim/examples/lessons/wasm"

// build writes the site into a directory: everything is made first, and written then.
func build(ctx context.Context, dir string, progress io.Writer) error {
	files, err := pages()
	if err != nil {
		return err
	}
	if err := compile(ctx, files, progress); err != nil {
		return err
	}
	for name, data := range files { // each is a file of its own
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// lesson is one of the list that the page offers.
type lesson struct {
	Name   string            `json:"name"`
	Titles map[string]string `json:"titles"` // by language
}

// pages are the files of the site but for the simulator: those that are as they are,
// the script of timelines, the list of lessons, and how each begins.
func pages() (map[string][]byte, error) {
	files := map[string][]byte{"timeline.js": []byte(trace.Script())}
	found, err := fs.Glob(site, "site/*")
	if err != nil {
		return nil, err
	}
	for _, name := range found {
		if files[path.Base(name)], err = site.ReadFile(name); err != nil {
			return nil, err
		}
	}
	var list []lesson
	for _, name := range lessons.Names() {
		l := lesson{name, map[string]string{}}
		for _, language := range lessons.Languages(name) {
			file := strings.TrimSuffix(name+"."+language, ".en")
			s, err := lessons.Open(file)
			if err != nil {
				return nil, err
			}
			l.Titles[language] = s.Title()
			var p playground.Playground
			request, err := json.Marshal(playground.Request{Op: "open", State: playground.State{Lesson: file}})
			if err != nil {
				return nil, err
			}
			files["first/"+file+".json"] = p.Call(request)
		}
		list = append(list, l)
	}
	files["lessons.json"], err = json.Marshal(list)
	return files, err
}

// compile adds the simulator and what starts it in a browser.
func compile(ctx context.Context, files map[string][]byte, progress io.Writer) error {
	fmt.Fprintln(progress, "compiling the simulator to WebAssembly (minutes the first time) …")
	began := time.Now()
	dir, err := os.MkdirTemp("", "wasm")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it lies in the temporary directory
	file := filepath.Join(dir, "statefulsim.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", file, program)
	cmd.Env = append(slices.Clone(os.Environ()), "GOOS=js", "GOARCH=wasm")
	done := make(chan struct{})
	go tick(done, began, progress)
	said, err := cmd.CombinedOutput()
	close(done)
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", program, err, said)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(wasm); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	files["statefulsim.wasm.gz"] = packed.Bytes()
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	files["wasm_exec.js"], err = os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"))
	fmt.Fprintf(progress, "… %.1f MB, %.1f MB packed, in %.0f s\n", float64(len(wasm))/1e6, float64(packed.Len())/1e6, time.Since(began).Seconds())
	return err
}

// tick says every ten seconds that it still goes on.
func tick(done <-chan struct{}, began time.Time, progress io.Writer) {
	t := time.NewTicker(10 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
			fmt.Fprintf(progress, "… %.0f s\n", time.Since(began).Seconds())
		}
	}
}
