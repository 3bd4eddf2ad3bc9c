// Mutate changes our controller's decisions, one at a time, and reports whether
// the comparison with the real controller notices.
//
//	cd sim/conformance && go run ./mutate
//
// Nothing on disk is changed: each mutant is compiled through go's -overlay. The
// program exits with 1 if a mutant survives.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

var (
	states = flag.Int("states", 20_000, "how many states each mutant must survive")
	only   = flag.String("run", "", "only the mutants whose descriptions match")
	jobs   = flag.Int("jobs", 2, "how many mutants are looked at side by side")
)

// mutant is one wrong decision: in a file of statefulset, old becomes new.
type mutant struct{ file, old, new, what string }

func main() {
	flag.Parse()
	dir, err := os.MkdirTemp("", "mutants")
	check(err)
	defer os.RemoveAll(dir)
	pick := regexp.MustCompile(*only)
	verdicts := make([]string, len(mutants))
	var wg sync.WaitGroup
	slots := make(chan struct{}, *jobs)
	for i := range mutants {
		if !pick.MatchString(mutants[i].what) {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			verdicts[i] = judge(dir, i)
			fmt.Fprintln(os.Stderr, verdicts[i])
		})
	}
	wg.Wait()
	report(verdicts)
}

func report(verdicts []string) {
	caught, all := 0, 0
	for _, v := range verdicts {
		if v == "" {
			continue
		}
		all++
		if strings.HasPrefix(v, "caught") {
			caught++
		}
		fmt.Println(v)
	}
	fmt.Printf("%d of %d mutants caught\n", caught, all)
	if caught < all {
		os.Exit(1)
	}
}

// judge compiles one mutant and runs the comparison.
func judge(dir string, i int) string {
	m := &mutants[i]
	line := func(verdict, detail string) string {
		return fmt.Sprintf("%-8s  %-12s  %-60s  %s", verdict, m.file, m.what, detail)
	}
	path, err := filepath.Abs(filepath.Join("..", "..", "statefulset", m.file))
	check(err)
	src, err := os.ReadFile(path)
	check(err)
	if n := strings.Count(string(src), m.old); n != 1 {
		return line("STALE", fmt.Sprintf("its text occurs %d times", n))
	}
	mutated := filepath.Join(dir, fmt.Sprintf("%d.go", i))
	check(os.WriteFile(mutated, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o644))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	check(err)
	overlayFile, binary := filepath.Join(dir, fmt.Sprintf("%d.json", i)), filepath.Join(dir, fmt.Sprintf("%d.test", i))
	check(os.WriteFile(overlayFile, overlay, 0o644))
	defer os.Remove(binary)
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlayFile, "-o", binary, ".").CombinedOutput(); err != nil {
		return line("BROKEN", string(out))
	}
	start := time.Now()
	out, err := exec.Command(binary, "-test.run", "TestOneSync", "-test.failfast", "-test.cpu", "1", "-states", fmt.Sprint(*states), "-rapid.shrinktime", "1ms").CombinedOutput()
	took := time.Since(start).Round(100 * time.Millisecond)
	if err == nil {
		return line("SURVIVED", took.String())
	}
	after := "crash"
	if n := regexp.MustCompile(`after (\d+) tests`).FindSubmatch(out); n != nil {
		after = fmt.Sprintf("after %s states", n[1])
	}
	return line("caught", fmt.Sprintf("%s, %v", after, took))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
