package sim_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

// forbidden are the functions that the core never calls, since their answers
// differ from run to run.
var forbidden = map[string]string{
	"time.Now": "the wall clock", "time.Since": "the wall clock", "time.Until": "the wall clock",
	"time.Sleep": "the wall clock", "time.After": "the wall clock", "time.Tick": "the wall clock",
	"time.NewTimer": "the wall clock", "time.NewTicker": "the wall clock", "time.AfterFunc": "the wall clock",
	"os.Getenv": "the environment", "os.LookupEnv": "the environment", "os.Environ": "the environment",
	"os.Getpid": "the process id", "os.Hostname": "the machine's name", "os.Getwd": "the working directory",
	"hash/maphash.MakeSeed": "global randomness", "maps.Keys": "map order (sort it: slices.Sorted(maps.Keys))",
	"maps.Values": "map order", "maps.All": "map order",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Now": "the wall clock",
	"k8s.io/apimachinery/pkg/util/rand.String": "global randomness", "k8s.io/apimachinery/pkg/util/rand.Perm": "global randomness",
	"k8s.io/apimachinery/pkg/util/rand.Intn": "global randomness", "k8s.io/apimachinery/pkg/util/rand.Int": "global randomness",
	"k8s.io/apimachinery/pkg/util/uuid.NewUUID": "randomness",
}

var forbiddenPackages = map[string]string{
	"math/rand": "global randomness", "math/rand/v2": "global randomness", "crypto/rand": "randomness",
	"sync": "concurrency", "sync/atomic": "concurrency",
	"github.com/google/uuid": "randomness",
}

// concurrent are the files which serve the outside world, or notice where it does
// not keep to the rules, or keep what is computed once for all clusters, which may
// run side by side; they may use goroutines and locks for it. All of sim/serve
// and sim/client stands outside: real clients come when they come.
var concurrent = []string{"dns/serve.go", "sim/explore/hunt.go", "sim/guard.go", "sim/owner.go", "sim/simtest/shard.go", "sim/simtest/tb.go", "sim/state/box.go", "sim/state/cache.go", "sim/state/digest.go", "sim/state/hashplan.go", "sim/state/plan.go"}

// TestDeterminism reads the syntax tree of every package of the module and
// holds it to the rules that make one seed one history: no wall clock,
// environment or randomness, no concurrency, and no map order.
func TestDeterminism(t *testing.T) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.LoadSyntax,
		Dir:  "..",
	}, "./sim/...", "./statefulset/...", "./volume/...", "./dns/...", "./scheduler/...")
	require.NoError(t, err)
	require.NotEmpty(t, pkgs)
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	files := 0
	for _, pkg := range pkgs {
		require.Empty(t, pkg.Errors, pkg.PkgPath)
		for _, file := range pkg.Syntax {
			name, err := filepath.Rel(root, pkg.Fset.Position(file.Pos()).Filename)
			require.NoError(t, err)
			files++
			if slices.Contains(concurrent, filepath.ToSlash(name)) || isOutside(filepath.ToSlash(name)) {
				continue
			}
			l := linter{pkg: pkg, file: file, comments: commentLines(pkg.Fset, file)}
			ast.Inspect(file, l.visit)
			for _, problem := range l.problems {
				t.Error(problem)
			}
		}
	}
	assert.Greater(t, files, 50, "the packages were not found")
}

func isOutside(name string) bool {
	return strings.HasPrefix(name, "sim/serve/") || strings.HasPrefix(name, "sim/client/")
}

type linter struct {
	pkg      *packages.Package
	file     *ast.File
	comments map[int]bool
	problems []string
}

func (l *linter) complain(n ast.Node, format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf("%s: %s", l.pkg.Fset.Position(n.Pos()), fmt.Sprintf(format, args...)))
}

func (l *linter) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		path := strings.Trim(n.Path.Value, `"`)
		if why, ok := forbiddenPackages[path]; ok {
			l.complain(n, "imports %s: %s", path, why)
		}
	case *ast.GoStmt:
		l.complain(n, "starts a goroutine")
	case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		l.complain(n, "uses a channel")
	case *ast.SelectorExpr:
		l.visitSelector(n)
	case *ast.RangeStmt:
		l.visitRange(n)
	case *ast.BasicLit:
		if n.Kind == token.STRING && strings.Contains(n.Value, "%p") {
			l.complain(n, "formats a pointer")
		}
	}
	return true
}

func (l *linter) visitSelector(n *ast.SelectorExpr) {
	obj := l.pkg.TypesInfo.Uses[n.Sel]
	if obj == nil || obj.Pkg() == nil {
		return
	}
	if _, isFunc := obj.(*types.Func); !isFunc || obj.Parent() != obj.Pkg().Scope() {
		return
	}
	name := obj.Pkg().Path() + "." + obj.Name()
	why, ok := forbidden[name]
	if ok && !(strings.HasPrefix(name, "maps.") && l.sortedAt(n)) {
		l.complain(n, "uses %s: %s", name, why)
	}
}

// sortedAt reports whether the line of n sorts what it takes from a map.
func (l *linter) sortedAt(n ast.Node) bool {
	sorted := false
	ast.Inspect(l.file, func(m ast.Node) bool {
		call, ok := m.(*ast.CallExpr)
		if ok && call.Pos() <= n.Pos() && n.End() <= call.End() {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Sorted") {
				sorted = true
			}
		}
		return !sorted
	})
	return sorted
}

// visitRange wants a comment at a loop over a map, why its order cannot matter.
func (l *linter) visitRange(n *ast.RangeStmt) {
	typ := l.pkg.TypesInfo.TypeOf(n.X)
	if typ == nil {
		return
	}
	switch typ.Underlying().(type) {
	case *types.Map:
		line := l.pkg.Fset.Position(n.Pos()).Line
		if !l.comments[line] && !l.comments[line-1] {
			l.complain(n, "ranges over a map: sort the keys, or say in a comment why their order cannot matter")
		}
	case *types.Chan:
		l.complain(n, "uses a channel")
	}
}

func commentLines(fset *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			lines[fset.Position(c.End()).Line] = true
		}
	}
	return lines
}
