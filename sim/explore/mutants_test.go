package explore_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/model"
)

var (
	knownOut = flag.String("known.out", "", "for the test itself: where a mutant leaves what fails in it")
	knownRun = flag.String("known.run", "", "with -known.all: only the mutants whose names match")
)

// mutant is a wrong decision: in a file of the module, old becomes new.
type mutant struct{ name, file, old, new string }

// interleaved are mutants that only some orders of events, late views or lost answers can
// show. Those of sim/conformance/mutate are read from there.
var interleaved = []mutant{
	{"a sync does not wait for its own writes", "statefulset/writes.go", "k.wrote > read {", "false && k.wrote > read {"},
	{"stale claims do not hold a pod back", "statefulset/task.go", "if claimsStale(p.l, p.set, t.work) {", "if false {"},
	{"a name that is taken is no failure", "statefulset/task.go", "apierrors.IsAlreadyExists(t.failure): // S4", "false: // S4"},
	{"an orphan that is gone fails the sync", "statefulset/adoption.go", "		case !isGone(res.Err):", "		default:"},
	{"a pod that is gone fails its deletion", "statefulset/repair.go", "if apierrors.IsNotFound(err) {", "if false && apierrors.IsNotFound(err) {"},
	{"an update is tried once", "statefulset/task.go", "const updateTries = 4", "const updateTries = 1"},
	{"the status is tried once", "statefulset/memo.go", "const maxStatusTries = 5", "const maxStatusTries = 1"},
	{"a claim takes its volume from another one", "volume/claimsync.go", "case volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID == m.claim.UID:", "case true:"},
}

// mutants returns all: those of sim/conformance/mutate that change a decision about
// StatefulSets or claims, each once, and the interleaved ones.
func mutants(t *testing.T) []mutant {
	dir := filepath.Join("..", "conformance", "mutate")
	list := slices.Concat(
		literals(t, filepath.Join(dir, "rules.go"), "ruleMutants"),
		literals(t, filepath.Join(dir, "mutants.go"), "mutants"),
		interleaved)
	var once []mutant
	for _, m := range list {
		if !strings.HasPrefix(m.file, "statefulset/") && !strings.HasPrefix(m.file, "volume/") {
			continue
		}
		if !slices.ContainsFunc(once, func(o mutant) bool { return o.file == m.file && o.old == m.old && o.new == m.new }) {
			once = append(once, m)
		}
	}
	return once
}

// literals reads a list of mutants from a source file.
func literals(t *testing.T, path, name string) (list []mutant) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != name {
			return true
		}
		for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
			list = append(list, literal(t, e.(*ast.CompositeLit)))
		}
		return false
	})
	require.NotEmpty(t, list, name)
	return list
}

var number = regexp.MustCompile(`\((?:kubernetes#|)((?:PR )?\d+)\)`)

func literal(t *testing.T, c *ast.CompositeLit) mutant {
	keys := []string{"file", "old", "new", "what"}
	fields := map[string]string{}
	for i, e := range c.Elts {
		key := ""
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			key, e = kv.Key.(*ast.Ident).Name, kv.Value
		} else {
			key = keys[i]
		}
		text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
		require.NoError(t, err)
		fields[key] = text
	}
	m := mutant{fields["what"], fields["file"], fields["old"], fields["new"]}
	if fields["rule"] != "" {
		m.name = fields["rule"] + " " + m.name
	} else {
		m.file = "statefulset/" + m.file
	}
	if n := number.FindStringSubmatch(m.name); n != nil {
		m.name = strings.ReplaceAll(n[1], " ", "")
	}
	m.name = strings.ReplaceAll(m.name, " ", "-")
	return m
}

// findMutants looks for the mutants, in binaries of their own.
func findMutants(t *testing.T) {
	pick := regexp.MustCompile(*knownRun)
	found, all := 0, 0
	for _, m := range mutants(t) {
		if !pick.MatchString(m.name) {
			continue
		}
		all++
		line, ok := findMutant(t, m)
		fmt.Println(line)
		if ok {
			found++
		}
	}
	fmt.Printf("%d of %d mutants found\n", found, all)
}

// findMutant has a mutant search itself, and believes only what the code as it is does
// not do.
func findMutant(t *testing.T, m mutant) (line string, found bool) {
	dir := t.TempDir()
	binary, err := compile(dir, m)
	if err != nil {
		return fmt.Sprintf("not found %s: it does not compile: %v", m.name, err), false
	}
	for _, k := range []*explore.Check{&ordered, &parallel} {
		out := filepath.Join(dir, k.World.Name)
		if err := os.Mkdir(out, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary, "-test.run", "^TestMutant$", "-known.out", out, "-known.time", fmt.Sprint(*knownTime))
		cmd.Dir = "."
		text, _ := cmd.CombinedOutput() // it crashes, perhaps
		files, err := filepath.Glob(filepath.Join(out, "*.txt"))
		require.NoError(t, err)
		slices.Sort(files)
		for _, name := range files {
			f := readFailure(t, k, name)
			if again, err := k.Try(f.History); err == nil && !slices.ContainsFunc(again, func(o *explore.Failure) bool { return o.Kind == f.Kind }) {
				n := len(f.History.Operations)
				t.Logf("%s\n%s", m.name, f)
				return fmt.Sprintf("found %s by %s: %d histories, %d states, %.1f s, %d operations", m.name, f.Property, f.Histories, f.Events, f.Time.Seconds(), n), true
			}
		}
		if strings.Contains(string(text), "panic: ") {
			return fmt.Sprintf("found %s by a crash", m.name), true
		}
	}
	return "not found " + m.name, false
}

// compile builds this package's tests with a mutant, through go's -overlay.
func compile(dir string, m mutant) (binary string, err error) {
	path, err := filepath.Abs(filepath.Join("..", "..", m.file))
	if err != nil {
		return "", err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return "", fmt.Errorf("its text occurs %d times", n)
	}
	changed := filepath.Join(dir, "mutant.go")
	overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "mutant.test")
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
}

// usual are kinds of failures that the code as it is has, too, in the two worlds. What is
// among them does not end the search in a mutant, but is looked at afterwards.
var usual = []string{"convergence: web-# is not ready", "convergence: web-# is not updated", "convergence: web has # pods of #", "convergence: web-# is none of what web asks for",
	"complete when available: web is complete with # of # pods available", "status tells the truth: web says # currentReplicas, and # have been there for long",
	"partition kept: web-# is below the partition # and was created as web web:next [] [], not as web web:# [] []"}

// TestMutant is the search in a mutant: see findMutant.
func TestMutant(t *testing.T) {
	if *knownOut == "" {
		t.Skip("it is run by TestKnownTrouble")
	}
	k := &ordered
	if filepath.Base(*knownOut) == parallel.World.Name {
		k = &parallel
	}
	_, err := k.Histories(explore.Hunt{Seed: 1, Histories: 20_000, Time: *knownTime, Workers: 1, Enough: func(f *explore.Failure) bool {
		text, err := json.Marshal(f)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(*knownOut, fmt.Sprintf("%020d.txt", f.Time)), text, 0o644))
		return !slices.Contains(usual, f.Kind)
	}})
	require.NoError(t, err)
}

func readFailure(t *testing.T, _ *explore.Check, name string) *explore.Failure {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	f := &explore.Failure{}
	require.NoError(t, json.Unmarshal(text, f))
	return f
}

func vocabulary(t *testing.T, k *explore.Check) model.Vocabulary {
	v, err := model.Builtin(k.World)
	require.NoError(t, err)
	return v
}
