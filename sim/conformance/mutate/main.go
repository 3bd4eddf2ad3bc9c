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
	tenant = flag.Bool("tenants", false, "the controllers of package tenants, and the comparison there")
	node   = flag.Bool("nodes", false, "the controllers of package nodes, and the comparison there")
	rules  = flag.Bool("rules", false, "the rules' own tests, not the comparison")
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
	names, judge := make([]string, len(mutants)), judge
	for i := range mutants {
		names[i] = mutants[i].what
	}
	if *rules {
		names, judge = make([]string, len(ruleMutants)), judgeRule
		for i := range ruleMutants {
			names[i] = ruleMutants[i].rule + " " + ruleMutants[i].what
		}
	}
	if *tenant {
		names, judge = make([]string, len(tenantMutants)), judgeIn(tenantMutants, "tenants")
		for i := range tenantMutants {
			names[i] = tenantMutants[i].file + " " + tenantMutants[i].what
		}
	}
	if *node {
		names, judge = make([]string, len(nodeMutants)), judgeIn(nodeMutants, "nodes")
		for i := range nodeMutants {
			names[i] = nodeMutants[i].file + " " + nodeMutants[i].what
		}
	}
	verdicts := make([]string, len(names))
	var wg sync.WaitGroup
	slots := make(chan struct{}, *jobs)
	for i, name := range names {
		if !pick.MatchString(name) {
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
	r := build(dir, fmt.Sprint(i), filepath.Join("statefulset", m.file), m.old, m.new, "")
	if r.verdict != "" {
		return line(r.verdict, r.detail)
	}
	out, took, err := r.run("-test.run", "TestOneSync", "-test.failfast", "-test.cpu", "1", "-states", fmt.Sprint(*states), "-rapid.shrinktime", "1ms")
	if err == nil {
		return line("SURVIVED", took.String())
	}
	after := "crash"
	if n := regexp.MustCompile(`after (\d+) tests`).FindSubmatch(out); n != nil {
		after = fmt.Sprintf("after %s states", n[1])
	}
	return line("caught", fmt.Sprintf("%s, %v", after, took))
}

// root is the module's root, seen from here.
const root = "../.."

// built is a test binary of a mutant, or why there is none.
type built struct{ binary, at, verdict, detail string }

// build replaces a text in a file of the module, and compiles the tests of one
// of its packages, or those of sim/conformance if pkg is empty.
func build(dir, id, file, old, new, pkg string) built {
	path, err := filepath.Abs(filepath.Join(root, file))
	check(err)
	src, err := os.ReadFile(path)
	check(err)
	if n := strings.Count(string(src), old); n != 1 {
		return built{verdict: "STALE", detail: fmt.Sprintf("its text occurs %d times", n)}
	}
	mutated := filepath.Join(dir, id+".go")
	check(os.WriteFile(mutated, []byte(strings.Replace(string(src), old, new, 1)), 0o644))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	check(err)
	overlayFile := filepath.Join(dir, id+".json")
	check(os.WriteFile(overlayFile, overlay, 0o644))
	b := built{binary: filepath.Join(dir, id+".test"), at: "."}
	if pkg != "" {
		b.at = filepath.Join(root, pkg)
	}
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlayFile, "-o", b.binary, ".")
	cmd.Dir = b.at
	if out, err := cmd.CombinedOutput(); err != nil {
		b.verdict, b.detail = "BROKEN", string(out)
	}
	return b
}

// run runs the binary once and removes it.
func (b built) run(args ...string) ([]byte, time.Duration, error) {
	defer os.Remove(b.binary)
	start := time.Now()
	cmd := exec.Command(b.binary, args...)
	cmd.Dir = b.at
	out, err := cmd.CombinedOutput()
	return out, time.Since(start).Round(100 * time.Millisecond), err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
